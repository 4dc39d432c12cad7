//! Money survives the database to the cent.

use std::cell::Cell;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use roms::order::Amount;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::support::app::App;

/// Amounts of every magnitude, including the limits.
fn amounts() -> impl Strategy<Value = Vec<i64>> {
    let any = (0..=14_u32).prop_flat_map(|digits| 0..=(10_i64.pow(digits) - 1).min(Amount::MAX_HUNDREDTHS));
    let edges =
        Just(vec![0, 1, 29, 99, 100, 101, 29_999, Amount::MAX_HUNDREDTHS - 1, Amount::MAX_HUNDREDTHS]);
    (edges, vec(any, 500)).prop_map(|(edges, any)| [edges, any].concat())
}

#[test]
fn every_amount_comes_back_to_the_cent() {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(App::start());
    let rounds = Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 4, failure_persistence: None, ..Config::default() });
    let result = runner.run(&amounts(), |amounts| {
        rounds.set(rounds.get() + 1);
        runtime.block_on(round_trip(&app, rounds.get(), &amounts));
        Ok(())
    });
    result.unwrap();
}

async fn round_trip(app: &App, round: usize, amounts: &[i64]) {
    let text = |hundredths: i64| format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let body: Vec<_> = amounts
        .iter()
        .enumerate()
        .map(|(at, amount)| json!({"order_number": format!("R{round}-{at}"), "price": text(*amount)}))
        .collect();
    app.stored(&[&json!(body).to_string()]).await;

    // A second unit makes ROMS calculate the total from the price that it reads back.
    let doubled: Vec<_> = (0..amounts.len())
        .map(|at| json!({"order_number": format!("R{round}-{at}"), "quantity": 2}))
        .collect();
    app.stored(&[&json!(doubled).to_string()]).await;

    let mut sql = app.sql().await;
    let shown = sql.either("printf('%.2f', price)", "to_char(price, 'FM999999999990.00')");
    let rows = sql
        .values(&format!(
            "SELECT price, {shown}, total FROM orders WHERE order_number LIKE 'R{round}-%' ORDER BY id"
        ))
        .await;
    assert_eq!(rows.len(), amounts.len());
    for (row, amount) in rows.iter().zip(amounts) {
        let written = text(*amount);
        assert_eq!(row[0], written.parse::<f64>().unwrap(), "by hand");
        assert_eq!(row[1], written, "by hand, to the cent");
        match Amount::from_hundredths(amount * 2) {
            Some(total) => assert_eq!(row[2], total.to_string().parse::<f64>().unwrap(), "twice {written}"),
            None => assert_eq!(row[2], row[0], "twice {written} is too much, so that the total stays"),
        }
    }
    let newest = app.get("/api/v2/orders?page_size=200").await;
    let expected = amounts.iter().rev().take(200).map(|amount| text(*amount));
    for (order, written) in newest.json["orders"].as_array().unwrap().iter().zip(expected) {
        assert_eq!(format!("{:.2}", order["price"].as_f64().unwrap()), written, "on the wire");
    }
}
