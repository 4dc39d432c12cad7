//! The events that endpoints receive.

use std::process::Command;
use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::Utc;
use reqwest::Method;
use roms::token::SigningSecret;
use roms::webhook::signature;
use serde_json::{Value, json};

use super::{card, create, deliveries, send, start, timing, until_states, with_endpoint};
use crate::importing::command::done;
use crate::support::app::App;
use crate::support::home::Home;
use crate::support::receiver::{Received, Receiver, closed_port};

fn is_signed(request: &Received, secret: &str) -> bool {
    let timestamp: i64 = request.header("webhook-timestamp").parse().unwrap();
    assert!((Utc::now().timestamp() - timestamp).abs() < 300);
    let secret = SigningSecret::new(secret.to_owned());
    let expected = signature(&secret, request.header("webhook-id"), timestamp, &request.body);
    request.header("webhook-signature").split(' ').any(|signature| signature == expected)
}

fn types(received: &[Received]) -> Vec<Value> {
    received.iter().map(|request| request.json()["type"].clone()).collect()
}

#[tokio::test]
async fn an_endpoint_receives_each_change_of_an_order_signed() {
    let (app, receiver, endpoint) = with_endpoint(json!({})).await;
    let secret = endpoint["secret"].as_str().unwrap();
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    assert_eq!(key.len(), 32);
    app.stored(&[&card("A-1")]).await;
    receiver.until(1).await;
    send(&app, Method::PATCH, "/api/v2/orders/A-1", json!({"tracking_number": "1Z999AA10123456784"})).await;
    receiver.until(2).await;
    app.request(Method::DELETE, "/api/v2/orders/A-1", &[], "").await;
    let received = receiver.until(3).await;

    assert_eq!(types(&received), ["order.created", "order.updated", "order.cancelled"]);
    for request in &received {
        assert!(is_signed(request, secret), "{request:?}");
        assert_eq!(
            (request.path.as_str(), request.header("content-type")),
            ("/hooks/secret-path", "application/json")
        );
    }
    let created = received[0].json();
    let mut order = app.get("/api/v2/orders/A-1").await.json;
    assert_eq!(created["data"]["order"]["order_number"], "A-1");
    assert_ne!(created["data"]["order"]["email"], "jane@mail.example", "masked");
    let cancelled = received[2].json();
    assert_eq!(cancelled["data"]["changed"], json!(["status"]));
    // The form of the API, except for the mask.
    order["email"] = cancelled["data"]["order"]["email"].clone();
    assert_eq!(cancelled["data"]["order"], order);
    let ids: Vec<_> = received.iter().map(|request| request.header("webhook-id")).collect();
    assert!(ids[0].starts_with("msg_") && ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}

#[tokio::test]
async fn an_endpoint_receives_only_its_types_and_personal_data_only_if_set() {
    let (app, receiver, _) =
        with_endpoint(json!({"event_types": ["order.cancelled"], "personal_data": true})).await;
    app.stored(&[
        &card("A-1"),
        "Order Number\nA-1\nStatus\nshipped\n",
        "Order Number\nA-1\nStatus\ncancelled\n",
    ])
    .await;
    let received = receiver.until(1).await;
    assert_eq!(types(&received), ["order.cancelled"]);
    assert_eq!(received[0].json()["data"]["order"]["email"], "jane@mail.example");
    assert_eq!(until_states(&app, &["delivered"]).await.len(), 1);
}

#[tokio::test]
async fn two_endpoints_receive_one_change_independently() {
    let (app, first, _) = with_endpoint(json!({})).await;
    let second = Receiver::start().await;
    create(&app, "zapier", &second.url("/"), json!({})).await;
    app.stored(&[&card("A-1")]).await;
    let (one, other) = (first.until(1).await, second.until(1).await);
    assert_eq!(one[0].json(), other[0].json());
    assert_ne!(one[0].header("webhook-id"), other[0].header("webhook-id"));
}

#[tokio::test]
async fn replayed_and_old_messages_are_silent_until_they_are_asked_for() {
    let (app, receiver, _) = with_endpoint(json!({})).await;
    let home = app.stop().await;
    // Nothing is young enough.
    let app = App::start_timed(home, "[webhooks]\nmax_age = \"0\"\n", timing()).await;
    app.stored(&[&card("OLD-1")]).await;
    let app = start(app.stop().await).await;
    app.stored(&[&card("NEW-1")]).await;
    receiver.until(1).await;
    // The replay changes the order: a column was emptied by hand.
    app.sql().await.run("UPDATE orders SET product = NULL, email = NULL").await;
    let replayed = app.request(Method::POST, "/api/v2/webhooks/logs/replay?outcome=all", &[], "").await;
    assert_eq!(replayed.json["updated"], 2, "{}", replayed.text);
    send(&app, Method::PATCH, "/api/v2/orders/NEW-1", json!({"tracking_number": "1Z999AA10123456784"})).await;
    let received = receiver.until(2).await;
    assert_eq!(types(&received), ["order.created", "order.updated"]);

    let day = Utc::now().date_naive().pred_opt().unwrap();
    let path = format!("/api/v2/webhook-endpoints/n8n/replay?since={day}");
    let asked = app.request(Method::POST, &path, &[], "").await;
    assert_eq!((asked.status, &asked.json["queued"]), (202, &json!(3)), "{}", asked.text);
    let received = receiver.until(5).await;
    let number = |request: &Received| request.json()["data"]["order"]["order_number"].clone();
    assert!(received.iter().any(|request| number(request) == "OLD-1"));
    until_states(&app, &["delivered"; 5]).await;
    let again = app.request(Method::POST, &path, &[], "").await;
    assert_eq!(again.json["queued"], 0);
}

#[tokio::test]
async fn a_rotated_secret_signs_beside_the_old_one() {
    let (app, receiver, endpoint) = with_endpoint(json!({})).await;
    let rotated = app.request(Method::POST, "/api/v2/webhook-endpoints/n8n/secret", &[], "").await;
    app.request(Method::POST, "/api/v2/webhook-endpoints/n8n/test", &[], "").await;
    let received = receiver.until(1).await;
    assert_eq!(received[0].json()["type"], "test");
    for secret in [&endpoint["secret"], &rotated.json["secret"]] {
        assert!(is_signed(&received[0], secret.as_str().unwrap()));
    }
    assert_ne!(endpoint["secret"], rotated.json["secret"]);
    app.sql().await.run("UPDATE webhook_endpoints SET old_secret_until = created_at").await;
    app.request(Method::POST, "/api/v2/webhook-endpoints/n8n/test", &[], "").await;
    let received = receiver.until(2).await;
    assert!(!is_signed(&received[1], endpoint["secret"].as_str().unwrap()));
    assert!(is_signed(&received[1], rotated.json["secret"].as_str().unwrap()));
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_queued() {
    let app = start(Home::new()).await;
    app.stored(&[&card("A-1")]).await;
    assert_eq!(deliveries(&app).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_deleted_order_is_not_sent() {
    let (_, closed) = closed_port();
    let mut timing = timing();
    timing.outbox.retry_delays = vec![Duration::from_millis(500); 60];
    let app = App::start_timed(Home::new(), "", timing).await;
    create(&app, "n8n", &format!("http://{}/", closed.local_addr().unwrap()), json!({})).await;
    app.stored(&[&card("A-1")]).await;
    until_states(&app, &["pending"]).await;
    let mut sql = app.sql().await;
    sql.run("DELETE FROM order_events").await;
    sql.run("DELETE FROM orders").await;
    until_states(&app, &[]).await;
}

#[tokio::test]
async fn the_example_of_the_documentation_verifies_a_message() {
    let (app, receiver, endpoint) = with_endpoint(json!({})).await;
    app.stored(&[&card("A-1")]).await;
    let request = &receiver.until(1).await[0];
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: Value = names.iter().map(|name| ((*name).to_owned(), json!(request.header(name)))).collect();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/webhooks.md")).unwrap();
    let (_, rest) = page.split_once("```python\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let verifies = |body: &str| {
        let input = json!({"secret": endpoint["secret"], "headers": headers, "body": body}).to_string();
        let call = "import json, sys\ngiven = json.loads(sys.argv[1])\n\
                    print(verify(given['secret'], given['headers'], given['body'].encode()))";
        let program = format!("{example}\n{call}\n");
        let output = Command::new("python3").args(["-c", &program, &input]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    assert_eq!(verifies(&body), "True");
    assert_eq!(verifies(&body.replace("A-1", "A-2")), "False");
}

#[tokio::test]
async fn an_import_by_another_process_is_sent_by_the_server() {
    let (app, receiver, _) = with_endpoint(json!({})).await;
    app.stored(&[&card("A-1")]).await;
    receiver.until(1).await;
    let file = app.home().path().join("list.csv");
    std::fs::write(&file, "order number,tracking number\nA-1,1Z999AA10123456784\n").unwrap();
    done(app.home(), &["import", file.to_str().unwrap(), "--yes"]).await;
    let received = receiver.until(2).await;
    assert_eq!(types(&received), ["order.created", "order.updated"]);
    let updated = received[1].json();
    assert_eq!(updated["data"]["order"]["tracking_number"], "1Z999AA10123456784");
    assert_eq!(updated["data"]["changed"], json!(["tracking_number"]));
    done(app.home(), &["imports", "undo", "1", "--yes"]).await;
    let undone = receiver.until(3).await[2].json();
    assert_eq!(
        (&undone["type"], &undone["data"]["order"]["tracking_number"]),
        (&json!("order.updated"), &json!(null))
    );
}
