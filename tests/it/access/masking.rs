//! Personal data is masked for a token without `read:pii`, and no reader sees the credentials of proxies.

use futures_util::StreamExt;
use reqwest::Method;
use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest};

use super::{create, get, locked, with};
use crate::support::app::{App, ORDERS, soon};

const CARD: &str = "Successful Checkout | Store\nProduct\nPlush\nOrder Number\nA-1\nEmail\ncanary@mail.example\n\
                    Customer Name\nCanary Person\nProfile\nCanary Profile\nProxy Details\nhttp://canary:secret@proxy.example:80\n\
                    Shipping Address\n1 Canary Street\nMode\nCanary value\nNotes\ncanary note\n";
const EDITED: &str =
    "Successful Checkout | Store\nOrder Number\nA-1\nEmail\ncanary2@mail.example\nMode\nCanary two\n";

/// Every answer that shows the order, and a live update, to this token.
async fn seen(app: &App, token: &str, sender: &str) -> Vec<String> {
    let mut request = format!("ws://{}/ws", app.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    soon(socket.next()).await.unwrap().unwrap();
    for card in [EDITED, CARD] {
        assert_eq!(with(app, sender, Method::POST, ORDERS, card).await.status, 200);
    }
    let mut seen = vec![soon(socket.next()).await.unwrap().unwrap().into_text().unwrap().to_string()];
    for path in [
        "/api/v2/orders",
        "/api/v2/orders/A-1",
        "/api/v2/orders/A-1/events",
        "/api/v2/orders?search=plush",
        "/api/v2/orders/export",
    ] {
        let reply = get(app, token, path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        assert!(reply.text.contains("A-1"), "{path}: {}", reply.text);
        seen.push(reply.text);
    }
    seen
}

#[tokio::test]
async fn a_reader_without_the_scope_sees_no_personal_data() {
    let (app, admin) = locked("").await;
    let reader = create(app.home(), "read").await;
    assert_eq!(with(&app, &admin, Method::POST, ORDERS, CARD).await.status, 200);
    for text in seen(&app, &reader, &admin).await {
        assert!(!text.to_lowercase().contains("canary"), "{text}");
        assert!(text.contains("***") && !text.contains("proxy.example"), "{text}");
    }
    let writer = create(app.home(), "write").await;
    let changed = with(&app, &writer, Method::PATCH, "/api/v2/orders/A-1", r#"{"status":"shipped"}"#).await;
    assert_eq!((changed.status, &changed.json["email"]), (200, &"***".into()), "{}", changed.text);
    let stale = [("authorization", &*format!("Bearer {writer}")), ("if-match", "\"1\"")];
    let refused = app.request(Method::PATCH, "/api/v2/orders/A-1", &stale, r#"{"status":"shipped"}"#).await;
    assert_eq!((refused.status, &refused.json["current"]["email"]), (412, &"***".into()), "{}", refused.text);
}

#[tokio::test]
async fn a_reader_with_the_scope_sees_all_but_the_credentials_of_proxies() {
    let (app, admin) = locked("").await;
    let reader = create(app.home(), "read:pii").await;
    assert_eq!(with(&app, &admin, Method::POST, ORDERS, CARD).await.status, 200);
    for text in seen(&app, &reader, &admin).await {
        assert!(text.contains("@mail.example") && !text.contains("canary:secret"), "{text}");
    }
    let order = get(&app, &reader, "/api/v2/orders/A-1").await.json;
    assert_eq!(order["proxy_list"], "http://***@proxy.example:80");
    assert_eq!(order["extra"]["mode"], "Canary two");
    let logs = get(&app, &admin, "/api/v2/webhooks/logs/1").await;
    assert!(logs.text.contains("proxy.example") && !logs.text.contains("canary:secret"), "{}", logs.text);
}

#[tokio::test]
async fn masked_values_cannot_be_guessed_by_a_filter() {
    let (app, admin) = locked("").await;
    let (reader, full) = (create(app.home(), "read").await, create(app.home(), "read:pii").await);
    let writer = create(app.home(), "write").await;
    assert_eq!(with(&app, &admin, Method::POST, ORDERS, CARD).await.status, 200);
    for query in ["orders?email=canary@mail.example", "orders?profile=canary%20profile", "stats?by=profile"] {
        let path = format!("/api/v2/{query}");
        assert_eq!(get(&app, &full, &path).await.status, 200, "{path}");
        let refused = get(&app, &reader, &path).await;
        assert_eq!((refused.status, &refused.json["code"]), (403, &"missing_scope".into()), "{path}");
        assert!(refused.text.contains("read:pii"), "{}", refused.text);
    }
    for (text, found, found_fully) in [
        ("canary", 0, 1),
        ("mail.example", 0, 1),
        ("ca", 0, 1),
        ("plush", 1, 1),
        ("%23A-1", 1, 1),
        ("a-1", 1, 1),
    ] {
        let path = format!("/api/v2/orders?search={text}");
        assert_eq!(get(&app, &reader, &path).await.json["total"], found, "{text}");
        assert_eq!(get(&app, &full, &path).await.json["total"], found_fully, "{text}");
    }
    let body = r#"{"filter":{"email":"canary@mail.example"},"set":{"status":"shipped"}}"#;
    assert_eq!(with(&app, &writer, Method::POST, "/api/v2/orders/bulk", body).await.status, 403);
}
