//! The message to a Discord webhook: the card as it arrived, within Discord's rate limits.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Answer, NoAnswer};
use super::sender::{Outcome, Sender, Sent};
use crate::card::decode::form::wrapped_payload;
use crate::card::message::LINK_ENDPOINT;
use crate::store::{Attempt, StoreError};

/// Discord's limit for the text of a message.
const MAX_CONTENT: usize = 2000;
/// The pause if Discord asks for one and does not say how long.
const DEFAULT_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause that is believed.
const MAX_PAUSE: Duration = Duration::from_hours(1);
/// A message of Discord has one of these members, or it would be empty.
const MEMBERS: [&str; 4] = ["content", "embeds", "components", "poll"];

impl Sender {
    /// Passes a card on to the Discord webhook of its token. An edited card changes the message that it became.
    pub(crate) async fn relay_card(&self, token: i64, log_id: i64) -> Result<Sent, StoreError> {
        let Some(url) = self.store.relay_url(token).await? else { return Ok(Outcome::Void.into()) };
        let Some(card) = self.store.log(log_id).await? else { return Ok(Outcome::Void.into()) };
        let Some(body) = body(&card.payload, &card.flattened) else { return Ok(Outcome::Void.into()) };
        let mut target = url.clone();
        let method = match card.message_id.filter(|_| card.endpoint.starts_with(LINK_ENDPOINT)) {
            None => {
                // Discord then answers with the message.
                target.query_pairs_mut().append_pair("wait", "true");
                Method::POST
            }
            Some(original) => {
                // A card that did not get through cannot be edited.
                let message = self.store.relayed_message(token, original).await?;
                let Some(message) = message else { return Ok(Outcome::Void.into()) };
                target.set_path(&format!("{}/messages/{message}", url.path().trim_end_matches('/')));
                Method::PATCH
            }
        };
        // A repeated edit changes nothing.
        let is_edit = method == Method::PATCH;
        let timeout = self.timing.relay_timeout;
        match self.clients.send(method, &target, false, Vec::new(), body, timeout).await {
            Ok(answer) => Ok(read(&answer, answer.shown(&url), is_edit)),
            Err(NoAnswer { reason, doubtful }) => {
                let attempt = Attempt { error: Some(reason), ..Attempt::default() };
                let outcome = Outcome::Failed { doubtful: doubtful && !is_edit };
                Ok(Sent { outcome, attempt, pause: None, endpoint: None })
            }
        }
    }
}

/// The card as a message of Discord; `None` if there is nothing left of it. A body in Discord's form stays as it is.
/// Anything else becomes the text of a message without mentions.
fn body(payload: &str, text_form: &str) -> Option<String> {
    let payload = wrapped_payload(payload).unwrap_or_else(|| payload.to_owned());
    let json: Option<Value> = serde_json::from_str(&payload).ok().filter(|json: &Value| !json.is_string());
    let is_given = |name: &str| match json.as_ref().and_then(|json| json.get(name)) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(_) => true,
    };
    if MEMBERS.into_iter().any(is_given) {
        return Some(payload);
    }
    let text = if json.is_some() { text_form } else { &payload };
    if text.trim().is_empty() {
        return None;
    }
    let mut content: String = text.chars().take(MAX_CONTENT).collect();
    if text.chars().nth(MAX_CONTENT).is_some() {
        content.pop();
        content.push('…');
    }
    Some(json!({"content": content, "allowed_mentions": {"parse": []}}).to_string())
}

fn read(answer: &Answer, shown: String, is_edit: bool) -> Sent {
    let status = answer.status;
    let json: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let mut attempt = Attempt { status: Some(status.as_u16().into()), ..Attempt::default() };
    let mut pause = bucket_pause(&answer.headers);
    let outcome = if status.is_success() {
        attempt.message_id = json["id"].as_str().and_then(|id| id.parse().ok());
        Outcome::Arrived
    } else {
        attempt.answer = Some(shown);
        attempt.error = Some(format!("Discord answered {status}"));
        match status {
            StatusCode::TOO_MANY_REQUESTS => {
                let asked =
                    json["retry_after"].as_f64().or_else(|| number(&answer.headers, RETRY_AFTER.as_str()));
                let wait = asked.and_then(seconds).unwrap_or(DEFAULT_PAUSE);
                pause = Some(wait);
                if json["global"].as_bool() == Some(true) {
                    Outcome::AllLater(wait)
                } else {
                    Outcome::Later(wait)
                }
            }
            // Somebody has deleted the message in Discord.
            StatusCode::NOT_FOUND if is_edit => Outcome::Void,
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => Outcome::TargetGone,
            status if status.is_client_error() => Outcome::Rejected,
            _ => Outcome::Failed { doubtful: false },
        }
    };
    Sent { outcome, attempt, pause, endpoint: None }
}

/// How long the webhook accepts nothing more, if this answer has used up its rate limit.
fn bucket_pause(headers: &HeaderMap) -> Option<Duration> {
    let is_used_up = number(headers, "x-ratelimit-remaining")? < 1.0;
    number(headers, "x-ratelimit-reset-after").filter(|_| is_used_up).and_then(seconds)
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok().map(|time| time.min(MAX_PAUSE))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::body;

    #[test]
    fn a_message_of_discord_is_passed_on_as_it_is() {
        for payload in [r#"{ "content":"a",  "x":1}"#, r#"{"embeds": [{"title": "b"}], "content": null}"#] {
            assert_eq!(body(payload, "text").as_deref(), Some(payload));
        }
    }

    #[test]
    fn anything_else_becomes_text() {
        let content = |payload: &str, text: &str| {
            body(payload, text).map(|body| serde_json::from_str::<Value>(&body).unwrap()["content"].clone())
        };
        assert_eq!(content("Order Number\nA-1", "ignored"), Some(json!("Order Number\nA-1")));
        assert_eq!(
            content(r#"{"order_number":"A-1"}"#, "Order Number\nA-1"),
            Some(json!("Order Number\nA-1"))
        );
        let long = content(&"ä".repeat(2001), "").unwrap();
        assert_eq!(long, json!(format!("{}…", "ä".repeat(1999))));
        assert_eq!(content("", ""), None);
        assert!(body("x", "").unwrap().contains(r#""allowed_mentions":{"parse":[]}"#));
    }
}
