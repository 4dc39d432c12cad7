//! The log rows and orders after a replay.

use roms::card::outcome::Receipt;
use roms::ingest::{ReplayError, ReplayFilter, ReplaySummary};
use roms::order::{Amount, Fields, Source};
use roms::store::LogEntry;
use serde_json::json;

use crate::support::app::soon;
use crate::support::pipeline::{Pipeline, edit, minute, rejected};

const CARD: &str = "Successful Checkout | Store\nOrder Number\nA-1\nPrice\n$5.00\nStatus\npending\n";

#[tokio::test]
async fn a_rejected_row_that_can_be_read_now_becomes_an_order() {
    let pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 3)]).await;

    let summary = pipeline.replay("rejected").await;

    assert_eq!(summary, ReplaySummary { total: 1, read: 1, created: 1, ..ReplaySummary::default() });
    let rows = pipeline.rows("webhook_logs").await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(
        (&row["outcome"], &row["code"], &row["error_message"]),
        (&json!("created"), &json!(null), &json!(null))
    );
    assert_eq!((&row["order_ids"], &row["payload"]), (&json!("[1]"), &json!(CARD)));
    assert!(row["flattened"].as_str().unwrap().contains("A-1"));
    let at = minute(3).to_rfc3339();
    assert_eq!((&row["sent_at"], &row["created_at"]), (&json!(at), &json!(at)));
    let order = pipeline.order("A-1").await;
    assert_eq!((order.newest, order.fields.order_date), (minute(3), Some(minute(3))));
    assert!(order.created_at > minute(3), "the row of the order is made now");
    let events = pipeline.history("A-1").await;
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((event.event_type.as_str(), event.log_id), ("created", Some(1)));
    assert_eq!((event.actor.as_deref(), event.source.as_str()), (Some("cli"), "webhook"));
    assert_eq!(event.created_at, order.created_at);
    pipeline.end().await;
}

#[tokio::test]
async fn a_replay_publishes_its_changes() {
    let mut pipeline = Pipeline::start().await;
    pipeline.log(vec![rejected(CARD, 3)]).await;
    pipeline.replay("rejected").await;
    assert!(pipeline.changes.try_recv().unwrap().created);
    pipeline.replay("all").await;
    assert!(pipeline.changes.try_recv().is_err());
    pipeline.end().await;
}

#[tokio::test]
async fn a_second_replay_changes_nothing() {
    let pipeline = Pipeline::start().await;
    let again = "Order Number\nA-1\nStatus\nshipped\n";
    pipeline.log(vec![rejected(CARD, 0), rejected("no card at all", 1), rejected(again, 2)]).await;
    let first = pipeline.replay("rejected").await;
    assert_eq!((first.read, first.created, first.updated, first.rejected), (3, 1, 1, 1));
    let stored = pipeline.everything().await;

    let rejected = pipeline.replay("rejected").await;
    assert_eq!((rejected.read, rejected.rejected), (1, 1));
    let all = pipeline.replay("all").await;
    assert_eq!((all.read, all.unchanged, all.rejected), (3, 2, 1));
    assert_eq!(pipeline.everything().await, stored, "nor does a row become less than it was");
    pipeline.end().await;
}

#[tokio::test]
async fn a_message_with_a_nul_byte_is_replayed_as_it_arrived() {
    let pipeline = Pipeline::start().await;
    pipeline.post(&CARD.replace("A-1", "A\0-1").replace("Store", "St\0ore"), 0).await;
    let stored = pipeline.everything().await;

    let summary = pipeline.replay("all").await;

    assert_eq!((summary.read, summary.unchanged), (1, 1));
    assert_eq!(pipeline.everything().await, stored);
    assert_eq!(pipeline.order("A-1").await.fields.store.as_deref(), Some("Store"));
    pipeline.end().await;
}

#[tokio::test]
async fn contradicting_cards_of_one_message_change_nothing_the_second_time() {
    let pipeline = Pipeline::start().await;
    let two = format!("{CARD}{}", CARD.replace("$5.00", "$7.00").replace("pending", "shipped"));
    let first = pipeline.post(&two, 0).await;
    let outcomes =
        |receipt: &Receipt| receipt.cards.iter().map(|card| card.outcome.as_str()).collect::<Vec<_>>();
    assert_eq!(outcomes(&first), ["created", "updated"]);
    assert_eq!(pipeline.history("A-1").await.len(), 2);
    let orders = pipeline.rows("orders").await;

    for minute in 1..3 {
        let again = pipeline.post(&two, minute).await;
        assert_eq!(outcomes(&again), ["duplicate", "duplicate"]);
    }
    assert_eq!(pipeline.replay("all").await.unchanged, 2);

    assert_eq!(pipeline.history("A-1").await.len(), 2);
    assert_eq!(pipeline.rows("orders").await, orders);
    // A later message with something new still adds an event.
    let other = format!("{CARD}{}", CARD.replace("$5.00", "$9.00").replace("pending", "shipped"));
    assert_eq!(outcomes(&pipeline.post(&other, 4).await), ["updated", "updated"]);
    assert_eq!(pipeline.order("A-1").await.fields.price.map(Amount::hundredths), Some(900));
    pipeline.end().await;
}

#[tokio::test]
async fn rows_are_replayed_or_skipped_by_their_outcome() {
    let pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    pipeline.post(CARD, 1).await;
    pipeline.post("Order Number\nA-1\nStatus\nshipped\n", 2).await;
    pipeline.post("Order Number\nA-1\nStatus\nshipped\n \n", 3).await;
    pipeline.post("Checkout Failed | Store\nProduct\nThing\nReason\nPayment declined\n", 4).await;
    pipeline.post("what is this?", 5).await;
    let torso =
        LogEntry { code: Some("too_large".to_owned()), ..rejected("Order Number\nT-1\nPrice\n$1", 6) };
    let cut_off =
        LogEntry { code: Some("incomplete".to_owned()), ..rejected("Order Number\nT-2\nPrice\n$1", 6) };
    let emptied = LogEntry { outcome: "created".to_owned(), ..rejected("", 7) };
    pipeline.log(vec![torso, cut_off, emptied]).await;
    let outcomes = async || {
        let rows = pipeline.rows("webhook_logs").await;
        let outcome =
            |row: &serde_json::Map<_, serde_json::Value>| row["outcome"].as_str().unwrap().to_owned();
        rows.iter().map(outcome).collect::<Vec<_>>()
    };
    let before = outcomes().await;
    assert_eq!(
        before,
        [
            "created",
            "duplicate",
            "updated",
            "unchanged",
            "ignored",
            "rejected",
            "rejected",
            "rejected",
            "created"
        ]
    );

    let summary = pipeline.replay("all").await;

    let expected = ReplaySummary {
        total: 7,
        read: 7,
        unchanged: 3,
        ignored: 1,
        rejected: 3,
        ..ReplaySummary::default()
    };
    assert_eq!(summary, expected);
    assert_eq!(outcomes().await, before);
    let rows = pipeline.rows("webhook_logs").await;
    assert_eq!((&rows[5]["payload"], &rows[5]["code"]), (&json!("what is this?"), &json!("not_an_order")));
    for (row, code) in [(6, "too_large"), (7, "incomplete")] {
        assert_eq!(
            (&rows[row]["code"], &rows[row]["error_message"]),
            (&json!(code), &json!("could not be read"))
        );
    }
    assert_eq!(pipeline.rows("orders").await.len(), 1);

    let one = async |id| soon(pipeline.ingest.replay_one(id, "discord:7")).await;
    assert!(matches!(one(2).await, Err(ReplayError::Duplicate)));
    assert!(matches!(one(9).await, Err(ReplayError::Empty)));
    assert!(one(10).await.unwrap().is_none());
    let receipt = one(6).await.unwrap().unwrap();
    assert_eq!((receipt.log_id, receipt.cards[0].outcome.as_str()), (Some(6), "rejected"));
    pipeline.end().await;
}

#[tokio::test]
async fn a_replay_stores_the_outcome_of_the_current_parser() {
    let pipeline = Pipeline::start().await;
    let failed = "Checkout Failed | Store\nProduct\nThing\nReason\nPayment declined\n";
    let as_order =
        LogEntry { outcome: "created".to_owned(), code: None, error_message: None, ..rejected("hello", 1) };
    pipeline.log(vec![rejected(failed, 0), as_order]).await;
    pipeline.replay("all").await;
    let rows = pipeline.rows("webhook_logs").await;
    assert_eq!((&rows[0]["outcome"], &rows[0]["code"]), (&json!("ignored"), &json!("failure")));
    assert!(rows[0]["error_message"].as_str().unwrap().contains("Payment declined"));
    assert_eq!((&rows[1]["outcome"], &rows[1]["code"]), (&json!("rejected"), &json!("not_an_order")));
    pipeline.end().await;
}

#[tokio::test]
async fn an_old_row_fills_what_is_empty_and_never_overwrites_newer_facts() {
    let pipeline = Pipeline::start().await;
    pipeline.post("Order Number\nA-1\nStatus\nshipped\n", 9).await;
    pipeline.log(vec![rejected(CARD, 3)]).await;
    let receipt = soon(pipeline.ingest.replay_one(2, "discord:7")).await.unwrap().unwrap();
    assert_eq!(receipt.cards[0].outcome.as_str(), "updated");
    let order = pipeline.order("A-1").await;
    assert_eq!(order.fields.status.unwrap().as_str(), "shipped");
    assert_eq!(order.fields.price.unwrap().to_string(), "5.00");
    assert_eq!((order.newest, order.fields.order_date), (minute(9), Some(minute(3))));
    let events = pipeline.history("A-1").await;
    assert_eq!((events[1].log_id, events[1].actor.as_deref()), (Some(2), Some("discord:7")));

    // An edit by a person is newer, too.
    pipeline.edit(edit(order.id, Fields { product: Some("By hand".to_owned()), ..Fields::default() })).await;
    pipeline.log(vec![rejected("Order Number\nA-1\nProduct\nBy card\n", 4)]).await;
    pipeline.replay("rejected").await;
    assert_eq!(pipeline.order("A-1").await.fields.product.as_deref(), Some("By hand"));
    pipeline.end().await;
}

#[tokio::test]
async fn many_rows_are_replayed_oldest_first_with_progress() {
    let pipeline = Pipeline::start().await;
    let row = |at: i64| rejected(&format!("Order Number\nA-{}\nNotes\nnote {at}\n", at % 7), at);
    pipeline.log((0..150).map(row).collect()).await;
    let mut steps = Vec::new();
    let filter = ReplayFilter::default();
    let summary =
        soon(pipeline.ingest.replay(&filter, false, "cli", |so_far| steps.push(so_far.read))).await.unwrap();
    assert_eq!(
        summary,
        ReplaySummary { total: 150, read: 150, created: 7, updated: 143, ..Default::default() }
    );
    assert_eq!((steps.first(), steps.last(), steps.is_sorted()), (Some(&64), Some(&150), true));
    assert_eq!(pipeline.order("A-1").await.fields.notes.as_deref(), Some("note 148"));
    let first = &pipeline.history("A-1").await[0];
    assert_eq!((first.event_type.as_str(), first.log_id), ("created", Some(2)));
    pipeline.end().await;
}

#[tokio::test]
async fn only_messages_that_arrived_since_then_are_replayed() {
    let pipeline = Pipeline::start().await;
    let row = |at: i64| rejected(&format!("Order Number\nA-{at}\n"), at);
    pipeline.log((0..4).map(row).collect()).await;
    let filter = ReplayFilter { outcome: None, since: Some(minute(2)) };
    let summary = soon(pipeline.ingest.replay(&filter, false, "cli", |_| ())).await.unwrap();
    assert_eq!((summary.total, summary.read, summary.created), (2, 2, 2));
    assert!(pipeline.store.order("A-1").await.unwrap().is_none());
    pipeline.end().await;
}

#[tokio::test]
async fn forms_are_unwrapped_again() {
    let pipeline = Pipeline::start().await;
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{\"content\":\"Order \
                     Number\\nA-1\"}\r\n--x--\r\n";
    let form = "payload_json=%7B%22content%22%3A%22Order+Number%5CnA-2%22%7D";
    pipeline.log(vec![rejected(multipart, 0), rejected(form, 1)]).await;
    assert_eq!(pipeline.replay("rejected").await.created, 2);
    assert_eq!(pipeline.rows("webhook_logs").await[0]["payload"], json!(multipart));
    pipeline.order("A-1").await;
    pipeline.order("A-2").await;
    pipeline.end().await;
}

#[tokio::test]
async fn a_discord_message_is_replayed_from_its_json() {
    let pipeline = Pipeline::start().await;
    let payload = json!({"id": "77", "content": "", "timestamp": minute(1), "edited_timestamp": minute(2), "embeds": [{
        "title": "Successful Checkout | Store", "fields": [{"name": "Order Number", "value": "||#A-1||"}]
    }]});
    let row = LogEntry {
        source: Source::DiscordBot.as_str().to_owned(),
        endpoint: "discord/1/2".to_owned(),
        message_id: Some(77),
        ..rejected(&payload.to_string(), 2)
    };
    pipeline.log(vec![row]).await;
    assert_eq!(pipeline.replay("rejected").await.created, 1);
    let order = pipeline.order("A-1").await;
    assert_eq!((order.source, order.newest), (Source::DiscordBot, minute(2)));
    let row = &pipeline.rows("webhook_logs").await[0];
    assert_eq!((&row["source_key"], &row["endpoint"]), (&json!("discord:77"), &json!("discord/1/2")));
    pipeline.end().await;
}
