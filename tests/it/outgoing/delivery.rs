//! Attempts, answers and addresses: when a delivery is tried again, and when ROMS gives up.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use roms::outbox;
use serde_json::json;

use super::{card, create, deliveries, send, start, timing, until_states, with_endpoint};
use crate::support::app::{App, until_ok};
use crate::support::home::Home;
use crate::support::program::Program;
use crate::support::receiver::{Answer, Receiver, closed_port};

/// Waits until the endpoint is disabled for a reason with this text.
async fn until_disabled(app: &App, reason: &str) {
    until_ok("the endpoint is disabled", async || {
        let endpoint = app.get("/api/v2/webhook-endpoints/n8n").await.json;
        if endpoint["disabled_reason"].to_string().contains(reason) { Ok(()) } else { Err(endpoint) }
    })
    .await;
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_until_it_is_dead() {
    let (app, receiver, _) = with_endpoint(json!({})).await;
    let body = "failed for jane@mail.example at /hooks/secret-path".to_owned();
    receiver.answers([500, 404, 302].map(|status| Answer::Status(status, Vec::new(), body.clone())));
    app.stored(&[&card("A-1")]).await;
    let dead = until_states(&app, &["dead"]).await;
    let received = receiver.until(3).await;
    let ids: Vec<_> = received.iter().map(|request| request.header("webhook-id")).collect();
    assert!(ids[0] == ids[1] && ids[1] == ids[2], "{ids:?}");
    assert_eq!((&dead[0]["attempts"], &dead[0]["status"]), (&json!(3), &json!(302)));
    assert_eq!(dead[0]["answer"], "failed for *** at ***");
    assert!(dead[0]["error"].as_str().unwrap().contains("redirects"), "{}", dead[0]);
    let health = app.get("/health").await.json;
    assert_eq!(health["checks"]["outbox"], json!({"due": 0, "dead": 1}));

    let path = format!("/api/v2/webhook-deliveries/{}/replay", dead[0]["id"]);
    let replayed = app.request(Method::POST, &path, &[], "").await;
    assert_eq!((replayed.status, &replayed.json["queued"]), (202, &json!(1)));
    until_states(&app, &["delivered"]).await;
    assert_eq!(receiver.received().last().unwrap().header("webhook-id"), ids[0]);
    until_ok("the endpoint works", async || {
        let endpoint = app.get("/api/v2/webhook-endpoints/n8n").await.json;
        let works = endpoint["failing_since"].is_null();
        assert_eq!(endpoint["url"], format!("http://{}/***", receiver.address));
        if works { Ok(()) } else { Err(endpoint) }
    })
    .await;
}

#[tokio::test]
async fn a_delivery_waits_for_a_receiver_that_is_down_across_a_restart() {
    let (address, socket) = closed_port();
    let app = start(Home::new()).await;
    create(&app, "n8n", &format!("http://{address}/"), json!({})).await;
    let home = app.stop().await;
    // The usual schedule: the second attempt is five seconds later, the third would be five minutes later.
    let app = App::start_in(home, "").await;
    app.stored(&[&card("A-1")]).await;
    until_ok("the first attempt", async || match deliveries(&app).await {
        tried if tried[0]["error"].is_string() => Ok(()),
        tried => Err(tried),
    })
    .await;
    let error = deliveries(&app).await[0]["error"].to_string();
    assert!(error.contains("cannot connect") && !error.contains("127.0.0.1"), "{error}");
    let home = app.stop().await;
    let receiver = Receiver::open(socket);
    let app = App::start_in(home, "").await;
    until_states(&app, &["delivered"]).await;
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(deliveries(&app).await[0]["attempts"], 2);
}

#[tokio::test]
async fn a_crash_repeats_only_what_was_not_acknowledged() {
    let receiver = Receiver::start().await;
    let program = Program::start().await;
    let home = program.home();
    let url = receiver.url("/secret-path");
    let output = home
        .command(&["webhook", "create", "--name", "n8n", "--url", &url, "--allow-private"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let post = async |program: &Program, number: &str| {
        let url = format!("{}/api/v2/webhooks/orders", program.url);
        let posted = reqwest::Client::new().post(url).body(card(number)).send().await.unwrap();
        assert!(posted.status().is_success());
    };
    // Until the process follows the new endpoint.
    let mut count = 0;
    until_ok("the endpoint is known", async || {
        count += 1;
        post(&program, &format!("WARM-{count}")).await;
        if receiver.received().is_empty() { Err(count) } else { Ok(()) }
    })
    .await;
    let known = |number: &str| {
        receiver
            .received()
            .iter()
            .filter(|request| request.json()["data"]["order"]["order_number"] == number)
            .count()
    };
    // An answer is acknowledged when its result is stored, a moment after the receiver has sent it.
    let until_idle = async || {
        until_ok("nothing waits", async || {
            let health =
                reqwest::get(format!("{}/health", program.url)).await.unwrap().json::<serde_json::Value>();
            let health = health.await.unwrap();
            if health["checks"]["outbox"]["due"] == 0 { Ok(()) } else { Err(health) }
        })
        .await;
    };
    until_idle().await;
    post(&program, "DONE").await;
    until_idle().await;
    assert_eq!(known("DONE"), 1);
    receiver.answers([Answer::Hold]);
    post(&program, "HELD").await;
    until_ok("HELD arrives", async || if known("HELD") == 1 { Ok(()) } else { Err(known("HELD")) }).await;
    program.signal("KILL");
    let home = program.end().await.home;
    receiver.release();
    let mut program = Program::start_in(home).await;
    until_ok("HELD arrives again", async || if known("HELD") == 2 { Ok(()) } else { Err(known("HELD")) })
        .await;
    assert_eq!(known("DONE"), 1);
    let ids: Vec<_> = receiver
        .received()
        .iter()
        .filter(|request| request.json()["data"]["order"]["order_number"] == "HELD")
        .map(|request| request.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids[0], ids[1], "the receiver recognizes the repetition");
    receiver.answers([Answer::status(410)]);
    post(&program, "GONE").await;
    until_ok("GONE arrives", async || if known("GONE") == 1 { Ok(()) } else { Err(known("GONE")) }).await;
    program.line_with("The webhook endpoint n8n was disabled: it answered 410 Gone").await;
    program.signal("TERM");
    let end = program.end().await;
    assert_eq!(end.code, Some(0));
    let secret = String::from_utf8_lossy(&output.stdout).lines().next().unwrap().to_owned();
    for hidden in [secret.as_str(), "secret-path", "jane@mail.example"] {
        assert!(!end.log.contains(hidden), "{hidden}: {}", end.log);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_at_once() {
    let (app, receiver, _) = with_endpoint(json!({})).await;
    receiver.answers([Answer::status(410)]);
    app.stored(&[&card("A-1")]).await;
    until_states(&app, &["dead"]).await;
    until_disabled(&app, "it answered 410 Gone").await;
    app.stored(&[&card("A-2")]).await;
    assert_eq!(deliveries(&app).await.len(), 1);

    let enabled =
        send(&app, Method::PATCH, "/api/v2/webhook-endpoints/n8n", json!({"disabled": false})).await;
    assert_eq!(enabled.json["disabled_at"], json!(null), "{}", enabled.text);
    app.stored(&[&card("A-3")]).await;
    let received = receiver.until(2).await;
    assert_eq!(received[1].json()["data"]["order"]["order_number"], "A-3");
}

#[tokio::test]
async fn an_endpoint_that_fails_for_days_is_disabled_and_what_waits_is_dead() {
    let mut timing = timing();
    timing.outbox.max_failing = TimeDelta::zero();
    timing.outbox.retry_delays = vec![Duration::from_millis(1), Duration::from_hours(1)];
    let (app, receiver) = (App::start_timed(Home::new(), "", timing).await, Receiver::start().await);
    create(&app, "n8n", &receiver.url("/"), json!({})).await;
    receiver.answers([Answer::status(500), Answer::status(500)]);
    app.stored(&[&card("A-1")]).await;
    let dead = until_states(&app, &["dead"]).await;
    assert_eq!(dead[0]["error"], "the endpoint was disabled");
    until_disabled(&app, "every message has failed since").await;
}

#[tokio::test]
async fn an_endpoint_that_is_slow_is_not_waited_for() {
    let mut timing = timing();
    timing.outbox.event_timeout = Duration::from_secs(1);
    let (app, receiver) = (App::start_timed(Home::new(), "", timing).await, Receiver::start().await);
    create(&app, "slow", &receiver.url("/"), json!({})).await;
    let quick = Receiver::start().await;
    create(&app, "quick", &quick.url("/"), json!({})).await;
    receiver.answers([Answer::Hold]);
    app.stored(&[&card("A-1")]).await;
    // The quick one does not wait for the slow one.
    quick.until(1).await;
    until_states(&app, &["delivered", "delivered"]).await;
    assert_eq!(receiver.received().len(), 2);
    receiver.release();
}

#[tokio::test]
async fn private_addresses_are_refused_unless_they_are_allowed() {
    let receiver = Receiver::start().await;
    let port = receiver.address.port();
    for (host, allowed) in
        [("127.0.0.1", false), ("localhost", false), ("[::ffff:127.0.0.1]", false), ("localhost", true)]
    {
        let app = start(Home::new()).await;
        create(&app, "n8n", &format!("http://{host}:{port}/"), json!({"allow_private": true})).await;
        if !allowed {
            // The name of a receiver may lead to a private address later.
            app.sql().await.run("UPDATE webhook_endpoints SET allow_private = FALSE").await;
        }
        app.request(Method::POST, "/api/v2/webhook-endpoints/n8n/test", &[], "").await;
        if allowed {
            until_states(&app, &["delivered"]).await;
        } else {
            let dead = until_states(&app, &["dead"]).await;
            assert!(dead[0]["error"].as_str().unwrap().contains("its address is private"), "{}", dead[0]);
            assert!(receiver.received().is_empty());
        }
    }
    // The configuration can allow them for all.
    let app = App::start_timed(Home::new(), "[webhooks]\nallow_private = true\n", timing()).await;
    create(&app, "n8n", &receiver.url("/"), json!({"allow_private": false})).await;
    app.request(Method::POST, "/api/v2/webhook-endpoints/n8n/test", &[], "").await;
    until_states(&app, &["delivered"]).await;
}

#[tokio::test]
async fn delivered_rows_are_deleted_after_their_time_and_dead_ones_stay() {
    let (app, receiver, _) = with_endpoint(json!({})).await;
    app.stored(&[&card("A-1"), &card("A-2"), &card("A-3")]).await;
    let delivered = until_states(&app, &["delivered"; 3]).await;
    let mut sql = app.sql().await;
    // The ids have gaps if the writer had to repeat a batch.
    for (delivery, (state, days)) in
        delivered.iter().zip([("delivered", 31), ("delivered", 29), ("dead", 31)])
    {
        let id = &delivery["id"];
        let at = (chrono::Utc::now() - TimeDelta::days(days)).to_rfc3339();
        sql.run(&format!("UPDATE outbox SET state = '{state}', attempted_at = '{at}' WHERE id = {id}")).await;
    }
    drop(sql);
    let app = start(app.stop().await).await;
    until_states(&app, &["delivered", "dead"]).await;
    assert_eq!(receiver.received().len(), 3);
}

#[tokio::test]
async fn no_secret_is_in_a_list() {
    let (app, receiver, endpoint) = with_endpoint(json!({})).await;
    receiver.answers([Answer::status(500)]);
    app.stored(&[&card("A-1")]).await;
    until_states(&app, &["delivered"]).await;
    for path in ["/api/v2/webhook-endpoints", "/api/v2/webhook-deliveries", "/health"] {
        let text = app.get(path).await.text;
        for hidden in [endpoint["secret"].as_str().unwrap(), "secret-path", "jane@mail.example"] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
    }
}

#[test]
fn the_schedule_is_that_of_svix() {
    let minutes = |delay: &Duration| delay.as_secs() / 60;
    let delays = outbox::Timing::default().retry_delays;
    assert_eq!(delays[0], Duration::from_secs(5));
    assert_eq!(delays[1..].iter().map(minutes).collect::<Vec<_>>(), [5, 30, 120, 300, 600, 600]);
}
