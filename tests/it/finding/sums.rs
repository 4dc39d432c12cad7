//! Sums by day, store, status, profile, owner and product.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use iso_currency::Currency;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use roms::order::dates::day_of;
use roms::order::{Amount, Fields, Order, OrderItem, Status};
use roms::store::{GroupBy, Period, Spend, StatRow, Store};
use tokio::runtime::Runtime;

use super::shelf::{Shelf, amount, order, some, time, with};

const ALL: [GroupBy; 7] = [
    GroupBy::Day,
    GroupBy::Store,
    GroupBy::Status,
    GroupBy::Profile,
    GroupBy::Owner,
    GroupBy::Product,
    GroupBy::Reason,
];

fn date(text: &str) -> Option<NaiveDate> {
    text.parse().ok()
}

/// The sums, calculated by reading every order.
fn recount(orders: &[Order], zone: Tz, period: Period, by: GroupBy) -> Vec<StatRow> {
    let mut rows = BTreeMap::<Option<String>, (StatRow, BTreeMap<String, Spend>)>::new();
    for order in orders {
        let Fields { status, store, profile, product, currency, total, quantity, cancel_reason, .. } =
            order.fields.clone();
        let day = day_of(order.fields.order_date.unwrap_or(order.created_at), zone);
        if period.from.is_some_and(|from| day < from) || period.to.is_some_and(|to| day > to) {
            continue;
        }
        let key = match by {
            GroupBy::Day => Some(day.to_string()),
            GroupBy::Store => store,
            GroupBy::Status => status.map(|status| status.to_string()),
            GroupBy::Profile => profile,
            GroupBy::Owner => order.fields.owner_id.clone(),
            GroupBy::Product => product,
            GroupBy::Reason if status != Some(Status::Cancelled) => continue,
            GroupBy::Reason => cancel_reason,
        };
        let mut counted = vec![(key, quantity.unwrap_or(0), total)];
        if by == GroupBy::Product && order.items.len() > 1 {
            let mut products = BTreeMap::<Option<String>, (u32, Option<Amount>)>::new();
            for item in &order.items {
                let (units, total) = products.entry(item.product.clone()).or_default();
                *units += item.quantity.unwrap();
                *total = total.map_or(item.line_total, |sum| sum.plus(item.line_total.unwrap_or_default()));
            }
            counted = products.into_iter().map(|(name, (units, total))| (name, units, total)).collect();
        }
        for (key, quantity, total) in counted {
            let empty = StatRow {
                key: key.clone(),
                orders: 0,
                cancelled_or_refunded: 0,
                units: 0,
                spend: Vec::new(),
            };
            let (row, spend) = rows.entry(key).or_insert((empty, BTreeMap::new()));
            row.orders += 1;
            if status.is_some_and(Status::is_cancelled_or_refunded) {
                row.cancelled_or_refunded += 1;
                continue;
            }
            row.units += u64::from(quantity);
            if let Some(total) = total {
                let code = currency.map(|currency| currency.code().to_owned()).unwrap_or_default();
                let sum = spend.entry(code).or_insert(Spend { currency, hundredths: 0, orders: 0 });
                sum.hundredths += total.hundredths();
                sum.orders += 1;
            }
        }
    }
    let mut rows: Vec<StatRow> = rows
        .into_values()
        .map(|(row, spend)| StatRow { spend: spend.into_values().collect(), ..row })
        .collect();
    if by != GroupBy::Day {
        rows.sort_by(|a, b| b.orders.cmp(&a.orders).then_with(|| a.key.cmp(&b.key)));
    }
    rows
}

async fn hold(store: &Store, orders: &[Order], zone: Tz) {
    let periods = [
        Period::default(),
        Period { from: date("2026-01-10"), to: date("2026-01-12") },
        Period { from: date("2026-01-12"), to: None },
        Period { from: None, to: date("2026-01-10") },
    ];
    for period in periods {
        for by in ALL {
            let sums = store.stats(&period, by).await.unwrap();
            assert_eq!(sums, recount(orders, zone, period, by), "{period:?} {by:?}");
        }
    }
}

#[tokio::test]
async fn orders_units_and_spend_are_summed_exactly() {
    let shelf = Shelf::new().await;
    let orders = [
        with(order("A"), |fields| {
            (fields.store, fields.quantity) = (some("Best Buy US"), Some(2));
            (fields.total, fields.currency) = (amount(10_001), Some(Currency::USD));
        }),
        with(order("B"), |fields| {
            (fields.store, fields.quantity) = (some("Best Buy US"), Some(1));
            (fields.total, fields.currency) = (amount(2_002), Some(Currency::CAD));
        }),
        with(order("C"), |fields| {
            (fields.store, fields.quantity, fields.status) =
                (some("Best Buy US"), Some(7), Some(Status::Cancelled));
            (fields.total, fields.currency) = (amount(99_999_999_999_999), Some(Currency::USD));
        }),
        with(order("D"), |fields| (fields.store, fields.quantity) = (some("Best Buy US"), Some(1))),
        order("E"),
    ];
    shelf.put(&orders).await;
    let day = Period { from: date("2026-01-31"), to: date("2026-01-31") };
    let sums = shelf.store.stats(&day, GroupBy::Store).await.unwrap();
    let spend = |currency, hundredths| Spend { currency: Some(currency), hundredths, orders: 1 };
    let best_buy = StatRow {
        key: some("Best Buy US"),
        orders: 4,
        cancelled_or_refunded: 1,
        units: 4,
        spend: vec![spend(Currency::CAD, 2_002), spend(Currency::USD, 10_001)],
    };
    let unsaid = StatRow { key: None, orders: 1, cancelled_or_refunded: 0, units: 0, spend: Vec::new() };
    assert_eq!(sums, [best_buy, unsaid]);
}

/// The items of an order. Their number stays, because items are never removed.
fn items() -> impl Strategy<Value = Vec<OrderItem>> {
    let item = (prop::sample::select(vec![None, Some("Mug"), Some("Bowl")]), 1..=3_u32, 0..=99_999_i64);
    let item = item.prop_map(|(product, quantity, total)| OrderItem {
        product: product.map(str::to_owned),
        quantity: Some(quantity),
        line_total: amount(total).filter(|_| total % 3 > 0),
        ..OrderItem::default()
    });
    prop::collection::vec(item, 3)
}

/// A change of an order at a time.
fn step() -> impl Strategy<Value = (u8, Fields, Vec<OrderItem>)> {
    let names = |names: [Option<&'static str>; 3]| {
        prop::sample::select(names.to_vec()).prop_map(|name| name.map(str::to_owned))
    };
    let fields = (
        names([None, Some("Best Buy US"), Some("Target")]),
        names([None, Some("Main"), Some("Spare")]),
        names([None, Some("Mug"), Some("Lamp")]),
        prop::option::of(prop::sample::select(Status::ALL.to_vec())),
        prop::option::of(prop::sample::select(vec![Currency::USD, Currency::EUR])),
        prop::option::of(0..=99_999_999_999_999_i64),
        prop::option::of(1..=3_u32),
        prop::option::of(0..6_i64),
    );
    let made =
        fields.prop_map(|(store, profile, product, status, currency, total, quantity, halves)| Fields {
            store,
            owner_id: profile.as_ref().map(|profile| format!("1{}", profile.len())),
            profile,
            product,
            status,
            currency,
            total: total.and_then(amount),
            quantity,
            // Moments around midnight in several zones.
            order_date: halves
                .map(|halves| time("2026-01-10T00:00:00Z") + chrono::TimeDelta::hours(12 * halves - 1)),
            ..Fields::default()
        });
    (0..6_u8, made, items())
}

#[test]
fn after_any_changes_the_sums_equal_a_recount() {
    let runtime = Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let batches = prop::collection::vec(prop::collection::vec(step(), 1..6), 1..8);
    let result = runner.run(&batches, |batches| {
        runtime.block_on(async {
            let zone = "America/New_York";
            let toml = format!("[orders]\ntimezone = \"{zone}\"");
            let shelf = Shelf::with(&toml).await;
            let mut orders = BTreeMap::new();
            for batch in batches {
                // Of several changes of an order in a batch, the last is written.
                let changed: BTreeMap<u8, Order> = batch
                    .into_iter()
                    .map(|(n, fields, items)| {
                        let items = if n % 2 == 0 { items } else { Vec::new() };
                        (n, Order { fields, items, ..order(&format!("P-{n}")) })
                    })
                    .collect();
                shelf.put(&changed.values().cloned().collect::<Vec<_>>()).await;
                orders.extend(changed);
                let now: Vec<Order> = orders.values().cloned().collect();
                hold(&shelf.store, &now, zone.parse().unwrap()).await;
            }
            let all: Vec<Order> = orders.into_values().collect();
            // Made anew for another zone, and by counting.
            let shelf = shelf.again("[orders]\ntimezone = \"Asia/Tokyo\"").await;
            hold(&shelf.store, &all, Tz::Asia__Tokyo).await;
            shelf.sql().await.run("DELETE FROM derived_tables").await;
            let shelf = shelf.again("[orders]\ntimezone = \"Asia/Tokyo\"").await;
            hold(&shelf.store, &all, Tz::Asia__Tokyo).await;
            // Made by a release that did not count owners.
            let mut sql = shelf.sql().await;
            sql.run("DELETE FROM order_sums WHERE kind = 'owner'").await;
            sql.run("UPDATE derived_tables SET made_for = 'Asia/Tokyo' WHERE name = 'order_sums'").await;
            drop(sql);
            let shelf = shelf.again("[orders]\ntimezone = \"Asia/Tokyo\"").await;
            hold(&shelf.store, &all, Tz::Asia__Tokyo).await;
            assert_eq!(shelf.sql().await.value("SELECT count(*) FROM order_sums WHERE orders <= 0").await, 0);
        });
        Ok(())
    });
    result.unwrap();
}

#[tokio::test]
async fn an_order_that_is_written_without_having_been_read_counts_once() {
    let shelf = Shelf::new().await;
    let save = async |order: &Order| {
        let mut batch = shelf.store.begin().await.unwrap();
        batch.save_orders(&[order]).await.unwrap();
        batch.save_orders(&[order]).await.unwrap();
        batch.commit().await.unwrap();
    };
    let first = with(order("A"), |fields| fields.status = Some(Status::Verified));
    save(&first).await;
    let then = with(order("A"), |fields| fields.status = Some(Status::Shipped));
    save(&then).await;
    hold(&shelf.store, &[then], Tz::UTC).await;
}

#[tokio::test]
async fn uncommitted_orders_are_not_counted() {
    let shelf = Shelf::new().await;
    let mut batch = shelf.store.begin().await.unwrap();
    batch.save_orders(&[&order("A")]).await.unwrap();
    drop(batch);
    hold(&shelf.store, &[], Tz::UTC).await;
}

#[tokio::test]
async fn the_time_zone_stays_unless_another_is_configured() {
    let shelf = Shelf::with("[orders]\ntimezone = \"Asia/Tokyo\"").await;
    let late = with(order("A"), |fields| fields.order_date = Some(time("2026-01-10T20:00:00Z")));
    shelf.put(&[late]).await;
    let stays = shelf.open_by_default().await;
    let days = stays.stats(&Period::default(), GroupBy::Day).await.unwrap();
    assert_eq!(days[0].key.as_deref(), Some("2026-01-11"));
    stays.close().await.unwrap();
}
