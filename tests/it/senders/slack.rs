//! Bodies of Slack's form.

use serde_json::json;

use super::{open, order, post};

#[tokio::test]
async fn slack_messages_are_read_as_cards() {
    let (app, link) = open().await;
    let fields = |number: &str| {
        json!([
            {"title": "Product", "value": "<https://shop.example/p|Thing &amp; Co>", "short": true},
            {"title": "Price", "value": "$9.99", "short": true},
            {"title": "*Order Number*", "value": number},
        ])
    };
    let attachments = json!({
        "username": "Bot", "text": "Successful Checkout | Store",
        "attachments": [{"color": "good", "fields": fields("S-1"), "ts": 1_700_000_000}]
    });
    let titled = json!({"attachments": [{"title": "Successful Checkout | Store", "fallback": "x", "fields": fields("S-2")}]});
    let text = json!({"text": "Successful Checkout | Store\n*Product:* Thing & Co\n*Price:* $9.99\n*Order Number*\nS-3"});
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &json!({"text": "Successful Checkout | Store\nProduct\nThing & Co\nPrice\n$9.99\nOrder Number\nS-4"}).to_string())
        .finish();
    let bodies = [attachments.to_string(), titled.to_string(), text.to_string(), form];
    for (body, number) in bodies.into_iter().zip(["S-1", "S-2", "S-3", "S-4"]) {
        let reply = post(&app, &link.discord("/slack"), body.clone()).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, "ok"), "{body}");
        let order = order(&app, number).await;
        assert_eq!(
            (&order["product"], &order["price"]),
            (&json!("Thing & Co"), &json!(9.99)),
            "{body}: {order}"
        );
    }
    // A flat card may have a text too.
    let flat = json!({"order_number": "S-5", "product": "Thing", "text": "hello"});
    assert_eq!(post(&app, &link.v2(), flat.to_string()).await.json["order_number"], "S-5");
    let reply = post(&app, &link.discord("/slack"), "{}").await;
    assert_eq!((reply.status, &reply.json["code"]), (400, &json!(50006)));
}
