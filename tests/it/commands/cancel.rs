//! `/cancel`: asks, cancels, and undoes it.

use roms::order::Status;
use serde_json::json;

use super::stage::{Stage, buttons, is_private, text_of};
use crate::support::bot::card;

async fn status(stage: &Stage) -> Option<Status> {
    stage.bot.order("TGT-900").await.unwrap().fields.status
}

#[tokio::test]
async fn an_order_is_cancelled_after_a_confirmation_and_that_can_be_undone() {
    let stage = Stage::new().await;
    let order = stage.order("TGT-900", "$10.00").await;
    let question = stage.ask(&stage.manager, "cancel", &[("number", "tgt-900")]).await;
    assert!(is_private(&question));
    let text = text_of(&question);
    assert!(text.contains("Cancel order `TGT-900`?") && text.contains("Example Console"), "{text}");
    assert!(text.contains("10.00 USD") && text.contains("now verified"), "{text}");
    assert_eq!(buttons(&question), ["Cancel the order", "Keep it"]);
    assert_eq!(status(&stage).await, Some(Status::Verified), "nothing happens before the confirmation");

    let done = stage.press_and_update(&stage.manager, &question, "Cancel the order").await;
    assert!(text_of(&done).contains("`TGT-900` is cancelled"), "{}", text_of(&done));
    assert_eq!(status(&stage).await, Some(Status::Cancelled));
    assert_eq!(buttons(&done), ["Undo"]);
    let undone = stage.press_and_update(&stage.manager, &done, "Undo").await;
    assert!(text_of(&undone).contains("The cancellation was undone"), "{}", text_of(&undone));
    assert_eq!(status(&stage).await, Some(Status::Verified));
    assert_eq!(stage.events_of(&order).await.len(), 3, "each is an event");

    let question = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    let kept = stage.press_and_update(&stage.manager, &question, "Keep it").await;
    assert!(text_of(&kept).contains("was not changed") && buttons(&kept).is_empty(), "{}", text_of(&kept));
    assert_eq!(stage.events_of(&order).await.len(), 3);
    stage.end(0).await;
}

#[tokio::test]
async fn buttons_work_after_a_restart() {
    let mut stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let question = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    stage.restart_with(|_| {}).await;
    let done = stage.press_and_update(&stage.manager, &question, "Cancel the order").await;
    assert_eq!(status(&stage).await, Some(Status::Cancelled));
    stage.restart_with(|_| {}).await;
    stage.press_and_update(&stage.manager, &done, "Undo").await;
    assert_eq!(status(&stage).await, Some(Status::Verified));
    stage.end(0).await;
}

#[tokio::test]
async fn undo_changes_nothing_after_a_newer_card() {
    let stage = Stage::new().await;
    let message = stage.hook.post(card("TGT-900", "$10.00"));
    stage.bot.until_order("TGT-900", |_| true).await;
    let question = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    let done = stage.press_and_update(&stage.manager, &question, "Cancel the order").await;
    let mut newer = card("TGT-900", "$10.00");
    let fields = newer["embeds"][0]["fields"].as_array_mut().unwrap();
    fields.push(json!({"name": "Status", "value": "Refunded"}));
    stage.channel.edit(message, newer);
    stage.bot.until_order("TGT-900", |order| order.fields.status == Some(Status::Refunded)).await;
    let reply = stage.press(&stage.manager, &done, "Undo").until_reply("a refusal", |_| true).await;
    assert!(
        text_of(&reply).contains("has changed in the meantime") && is_private(&reply),
        "{}",
        text_of(&reply)
    );
    assert_eq!(status(&stage).await, Some(Status::Refunded));
    stage.end(0).await;
}

#[tokio::test]
async fn the_question_is_repeated_if_the_order_has_changed() {
    let stage = Stage::new().await;
    let message = stage.hook.post(card("TGT-900", "$10.00"));
    stage.bot.until_order("TGT-900", |_| true).await;
    let question = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    let mut newer = card("TGT-900", "$10.00");
    let fields = newer["embeds"][0]["fields"].as_array_mut().unwrap();
    fields.push(json!({"name": "Status", "value": "Shipped"}));
    stage.channel.edit(message, newer);
    stage.bot.until_order("TGT-900", |order| order.fields.status == Some(Status::Shipped)).await;
    let again = stage.press_and_update(&stage.manager, &question, "Cancel the order").await;
    assert!(text_of(&again).contains("now shipped"), "{}", text_of(&again));
    assert_eq!(status(&stage).await, Some(Status::Shipped));
    let done = stage.press_and_update(&stage.manager, &again, "Cancel the order").await;
    assert_eq!(status(&stage).await, Some(Status::Cancelled));
    // After an undo, the order has its old status.
    stage.press(&stage.admin, &done, "Undo").update().await;
    let text = text_of(&stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await);
    assert!(text.contains("now shipped"), "{text}");
    stage.end(0).await;
}

#[tokio::test]
async fn a_cancelled_order_is_not_asked_about() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let first = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    let second = stage.ask(&stage.admin, "cancel", &[("number", "TGT-900")]).await;
    stage.press_and_update(&stage.manager, &first, "Cancel the order").await;
    let late = stage.press_and_update(&stage.admin, &second, "Cancel the order").await;
    assert!(
        text_of(&late).contains("is already cancelled") && buttons(&late).is_empty(),
        "{}",
        text_of(&late)
    );
    let asked = stage.ask(&stage.admin, "cancel", &[("number", "TGT-900")]).await;
    assert!(text_of(&asked).contains("is already cancelled"), "{}", text_of(&asked));
    stage.end(0).await;
}
