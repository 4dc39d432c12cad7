//! Requests are answered under the names of this machine, and under no name that a page brings.

use reqwest::Method;
use serde_json::Value;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        Error,
        client::IntoClientRequest,
        http::{HeaderValue, StatusCode},
    },
};

use crate::support::app::{App, ORDERS, Reply};

const CONFIGURED: &str = "[http]\nhosts = [\"Orders.Example.net\"]";

async fn get(app: &App, path: &str, host: &str) -> Reply {
    app.request(Method::GET, path, &[("host", host)], "").await
}

/// Asks for a WebSocket as a page of this host would, with the status where there is none.
async fn listen(app: &App, host: &str) -> Result<(), StatusCode> {
    let mut request = format!("ws://{}/ws", app.address).into_client_request().unwrap();
    request.headers_mut().insert("host", HeaderValue::from_str(host).unwrap());
    request.headers_mut().insert("origin", HeaderValue::from_str(&format!("http://{host}")).unwrap());
    match connect_async(request).await {
        Ok(_) => Ok(()),
        Err(Error::Http(refused)) => Err(refused.status()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_name_that_leads_here_by_rebinding_is_refused_on_every_path() {
    let app = App::start_with(CONFIGURED).await;
    app.stored(&["Order Number\nA-1\n"]).await;

    for path in ["/", "/api/v2/orders", "/api/v2/orders/A-1", "/health", "/docs/", "/openapi.json", "/none"] {
        let reply = get(&app, path, "evil.example:8001").await;
        assert_eq!((reply.status, &reply.json["code"]), (421, &"unknown_host".into()), "{path}");
        assert!(reply.json["detail"].as_str().unwrap().contains("`hosts` under [http]"), "{}", reply.text);
        assert!(!reply.text.contains("evil"), "{}", reply.text);
        assert_eq!(reply.header("cache-control"), "no-store", "the usual headers");
        assert!(!reply.header("x-request-id").is_empty());
    }
    // To the same-origin rule, this page is ours.
    let page = [("host", "evil.example"), ("origin", "http://evil.example")];
    let posted = app.request(Method::POST, ORDERS, &page, "Order Number\nA-2\n").await;
    assert_eq!(posted.status, 421);
    assert_eq!(app.sql().await.count("webhook_logs").await, 1, "nothing is kept of it");
    assert_eq!(listen(&app, "evil.example").await, Err(StatusCode::MISDIRECTED_REQUEST));
}

#[tokio::test]
async fn names_that_only_look_like_ours_are_refused() {
    let app = App::start_with(CONFIGURED).await;
    for host in [
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "orders.example.net.evil.example",
        "evil.orders.example.net",
        "example.net",
        "[evil.example]",
        "::1",
        "evil example",
        "",
    ] {
        assert_eq!(get(&app, "/api/v2/orders", host).await.status, 421, "{host}");
    }
    let two = "GET /health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert!(app.raw(two.as_bytes()).await.starts_with("HTTP/1.1 421 "));
}

#[tokio::test]
async fn addresses_localhost_and_configured_names_are_answered() {
    let app = App::start_with(CONFIGURED).await;
    for host in [
        "127.0.0.1",
        "127.0.0.1:8001",
        "192.168.1.5:80",
        "[::1]",
        "[::1]:8001",
        "localhost",
        "LocalHost:8001",
        "roms.localhost:8001",
        "orders.example.net",
        "ORDERS.example.net:8443",
    ] {
        assert_eq!(get(&app, "/api/v2/orders", host).await.status, 200, "{host}");
        assert_eq!(listen(&app, host).await, Ok(()), "{host}");
        let posted = app.request(Method::POST, ORDERS, &[("host", host)], "Order Number\nA-1\n").await;
        assert_eq!(posted.status, 200, "{host}");
    }
    let without = app.raw(b"GET /health/live HTTP/1.0\r\n\r\n").await;
    assert!(without.starts_with("HTTP/1.0 200 "), "{without}");
}

#[tokio::test]
async fn without_configuration_no_name_but_localhost_is_known() {
    let app = App::start().await;
    assert_eq!(get(&app, "/health", "localhost").await.status, 200);
    let reply = get(&app, "/health", "orders.example.net").await;
    assert_eq!((reply.status, &reply.json["success"]), (421, &Value::Bool(false)));
}
