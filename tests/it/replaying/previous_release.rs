//! A database that an older release wrote is migrated, and a replay mends what that release read wrong.

use std::collections::BTreeMap;

use roms::card::message::Message;
use roms::feed::Feed;
use roms::ingest::{Ingest, NO_ORDER_IN_CARD, ReplayFilter};
use roms::order::{Fields, Order, Status};
use roms::store::{OrderFilter, PageStart, Store};
use tokio::task::JoinHandle;

use crate::support::app::{ORDERS, soon};
use crate::support::home::Home;
use crate::support::pipeline::edit;

const DUMP: &str = include_str!("../../fixtures/previous_release.sql");
/// A failed checkout that the older release stored as an order.
const FALSE_ORDER: &str = "200012345678901";

/// The older database: with its own tables on SQLite, and in migrated tables on PostgreSQL.
async fn previous_release() -> Home {
    let home = Home::new();
    if home.is_postgres() {
        Store::open(&home.url()).await.unwrap().close().await.unwrap();
        let mut sql = home.sql().await;
        let mut statements = DUMP.split_inclusive(";\n").map(str::trim_start);
        let rows: String = statements
            .by_ref()
            .filter(|sql| {
                ["orders ", "webhook_logs ", "order_events "]
                    .iter()
                    .any(|table| sql.starts_with(&format!("INSERT INTO {table}")))
            })
            .collect();
        sql.run(&rows).await;
        for table in ["orders", "webhook_logs", "order_events"] {
            let sequence = format!(
                "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
            );
            sql.run(&sequence).await;
        }
        // The totals are counted again at the next start.
        sql.run("DELETE FROM derived_tables").await;
    } else {
        home.sql().await.run(DUMP).await;
    }
    home
}

async fn open(home: &Home) -> (Store, Ingest, JoinHandle<()>) {
    let store = Store::open(&home.url()).await.unwrap();
    let (ingest, writer) = Ingest::start(store.clone(), Feed::new(1), home.config("").orders);
    (store, ingest, writer)
}

async fn close((store, ingest, writer): (Store, Ingest, JoinHandle<()>)) {
    ingest.close();
    soon(writer).await.unwrap();
    store.close().await.unwrap();
}

/// All orders by number, without what differs between two databases.
async fn orders(store: &Store) -> BTreeMap<String, Order> {
    let page = store.order_page(&OrderFilter::default(), PageStart::Newest, 100).await.unwrap();
    let comparable =
        |order: Order| Order { id: 0, created_at: order.newest, updated_at: order.newest, ..order };
    page.items.into_iter().map(|order| (order.number.to_string(), comparable(order))).collect()
}

/// The orders that the current release reads from the same messages.
async fn read_anew(home: &Home) -> BTreeMap<String, Order> {
    let empty = Home::new();
    let (store, ingest, writer) = open(&empty).await;
    let rows = home.sql().await.rows("SELECT payload, created_at FROM webhook_logs ORDER BY id").await;
    for row in rows {
        let at = row["created_at"].as_str().unwrap().parse().unwrap();
        let message = Message::from_payload(row["payload"].as_str().unwrap(), ORDERS, at);
        soon(ingest.submit(message)).await.unwrap();
    }
    let orders = orders(&store).await;
    close((store, ingest, writer)).await;
    orders
}

#[tokio::test]
async fn a_replay_makes_the_orders_of_an_older_release_what_their_cards_say() {
    let home = previous_release().await;
    let (store, ingest, writer) = open(&home).await;
    let run =
        async |dry_run| soon(ingest.replay(&ReplayFilter::default(), dry_run, "cli", |_| ())).await.unwrap();
    let before = orders(&store).await;
    let dry = run(true).await;
    assert_eq!(orders(&store).await, before);
    let summary = run(false).await;
    assert_eq!(dry, summary);
    let cancelled: Vec<_> = summary.cancelled.iter().map(roms::order::OrderNumber::as_str).collect();
    assert_eq!(cancelled, [FALSE_ORDER]);

    let mut mended = orders(&store).await;
    let false_order = mended.remove(FALSE_ORDER).expect("its history stays");
    assert_eq!(false_order.fields.status, Some(Status::Cancelled));
    assert_eq!(false_order.fields.cancel_reason.as_deref(), Some(NO_ORDER_IN_CARD));
    let events = store.events(store.order(FALSE_ORDER).await.unwrap().unwrap().id, 0, 10).await.unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!((events[1].actor.as_deref(), events[1].log_id), (Some("cli"), None));
    let rows = home
        .sql()
        .await
        .rows("SELECT outcome, code, order_ids FROM webhook_logs WHERE payload LIKE '%200012345678901%'")
        .await;
    assert_eq!(
        (&rows[0]["outcome"], &rows[0]["code"], &rows[0]["order_ids"]),
        (&"ignored".into(), &"failure".into(), &"[]".into())
    );

    let cancelled = &mended["902000000111111"].fields;
    assert_eq!(
        (cancelled.status, cancelled.cancel_reason.as_deref()),
        (Some(Status::Cancelled), Some("Item Demand"))
    );
    assert_eq!(cancelled.notes.as_deref(), Some("refund expected"), "a newer card without a status stays");
    let anew = read_anew(&home).await;
    for (number, order) in &anew {
        assert_eq!(mended.get(number), Some(order), "{number}");
    }
    assert_eq!(mended.len(), anew.len());

    let again = run(false).await;
    assert_eq!((again.created, again.updated, again.cancelled.len()), (0, 0, 0));
    home.sql().await.assert_sound().await;
    close((store, ingest, writer)).await;
}

#[tokio::test]
async fn a_false_order_that_a_person_edited_is_kept() {
    let home = previous_release().await;
    let (store, ingest, writer) = open(&home).await;
    let order = store.order(FALSE_ORDER).await.unwrap().unwrap();
    let notes = Fields { notes: Some("paid by hand".to_owned()), ..Fields::default() };
    soon(ingest.edit(edit(order.id, notes))).await.unwrap();
    let summary = soon(ingest.replay(&ReplayFilter::default(), false, "cli", |_| ())).await.unwrap();
    assert_eq!(summary.cancelled, []);
    let order = store.order(FALSE_ORDER).await.unwrap().unwrap();
    assert_eq!((order.fields.status, order.fields.notes.as_deref()), (None, Some("paid by hand")));
    close((store, ingest, writer)).await;
}
