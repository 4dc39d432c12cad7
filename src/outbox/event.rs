//! Sends an order event to a webhook endpoint, in the format of Standard Webhooks.

use chrono::{DateTime, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Answer, NoAnswer};
use super::sender::{Outcome, Sender, Sent};
use crate::clock;
use crate::order::View;
use crate::store::{Attempt, Delivery, Endpoint, StoreError};
use crate::webhook::signature;

/// The type of a test event.
pub const TEST: &str = "test";

impl Sender {
    /// Sends an event to its endpoint.
    pub(crate) async fn send_event(&self, endpoint: i64, delivery: &Delivery) -> Result<Sent, StoreError> {
        let now = clock::now();
        let Some(endpoint) = self.store.endpoint(endpoint, now).await? else {
            return Ok(Outcome::Void.into());
        };
        let Some(message) = self.message(&endpoint, delivery).await? else { return Ok(Outcome::Void.into()) };
        let body = message.to_string();
        let settings = &endpoint.settings;
        let seconds = now.timestamp();
        let signatures = endpoint.secrets.iter();
        let signatures = signatures.map(|secret| signature(secret, &delivery.key, seconds, body.as_bytes()));
        let headers = vec![
            ("webhook-id", delivery.key.clone()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", signatures.collect::<Vec<_>>().join(" ")),
        ];
        let url = settings.url.expose();
        let timeout = self.timing.event_timeout;
        let answered =
            self.clients.send(Method::POST, url, settings.allow_private, headers, body, timeout).await;
        let (outcome, attempt) = match answered {
            Ok(answer) => read(&answer, answer.shown(url)),
            Err(NoAnswer { reason, doubtful }) => {
                (Outcome::Failed { doubtful }, Attempt { error: Some(reason), ..Attempt::default() })
            }
        };
        Ok(Sent { outcome, attempt, pause: None, endpoint: Some(endpoint) })
    }

    /// The body; `None` if its order was deleted.
    async fn message(&self, endpoint: &Endpoint, delivery: &Delivery) -> Result<Option<Value>, StoreError> {
        let body = |timestamp: DateTime<Utc>, data: Value| {
            Some(json!({"type": delivery.event, "timestamp": timestamp, "data": data}))
        };
        if delivery.event == TEST {
            return Ok(body(delivery.created_at, json!({"message": "This is a test of ROMS."})));
        }
        let Some(event) = self.store.order_event(delivery.subject).await? else { return Ok(None) };
        let Some(order) = self.store.order_by_id(event.order_id).await? else { return Ok(None) };
        let view = if endpoint.settings.personal_data { View::Full } else { View::Masked };
        let changed: Vec<_> = event.changes.into_iter().map(|change| change.field).collect();
        let order = (self.render)(order, view);
        Ok(body(event.created_at, json!({"event_id": event.id, "changed": changed, "order": order})))
    }
}

fn read(answer: &Answer, shown: String) -> (Outcome, Attempt) {
    let status = answer.status;
    let mut attempt =
        Attempt { status: Some(status.as_u16().into()), answer: Some(shown), ..Attempt::default() };
    if status.is_success() {
        return (Outcome::Arrived, attempt);
    }
    let reason = if status.is_redirection() { "it redirects, which ROMS does not follow: " } else { "" };
    attempt.error = Some(format!("{reason}the endpoint answered {status}"));
    let outcome =
        if status == StatusCode::GONE { Outcome::TargetGone } else { Outcome::Failed { doubtful: false } };
    (outcome, attempt)
}
