//! The same card arrives more than once and creates one order.

use serde_json::json;

use super::stage::{Stage, odd_card, price};
use crate::support::bot::card;

#[tokio::test]
async fn a_message_delivered_twice_is_stored_once() {
    let stage = Stage::new().await;
    let message = stage.hook.draft(card("TWICE-1", "$10.00")).twice().post();
    stage.bot.until_order("TWICE-1", |_| true).await;
    stage.channel.redeliver(message);
    stage.mark().await;
    stage.read_again().await;
    let order = stage.bot.order("TWICE-1").await.unwrap();
    assert_eq!((stage.events_of(&order).await.len(), stage.logs_of(&order).await.len()), (1, 1));
    stage.channel.until_reaction(message, "✅").await;
    assert_eq!(stage.channel.reactions(message), ["✅"]);
    stage.end().await;
}

#[tokio::test]
async fn a_card_from_gateway_history_and_http_is_one_order() {
    let mut stage = Stage::new().await;
    let body = card("MEET-1", "$10.00");
    let path = format!("{}/api/v2/webhooks/orders", stage.bot.url());
    let post = || reqwest::Client::new().post(&path).json(&body).send();
    stage.hook.post(body.clone());
    let (first, second) = tokio::join!(post(), post());
    assert!(first.unwrap().status().is_success() && second.unwrap().status().is_success());
    stage.bot.until_order("MEET-1", |_| true).await;
    // A new process reads the history. It knows only the database.
    stage.restart().await;
    stage.until_listening().await;
    stage.read_again().await;
    let order = stage.bot.order("MEET-1").await.unwrap();
    let events = stage.events_of(&order).await;
    let created = events.iter().filter(|event| event.event_type == "created").count();
    assert_eq!((created, price(&order)), (1, Some(1000)), "{events:?}");
    assert_eq!(stage.bot.orders().await, 2);
    stage.end().await;
}

#[tokio::test]
async fn two_messages_about_one_order_are_one_order() {
    let stage = Stage::new().await;
    stage.hook.post(card("ONE-1", "$10.00"));
    let mut shipped = card("ONE-1", "$10.00");
    shipped["embeds"][0]["fields"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "Status", "value": "shipped", "inline": true}));
    let message = stage.hook.post(shipped);
    stage.channel.until_reaction(message, "🔄").await;
    let order = stage.bot.order("ONE-1").await.unwrap();
    assert_eq!((stage.events_of(&order).await.len(), stage.logs_of(&order).await.len()), (2, 2));
    stage.end().await;
}

#[tokio::test]
async fn a_card_is_the_same_in_gateway_and_history_however_its_time_is_written() {
    let stage = Stage::new().await;
    let times = ["12:00:00+00:00", "12:00:00.123000+00:00", "12:00:00.000Z", "12:00:00Z", "14:00:00+02:00"];
    for (n, time) in times.into_iter().enumerate() {
        stage.hook.post(odd_card(&format!("TIME-{n}"), &json!({"timestamp": format!("2026-01-01T{time}")})));
    }
    stage.bot.until_orders(5).await;
    stage.read_again().await;
    stage.read_again().await;
    for (n, time) in times.into_iter().enumerate() {
        let order = stage.bot.order(&format!("TIME-{n}")).await.unwrap();
        assert_eq!(stage.logs_of(&order).await.len(), 1, "{time}");
    }
    stage.end().await;
}
