//! `/logs` and `/replay`: the received messages, one of them, and reading it again.

use roms::config::NumberMissing;
use serde_json::json;

use super::stage::{Stage, buttons, is_private, options, text_of};
use crate::support::bot::card;
use crate::watching::stage::card_without_number;

/// ROMS is running, and rejects cards without a number.
async fn that_rejects() -> Stage {
    let mut stage = Stage::before().await;
    stage.config().orders.number_missing = NumberMissing::Reject;
    stage.begin().await;
    stage
}

#[tokio::test]
async fn the_log_is_listed_and_a_select_shows_one_message_with_its_payload() {
    let stage = that_rejects().await;
    stage.order("TGT-900", "$10.00").await;
    let wrong = stage.hook.post(card_without_number());
    stage.bot.until_logs("two messages", |logs| logs.len() == 2).await;
    let list = stage.ask(&stage.admin, "logs", &[]).await;
    assert!(is_private(&list));
    let text = text_of(&list);
    assert!(text.contains("2 messages") && text.find("rejected") < text.find("created"), "{text}");
    assert!(text.contains("order number"), "the reason is shown: {text}");
    assert_eq!(options(&list).len(), 2);

    let shown = stage.choose(&stage.admin, &list, "rejected").answer().await;
    let text = text_of(&shown);
    assert!(is_private(&shown));
    assert!(text.contains("Message 2: rejected") && text.contains("Reason"), "{text}");
    assert!(text.contains("Successful Checkout | Target\nProduct\nExample Console"), "the text form: {text}");
    assert!(text.contains(&format!("<#{}>", stage.channel.id())), "{text}");
    let link = format!("/channels/{}/{}/{wrong}", stage.guild.id(), stage.channel.id());
    assert!(text.contains(&link), "{text}");
    assert_eq!(buttons(&shown), ["Replay"]);
    assert_eq!(shown.files.len(), 1);
    let payload: serde_json::Value = serde_json::from_slice(&shown.files[0].bytes).unwrap();
    assert_eq!(payload["embeds"][0]["author"]["name"], "Successful Checkout | Target");
    assert_eq!(shown.files[0].name.rsplit_once('.').map(|(_, kind)| kind), Some("json"));

    let created = stage.choose(&stage.admin, &list, "created").answer().await;
    assert!(text_of(&created).contains("`TGT-900`"), "{}", text_of(&created));
    stage.end(0).await;
}

#[tokio::test]
async fn the_log_is_filtered_by_outcome_and_paged() {
    let mut stage = that_rejects().await;
    let none = stage.ask(&stage.admin, "logs", &[]).await;
    assert_eq!(text_of(&none), "ROMS has not received any messages yet.");
    for number in 1..=20 {
        stage.hook.post(card(&format!("N-{number:02}"), "$10.00"));
    }
    stage.bot.until_orders(20).await;
    stage.hook.post(card_without_number());
    stage.bot.until_logs("all", |logs| logs.len() == 21).await;
    // Discord sends the index of a choice: created, updated, unchanged, duplicate, ignored, rejected.
    let choose = |place: u8| json!([{"name": "outcome", "type": 4, "value": place}]);
    let rejected = stage.admin.slash(&stage.channel, "logs", choose(5)).answer().await;
    assert_eq!(options(&rejected).len(), 1);
    let updated = stage.admin.slash(&stage.channel, "logs", choose(1)).answer().await;
    assert_eq!(text_of(&updated), "No messages with the outcome updated.");
    let created = stage.admin.slash(&stage.channel, "logs", choose(0)).answer().await;
    assert!(text_of(&created).contains("20 messages"), "{}", text_of(&created));
    assert_eq!(
        (options(&created).len(), buttons(&created)),
        (15, vec!["Newest".to_owned(), "Older".to_owned()])
    );
    stage.restart_with(|_| {}).await;
    let older = stage.press_and_update(&stage.admin, &created, "Older").await;
    assert_eq!(options(&older).len(), 5, "only the created ones: {}", text_of(&older));
    assert_eq!(buttons(&older), ["Newest", "(Older)"]);
    let newest = stage.press_and_update(&stage.admin, &older, "Newest").await;
    assert_eq!(options(&newest), options(&created));
    stage.end(0).await;
}

#[tokio::test]
async fn the_replay_button_reads_a_rejected_message_again() {
    let mut stage = that_rejects().await;
    let message = stage.hook.post(card_without_number());
    stage.bot.until_logs("it is there", |logs| logs.len() == 1).await;
    let list = stage.ask(&stage.admin, "logs", &[]).await;
    let shown = stage.choose(&stage.admin, &list, "rejected").answer().await;
    let again = stage.press_and_update(&stage.admin, &shown, "Replay").await;
    assert!(text_of(&again).starts_with("Read again: rejected."), "{}", text_of(&again));
    stage.restart_with(|config| config.orders.number_missing = NumberMissing::MessageId).await;
    let again = stage.press_and_update(&stage.admin, &again, "Replay").await;
    assert!(text_of(&again).starts_with("Read again: created."), "{}", text_of(&again));
    assert!(text_of(&again).contains("created") && buttons(&again) == ["Replay"], "{}", text_of(&again));
    let number = format!("DISCORD-{message}-1");
    let order = stage.bot.order(&number).await.expect("it is an order now");
    assert!(text_of(&again).contains(&number), "{}", text_of(&again));
    assert_eq!(stage.logs_of(&order).await.len(), 1, "the same row");
    let twice = stage.press_and_update(&stage.admin, &again, "Replay").await;
    assert!(text_of(&twice).starts_with("Read again: unchanged."), "{}", text_of(&twice));
    assert_eq!(stage.bot.orders().await, 1);
    stage.end(0).await;
}

#[tokio::test]
async fn replay_reads_all_rejected_messages_again_and_counts_them() {
    let mut stage = that_rejects().await;
    let nothing = stage.ask(&stage.admin, "replay", &[]).await;
    assert!(text_of(&nothing).contains("no rejected messages"), "{}", text_of(&nothing));
    stage.order("TGT-900", "$10.00").await;
    for _ in 0..3 {
        stage.hook.post(card_without_number());
    }
    stage.bot.until_logs("all are there", |logs| logs.len() == 4).await;
    let asked = stage.slash(&stage.admin, "replay", &[]);
    let text = text_of(&asked.until_reply("counts", |reply| text_of(reply).contains("Read again")).await);
    assert!(text.contains("3 messages") && text.contains("still not readable: 3"), "{text}");
    stage.restart_with(|config| config.orders.number_missing = NumberMissing::MessageId).await;
    let asked = stage.slash(&stage.admin, "replay", &[]);
    let reply = asked.until_reply("counts", |reply| text_of(reply).contains("Read again")).await;
    let text = text_of(&reply);
    assert!(text.contains("created: 3") && text.contains("still not readable: 0"), "{text}");
    assert!(is_private(&reply));
    assert_eq!(stage.bot.orders().await, 4);
    stage.end(0).await;
}
