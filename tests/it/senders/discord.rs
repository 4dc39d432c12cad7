//! Links of Discord's form: their answers, edits and deletions.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Link, card, open, order, post};
use crate::support::app::{App, Reply};

pub(super) async fn patch(app: &App, path: &str, body: &Value) -> Reply {
    app.request(Method::PATCH, path, &[], body.to_string()).await
}

/// Posts a message and returns its id.
pub(super) async fn sent(app: &App, link: &Link, body: &Value) -> String {
    let reply = post(app, &link.discord("?wait=true"), body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_link_describes_itself_as_a_webhook() {
    let (app, link) = open().await;
    let reply = app.get(&link.discord("")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        (&reply.json["type"], &reply.json["id"], &reply.json["name"]),
        (&json!(1), &json!(link.id.to_string()), &json!("refract"))
    );
}

#[tokio::test]
async fn the_message_comes_back_if_the_sender_waits_for_it() {
    let (app, link) = open().await;
    let body = card("A-1", &[]);
    let reply = post(&app, &link.discord("?wait=true&thread_id=5"), body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json["embeds"], body["embeds"]);
    assert_eq!(reply.json["author"]["username"], "Refract");
    assert_eq!(reply.json["webhook_id"], link.id.to_string());
    assert_eq!(reply.json["edited_timestamp"], Value::Null);
    for quiet in ["", "?wait=false", "?thread_id=5"] {
        assert_eq!(post(&app, &link.discord(quiet), body.to_string()).await.status, 204, "{quiet}");
    }
}

#[tokio::test]
async fn the_path_may_have_a_version_as_discords_libraries_write_it() {
    let (app, link) = open().await;
    let versioned = |rest: &str| link.discord(rest).replace("/api/", "/api/v10/");
    assert_eq!(app.get(&versioned("")).await.json["type"], 1);
    let pending = card("A-1", &[("Status", "pending")]);
    let reply = post(&app, &versioned("?wait=true"), pending.to_string()).await;
    assert_eq!((reply.status, &reply.json["embeds"]), (200, &pending["embeds"]), "{}", reply.text);
    let message = versioned(&format!("/messages/{}", reply.json["id"].as_str().unwrap()));
    assert_eq!(patch(&app, &message, &card("A-1", &[("Status", "shipped")])).await.status, 200);
    assert_eq!(order(&app, "A-1").await["status"], "shipped");
    assert_eq!(app.request(Method::DELETE, &message, &[], "").await.status, 204);
    let older = link.discord("/slack").replace("/api/", "/api/v6/");
    assert_eq!(post(&app, &older, r#"{"text": "Order Number\nB-1"}"#).await.text, "ok");
    let wrong = app.get(&format!("/api/v10/webhooks/{}/wrong", link.id)).await;
    assert_eq!((wrong.status, &wrong.json["code"]), (401, &json!(50027)), "{}", wrong.text);
    // Paths of ROMS itself stay as they are.
    assert_eq!(app.get("/api/v2/webhooks/test").await.status, 200);
    assert_eq!(app.get("/api/v2/webhooks/logs/1").await.status, 200);
    assert_eq!(app.get("/api/vx/webhooks/1/x").await.json["code"], "unknown_route");
}

#[tokio::test]
async fn unknown_paths_and_methods_behind_a_link_have_discords_form_too() {
    let (app, link) = open().await;
    for (method, rest, status, message) in [
        (Method::PUT, "", 405, "405: Method Not Allowed"),
        (Method::GET, "/messages/1", 405, "405: Method Not Allowed"),
        (Method::POST, "/github", 404, "404: Not Found"),
    ] {
        let reply = app.request(method, &link.discord(rest), &[], "{}").await;
        assert_eq!((reply.status, reply.json), (status, json!({"message": message, "code": 0})), "{rest}");
    }
}

#[tokio::test]
async fn a_card_may_come_with_files() {
    let (app, link) = open().await;
    let part =
        |name: &str, body: &str| format!("--xYz\r\nContent-Disposition: form-data; {name}\r\n\r\n{body}\r\n");
    let payload = card("A-1", &[]).to_string();
    let image = "\u{fffd}".repeat(200_000);
    let body = format!(
        "{}{}--xYz--\r\n",
        part("name=\"files[0]\"; filename=\"a.png\"", &image),
        part("name=\"payload_json\"", &payload)
    );
    let headers = [("content-type", "multipart/form-data; boundary=xYz")];
    let reply = app.request(Method::POST, &link.discord(""), &headers, body.clone()).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    assert_eq!(order(&app, "A-1").await["product"], "Thing");
    assert_eq!(app.sql().await.value("SELECT payload FROM webhook_logs").await, payload, "without the file");
    // Neither a large card nor a large body of another kind.
    let large = part("name=\"payload_json\"", &format!("{{\"content\":\"{image}\"}}")) + "--xYz--\r\n";
    let reply = app.request(Method::POST, &link.discord(""), &headers, large).await;
    assert_eq!((reply.status, &reply.json["code"]), (413, &json!(40005)), "{}", reply.text);
    let reply = post(&app, &link.discord(""), body).await;
    assert_eq!((reply.status, &reply.json["code"]), (413, &json!(40005)), "{}", reply.text);
}

#[tokio::test]
async fn a_message_that_is_no_readable_order_is_kept_and_accepted() {
    let (app, link) = open().await;
    let mut unnumbered = card("x", &[]);
    unnumbered["embeds"][0]["fields"].as_array_mut().unwrap().pop();
    let bodies = [
        (unnumbered.to_string(), "rejected", "missing_order_number"),
        (json!({"content": "hello"}).to_string(), "rejected", "not_an_order"),
        (json!({"embeds": [{"title": "Test Webhook | Refract"}]}).to_string(), "ignored", "test"),
    ];
    for (at, (body, outcome, code)) in bodies.iter().enumerate() {
        let reply = post(&app, &link.discord(""), body.clone()).await;
        assert_eq!(reply.status, 204, "{body}: {}", reply.text);
        let log = app.get(&format!("/api/v2/webhooks/logs/{}", at + 1)).await.json;
        assert_eq!((&log["outcome"], &log["code"]), (&json!(outcome), &json!(code)), "{body}");
        assert_eq!(log["status_code"], 204, "{body}");
        assert_eq!(log["payload"], **body);
    }
    // Discord refuses these too. The log keeps them as well.
    for (body, code) in [("", 50109), ("no JSON", 50109), ("{}", 50006), (r#"{"content": ""}"#, 50006)] {
        let reply = post(&app, &link.discord(""), body).await;
        assert_eq!((reply.status, &reply.json["code"]), (400, &json!(code)), "{body}: {}", reply.text);
        let log = app.get("/api/v2/webhooks/logs?limit=1").await.json["logs"][0].take();
        assert_eq!((&log["code"], &log["status_code"]), (&json!("empty_message"), &json!(400)), "{body}");
    }
    assert_eq!(app.sql().await.count("webhook_logs").await, 7);
    assert_eq!(app.sql().await.count("orders").await, 0);
}

#[tokio::test]
async fn an_edit_changes_the_order_and_each_version_counts_once() {
    let (app, link) = open().await;
    let (pending, shipped) = (card("A-1", &[("Status", "pending")]), card("A-1", &[("Status", "shipped")]));
    let id = sent(&app, &link, &pending).await;
    let message = link.discord(&format!("/messages/{id}"));
    for (body, status, rows) in [
        (&shipped, "shipped", 2),
        (&shipped, "shipped", 2),
        (&pending, "pending", 3),
        (&shipped, "shipped", 4),
    ] {
        let reply = patch(&app, &message, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!((&reply.json["id"], &reply.json["embeds"]), (&json!(id), &body["embeds"]));
        assert!(reply.json["edited_timestamp"].is_string());
        assert_eq!(order(&app, "A-1").await["status"], status);
        assert_eq!(app.sql().await.count("webhook_logs").await, rows, "an unchanged version leaves no row");
    }
    let (url, replayed) = ("/api/v2/webhooks/logs/4/replay", "/api/v2/webhooks/logs/2/replay");
    for path in [url, replayed] {
        assert_eq!(post(&app, path, "").await.status, 200);
        assert_eq!(order(&app, "A-1").await["status"], "shipped", "{path}");
    }
    assert_eq!(patch(&app, &message, &shipped).await.status, 200);
    assert_eq!(app.sql().await.count("webhook_logs").await, 4, "a replay keeps the identity of the message");
}

#[tokio::test]
async fn an_edit_keeps_what_it_does_not_name_and_reveals_nothing_of_it() {
    let (app, link) = open().await;
    let id = sent(&app, &link, &card("A-1", &[("Email", "x@example.net")])).await;
    let message = link.discord(&format!("/messages/{id}"));
    let cancelled = json!({"content": "Order cancelled | Store"});
    let reply = patch(&app, &message, &cancelled).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(!reply.text.contains("A-1") && !reply.text.contains("example.net"), "{}", reply.text);
    let payload = app.sql().await.value("SELECT payload FROM webhook_logs WHERE id = 2").await;
    assert!(payload.as_str().unwrap().contains("cancelled") && payload.as_str().unwrap().contains("A-1"));

    for (body, status, code) in [("[]", 400, 50109), ("x", 400, 50109)] {
        let reply = app.request(Method::PATCH, &message, &[], body).await;
        assert_eq!((reply.status, &reply.json["code"]), (status, &json!(code)), "{body}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_link_edits_and_deletes_only_its_own_messages() {
    let (app, link) = open().await;
    let other = Link::create(app.home(), "other").await;
    let id = sent(&app, &link, &card("A-1", &[("Status", "pending")])).await;
    app.stored(&["Order Number\nB-1\n"]).await;
    let shipped = card("A-1", &[("Status", "shipped")]);
    let unknown = json!({"message": "Unknown Message", "code": 10008});
    let foreign = other.discord(&format!("/messages/{id}"));
    for path in
        [&foreign, &link.discord("/messages/2"), &link.discord("/messages/x"), &link.discord("/messages/99")]
    {
        for method in [Method::PATCH, Method::DELETE] {
            let reply = app.request(method, path, &[], shipped.to_string()).await;
            assert_eq!((reply.status, &reply.json), (404, &unknown), "{path}");
        }
    }
    let own = link.discord(&format!("/messages/{id}"));
    assert_eq!(app.request(Method::DELETE, &own, &[], "").await.status, 204);
    assert_eq!(app.request(Method::DELETE, &own, &[], "").await.status, 404);
    assert_eq!(patch(&app, &own, &shipped).await.status, 404);
    assert_eq!(order(&app, "A-1").await["status"], "pending", "the order stays");
}
