//! Every form of body that the webhook accepts. The Content-Type is ignored.

use reqwest::Method;
use serde_json::{Value, json};

use super::card;
use crate::support::app::{App, ORDERS};

/// Posts a body that must create an order, and returns the order.
async fn order_of(app: &App, number: &str, body: String) -> Value {
    let reply = app.post(body.clone()).await;
    assert_eq!(reply.status, 200, "{body}: {}", reply.text);
    assert_eq!(reply.json["order_number"], number, "{body}: {}", reply.text);
    let reply = app.get(&format!("/api/v2/orders/{number}")).await;
    assert_eq!(reply.status, 200);
    reply.json
}

fn embed(number: &str) -> Value {
    json!({
        "title": "Successful Checkout | Best Buy US", "timestamp": null,
        "fields": [
            {"name": "Product", "value": "Thing", "inline": true}, {"name": "Price", "value": "$9.99"},
            {"name": "Order Number", "value": format!("||#{number}||")}, {"name": "Email", "value": null}
        ]
    })
}

#[tokio::test]
async fn a_card_is_read_from_every_kind_of_body() {
    let app = App::start().await;
    let webhook = |number: &str| json!({"username": "Refract", "content": null, "embeds": [embed(number)]});
    let multipart = format!(
        "--xYz\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n\
         {}\r\n--xYz\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.txt\"\r\n\r\nbytes\r\n--xYz--\r\n",
        webhook("MULTI-1")
    );
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload_json", &webhook("FORM-1").to_string())
        .finish();
    let cases = [
        ("TEXT-1", card("TEXT-1", "")),
        ("CONTENT-1", json!({"content": card("CONTENT-1", ""), "embeds": []}).to_string()),
        ("EMBED-1", webhook("EMBED-1").to_string()),
        ("MESSAGE-1", json!({"id": "1234", "content": "", "embeds": [embed("MESSAGE-1")], "timestamp": "2026-01-31T17:56:00.123456+00:00"}).to_string()),
        ("SECOND-1", json!({"embeds": [{"description": "hello"}, embed("SECOND-1")]}).to_string()),
        ("STRING-1", json!(card("STRING-1", "")).to_string()),
        ("MULTI-1", multipart),
        ("FORM-1", form),
    ];
    for (number, body) in cases {
        let order = order_of(&app, number, body).await;
        assert_eq!((&order["product"], &order["price"]), (&json!("Thing"), &json!(9.99)), "{number}");
        assert_eq!(order["status"], "verified", "{number}");
    }
    let message = app.get("/api/v2/orders/MESSAGE-1").await.json;
    assert_eq!(message["order_date"], "2026-01-31T17:56:00.123456Z", "a message has its own time");
    assert_eq!(
        app.sql().await.value("SELECT message_id FROM webhook_logs WHERE payload LIKE '%MESSAGE-1%'").await,
        1234
    );
}

#[tokio::test]
async fn flat_json_is_read_under_every_name_of_a_field() {
    let app = App::start().await;
    let columns: [(&str, &[&str], Value, Value); 19] = [
        ("product", &["product", "product_name", "item"], json!("Thing"), json!("Thing")),
        ("price", &["price", "unit_price"], json!(12.5), json!(12.5)),
        ("price", &["price", "unit_price"], json!("$1,299.99"), json!(1299.99)),
        ("total", &["total", "total_price", "amount"], json!(99.98), json!(99.98)),
        ("commission", &["commission", "profit"], json!("3.10"), json!(3.1)),
        ("quantity", &["quantity", "qty"], json!("2"), json!(2)),
        ("quantity", &["quantity", "qty"], json!(3), json!(3)),
        ("email", &["email", "customer_email"], json!("a@b.example"), json!("a@b.example")),
        ("customer_name", &["customer_name", "name"], json!("Ann Lee"), json!("Ann Lee")),
        ("profile", &["profile"], json!(7), json!("7")),
        ("proxy_list", &["proxy_list", "proxy"], json!("Resi"), json!("Resi")),
        ("reference_number", &["reference", "reference_number"], json!("REF1"), json!("REF1")),
        ("status", &["status", "order_status"], json!("Canceled"), json!("cancelled")),
        (
            "tracking_number",
            &["tracking", "tracking_number", "shipment_id"],
            json!("1Z999AA10123456784"),
            json!("1Z999AA10123456784"),
        ),
        (
            "order_date",
            &["order_date", "created_at", "date"],
            json!("2026-01-31T10:00:00Z"),
            json!("2026-01-31T10:00:00Z"),
        ),
        ("payment_method", &["payment_method"], json!("Card"), json!("Card")),
        ("shipping_address", &["shipping_address"], json!("1 Main St"), json!("1 Main St")),
        ("shipping_method", &["shipping_method"], json!("Express"), json!("Express")),
        ("notes", &["notes"], json!("Leave it"), json!("Leave it")),
    ];
    let mut wrong = Vec::new();
    for (at, (column, names, sent, stored)) in columns.iter().enumerate() {
        for name in *names {
            let number = format!("{name}-{at}");
            let order =
                order_of(&app, &number, json!({"order_number": number, *name: sent}).to_string()).await;
            if order[column] != *stored {
                wrong.push(format!("{name}: {sent} became {column} = {}", order[column]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_array_of_flat_objects_makes_one_order_each() {
    let app = App::start().await;
    let body = json!([{"order_number": 17, "price": 1}, {"order_number": "B", "price": "2"}]);
    let reply = app.post(body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let numbers = app.sql().await.values("SELECT order_number, price FROM orders ORDER BY id").await;
    assert_eq!(json!(numbers), json!([["17", 1.0], ["B", 2.0]]));
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let app = App::start().await;
    let types = [
        "text/plain",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "image/png",
        "not a type",
        "",
    ];
    for (at, kind) in types.into_iter().enumerate() {
        for (form, body) in [
            ("text", card(&format!("T-{at}"), "")),
            ("json", json!({"order_number": format!("J-{at}"), "price": 1}).to_string()),
        ] {
            let reply = app.request(Method::POST, ORDERS, &[("content-type", kind)], body).await;
            assert_eq!(
                (reply.status, &reply.json["outcome"]),
                (200, &json!("created")),
                "{form} as {kind:?}: {}",
                reply.text
            );
        }
    }
}

#[tokio::test]
async fn invalid_utf_8_is_replaced() {
    let app = App::start().await;
    let mut body = b"Successful Checkout | Store\nProduct\nCaf\xe9 \xff\nOrder Number\nA-1\n".to_vec();
    body.extend(b"Notes\n\xf0\x9f\x98\x80\n");
    let reply = app.post(body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let order = app.get("/api/v2/orders/A-1").await.json;
    assert_eq!((&order["product"], &order["notes"]), (&json!("Caf\u{fffd} \u{fffd}"), &json!("\u{1f600}")));
    let raw = app.sql().await.value("SELECT payload FROM webhook_logs").await;
    assert!(raw.as_str().unwrap().contains("Caf\u{fffd} \u{fffd}"));
}

#[tokio::test]
async fn a_nul_byte_is_removed_from_the_order_and_the_log() {
    let app = App::start().await;
    let reply = app.post(card("A-1", "Notes\na\0b\n")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let whole = app.get("/api/v2/webhooks/logs/1").await.json;
    assert!(whole["payload"].as_str().unwrap().contains("\nab\n"));
    assert_eq!(app.get("/api/v2/orders/A-1").await.json["notes"], "ab");
}

#[tokio::test]
async fn a_list_of_more_than_100_orders_is_cut_and_the_answer_says_so() {
    let app = App::start().await;
    let orders: Vec<Value> =
        (1..=103).map(|n| json!({"order_number": format!("L-{n}"), "price": 5})).collect();
    let reply = app.post(json!({"orders": orders}).to_string()).await;
    assert!(reply.text.contains("read the first 100 and left 3 out"), "{}", reply.text);
    assert_eq!(app.get("/api/v2/orders/L-100").await.status, 200);
    assert_eq!(app.get("/api/v2/orders/L-101").await.status, 404);
    assert_eq!(
        app.sql().await.value("SELECT COUNT(*) FROM webhook_logs WHERE payload LIKE '%L-103%'").await,
        1
    );
}
