//! `/edit`: the modal, and which of its values are written.

use roms::order::{Amount, Status};
use serde_json::json;

use super::stage::{Stage, buttons, field, inputs, is_private, text_of};
use crate::support::bot::card;

#[tokio::test]
async fn a_change_is_stored_with_its_author() {
    let stage = Stage::new().await;
    let order = stage.order("TGT-900", "$10.00").await;
    let modal = stage.slash(&stage.manager, "edit", &[("number", "#tgt-900")]);
    let shown = inputs(&modal.callback().await);
    let names: Vec<&str> = shown.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["status", "tracking_number", "qty_received", "commission", "notes"]);
    assert_eq!(shown[0].1, "verified");
    assert!(shown[1..].iter().all(|(_, value)| value.is_empty()), "{shown:?}");

    let typed = [
        ("status", "Shipped"),
        ("tracking_number", "1Z999AA10123456784"),
        ("qty_received", "1"),
        ("commission", "$20"),
        ("notes", "first\r\nsecond"),
    ];
    let saved = stage.submit(&stage.manager, &modal, None, &typed).await;
    assert_eq!(saved.callback().await["type"], 5);
    let reply = saved.answer().await;
    assert!(is_private(&reply));
    assert!(text_of(&reply).contains("Changed: "), "{}", text_of(&reply));
    assert!(field(&reply, "Tracking").unwrap().contains("ups.com"));
    assert_eq!(buttons(&reply), ["History", "Edit", "Share"]);

    let stored = stage.bot.order("TGT-900").await.unwrap().fields;
    assert_eq!(stored.status, Some(Status::Shipped));
    assert_eq!(stored.qty_received, Some(1));
    assert_eq!(stored.commission.map(Amount::hundredths), Some(2000));
    assert_eq!(stored.notes.as_deref(), Some("first\nsecond"));
    let events = stage.events_of(&order).await;
    let edit = events.last().unwrap();
    let mut fields: Vec<&str> = edit.changes.iter().map(|change| change.field.as_str()).collect();
    fields.sort_unstable();
    assert!(
        ["commission", "notes", "qty_received", "status", "tracking_number"]
            .iter()
            .all(|it| fields.contains(it)),
        "{fields:?}"
    );
    let history = stage.press_and_update(&stage.manager, &reply, "History").await;
    let who = format!("<@{}>", stage.manager.id());
    assert!(
        text_of(&history).contains(&who) && text_of(&history).contains("verified → shipped"),
        "{}",
        text_of(&history)
    );
    stage.end(0).await;
}

#[tokio::test]
async fn the_button_edits_in_place_and_an_empty_input_clears_the_field() {
    let stage = Stage::new().await;
    let mut message = card("TGT-900", "$10.00");
    let fields = message["embeds"][0]["fields"].as_array_mut().unwrap();
    fields.push(json!({"name": "Notes", "value": "leave at the door"}));
    stage.order_of("TGT-900", message).await;
    let order = stage.ask(&stage.manager, "order", &[("number", "TGT-900")]).await;
    let modal = stage.press(&stage.manager, &order, "Edit");
    let saved = stage.submit(&stage.manager, &modal, Some(&order), &[("notes", "")]).await;
    let reply = saved.update().await;
    assert_eq!(reply.message, order.message);
    assert!(
        text_of(&reply).contains("Changed: notes") && field(&reply, "Notes").is_none(),
        "{}",
        text_of(&reply)
    );
    assert_eq!(stage.bot.order("TGT-900").await.unwrap().fields.notes, None);

    let modal = stage.press(&stage.manager, &reply, "Edit");
    let unchanged = stage.submit(&stage.manager, &modal, Some(&reply), &[]).await.update().await;
    assert!(text_of(&unchanged).starts_with("Nothing was changed."), "{}", text_of(&unchanged));
    stage.end(0).await;
}

#[tokio::test]
async fn an_unreadable_value_changes_nothing_and_is_explained() {
    let stage = Stage::new().await;
    let order = stage.order("TGT-900", "$10.00").await;
    for (name, typed, why) in [
        ("status", "lost", "use pending, processing"),
        ("qty_received", "many", "is not a quantity"),
        ("qty_received", "-1", "is not a quantity"),
        ("qty_received", "99999999999999999999", "at most 10 characters"),
        ("commission", "abc", "is not an amount"),
        ("commission", "1e999", "is not an amount"),
        ("tracking_number", &"1".repeat(256), "at most 255 characters"),
        ("notes", &"x".repeat(4001), "at most 4000 characters"),
    ] {
        let modal = stage.slash(&stage.manager, "edit", &[("number", "TGT-900")]);
        let typed = [(name, typed), ("notes", if name == "notes" { typed } else { "also this" })];
        let reply = stage.submit(&stage.manager, &modal, None, &typed).await.answer().await;
        let text = text_of(&reply);
        assert!(text.contains("Nothing was changed") && text.contains(why), "{typed:?}: {text}");
    }
    assert_eq!(stage.bot.order("TGT-900").await.unwrap(), order);
    assert_eq!(stage.events_of(&order).await.len(), 1);
    stage.end(0).await;
}

#[tokio::test]
async fn a_card_that_arrives_while_the_modal_is_open_is_not_overwritten() {
    let stage = Stage::new().await;
    let message = stage.hook.post(card("TGT-900", "$10.00"));
    let order = stage.bot.until_order("TGT-900", |_| true).await;
    let modal = stage.slash(&stage.manager, "edit", &[("number", "TGT-900")]);
    modal.callback().await;
    // Meanwhile a card says that the order was shipped, and somebody else writes notes.
    let mut newer = card("TGT-900", "$10.00");
    let fields = newer["embeds"][0]["fields"].as_array_mut().unwrap();
    fields.extend([
        json!({"name": "Status", "value": "Shipped"}),
        json!({"name": "Tracking Number", "value": "XYZ-1"}),
    ]);
    stage.channel.edit(message, newer);
    stage.bot.until_order("TGT-900", |order| order.fields.status == Some(Status::Shipped)).await;
    let other = stage.slash(&stage.admin, "edit", &[("number", "TGT-900")]);
    stage.submit(&stage.admin, &other, None, &[("notes", "by Ada")]).await.answer().await;

    let saved = stage.submit(&stage.manager, &modal, None, &[("commission", "5")]).await.answer().await;
    assert!(text_of(&saved).contains("Changed: commission."), "{}", text_of(&saved));
    let stored = stage.bot.order("TGT-900").await.unwrap().fields;
    assert_eq!(stored.status, Some(Status::Shipped), "an untouched value is not written");
    assert_eq!(stored.tracking_number.as_deref(), Some("XYZ-1"));
    assert_eq!(stored.notes.as_deref(), Some("by Ada"));
    assert_eq!(stored.commission.map(Amount::hundredths), Some(500));
    let events = stage.events_of(&order).await;
    let last: Vec<&str> = events.last().unwrap().changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(last, ["commission"]);
    stage.end(0).await;
}

#[tokio::test]
async fn an_unknown_order_opens_no_modal() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let asked = stage.slash(&stage.manager, "edit", &[("number", "TGT-901")]);
    let text = text_of(&asked.answer().await);
    assert!(text.contains("no order `TGT-901`") && text.contains("`TGT-900`"), "{text}");
    stage.end(0).await;
}

#[tokio::test]
async fn a_modal_of_a_deleted_order_or_another_release_is_out_of_date() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let modal = stage.slash(&stage.manager, "edit", &[("number", "TGT-900")]).callback().await;
    let custom_id = modal["data"]["custom_id"].as_str().unwrap().to_owned();
    let shown = inputs(&modal);
    let typed: Vec<(&str, &str)> = shown.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let gone = custom_id.replacen(":1:", ":4711:", 1);
    assert_ne!(gone, custom_id);
    let mut changed = typed.clone();
    changed[4].1 = "new notes";
    for (custom_id, inputs) in [
        (gone.as_str(), &changed[..]),
        ("save", &typed[..]),
        ("save:1", &typed[..]),
        ("save:x:y", &typed[..]),
        (custom_id.as_str(), &typed[..2]),
        ("unheard-of:1", &typed[..]),
    ] {
        let reply = stage.manager.submit(&stage.channel, None, custom_id, inputs).answer().await;
        assert!(text_of(&reply).contains("out of date"), "{custom_id} {inputs:?}: {}", text_of(&reply));
    }
    stage.end(0).await;
}
