//! The outbox: events for webhook endpoints, and cards that are passed on to Discord.

mod commands;
mod delivery;
mod events;
mod relay;

use std::time::Duration;

use reqwest::Method;
use roms::app::Timing;
use roms::outbox;
use serde_json::{Value, json};

use crate::support::app::{App, Reply, until_ok};
use crate::support::home::Home;
use crate::support::receiver::Receiver;

/// Times short enough for a test. The schedule has three attempts.
fn timing() -> Timing {
    let outbox = outbox::Timing {
        retry_delays: vec![Duration::from_millis(100), Duration::from_millis(500)],
        poll_interval: Duration::from_millis(50),
        refusal_pause: Duration::from_mins(1),
        ..outbox::Timing::default()
    };
    Timing { outbox, ..Timing::default() }
}

async fn start(home: Home) -> App {
    App::start_timed(home, "", timing()).await
}

async fn send(app: &App, method: Method, path: &str, body: Value) -> Reply {
    app.request(method, path, &[], body.to_string()).await
}

/// Creates an endpoint with these settings, and returns it with its secret.
async fn create(app: &App, name: &str, url: &str, settings: Value) -> Value {
    let mut new = json!({"name": name, "url": url, "allow_private": true});
    new.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let created = send(app, Method::POST, "/api/v2/webhook-endpoints", new).await;
    assert_eq!(created.status, 201, "{}", created.text);
    created.json
}

/// An application with one endpoint, and the receiver behind it.
async fn with_endpoint(settings: Value) -> (App, Receiver, Value) {
    let (app, receiver) = (start(Home::new()).await, Receiver::start().await);
    let endpoint = create(&app, "n8n", &receiver.url("/hooks/secret-path"), settings).await;
    (app, receiver, endpoint)
}

/// The deliveries, oldest first.
async fn deliveries(app: &App) -> Vec<Value> {
    let list = async || {
        let list = app.get("/api/v2/webhook-deliveries?limit=200").await;
        // A busy database may answer too late.
        list.json["deliveries"].as_array().cloned().ok_or(list.text)
    };
    let mut deliveries = until_ok("the list of deliveries", list).await;
    deliveries.reverse();
    deliveries
}

/// Waits until the deliveries have these states.
async fn until_states(app: &App, states: &[&str]) -> Vec<Value> {
    let ask = async || {
        let deliveries = deliveries(app).await;
        let found: Vec<_> = deliveries.iter().map(|delivery| delivery["state"].as_str().unwrap()).collect();
        if found == states { Ok(deliveries) } else { Err(deliveries) }
    };
    until_ok(&format!("{states:?}"), ask).await
}

fn card(number: &str) -> String {
    format!(
        "Successful Checkout | Best Buy US\nProduct\nThing\nPrice\n$10.00\nOrder Number\n{number}\nEmail\njane@mail.example\n"
    )
}
