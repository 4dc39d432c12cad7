//! `/metrics`: each kind of metric is measured, no data of users is in them, and the dashboard and the alert rules
//! name only metrics that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::access::{create, get, locked};
use crate::live::listen;
use crate::support::app::{App, soon, until};
use crate::support::bot::card;
use crate::support::home::Home;
use crate::support::program::Program;
use crate::watching::stage::Stage;

const CARD: &str = "Successful Checkout | Canary\nOrder Number\nCANARY-1\nEmail\ncanary@mail.example\nProfile\nCanary\n\
                    Proxy Details\nhttp://canary:secret@proxy.example:80\n";

/// The value of a series, written as in the answer: `name{label="value"}`.
fn value<'a>(text: &'a str, series: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}"))
}

/// A value without its fraction.
fn whole(text: &str, series: &str) -> i64 {
    value(text, series).split('.').next().unwrap().parse().unwrap()
}

/// The names of all metrics in an answer.
fn names(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

/// The names of metrics that a file mentions, without the endings of histograms.
fn mentioned(file: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let metrics = words.filter(|word| word.starts_with("roms_") || word.starts_with("process_"));
    let base = |name: &str| {
        let ends = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| name.strip_suffix(end));
        ends.unwrap_or(name).to_owned()
    };
    metrics.map(base).collect()
}

#[tokio::test]
async fn metrics_are_off_by_default() {
    let app = App::start().await;
    assert_eq!(app.get("/metrics").await.json["code"], "unknown_route");
}

#[tokio::test]
async fn only_an_admin_reads_metrics_on_the_main_listener() {
    let (app, admin) = locked("[metrics]\nenabled = true\n").await;
    let reader = create(app.home(), "read:pii").await;
    assert_eq!(app.get("/metrics").await.status, 401);
    assert_eq!(get(&app, &reader, "/metrics").await.status, 403);
    let reply = get(&app, &admin, "/metrics").await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    let document = get(&app, &admin, "/openapi.json").await.json;
    assert_eq!(document["paths"]["/metrics"]["get"]["security"][0]["token"], serde_json::json!(["admin"]));
}

#[tokio::test]
async fn metrics_have_a_listener_of_their_own_that_serves_nothing_else() {
    let home = Home::new();
    let mut serve = home.command(&[]);
    serve.env("ROMS__METRICS__BIND", "127.0.0.1:0");
    let program = Program::start_by(serve, home).await;
    let line = program.start_lines.iter().find(|line| line.contains("Metrics: http://")).unwrap();
    let url = line.split_once("Metrics: ").unwrap().1.to_owned();
    let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert_eq!(value(&text, "roms_database_writable"), "1");
    let base = url.strip_suffix("/metrics").unwrap();
    let orders = reqwest::get(format!("{base}/api/v2/orders")).await.unwrap();
    assert_eq!(orders.status(), 404);
    assert_eq!(reqwest::get(format!("{}/metrics", program.url)).await.unwrap().status(), 404);
    program.signal("TERM");
    assert_eq!(program.end().await.code, Some(0));
}

#[tokio::test]
async fn messages_commits_requests_and_clients_are_measured() {
    let app = App::start_with("[metrics]\nenabled = true\n").await;
    app.stored(&[CARD, CARD, "Order Number\nCANARY-1\nStatus\nshipped\n"]).await;
    assert_eq!(app.post("canary@mail.example").await.status, 400);
    app.get("/api/v2/orders/CANARY-1").await;
    app.get("/api/v2/orders?email=canary@mail.example").await;
    for path in ["/canary", "/canary/1", "/canary/canary@mail.example"] {
        assert_eq!(app.get(path).await.status, 404);
    }
    let _client = listen(&app).await;
    let text = app.get("/metrics").await.text;
    let received = |outcome: &str| {
        let labels = format!("source=\"webhook\",outcome=\"{outcome}\"");
        value(&text, &format!("roms_messages_received_total{{{labels}}}"))
    };
    assert_eq!(
        ["created", "updated", "duplicate", "rejected", "ignored"].map(received),
        ["1", "1", "1", "1", "0"],
        "{text}"
    );
    assert_eq!(value(&text, "roms_ingest_lag_seconds_count{source=\"webhook\"}"), "4");
    assert_eq!(value(&text, "roms_ingest_lag_seconds_bucket{source=\"webhook\",le=\"604800\"}"), "4");
    let commits = value(&text, "roms_commit_duration_seconds_count");
    assert!(commits != "0" && value(&text, "roms_batch_messages_count") == commits, "{text}");
    assert_eq!(value(&text, "roms_batch_messages_sum"), "4");
    assert_eq!(value(&text, "roms_commit_failures_total"), "0");
    assert_eq!(value(&text, "roms_queue_messages"), "0");
    assert_eq!(value(&text, "roms_queue_limit_messages"), "8192");
    assert_eq!(value(&text, "roms_live_clients"), "1");
    let requests = |route: &str, method: &str, status: u16| {
        let labels = format!("route=\"{route}\",method=\"{method}\",status=\"{status}\"");
        value(&text, &format!("roms_http_requests_total{{{labels}}}"))
    };
    assert_eq!(requests("/api/v2/webhooks/orders", "POST", 200), "3");
    assert_eq!(requests("/api/v2/webhooks/orders", "POST", 400), "1");
    assert_eq!(requests("/api/v2/orders/{order}", "GET", 200), "1");
    assert_eq!(requests("unknown", "GET", 404), "3");
    assert_eq!(
        value(&text, "roms_http_request_duration_seconds_count{route=\"unknown\",method=\"GET\"}"),
        "3"
    );
    let readers = ["used", "idle"].map(|state| {
        whole(&text, &format!("roms_database_connections{{pool=\"readers\",state=\"{state}\"}}"))
    });
    let limit = whole(&text, "roms_database_connections_limit{pool=\"readers\"}");
    assert!((1..=limit).contains(&readers.iter().sum()), "{text}");
    assert!(!text.to_lowercase().contains("canary"), "{text}");
}

#[tokio::test]
async fn discord_is_measured_and_every_metric_of_dashboard_and_alerts_exists() {
    let mut stage = Stage::before(|_, _| {}).await;
    stage.bot.config.metrics.enabled = true;
    stage.hook.post(card("TGT-1", "$10.00"));
    stage.start().await;
    stage.bot.until_orders(1).await;
    stage.hook.post(card("TGT-2", "$10.00"));
    stage.bot.until_orders(2).await;
    let url = format!("{}/metrics", stage.bot.url());
    let read = async || reqwest::get(&url).await.unwrap().text().await.unwrap();
    let labels = format!("channel=\"{}\",name=\"checkouts\"", stage.channel.id());
    let checked = format!("roms_channel_checked_timestamp_seconds{{{labels}}}");
    until("the history was read and a heartbeat answered", async || {
        let text = read().await;
        text.contains(&checked) && text.contains("\nroms_gateway_latency_seconds ")
    })
    .await;
    let text = soon(read()).await;
    for series in ["roms_leader", "roms_gateway_connected", &format!("roms_channel_readable{{{labels}}}")] {
        assert_eq!(value(&text, series), "1", "{series}");
    }
    assert!(whole(&text, "roms_gateway_sessions_total") >= 1);
    assert!(whole(&text, "roms_backfill_messages_total") >= 1, "{text}");
    let now = chrono::Utc::now().timestamp();
    let newest = whole(&text, &format!("roms_channel_last_message_timestamp_seconds{{{labels}}}"));
    assert!((newest - now).abs() < 300, "{newest}");
    assert_eq!(value(&text, "roms_messages_received_total{source=\"discord_bot\",outcome=\"created\"}"), "2");

    let exported = names(&text);
    for file in ["deploy/grafana/roms.json", "deploy/prometheus/alerts.yaml"] {
        let mentioned = mentioned(file);
        assert!(mentioned.len() > 10, "{file}");
        let missing: Vec<_> = mentioned.iter().filter(|name| !exported.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "{file} names {missing:?}, which are not in\n{exported:?}");
    }
    let dashboard =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/grafana/roms.json"));
    let dashboard: Value = serde_json::from_str(&dashboard.unwrap()).unwrap();
    assert_eq!(dashboard["uid"], "roms");
    stage.end().await;
}
