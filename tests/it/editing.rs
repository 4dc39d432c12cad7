//! Edits by people go through the pipeline: what is stored, published and answered.

use chrono::{TimeDelta, Utc};
use roms::ingest::{Edit, EditError, Guard};
use roms::order::{Amount, Fields, Status};
use serde_json::json;

use crate::support::app::{App, soon};
use crate::support::pipeline::{Pipeline, edit, minute};

const CARD: &str = "Successful Checkout | Store\nOrder Number\nA-1\nPrice\n$5.00\n";

fn status(status: Status) -> Fields {
    Fields { status: Some(status), ..Fields::default() }
}

fn notes(text: &str) -> Fields {
    Fields { notes: Some(text.to_owned()), ..Fields::default() }
}

#[tokio::test]
async fn an_edit_is_stored_and_published_and_its_event_names_the_actor() {
    let mut pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    let before = pipeline.order("A-1").await;
    assert!(pipeline.changes.try_recv().unwrap().created);

    let done = pipeline.edit(edit(before.id, status(Status::Cancelled))).await;

    assert_eq!(done.before, before);
    assert_eq!(done.after, pipeline.order("A-1").await);
    assert_eq!(done.after.fields.status, Some(Status::Cancelled));
    let changes: Vec<_> = done.changes.iter().map(|c| (c.field.as_str(), c.new.as_deref())).collect();
    assert_eq!(changes, [("status", Some("cancelled"))]);
    let events = pipeline.history("A-1").await;
    let [created, edited] = &events[..] else { panic!("{events:?}") };
    assert_eq!((created.actor.as_deref(), created.log_id), (None, Some(1)));
    assert_eq!((edited.actor.as_deref(), edited.log_id), (Some("discord:7"), None));
    assert_eq!((edited.event_type.as_str(), edited.source.as_str()), ("updated", "discord_bot"));
    assert_eq!(edited.changes, done.changes);
    let told = pipeline.changes.try_recv().unwrap();
    assert!(!told.created);
    assert_eq!(*told.order, done.after);
    assert_eq!(pipeline.rows("webhook_logs").await.len(), 1);
    pipeline.end().await;
}

#[tokio::test]
async fn the_history_over_http_names_the_actor() {
    let app = App::start().await;
    app.stored(&["Order Number\nA-1\n"]).await;
    let mut sql = app.sql().await;
    sql.run("UPDATE order_events SET actor = 'discord:7'").await;
    app.stored(&["Order Number\nA-1\nPrice\n$5.00\n"]).await;
    let events = app.get("/api/v2/orders/A-1/events").await.json;
    assert_eq!(events["events"][0]["actor"], "discord:7");
    assert_eq!(events["events"][1]["actor"], json!(null));
}

#[tokio::test]
async fn an_edit_that_changes_nothing_adds_no_event() {
    let pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    let before = pipeline.everything().await;
    let done = pipeline.edit(edit(1, status(Status::Verified))).await;
    assert_eq!((done.changes.len(), &done.before), (0, &done.after));
    assert_eq!(pipeline.everything().await, before);
    pipeline.end().await;
}

#[tokio::test]
async fn an_edit_of_an_unknown_or_changed_order_is_refused() {
    let pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    let refused = async |edit: Edit| soon(pipeline.ingest.edit(edit)).await.unwrap_err();
    for none in [0, 2, -1] {
        assert_eq!(refused(edit(none, notes("x"))).await, EditError::NotFound);
    }
    let order = pipeline.order("A-1").await;
    let guarded =
        |status, since| Edit { guard: Some(Guard::Status { status, since }), ..edit(1, notes("x")) };
    assert_eq!(refused(guarded(Status::Shipped, order.newest)).await, EditError::Changed);
    let earlier = order.newest - TimeDelta::microseconds(1);
    assert_eq!(refused(guarded(Status::Verified, earlier)).await, EditError::Changed);
    assert_eq!(pipeline.history("A-1").await.len(), 1);
    let done = pipeline.edit(guarded(Status::Verified, order.newest)).await;
    assert_eq!(done.after.fields.notes.as_deref(), Some("x"));
    pipeline.end().await;
}

#[tokio::test]
async fn a_cancellation_can_be_undone_until_something_newer_arrives() {
    let pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    let cancelled = pipeline.edit(edit(1, status(Status::Cancelled))).await.after;
    let guard = Some(Guard::Status { status: Status::Cancelled, since: cancelled.newest });
    let undo = || Edit { guard, ..edit(1, status(Status::Verified)) };
    let done = pipeline.edit(undo()).await;
    assert_eq!(done.after.fields.status, Some(Status::Verified));
    assert_eq!(soon(pipeline.ingest.edit(undo())).await.unwrap_err(), EditError::Changed);

    let cancelled = pipeline.edit(edit(1, status(Status::Cancelled))).await.after;
    // A message that arrives now is newer.
    let since_then = (Utc::now() - minute(0)).num_minutes() + 1;
    pipeline.post("Order Number\nA-1\nTracking Number\n1Z999AA10123456784\n", since_then).await;
    let guard = Some(Guard::Status { status: Status::Cancelled, since: cancelled.newest });
    let late = Edit { guard, ..edit(1, status(Status::Verified)) };
    assert_eq!(soon(pipeline.ingest.edit(late)).await.unwrap_err(), EditError::Changed);
    pipeline.end().await;
}

#[tokio::test]
async fn an_edit_cannot_be_newer_than_now() {
    let pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    let ahead = Edit { at: Utc::now() + TimeDelta::days(1), ..edit(1, notes("x")) };
    let done = pipeline.edit(ahead).await;
    assert!(done.after.newest <= Utc::now());
    assert_eq!(done.after.newest.timestamp_subsec_nanos() % 1000, 0);
    pipeline.end().await;
}

#[tokio::test]
async fn an_edit_is_not_undone_by_a_replay_or_an_older_card() {
    let pipeline = Pipeline::start().await;
    pipeline.discord(5, "Order Number\nA-1\nNotes\ncard\nProduct\nThing\n", 0).await;
    let by_hand = Edit { clear: vec!["product"], ..edit(1, notes("hand")) };
    pipeline.edit(by_hand).await;
    pipeline.replay("all").await;
    pipeline.discord(6, "Order Number\nA-1\nNotes\nearlier\nProduct\nOther\n", 1).await;
    let fields = pipeline.order("A-1").await.fields;
    assert_eq!((fields.notes.as_deref(), fields.product), (Some("hand"), None));
    assert_eq!(pipeline.history("A-1").await.len(), 2);
    pipeline.end().await;
}

#[tokio::test]
async fn cards_and_edits_of_one_batch_are_merged_in_their_order() {
    let pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    let price = |hundredths| Fields { price: Amount::from_hundredths(hundredths), ..Fields::default() };

    // While another program holds the lock, the writer waits with the first message, and the others become one
    // batch.
    let mut lock = pipeline.sql().await;
    lock.lock().await;
    let first = pipeline.enqueue("Order Number\nA-1\nNotes\none\n", 1).await;
    tokio::task::yield_now().await;
    let cards = async {
        let late = pipeline.enqueue("Order Number\nA-1\nNotes\nlate\nProduct\nThing\n", 2).await;
        let other = pipeline.enqueue("Order Number\nB-1\n", 2).await;
        [late.receipt().await.unwrap(), other.receipt().await.unwrap()]
    };
    let (priced, noted, missing, [late, other], shipped, ()) = soon(Box::pin(async {
        tokio::join!(
            pipeline.ingest.edit(edit(1, price(700))),
            pipeline.ingest.edit(edit(1, notes("two"))),
            pipeline.ingest.edit(edit(99, notes("of a missing order"))),
            cards,
            pipeline.ingest.edit(edit(1, status(Status::Shipped))),
            lock.unlock(),
        )
    }))
    .await;

    first.receipt().await.unwrap();
    let (priced, noted, shipped) = (priced.unwrap(), noted.unwrap(), shipped.unwrap());
    assert_eq!(missing.unwrap_err(), EditError::NotFound);
    assert_eq!((late.cards[0].outcome.as_str(), other.cards[0].outcome.as_str()), ("updated", "created"));
    assert_eq!(priced.before.fields.notes.as_deref(), Some("one"));
    assert_eq!(priced.after.fields.total, Amount::from_hundredths(700));
    assert_eq!((&noted.before, noted.after.fields.product.as_deref()), (&priced.after, None));
    assert_eq!(shipped.before.fields.product.as_deref(), Some("Thing"));
    assert_eq!(shipped.after, pipeline.order("A-1").await);
    assert_eq!(shipped.after.fields.notes.as_deref(), Some("two"));
    let steps: Vec<_> =
        pipeline.history("A-1").await.into_iter().map(|event| (event.log_id, event.actor)).collect();
    let by_hand = || (None, Some("discord:7".to_owned()));
    assert_eq!(steps, [(Some(1), None), (Some(2), None), by_hand(), by_hand(), (Some(3), None), by_hand()]);
    pipeline.end().await;
}

#[tokio::test]
async fn an_edit_that_the_database_refuses_fails_alone() {
    let pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    let mut sql = pipeline.sql().await;
    sql.reject_orders("UPDATE", "NEW.notes = 'bad'").await;
    sql.lock().await;
    let (bad, good, posted, ()) = soon(async {
        tokio::join!(
            pipeline.ingest.edit(edit(1, notes("bad"))),
            pipeline.ingest.edit(edit(1, status(Status::Shipped))),
            pipeline.post("Order Number\nB-1\n", 1),
            sql.unlock(),
        )
    })
    .await;
    assert_eq!(bad.unwrap_err(), EditError::Storage);
    assert_eq!(good.unwrap().after.fields.status, Some(Status::Shipped));
    assert_eq!(posted.cards[0].outcome.as_str(), "created");
    assert_eq!(pipeline.order("A-1").await.fields.notes, None);
    assert!(!pipeline.ingest.is_failing());
    pipeline.end().await;
}

#[tokio::test]
async fn an_edit_while_shutting_down_is_refused() {
    let pipeline = Pipeline::start().await;
    pipeline.post(CARD, 0).await;
    let ingest = pipeline.ingest.clone();
    pipeline.end().await;
    assert_eq!(soon(ingest.edit(edit(1, notes("x")))).await.unwrap_err(), EditError::Closed);
}
