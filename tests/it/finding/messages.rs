//! From a Discord message to its orders, and back.

use chrono::Utc;
use roms::card::decode::discord::{ChannelRef, MessageRef};
use roms::card::message::Message;
use roms::feed::Feed;
use roms::ingest::Ingest;
use serde_json::{Value, json};

use super::shelf::{Shelf, numbers};
use crate::support::{app::soon, home::Home};

const PLACE: ChannelRef = ChannelRef { guild: 11, channel: 22 };

fn message(id: i64, cards: &[&str], edited: Option<&str>) -> Value {
    let embeds: Vec<Value> = cards.iter().map(|card| json!({"description": card})).collect();
    json!({
        "id": id.to_string(), "timestamp": "2026-01-31T12:00:00Z", "edited_timestamp": edited, "embeds": embeds
    })
}

fn card(number: &str, more: &str) -> String {
    format!("Successful Checkout | Store\nOrder Number\n{number}\n{more}")
}

#[tokio::test]
async fn orders_and_their_messages_are_found_from_one_another() {
    let shelf = Shelf::new().await;
    let settings = Home::sqlite().config("");
    let (ingest, writer) = Ingest::start(shelf.store.clone(), Feed::new(8), settings.orders);
    let discord = async |value: Value| {
        let message = Message::from_discord(&value, PLACE, Utc::now()).unwrap();
        soon(ingest.submit(message)).await.unwrap();
    };
    let http = async |text: &str| {
        soon(ingest.submit(Message::from_payload(text, "/hook", Utc::now()))).await.unwrap();
    };

    discord(message(501, &[&card("B", ""), &card("A", "")], None)).await;
    discord(message(502, &[&card("A", "Status\nShipped\n")], None)).await;
    // An edit of the first one, which names a further order.
    discord(message(501, &[&card("B", ""), &card("A", ""), &card("C", "")], Some("2026-01-31T13:00:00Z")))
        .await;
    http(&card("WEB", "")).await;
    http(&card("BOTH", "")).await;
    discord(message(503, &[&card("BOTH", "Status\nDelivered\n")], None)).await;

    let of_message = async |id| shelf.store.orders_of_message(id).await.unwrap();
    assert_eq!(numbers(&of_message(501).await), ["B", "A", "C"]);
    assert_eq!(numbers(&of_message(502).await), ["A"]);
    assert_eq!(numbers(&of_message(999).await), [] as [&str; 0]);

    let at = |message| Some(MessageRef { channel: PLACE, message });
    for (number, expected) in
        [("A", at(501)), ("B", at(501)), ("C", at(501)), ("WEB", None), ("BOTH", at(503))]
    {
        let order = shelf.store.order(number).await.unwrap().unwrap();
        assert_eq!(shelf.store.source_message(order.id).await.unwrap(), expected, "{number}");
    }
    assert_eq!(shelf.store.source_message(999).await.unwrap(), None);
    ingest.close();
    soon(writer).await.unwrap();
}
