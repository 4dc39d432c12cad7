//! Old messages are emptied; what became of them stays.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use reqwest::Client;
use roms::store::Store;
use serde_json::{Value, json};

use crate::support::{
    app::{App, ORDERS, soon},
    home::Home,
    program::Program,
};

fn card(number: &str) -> String {
    format!("Successful Checkout | Store\nProduct\nThing\nOrder Number\n{number}\nEmail\na@b.example\n")
}

fn days_ago(days: i64) -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6) - TimeDelta::days(days)
}

#[tokio::test]
async fn messages_older_than_ninety_days_are_emptied_and_say_so() {
    let app = App::start().await;
    app.stored(&[&card("OLD"), &card("YOUNG"), "Order Number\nOLD\nStatus\nshipped\n"]).await;
    assert_eq!(app.post("no card at all").await.status, 400);
    let mut sql = app.sql().await;
    for (id, days) in [(1, 91), (2, 89), (3, 91), (4, 91)] {
        let at = days_ago(days).to_rfc3339();
        sql.run(&format!("UPDATE webhook_logs SET created_at = '{at}' WHERE id = {id}")).await;
    }
    let facts = "SELECT * FROM orders; SELECT * FROM order_events".split("; ");
    let mut before = Vec::new();
    for table in facts.clone() {
        before.push(sql.rows(table).await);
    }
    drop(sql);
    let mut program = Program::start_in(app.stop().await).await;
    program.line_with("deleted the text of messages older than 90 days messages=3").await;

    let mut sql = program.sql().await;
    let left = sql.values("SELECT id, payload, flattened FROM webhook_logs WHERE payload <> ''").await;
    assert_eq!(left.len(), 1);
    assert_eq!((&left[0][0], &left[0][1]), (&json!(2), &json!(card("YOUNG"))));
    assert_ne!(left[0][2], "");
    let flattened = sql.values("SELECT id FROM webhook_logs WHERE flattened <> ''").await;
    assert_eq!(json!(flattened), json!([[2]]));
    for (table, before) in facts.zip(before) {
        assert_eq!(sql.rows(table).await, before);
    }
    let kept = sql.values("SELECT outcome, code, order_ids FROM webhook_logs ORDER BY id").await;
    assert_eq!(
        json!(kept),
        json!([
            ["created", null, "[1]"],
            ["created", null, "[2]"],
            ["updated", null, "[1]"],
            ["rejected", "not_an_order", "[]"]
        ])
    );

    let client = Client::builder().no_proxy().build().unwrap();
    let get = async |path: &str| -> Value {
        client.get(format!("{}{path}", program.url)).send().await.unwrap().json().await.unwrap()
    };
    let row = get("/api/v2/webhooks/logs/1").await;
    assert_eq!(
        (&row["payload"], &row["flattened"], &row["outcome"]),
        (&json!(""), &json!(""), &json!("created"))
    );
    let emptied_at: DateTime<Utc> = row["emptied_at"].as_str().unwrap().parse().unwrap();
    assert!(Utc::now() - emptied_at < TimeDelta::minutes(5), "{emptied_at}");
    assert_eq!(get("/api/v2/webhooks/logs/2").await["emptied_at"], Value::Null);
    let list = get("/api/v2/webhooks/logs").await;
    assert_eq!((&list["total"], &list["logs"][3]["payload_preview"]), (&json!(4), &json!("")));

    // The same message again is still known.
    let again = client.post(format!("{}{ORDERS}", program.url)).body(card("YOUNG")).send().await.unwrap();
    assert_eq!(again.json::<Value>().await.unwrap()["outcome"], "unchanged");
}

#[tokio::test]
async fn a_turn_takes_no_more_than_asked_for_and_the_oldest_first() {
    let home = Home::new();
    let store = Store::open(&home.url()).await.unwrap();
    let mut sql = home.sql().await;
    for (n, days) in (1..=7).zip([100, 300, 200, 10, 91, 400, 95]) {
        let at = days_ago(days).to_rfc3339();
        sql.run(&format!(
            "INSERT INTO webhook_logs (id, source, endpoint, outcome, warnings, order_ids, payload, flattened, sent_at, \
             created_at) VALUES ({n}, 'webhook', '/', 'ignored', '[]', '[]', 'x', 'x', '{at}', '{at}')"
        ))
        .await;
    }
    let mut whole =
        async || json!(sql.values("SELECT id FROM webhook_logs WHERE payload = 'x' ORDER BY id").await);
    let empty = async || store.empty_old_messages(days_ago(90), Utc::now(), 3).await.unwrap();
    assert_eq!((empty().await, whole().await), (3, json!([[1], [4], [5], [7]])));
    assert_eq!((empty().await, whole().await), (3, json!([[4]])));
    assert_eq!((empty().await, whole().await), (0, json!([[4]])));
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_large_backlog_is_emptied_while_orders_arrive() {
    let home = Home::new();
    Store::open(&home.url()).await.unwrap().close().await.unwrap();
    let mut sql = home.sql().await;
    let at = days_ago(100).to_rfc3339();
    let at = format!("{}'{at}'", sql.either("", "timestamptz "));
    let noise = sql.either(
        "hex(randomblob(1000))",
        "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 60) WHERE i > 0)",
    );
    sql.run(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2600) \
         INSERT INTO webhook_logs (source, endpoint, outcome, warnings, order_ids, payload, flattened, sent_at, created_at) \
         SELECT 'webhook', '/', 'ignored', '[]', '[]', {noise}, {noise}, {at}, {at} FROM n"
    ))
    .await;
    drop(sql);
    let program = Program::start_in(home).await;
    let client = Client::builder().no_proxy().build().unwrap();
    let mut sql = program.sql().await;
    let mut posted = 0;
    while sql.count("webhook_logs WHERE emptied_at IS NULL AND outcome = 'ignored'").await > 0 {
        posted += 1;
        let post = client.post(format!("{}{ORDERS}", program.url)).body(card(&format!("A-{posted}")));
        assert_eq!(soon(post.send()).await.unwrap().status(), 200);
        assert!(posted < 10_000, "not all is emptied");
    }
    assert!(posted > 1, "orders are taken between the turns");
    assert_eq!(program.sql().await.count("webhook_logs WHERE payload <> ''").await, posted);
}
