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
    let text = |kind: &str, text: &str| json!({"type": kind, "text": text});
    let section = |content: &str| json!({"type": "section", "text": text("mrkdwn", content)});
    let bold = |label: &str| json!({"type": "text", "text": label, "style": {"bold": true}});
    let header = json!({"type": "header", "text": text("plain_text", "Successful Checkout | Store")});
    let rich = json!({"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [bold("Product\n"), {"type": "link", "url": "https://shop.example/p", "text": "Thing & Co"}]},
        {"type": "rich_text_list", "style": "bullet", "elements": [
            {"type": "rich_text_section", "elements": [bold("Price: "), text("text", "$9.99")]},
            {"type": "rich_text_section", "elements": [bold("Order Number: "), text("text", "S-8")]},
        ]},
    ]});
    let bodies = [
        // Fields, with the text for notifications beside them.
        json!({"text": "S-0: another order", "blocks": [
            header,
            {"type": "divider"},
            {"type": "section", "fields": [
                text("mrkdwn", "*Product:*\n<https://shop.example/p|Thing &amp; Co>"),
                text("mrkdwn", "*Price:* $9.99"),
                text("plain_text", "Order Number\nS-6"),
            ], "accessory": {"type": "image", "image_url": "https://img.example/p.png", "alt_text": "x"}},
            {"type": "context", "elements": [text("mrkdwn", "*Refract* | 12:00"), {"type": "image", "image_url": "https://img.example/logo.png", "alt_text": "x"}]},
            {"type": "actions", "elements": [{"type": "button", "text": text("plain_text", "Order Status"), "url": "https://shop.example/o/S-6"}]},
        ]}),
        // The heading in the text, and labels in the text of sections.
        json!({"text": "Successful Checkout | Store", "blocks": [
            section("*Product*\nThing &amp; Co"), section("*Price:* $9.99\n*Order Number*\nS-7"),
            {"type": "image", "image_url": "https://img.example/p.png", "alt_text": "x"},
        ]}),
        json!({"blocks": [header, rich, {"type": "new_in_2027", "x": [[[]]]}]}),
        json!({"attachments": [{"color": "#2eb886", "blocks": [header, section("*Product:* Thing &amp; Co\n*Price:* $9.99\n*Order Number:* S-9")]}]}),
    ];
    for (body, number) in bodies.iter().zip(["S-6", "S-7", "S-8", "S-9"]) {
        let reply = post(&app, &link.discord("/slack"), body.to_string()).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, "ok"), "{body}");
        let order = order(&app, number).await;
        assert_eq!(
            (&order["product"], &order["price"], &order["store"]),
            (&json!("Thing & Co"), &json!(9.99), &json!("Store")),
            "{body}: {order}"
        );
        if ["S-6", "S-7"].contains(&number) {
            assert_eq!(order["image_url"], "https://img.example/p.png", "{order}");
        }
    }
    assert_eq!(order(&app, "S-6").await["order_url"], "https://shop.example/o/S-6");
    assert_eq!(app.get("/api/v2/orders/S-0").await.status, 404);
    // Blocks without a card are kept in the log, as other messages are.
    let chat = json!({"blocks": [section("Good morning")]}).to_string();
    assert_eq!(post(&app, &link.discord("/slack"), chat).await.status, 200);
    // A flat card may have a text too.
    let flat = json!({"order_number": "S-5", "product": "Thing", "text": "hello"});
    assert_eq!(post(&app, &link.v2(), flat.to_string()).await.json["order_number"], "S-5");
    let reply = post(&app, &link.discord("/slack"), "{}").await;
    assert_eq!((reply.status, &reply.json["code"]), (400, &json!(50006)));
    let logged = app.get("/api/v2/webhooks/logs?limit=3").await.json;
    let statuses: Vec<_> = logged["logs"].as_array().unwrap().iter().map(|row| &row["status_code"]).collect();
    assert_eq!(json!(statuses), json!([400, 200, 200]), "{logged}");
}
