//! Health, the index, unknown paths and wrong methods.

use reqwest::Method;
use serde_json::json;

use crate::support::app::App;

#[tokio::test]
async fn health_follows_the_database() {
    let app = App::start().await;
    let well = app.get("/health").await;
    assert_eq!((well.status, &well.json["status"]), (200, &json!("healthy")));
    assert_eq!(well.json["version"], env!("CARGO_PKG_VERSION"));
    assert!(well.json["checks"]["database"]["latency_ms"].as_f64().is_some_and(|latency| latency > 0.0));
    assert_eq!(app.get("/health/ready").await.json, json!({"status": "ready"}));
    assert_eq!(app.get("/health/live").await.json, json!({"status": "alive"}));

    app.sql().await.run("ALTER TABLE seaql_migrations RENAME TO gone").await;

    let ill = app.get("/health").await;
    assert_eq!((ill.status, &ill.json["status"]), (503, &json!("unhealthy")));
    let database = &ill.json["checks"]["database"];
    assert_eq!((&database["status"], &database["latency_ms"]), (&json!("down"), &json!(null)));
    assert!(database["cause"].as_str().is_some_and(|cause| cause.contains("seaql_migrations")), "{database}");
    let ready = app.get("/health/ready").await;
    assert_eq!((ready.status, ready.json), (503, json!({"status": "not_ready"})));
    assert_eq!(app.get("/health/live").await.status, 200);
}

#[tokio::test]
async fn a_failure_of_the_database_is_answered_without_its_cause() {
    let app = App::start().await;
    app.sql().await.run("ALTER TABLE orders RENAME TO gone").await;
    for path in ["/api/v2/orders", "/api/v2/orders/A-1"] {
        let reply = app.get(path).await;
        assert_eq!((reply.status, &reply.json["code"]), (503, &json!("storage_unavailable")));
        assert_eq!(reply.header("retry-after"), "5");
        assert!(!reply.text.contains("table") && !reply.text.contains("SELECT"), "{}", reply.text);
    }
}

#[tokio::test]
async fn the_index_lists_every_route() {
    let app = App::start().await;
    let text = app.get("/").await;
    assert!(text.header("content-type").starts_with("text/plain"));
    assert!(
        text.text.lines().any(|line| line.starts_with("POST   /api/v2/webhooks/orders ")),
        "{}",
        text.text
    );
    let json = app.request(Method::GET, "/", &[("accept", "application/json")], "").await.json;
    let routes = json["routes"].as_array().unwrap();
    assert_eq!(json["name"], "roms");
    for path in ["/api/v2/webhooks/orders", "/api/v2/orders", "/ws", "/docs", "/health"] {
        assert!(routes.iter().any(|route| route["path"] == path), "{path} is missing");
    }
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_answered_in_json() {
    let app = App::start().await;
    for path in ["/nothing", "/nothing/", "/api/v2/nothing/b/c", "/docs/nothing.js"] {
        let reply = app.get(path).await;
        assert_eq!((reply.status, &reply.json["success"]), (404, &json!(false)), "{path}: {}", reply.text);
        assert_eq!(reply.json["code"], "unknown_route", "{path}");
    }
    for (method, path) in [
        (Method::GET, "/api/v2/webhooks/orders"),
        (Method::POST, "/api/v2/orders"),
        (Method::PUT, "/api/v2/orders/1"),
        (Method::PUT, "/health"),
    ] {
        let reply = app.request(method.clone(), path, &[], "").await;
        assert_eq!(
            (reply.status, &reply.json["code"]),
            (405, &json!("method_not_allowed")),
            "{method} {path}"
        );
        assert!(!reply.header("allow").is_empty(), "{method} {path}");
    }
    assert_eq!(app.request(Method::HEAD, "/health", &[], "").await.status, 200);
}

#[tokio::test]
async fn a_slash_at_the_end_of_a_path_is_ignored() {
    let app = App::start().await;
    let posted = app.request(Method::POST, "/api/v2/webhooks/orders/", &[], "Order Number\nA-1\n").await;
    assert_eq!(posted.status, 200, "{}", posted.text);
    for path in [
        "/api/v2/orders",
        "/api/v2/orders/A-1",
        "/api/v2/orders/A-1/events",
        "/api/v2/webhooks/logs",
        "/api/v2/webhooks/logs/1",
        "/health/ready",
        "/docs",
    ] {
        let reply = app.get(&format!("{path}/")).await;
        assert_eq!((reply.status, &reply.text), (200, &app.get(path).await.text), "{path}/");
    }
    let filtered = app.get("/api/v2/orders/?status=shipped").await;
    assert_eq!(filtered.json["total"], 0, "the query is kept");
}

#[tokio::test]
async fn every_error_has_one_form_with_the_id_of_its_request() {
    let app = App::start().await;
    let cases = [
        (Method::GET, "/nothing", 404, "Not Found", "unknown_route"),
        (Method::GET, "/docs/nothing.js", 404, "Not Found", "unknown_route"),
        (Method::DELETE, "/health", 405, "Method Not Allowed", "method_not_allowed"),
        (Method::GET, "/api/v2/orders/A-1", 404, "Not Found", "not_found"),
        (Method::GET, "/api/v2/orders?stat=1", 400, "Bad Request", "bad_parameter"),
        (Method::POST, "/api/v2/webhooks/orders", 400, "Bad Request", "not_an_order"),
        (Method::GET, "/ws", 426, "Upgrade Required", "not_websocket"),
    ];
    for (method, path, status, title, code) in cases {
        let reply = app.request(method, path, &[("x-request-id", "request-1")], "hello").await;
        let member = |name: &str| reply.json[name].clone();
        assert_eq!(
            (reply.status, member("status"), member("title"), member("code"), member("request_id")),
            (status, json!(status), json!(title), json!(code), json!("request-1")),
            "{path}: {}",
            reply.text
        );
        assert_eq!(
            (member("success"), reply.header("content-type")),
            (json!(false), "application/json"),
            "{path}"
        );
        assert_eq!(member("type"), "about:blank", "{path}");
        assert!(!member("message").as_str().unwrap().is_empty(), "{path}");
    }
    let own = app.get("/nothing").await;
    assert_eq!(own.json["request_id"], own.header("x-request-id"));
}
