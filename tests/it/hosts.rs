//! Requests that a page of another site makes a browser send are refused and reported.

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        Error,
        client::IntoClientRequest,
        http::{HeaderValue, StatusCode},
    },
};

use crate::support::app::{App, ORDERS, Reply, until};
use crate::support::home::Home;
use crate::support::program::Program;

const CONFIGURED: &str = "[http]\nhosts = [\"Orders.Example.net\"]";

async fn get(app: &App, path: &str, host: &str) -> Reply {
    app.request(Method::GET, path, &[("host", host)], "").await
}

/// Opens a WebSocket as a page of this host would. Returns the status code if it is refused.
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
async fn a_rebound_host_name_is_refused_on_every_path() {
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
    // This page passes the same-origin rule.
    let page = [("host", "evil.example"), ("origin", "http://evil.example")];
    let posted = app.request(Method::POST, ORDERS, &page, "Order Number\nA-2\n").await;
    assert_eq!(posted.status, 421);
    assert_eq!(app.sql().await.count("orders").await, 1);
    assert_eq!(listen(&app, "evil.example").await, Err(StatusCode::MISDIRECTED_REQUEST));
}

#[tokio::test]
async fn host_names_that_only_resemble_known_ones_are_refused() {
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
async fn ip_addresses_localhost_and_configured_names_are_answered() {
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
async fn without_configuration_only_localhost_is_known() {
    let app = App::start().await;
    assert_eq!(get(&app, "/health", "localhost").await.status, 200);
    let reply = get(&app, "/health", "orders.example.net").await;
    assert_eq!((reply.status, &reply.json["success"]), (421, &Value::Bool(false)));
}

#[tokio::test]
async fn a_refused_request_leaves_one_log_row_a_minute_for_each_reason() {
    let app = App::start().await;
    let foreign = [("origin", "https://evil.example")];
    for _ in 0..3 {
        let posted = app.request(Method::POST, ORDERS, &foreign, "Order Number\nA-1\n").await;
        assert_eq!(posted.status, 403);
        assert_eq!(get(&app, "/api/v2/orders/A-1", "evil.example").await.status, 421);
        assert_eq!(get(&app, "/secret", "evil.example").await.status, 421);
    }
    let rows = || async { app.get("/api/v2/webhooks/logs").await.json };
    until("both rows are written", async || rows().await["total"] == 2).await;
    let logs = rows().await;
    let mut found: Vec<_> = logs["logs"].as_array().unwrap().iter().collect();
    found.sort_by_key(|row| row["status_code"].as_u64());
    let expected = [
        ("POST", ORDERS, 403, "cross_origin", "Origin"),
        ("GET", "/api/v2/orders/{order}", 421, "unknown_host", "`hosts` under [http]"),
    ];
    for (row, (method, endpoint, status, code, reason)) in found.into_iter().zip(expected) {
        assert_eq!((&row["method"], &row["endpoint"]), (&json!(method), &json!(endpoint)));
        assert_eq!((&row["status_code"], &row["code"]), (&json!(status), &json!(code)));
        assert_eq!((&row["outcome"], &row["payload_preview"]), (&json!("rejected"), &json!("")));
        assert!(row["error_message"].as_str().unwrap().contains(reason), "{row}");
    }
    assert_eq!(app.sql().await.count("orders").await, 0);
}

async fn program(filter: &str) -> (Program, Client) {
    let home = Home::new();
    let mut serve = home.command(&[]);
    serve.env("ROMS__LOG__FILTER", filter);
    (Program::start_by(serve, home).await, Client::builder().no_proxy().build().unwrap())
}

async fn refused(program: &Program, client: &Client) {
    let request = client.get(format!("{}/api/v2/orders/secret-1?email=secret-2", program.url));
    let reply = request.header("host", "evil.example").header("cookie", "secret-3").send().await.unwrap();
    assert_eq!(reply.status(), 421);
}

#[tokio::test]
async fn refused_requests_are_logged_one_by_one_and_above_20_a_second_as_counts() {
    let (mut program, client) = program("info").await;
    refused(&program, &client).await;
    program.line_with("request refused: unknown_host").await;
    let page = client.post(format!("{}{ORDERS}", program.url)).header("origin", "https://evil.example");
    assert_eq!(page.body("secret-4").send().await.unwrap().status(), 403);
    program.line_with("request refused: cross_origin").await;

    futures_util::future::join_all((0..100).map(|_| refused(&program, &client))).await;

    program.line_with("more requests refused within a second").await;
    program.signal("TERM");
    let log = program.end().await.log;
    let lines: Vec<_> = log.lines().filter(|line| line.contains("request refused: ")).collect();
    let counted: usize = log
        .lines()
        .filter_map(|line| line.split_once("within a second: ")?.1.strip_suffix(" unknown_host"))
        .map(|count| count.parse::<usize>().unwrap())
        .sum();
    assert_eq!(lines.len() + counted, 102, "{log}");
    assert!(counted > 0, "{log}");
    for part in ["WARN", "http.method=GET", "/api/v2/orders/{order}", "evil.example", "peer=127.0.0.1"] {
        assert!(lines[0].contains(part), "{part}: {log}");
    }
    assert!(!log.contains("secret"), "{log}");
    assert!(!log.contains("card rejected"), "one line for a request: {log}");
}

#[tokio::test]
async fn the_log_filter_switches_the_lines_about_refused_requests_off() {
    let (program, client) = program("info,roms::refused=off").await;
    refused(&program, &client).await;
    program.signal("TERM");
    let log = program.end().await.log;
    assert!(!log.contains("refused"), "{log}");
}
