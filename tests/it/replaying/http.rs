//! Replaying messages over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use super::command::insert_logs;
use crate::support::app::{App, Reply};
use crate::support::home::Home;
use crate::support::pipeline::rejected;

/// The messages are older than the retention period.
const KEEP: &str = "[retention]\nraw_days = 0\n";

async fn replay(app: &App, path: &str) -> Reply {
    app.request(Method::POST, &format!("/api/v2/webhooks/logs/{path}"), &[], "").await
}

#[tokio::test]
async fn one_message_is_read_again_with_an_actor() {
    let home = Home::new();
    insert_logs(&home, vec![rejected("Order Number\nA-1\n", 0), rejected("", 1)]).await;
    let app = App::start_in(home, KEEP).await;
    let reply = replay(&app, "1/replay").await;
    let card = json!({"order_id": 1, "order_number": "A-1", "outcome": "created", "warnings": []});
    assert_eq!((reply.status, reply.json), (200, json!({"log_id": 1, "cards": [card]})));
    assert_eq!(app.get("/api/v2/orders/A-1/events").await.json["events"][0]["actor"], "api");
    assert_eq!(app.get("/api/v2/webhooks/logs/1").await.json["outcome"], "created");
    assert_eq!(replay(&app, "1/replay").await.json["cards"][0]["outcome"], "unchanged");

    for (path, status, code) in [
        ("2/replay", 409, "not_replayable"),
        ("99/replay", 404, "not_found"),
        ("x/replay", 400, "bad_parameter"),
    ] {
        let reply = replay(&app, path).await;
        assert_eq!((reply.status, &reply.json["code"]), (status, &json!(code)), "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn many_messages_are_chosen_like_on_the_command_line() {
    let home = Home::new();
    insert_logs(&home, vec![rejected("Order Number\nA-1\n", 0), rejected("hello", 1)]).await;
    let app = App::start_in(home, KEEP).await;
    let counts =
        |reply: &Reply| ["read", "created", "unchanged", "rejected"].map(|name| reply.json[name].clone());

    let dry = replay(&app, "replay?dry_run=true").await;
    assert_eq!((dry.status, &dry.json["dry_run"]), (200, &json!(true)), "{}", dry.text);
    assert_eq!(counts(&dry), [2, 1, 0, 1].map(Value::from));
    assert_eq!(app.get("/api/v2/orders").await.json["total"], 0);
    let done = replay(&app, "replay").await;
    assert_eq!(counts(&done), [2, 1, 0, 1].map(Value::from));
    assert_eq!(counts(&replay(&app, "replay").await), [1, 0, 0, 1].map(Value::from));
    let all = replay(&app, "replay?outcome=all&since=2026-01-31").await;
    assert_eq!(counts(&all), [2, 0, 1, 1].map(Value::from));
    let later = replay(&app, "replay?outcome=all&since=2026-02-01").await;
    assert_eq!(later.json["read"], 0);

    for query in ["outcome=duplicate", "since=soon", "dry_run=maybe", "limit=1"] {
        let reply = replay(&app, &format!("replay?{query}")).await;
        assert_eq!((reply.status, &reply.json["code"]), (400, &json!("bad_parameter")), "{}", reply.text);
    }
    let evil = [("origin", "https://evil.example")];
    for path in ["/api/v2/webhooks/logs/replay", "/api/v2/webhooks/logs/1/replay"] {
        assert_eq!(app.request(Method::POST, path, &evil, "").await.status, 403);
    }
}
