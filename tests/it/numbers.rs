//! Orders whose Discord message states no order number at first.

use roms::card::outcome::Receipt;
use roms::order::{Fields, Order, Status};
use roms::store::{GroupBy, OrderFilter, PageStart, Period};

use crate::support::app::soon;
use crate::support::pipeline::{Pipeline, edit, rejected};

const SUCCESS: &str = "Successful Checkout | Store\nProduct\nThing\nPrice\n$5.00\n";
const MADE: &str = "DISCORD-7-1";

fn with_number(number: &str) -> String {
    format!("{SUCCESS}Order Number\n{number}\n")
}

fn outcomes(receipt: &Receipt) -> Vec<(&str, Option<&str>)> {
    receipt
        .cards
        .iter()
        .map(|card| (card.outcome.as_str(), card.order.as_ref().map(|(_, number)| number.as_str())))
        .collect()
}

async fn numbers(pipeline: &Pipeline) -> Vec<String> {
    let rows = pipeline.sql().await.rows("SELECT order_number FROM orders ORDER BY order_number").await;
    rows.iter().map(|row| row["order_number"].as_str().unwrap().to_owned()).collect()
}

/// The changes of the number in an order's history.
async fn number_changes(pipeline: &Pipeline, number: &str) -> Vec<(Option<String>, Option<String>)> {
    let history = pipeline.history(number).await;
    let changes = history.into_iter().flat_map(|event| event.changes);
    changes.filter(|change| change.field == "order_number").map(|change| (change.old, change.new)).collect()
}

fn taken(from: &str, to: &str) -> Vec<(Option<String>, Option<String>)> {
    vec![(Some(from.to_owned()), Some(to.to_owned()))]
}

fn status(order: &Order) -> Option<&str> {
    order.fields.status.map(Status::as_str)
}

/// Ends the pipeline after it has checked the database and its sums.
async fn end(pipeline: Pipeline) {
    pipeline.sql().await.assert_sound().await;
    pipeline.end().await;
}

#[tokio::test]
async fn only_a_new_order_from_discord_gets_a_number_made_from_its_message() {
    let pipeline = Pipeline::start().await;
    assert_eq!(outcomes(&pipeline.discord(7, SUCCESS, 0).await), [("created", Some(MADE))]);
    let hold = "Order On Hold | Store\nProduct\nThing\nPrice\n$5.00\n";
    assert_eq!(outcomes(&pipeline.discord(8, hold, 0).await), [("created", Some("DISCORD-8-1"))]);
    assert_eq!(status(&pipeline.order("DISCORD-8-1").await), Some("pending"));
    for (id, heading, outcome) in [
        (9, "Order Cancelled | Store", "rejected"),
        (10, "Order Shipped | Store", "rejected"),
        (11, "Checkout Failed | Store", "ignored"),
        (12, "", "rejected"),
    ] {
        let card = format!("{heading}\nProduct\nThing\nPrice\n$5.00\n");
        let receipt = pipeline.discord(id, &card, 0).await;
        assert_eq!(outcomes(&receipt), [(outcome, None)], "{heading}");
        if id == 9 {
            let reason = receipt.cards[0].outcome.reason().unwrap();
            assert_eq!(reason, "the card cancels an order but states no order number");
        }
    }
    let posted = pipeline.post(SUCCESS, 0).await;
    assert_eq!(posted.cards[0].outcome.code(), Some("missing_order_number"));
    assert_eq!(numbers(&pipeline).await, [MADE, "DISCORD-8-1"]);
    end(pipeline).await;
}

#[tokio::test]
async fn an_edit_that_states_the_number_gives_it_to_the_order() {
    let mut pipeline = Pipeline::start().await;
    pipeline.discord(7, SUCCESS, 0).await;
    let before = pipeline.order(MADE).await;
    assert_eq!(outcomes(&pipeline.discord(7, &with_number("A-1"), 1).await), [("updated", Some("A-1"))]);
    let order = pipeline.order("A-1").await;
    assert_eq!((order.id, numbers(&pipeline).await), (before.id, vec!["A-1".to_owned()]));
    assert_eq!(number_changes(&pipeline, "A-1").await, taken(MADE, "A-1"));
    assert_eq!(pipeline.history("A-1").await.len(), 2);
    assert!(order.updated_at > before.updated_at);

    // Both versions of the message lead to the order, and both numbers find it.
    let of_message = pipeline.store.orders_of_message(7).await.unwrap();
    assert_eq!(of_message, std::slice::from_ref(&order));
    assert_eq!(pipeline.order(MADE).await.id, order.id);
    assert!(pipeline.store.order("DISCORD-7-2").await.unwrap().is_none());
    for (text, found) in [("A-1", 1), ("ISCORD-7", 0)] {
        let filter = OrderFilter { search: Some(text.to_owned()), ..OrderFilter::default() };
        let page = pipeline.store.order_page(&filter, PageStart::Newest, 10).await.unwrap();
        assert_eq!(page.items.len(), found, "{text}");
    }
    assert!(pipeline.changes.try_recv().unwrap().created);
    let change = pipeline.changes.try_recv().unwrap();
    assert_eq!((change.created, change.order.number.as_str(), change.order.id), (false, "A-1", order.id));

    // A later edit, a copy from the history and a replay change no number.
    let shipped = format!("{}Status\nshipped\n", with_number("A-1"));
    assert_eq!(outcomes(&pipeline.discord(7, &shipped, 2).await), [("updated", Some("A-1"))]);
    assert_eq!(outcomes(&pipeline.discord(7, &shipped, 2).await), [("duplicate", None)]);
    assert_eq!(outcomes(&pipeline.discord(7, SUCCESS, 0).await), [("duplicate", None)]);
    let stored = pipeline.everything().await;
    for _ in 0..2 {
        let summary = pipeline.replay("all").await;
        assert_eq!((summary.unchanged, summary.read), (3, 3));
        assert_eq!(pipeline.everything().await, stored);
    }
    // The number is missing again: the message still has its order.
    let without = format!("{SUCCESS}Notes\nlast\n");
    assert_eq!(outcomes(&pipeline.discord(7, &without, 3).await), [("updated", Some("A-1"))]);
    assert_eq!(numbers(&pipeline).await, ["A-1"]);
    end(pipeline).await;
}

#[tokio::test]
async fn the_order_of_a_message_is_cancelled_by_an_edit_without_a_number() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(7, SUCCESS, 0).await;
    let failed = "Checkout Failed | Store\nProduct\nThing\nReason\nPayment declined\n";
    assert_eq!(outcomes(&pipeline.discord(7, failed, 1).await), [("updated", Some(MADE))]);
    let order = pipeline.order(MADE).await;
    assert_eq!((status(&order), &*order.extra["failure_reason"]), (Some("verified"), "Payment declined"));
    let cancelled = "Order Cancelled | Store\nProduct\nThing\nReason\nItem Demand\n";
    assert_eq!(outcomes(&pipeline.discord(7, cancelled, 2).await), [("updated", Some(MADE))]);
    let order = pipeline.order(MADE).await;
    assert_eq!(
        (status(&order), order.fields.cancel_reason.as_deref()),
        (Some("cancelled"), Some("Item Demand"))
    );
    assert_eq!(numbers(&pipeline).await, [MADE]);
    end(pipeline).await;
}

#[tokio::test]
async fn an_order_that_exists_under_the_number_becomes_one_with_the_order_of_the_message() {
    let pipeline = Pipeline::start().await;
    let facts = "Order Number\nA-1\nEmail\nme@example.com\nStatus\nprocessing\nTotal\n$5.00\n";
    pipeline.post(facts, 0).await;
    let existing = pipeline.order("A-1").await;
    pipeline.discord(7, &format!("{SUCCESS}Profile\nMain\n"), 1).await;
    let made = pipeline.order(MADE).await;
    pipeline.edit(edit(made.id, Fields { notes: Some("by hand".to_owned()), ..Fields::default() })).await;

    let edited = format!("{}Profile\nMain\n", with_number("A-1"));
    assert_eq!(outcomes(&pipeline.discord(7, &edited, 2).await), [("updated", Some("A-1"))]);

    assert_eq!(numbers(&pipeline).await, ["A-1"]);
    let order = pipeline.order("A-1").await;
    let fields = &order.fields;
    assert_eq!(
        (order.id, status(&order), fields.email.as_deref()),
        (existing.id, Some("processing"), Some("me@example.com"))
    );
    assert_eq!((fields.profile.as_deref(), fields.notes.as_deref()), (Some("Main"), Some("by hand")));
    assert_eq!(fields.product.as_deref(), Some("Thing"));
    assert_eq!(number_changes(&pipeline, "A-1").await, taken(MADE, "A-1"));
    // The history of both is kept, and all log rows name the one order.
    let history = pipeline.history("A-1").await;
    assert_eq!(history.iter().filter(|event| event.event_type == "created").count(), 2);
    assert!(history.iter().any(|event| event.actor.as_deref() == Some("discord:7")));
    for row in pipeline.rows("webhook_logs").await {
        assert_eq!(row["order_ids"], format!("[{}]", order.id));
    }
    assert_eq!(pipeline.store.orders_of_message(7).await.unwrap().len(), 1);
    assert_eq!(pipeline.order(MADE).await.id, order.id);
    for by in [GroupBy::Status, GroupBy::Store, GroupBy::Product, GroupBy::Profile] {
        let rows = pipeline.store.stats(&Period::default(), by).await.unwrap();
        let orders: u64 = rows.iter().map(|row| row.orders).sum();
        let spent: i64 = rows.iter().flat_map(|row| &row.spend).map(|spend| spend.hundredths).sum();
        assert_eq!((orders, spent), (1, 500), "{by:?}");
    }
    let stored = pipeline.everything().await;
    pipeline.replay("all").await;
    assert_eq!(pipeline.everything().await, stored);
    end(pipeline).await;
}

#[tokio::test]
async fn newer_facts_of_the_existing_order_win_over_those_of_the_message() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(7, &format!("{SUCCESS}Notes\nold\nProfile\nMain\n"), 0).await;
    pipeline.post("Order Number\nA-1\nStatus\ncancelled\nNotes\nnew\n", 5).await;
    pipeline.discord(7, &with_number("A-1"), 1).await;
    let order = pipeline.order("A-1").await;
    assert_eq!((status(&order), order.fields.notes.as_deref()), (Some("cancelled"), Some("new")));
    assert_eq!(order.fields.profile.as_deref(), Some("Main"));
    assert_eq!(numbers(&pipeline).await, ["A-1"]);
    end(pipeline).await;
}

#[tokio::test]
async fn each_card_of_a_message_keeps_its_own_order() {
    let pipeline = Pipeline::start().await;
    let two = |first: &str, second: &str| format!("{SUCCESS}{first}{SUCCESS}{second}");
    let receipt = pipeline.discord(7, &two("", ""), 0).await;
    assert_eq!(outcomes(&receipt), [("created", Some(MADE)), ("created", Some("DISCORD-7-2"))]);
    let second = "Order Number\nB-2\n";
    let receipt = pipeline.discord(7, &two("", second), 1).await;
    assert_eq!(outcomes(&receipt), [("unchanged", Some(MADE)), ("updated", Some("B-2"))]);
    let receipt = pipeline.discord(7, &two("Order Number\nA-1\n", second), 2).await;
    assert_eq!(outcomes(&receipt), [("updated", Some("A-1")), ("unchanged", Some("B-2"))]);
    assert_eq!(numbers(&pipeline).await, ["A-1", "B-2"]);
    let stored = pipeline.everything().await;
    pipeline.replay("all").await;
    assert_eq!(pipeline.everything().await, stored);
    // Another message is another order, whatever it says.
    let receipt = pipeline.discord(8, &two("", ""), 3).await;
    assert_eq!(outcomes(&receipt), [("created", Some("DISCORD-8-1")), ("created", Some("DISCORD-8-2"))]);
    end(pipeline).await;
}

#[tokio::test]
async fn both_versions_of_a_message_in_one_batch_are_one_order() {
    let pipeline = Pipeline::start().await;
    pipeline.post("Order Number\nB-1\n", 0).await;
    let mut lock = pipeline.sql().await;
    lock.lock().await;
    let first = pipeline.enqueue("Order Number\nC-1\n", 0).await;
    tokio::task::yield_now().await;
    let send = async |id, text: &str, at| {
        let message = crate::support::pipeline::discord_message(id, text, at);
        soon(pipeline.ingest.enqueue(message)).await.unwrap()
    };
    let waiting = [
        send(7, SUCCESS, 0).await,
        send(7, &with_number("A-1"), 1).await,
        send(7, SUCCESS, 2).await,
        send(8, SUCCESS, 0).await,
        send(8, &with_number("B-1"), 1).await,
    ];
    lock.unlock().await;
    soon(first.receipt()).await.unwrap();
    let mut orders = Vec::new();
    for pending in waiting {
        let receipt = soon(pending.receipt()).await.unwrap();
        orders.push(receipt.cards[0].order.clone().unwrap().1.to_string());
    }
    assert_eq!(orders, ["A-1", "A-1", "A-1", "B-1", "B-1"]);
    assert_eq!(numbers(&pipeline).await, ["A-1", "B-1", "C-1"]);
    assert_eq!(number_changes(&pipeline, "A-1").await, taken(MADE, "A-1"));
    assert_eq!(number_changes(&pipeline, "B-1").await, taken("DISCORD-8-1", "B-1"));
    end(pipeline).await;
}

#[tokio::test]
async fn a_replay_of_an_older_version_makes_no_second_order() {
    let pipeline = Pipeline::start().await;
    // A release that needed a number rejected the first version of the message and stored the second one.
    pipeline.discord(7, &with_number("A-1"), 1).await;
    let message = crate::support::pipeline::discord_message(7, SUCCESS, 0);
    let row = roms::store::LogEntry {
        source: message.source.as_str().to_owned(),
        endpoint: message.endpoint.clone(),
        message_id: Some(7),
        ..rejected(&message.raw, 0)
    };
    pipeline.log(vec![row]).await;
    let dry =
        pipeline.ingest.replay(&roms::ingest::ReplayFilter::default(), true, "cli", |_| ()).await.unwrap();
    let summary = pipeline.replay("all").await;
    assert_eq!((summary.created, summary.unchanged), (0, 2));
    assert_eq!(dry, summary);
    assert_eq!(numbers(&pipeline).await, ["A-1"]);
    assert_eq!(pipeline.rows("webhook_logs").await[1]["outcome"], "unchanged");
    end(pipeline).await;
}

#[tokio::test]
async fn a_replay_joins_the_two_orders_that_an_older_release_made_of_one_message() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(7, SUCCESS, 0).await;
    let made = pipeline.order(MADE).await;
    pipeline.discord(7, &with_number("A-1"), 1).await;
    // The older release left the first order as it was.
    let mut sql = pipeline.sql().await;
    sql.run("UPDATE orders SET order_number = 'DISCORD-7-1'").await;
    sql.run("UPDATE order_events SET changes = '[]' WHERE event_type = 'updated'").await;
    pipeline.post(&with_number("A-1"), 1).await;
    let replayed = async |dry_run| {
        let filter = roms::ingest::ReplayFilter::default();
        soon(pipeline.ingest.replay(&filter, dry_run, "cli", |_| ())).await.unwrap()
    };
    let dry = replayed(true).await;
    assert_eq!(numbers(&pipeline).await, ["A-1", MADE]);
    assert_eq!(replayed(false).await, dry);
    assert_eq!(numbers(&pipeline).await, ["A-1"]);
    assert_eq!(number_changes(&pipeline, "A-1").await, taken(MADE, "A-1"));
    assert_ne!(pipeline.order("A-1").await.id, made.id);
    end(pipeline).await;
}
