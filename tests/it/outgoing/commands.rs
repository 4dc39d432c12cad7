//! `roms webhook` and `roms outbox`, and the routes that do the same.

use chrono::Utc;
use reqwest::Method;
use serde_json::json;

use super::{card, create, deliveries, send, start, until_states, with_endpoint};
use crate::support::app::App;
use crate::support::home::Home;
use crate::support::receiver::{Answer, Receiver};
use crate::support::terminal::Terminal;

/// The standard output of a command that succeeds. It blocks its thread, so a test that runs ROMS in the same process
/// needs several: a transaction of ROMS that stands still would keep the command waiting.
fn done(home: &Home, arguments: &[&str]) -> String {
    let output = home.command(arguments).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.as_str()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The standard error of a command that fails.
fn failure(home: &Home, arguments: &[&str]) -> String {
    let output = home.command(arguments).output().unwrap();
    assert_ne!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_managed_on_the_command_line() {
    let receiver = Receiver::start().await;
    let home = Home::new();
    let url = receiver.url("/secret-path");
    let create =
        ["webhook", "create", "--name", "n8n", "--url", &url, "--event", "order.created", "--allow-private"];
    let created = done(&home, &create);
    let secret = created.lines().next().unwrap();
    assert!(secret.starts_with("whsec_") && created.contains("n8n receives order.created."), "{created}");
    assert!(failure(&home, &create).contains("already a webhook endpoint named n8n"));
    let listed = done(&home, &["webhook", "list"]);
    assert!(
        listed.contains("order.created") && listed.contains("in use") && listed.contains("masked"),
        "{listed}"
    );
    assert!(!listed.contains("secret-path") && !listed.contains(secret), "{listed}");

    let app = start(home).await;
    done(app.home(), &["webhook", "test", "n8n"]);
    assert_eq!(receiver.until(1).await[0].json()["type"], "test");
    receiver.answers([Answer::status(500), Answer::status(500), Answer::status(500)]);
    app.stored(&[&card("A-1")]).await;
    until_states(&app, &["delivered", "dead"]).await;
    let home = app.home();
    let shown = done(home, &["webhook", "deliveries", "n8n"]);
    assert!(shown.contains("order.created") && shown.contains("the endpoint answered 500"), "{shown}");
    let dead = done(home, &["outbox", "list"]);
    assert_eq!(dead.lines().count(), 2, "{dead}");
    assert_eq!(done(home, &["outbox", "list", "--all"]).lines().count(), 3);
    assert!(done(home, &["outbox", "retry", "--all"]).starts_with("1 to send."));
    until_states(&app, &["delivered", "delivered"]).await;
    let id = deliveries(&app).await[0]["id"].to_string();
    assert!(done(app.home(), &["webhook", "replay", "n8n", "--delivery", &id]).starts_with("1 to send."));
    receiver.until(6).await;
    let yesterday = Utc::now().date_naive().pred_opt().unwrap().to_string();
    let replayed = done(app.home(), &["webhook", "replay", "n8n", "--since", &yesterday]);
    assert!(replayed.starts_with("0 to send."), "{replayed}");

    done(app.home(), &["webhook", "disable", "n8n"]);
    assert!(done(app.home(), &["webhook", "list"]).contains("by hand"));
    done(app.home(), &["webhook", "enable", "n8n"]);
    let rotated = done(app.home(), &["webhook", "rotate", "n8n"]);
    assert!(rotated.starts_with("whsec_") && !rotated.contains(secret), "{rotated}");
    assert!(failure(app.home(), &["webhook", "delete", "n8n"]).contains("or with --yes"));
    let mut terminal = Terminal::start(app.home().command(&["webhook", "delete", "n8n"]));
    terminal.answer("This cannot be undone. Continue (y or n)?", "no\r").await;
    terminal.wait_for("nothing was changed").await;
    assert_eq!(terminal.end().await.code(), Some(1));
    let deleted = done(app.home(), &["webhook", "delete", "n8n", "--yes"]);
    assert!(deleted.contains("order.created") && deleted.ends_with("Deleted n8n.\n"), "{deleted}");
    assert!(done(app.home(), &["webhook", "list"]).starts_with("There are no webhook endpoints."));
    assert!(failure(app.home(), &["webhook", "test", "n8n"]).contains("no webhook endpoint named n8n"));
    assert_eq!(deliveries(&app).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_address_is_refused_before_anything_is_sent_there() {
    let app = App::start().await;
    for url in ["http://127.0.0.1:9/hooks/secret-path", "http://localhost:9/", "http://[fd00::1]/"] {
        let create = ["webhook", "create", "--name", "n8n", "--url", url];
        let refused = failure(app.home(), &create);
        assert!(refused.contains("is private; use --allow-private"), "{refused}");
        assert!(!refused.contains("secret-path"), "{refused}");
        let new = json!({"name": "n8n", "url": url});
        let refused = send(&app, Method::POST, "/api/v2/webhook-endpoints", new).await;
        assert_eq!((refused.status, &refused.json["errors"][0]["field"]), (422, &json!("url")));
        assert!(refused.text.contains("Set `allow_private` to true"), "{}", refused.text);
    }
    create(&app, "n8n", "http://127.0.0.1:9/", json!({})).await;
    for change in
        [json!({"allow_private": false}), json!({"url": "http://10.0.0.1/", "allow_private": false})]
    {
        let refused = send(&app, Method::PATCH, "/api/v2/webhook-endpoints/n8n", change).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
    }
    // Other settings can be changed, whatever the address leads to.
    app.sql().await.run("UPDATE webhook_endpoints SET allow_private = FALSE").await;
    for change in [json!({"personal_data": true}), json!({"disabled": true})] {
        let changed = send(&app, Method::PATCH, "/api/v2/webhook-endpoints/n8n", change).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    }
    let relay = "http://127.0.0.1:9/api/webhooks/1/hook-secret";
    let refused =
        failure(app.home(), &["token", "create", "--name", "refract", "--url", "--relay-url", relay]);
    let private = "the address of the relay is private; set `allow_private = true` under [webhooks]";
    assert!(refused.contains(private), "{refused}");
    assert!(!refused.contains("hook-secret"), "{refused}");

    let mut allowed =
        app.home().command(&["webhook", "create", "--name", "all", "--url", "http://localhost:9/"]);
    let allowed = allowed.env("ROMS__WEBHOOKS__ALLOW_PRIVATE", "true").output().unwrap();
    assert!(allowed.status.success(), "{}", String::from_utf8_lossy(&allowed.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_delivery_is_an_error() {
    let (app, receiver, _) = with_endpoint(json!({})).await;
    app.stored(&[&card("A-1")]).await;
    receiver.until(1).await;
    let delivered = until_states(&app, &["delivered"]).await[0]["id"].to_string();
    for (arguments, list) in [
        (&["webhook", "replay", "n8n", "--delivery", "999"][..], "roms webhook deliveries n8n"),
        (&["outbox", "retry", "999"], "roms outbox list"),
        (&["outbox", "discard", "999"], "roms outbox list"),
        (&["outbox", "retry", &delivered], "roms outbox list"),
    ] {
        let refused = failure(app.home(), arguments);
        assert!(refused.contains("there is no delivery") && refused.contains(list), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_sent_can_be_discarded() {
    let (app, receiver, _) = with_endpoint(json!({})).await;
    receiver.answers([500; 6].map(Answer::status));
    app.stored(&[&card("A-1"), &card("A-2")]).await;
    let dead = until_states(&app, &["dead", "dead"]).await;
    let id = dead[0]["id"].to_string();
    assert_eq!(done(app.home(), &["outbox", "discard", &id]), "1 discarded.\n");
    assert_eq!(done(app.home(), &["outbox", "discard", "--all"]), "1 discarded.\n");
    assert!(failure(app.home(), &["outbox", "discard"]).contains("--all"));
    assert_eq!(done(app.home(), &["outbox", "list"]), "There is nothing to show.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_explained() {
    let app = App::start().await;
    create(&app, "taken", "https://example.net/", json!({})).await;
    let good = json!({"name": "a", "url": "https://example.net/"});
    for (change, field, expected) in [
        (json!({"name": "a b"}), "name", "1 to 64 letters"),
        (json!({"name": "taken"}), "name", "already a webhook endpoint"),
        (json!({"url": "example.net"}), "url", "Expected an address"),
        (json!({"event_types": ["order.sent"]}), "event_types", "order.created"),
        (json!({"event_types": []}), "event_types", "order.created"),
    ] {
        let mut new = good.clone();
        new.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = send(&app, Method::POST, "/api/v2/webhook-endpoints", new).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert_eq!(refused.json["errors"][0]["field"], field);
        assert!(refused.text.contains(expected), "{}", refused.text);
    }
    let unknown =
        send(&app, Method::POST, "/api/v2/webhook-endpoints", json!({"name": "a", "link": "x"})).await;
    assert_eq!((unknown.status, &unknown.json["code"]), (400, &json!("bad_body")));
    for (method, path) in [
        (Method::GET, "/api/v2/webhook-endpoints/none"),
        (Method::DELETE, "/api/v2/webhook-endpoints/none"),
        (Method::POST, "/api/v2/webhook-endpoints/none/test"),
        (Method::POST, "/api/v2/webhook-deliveries/99/replay"),
        (Method::GET, "/api/v2/webhook-deliveries?endpoint=none"),
    ] {
        assert_eq!(app.request(method, path, &[], "").await.status, 404, "{path}");
    }
    let bad = app.request(Method::POST, "/api/v2/webhook-endpoints/taken/replay", &[], "").await;
    assert_eq!(bad.status, 400, "{}", bad.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_changed_and_deleted_over_the_api() {
    let (app, receiver, endpoint) = with_endpoint(json!({})).await;
    let path = format!("/api/v2/webhook-endpoints/{}", endpoint["id"]);
    let changed = send(&app, Method::PATCH, &path, json!({"event_types": ["order.cancelled"]})).await;
    assert_eq!(changed.json["event_types"], json!(["order.cancelled"]), "{}", changed.text);
    assert!(changed.json["secret"].is_null());
    app.stored(&[&card("A-1")]).await;
    let disabled = send(&app, Method::PATCH, &path, json!({"disabled": true})).await;
    assert_eq!(disabled.json["disabled_reason"], "by hand");
    app.request(Method::DELETE, "/api/v2/orders/A-1", &[], "").await;
    assert_eq!(deliveries(&app).await.len(), 0);
    assert!(receiver.received().is_empty());
    assert_eq!(app.request(Method::DELETE, &path, &[], "").await.status, 204);
    assert_eq!(app.get("/api/v2/webhook-endpoints").await.json, json!({"endpoints": []}));
}
