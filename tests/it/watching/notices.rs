//! Rejected cards get a reaction, a log row, and one common notice.

use chrono::Utc;
use roms::store::{EndpointSettings, NewDelivery, Target};
use roms::webhook::EventTypes;

use super::stage::{Stage, card_without_number, id};
use crate::support::discord::Channel;
use crate::support::receiver::{Answer, Receiver};

/// Starts ROMS with a notice channel.
async fn with_notices() -> (Stage, Channel) {
    let mut notices = None;
    let mut stage = Stage::before(|_, _| {}).await;
    let channel = stage.guild.channel("notices");
    stage.bot.config.orders.number_missing = roms::config::NumberMissing::Reject;
    super::stage::watched(&mut stage.bot.config).notice_channel = Some(id(channel.id()));
    notices.replace(channel);
    stage.start().await;
    stage.until_listening().await;
    (stage, notices.unwrap())
}

#[tokio::test]
async fn many_rejected_cards_are_one_notice_with_links() {
    let (stage, notices) = with_notices().await;
    let posted: Vec<u64> = (0..5).map(|_| stage.hook.post(card_without_number())).collect();
    for message in &posted {
        stage.channel.until_reaction(*message, "⚠️").await;
    }
    let notice = notices.until_message("a notice", |_| true).await;
    let text = notice["content"].as_str().unwrap();
    assert!(text.contains("5 cards could not be read"), "{text}");
    for message in &posted {
        let link =
            format!("https://discord.com/channels/{}/{}/{message}", stage.guild.id(), stage.channel.id());
        assert!(text.contains(&link), "{text}");
    }
    assert!(!text.contains(super::stage::CANARY), "{text}");
    let logs = stage.bot.logs().await;
    assert_eq!(logs.len(), 5);
    for log in logs {
        assert_eq!((&*log.outcome, log.code.as_deref()), ("rejected", Some("missing_order_number")));
        let whole = stage.bot.store().log(log.id).await.unwrap().unwrap();
        assert!(whole.payload.contains("Successful Checkout"), "{}", whole.payload);
    }
    assert_eq!(stage.bot.orders().await, 0);
    // ROMS sees them again in the history, and does not repeat the notice.
    stage.read_again().await;
    assert_eq!(notices.messages().len(), 1);
    stage.end().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_announced() {
    let (stage, notices) = with_notices().await;
    let receiver = Receiver::start().await;
    receiver.answers([Answer::status(410)]);
    let settings = EndpointSettings {
        url: receiver.url("/secret-path").parse().unwrap(),
        event_types: EventTypes::ALL,
        personal_data: false,
        allow_private: true,
    };
    let (store, now) = (stage.bot.store(), Utc::now());
    let (id, _) = store.create_endpoint(&"n8n".parse().unwrap(), settings, "cli", now).await.unwrap();
    let test = NewDelivery { target: Target::Endpoint(id), subject: 0, event: roms::outbox::TEST };
    store.queue_deliveries(&[test], now).await.unwrap();
    let notice = notices.until_message("a notice", |_| true).await;
    let text = notice["content"].as_str().unwrap();
    assert!(text.contains("The webhook endpoint n8n was disabled: it answered 410 Gone"), "{text}");
    assert!(!text.contains("secret-path"), "{text}");
    stage.end().await;
}

#[tokio::test]
async fn waiting_notices_are_posted_when_roms_stops() {
    let (mut stage, notices) = with_notices().await;
    let message = stage.hook.post(card_without_number());
    stage.bot.until_logs("it is in the log", |logs| !logs.is_empty()).await;
    stage.bot.stop().await.unwrap();
    let text = notices.messages()[0]["content"].as_str().unwrap().to_owned();
    assert!(text.contains(&message.to_string()), "{text}");
    stage.end().await;
}
