//! Passes a card on to a Discord webhook as it arrived, within Discord's rate limits.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Answer, NoAnswer};
use super::sender::{Outcome, Sender, Sent};
use crate::card::decode::form::wrapped_payload;
use crate::card::message::LINK_ENDPOINT;
use crate::store::{Attempt, DELETION, Delivery, StoreError};

/// Discord's limit for the text of a message.
const MAX_CONTENT: usize = 2000;
/// The pause if Discord asks for one without a duration.
const DEFAULT_PAUSE: Duration = Duration::from_secs(5);
/// Maximum pause. A longer one from Discord is shortened to this.
const MAX_PAUSE: Duration = Duration::from_hours(1);
/// A message of Discord has one of these members, or it would be empty.
const MEMBERS: [&str; 4] = ["content", "embeds", "components", "poll"];
/// The beginning of a URL that refers to an attached file.
const ATTACHED: &str = "attachment://";
/// The flag of a message whose components are its whole content. Discord reads them only with `with_components`.
const IS_COMPONENTS_V2: u64 = 1 << 15;

impl Sender {
    /// Passes a card on to the Discord webhook of its token. For an edit or a deletion, edits or deletes the
    /// Discord message of the card.
    pub(crate) async fn relay_card(&self, token: i64, delivery: &Delivery) -> Result<Sent, StoreError> {
        let Some(url) = self.store.relay_url(token).await? else { return Ok(Outcome::Void.into()) };
        let Some(card) = self.store.log(delivery.subject).await? else { return Ok(Outcome::Void.into()) };
        let is_deletion = delivery.event == DELETION;
        let edited = card.message_id.filter(|_| card.endpoint.starts_with(LINK_ENDPOINT));
        let original = if is_deletion { Some(card.id) } else { edited };
        let message = match original {
            None => None,
            Some(original) => match self.store.relayed_message(token, original).await? {
                // A card that never arrived in Discord cannot be edited or deleted.
                None => return Ok(Outcome::Void.into()),
                relayed => relayed,
            },
        };
        let (mut target, mut text) = (url.clone(), String::new());
        if !is_deletion {
            let Some(body) = body(&card.payload, &card.flattened) else { return Ok(Outcome::Void.into()) };
            if body.needs_components {
                target.query_pairs_mut().append_pair("with_components", "true");
            }
            text = body.text;
        }
        let method = match message {
            None => {
                // With `wait`, Discord answers with the new message, which has its id.
                target.query_pairs_mut().append_pair("wait", "true");
                Method::POST
            }
            Some(message) => {
                target.set_path(&format!("{}/messages/{message}", url.path().trim_end_matches('/')));
                if is_deletion { Method::DELETE } else { Method::PATCH }
            }
        };
        // Repeating an edit or a deletion is harmless, so the result is never doubtful.
        let is_edit = message.is_some();
        let timeout = self.timing.relay_timeout;
        match self.clients.send(method, &target, false, Vec::new(), text, timeout).await {
            Ok(answer) => Ok(read(&answer, answer.shown(&url), is_edit)),
            Err(NoAnswer { reason, doubtful }) => {
                let attempt = Attempt { error: Some(reason), ..Attempt::default() };
                let outcome = Outcome::Failed { doubtful: doubtful && !is_edit };
                Ok(Sent { outcome, attempt, pause: None, endpoint: None })
            }
        }
    }
}

/// A message for Discord.
#[derive(Debug, PartialEq, Eq)]
struct Body {
    text: String,
    /// Whether its components are its whole content.
    needs_components: bool,
}

/// Converts a card into a Discord message; `None` if nothing is left to send. A body in Discord's format
/// stays as it is, without references to attached files. Any other body becomes the text of a message without
/// mentions.
fn body(payload: &str, text_form: &str) -> Option<Body> {
    let payload = wrapped_payload(payload).unwrap_or_else(|| payload.to_owned());
    let mut json: Option<Value> =
        serde_json::from_str(&payload).ok().filter(|json: &Value| !json.is_string());
    let had_files = json.as_mut().is_some_and(forget_files);
    let payload = json.as_ref().filter(|_| had_files).map_or(payload, Value::to_string);
    let is_given = |name: &str| match json.as_ref().and_then(|json| json.get(name)) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(_) => true,
    };
    if MEMBERS.into_iter().any(is_given) {
        let flags = json.as_ref().and_then(|json| json.get("flags")?.as_u64()).unwrap_or_default();
        return Some(Body { text: payload, needs_components: flags & IS_COMPONENTS_V2 != 0 });
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
    let text = json!({"content": content, "allowed_mentions": {"parse": []}}).to_string();
    Some(Body { text, needs_components: false })
}

/// Removes references to attached files. ROMS does not keep the files, and Discord refuses a message that
/// refers to missing ones. Returns whether anything was removed.
fn forget_files(json: &mut Value) -> bool {
    let is_attached = |value: &Value| {
        let url = value.as_str().or_else(|| value.get("url")?.as_str());
        url.is_some_and(|url| url.starts_with(ATTACHED))
    };
    let had_list = json.as_object_mut().is_some_and(|json| json.remove("attachments").is_some());
    let embeds = json.get_mut("embeds").and_then(Value::as_array_mut).into_iter().flatten();
    let mut had_address = false;
    for embed in embeds.filter_map(Value::as_object_mut) {
        let parts = embed.len();
        embed.retain(|_, part| !is_attached(part));
        had_address |= embed.len() != parts;
        for part in ["author", "footer"] {
            let part = embed.get_mut(part).and_then(Value::as_object_mut);
            had_address |= part.is_some_and(|part| {
                let given = part.get("icon_url").is_some_and(is_attached);
                given && part.remove("icon_url").is_some()
            });
        }
    }
    had_list || had_address
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
            // The message was deleted in Discord.
            StatusCode::NOT_FOUND if is_edit => Outcome::Void,
            StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND => Outcome::TargetGone,
            status if status.is_client_error() => Outcome::Rejected,
            _ => Outcome::Failed { doubtful: false },
        }
    };
    Sent { outcome, attempt, pause, endpoint: None }
}

/// The time until the webhook accepts messages again, if this answer says that its rate limit is used up.
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
            let body = body(payload, "text").unwrap();
            assert_eq!((body.text.as_str(), body.needs_components), (payload, false));
        }
        let components = r#"{"flags": 32772, "components": [{"type": 10, "content": "a"}]}"#;
        assert!(body(components, "").unwrap().needs_components);
    }

    #[test]
    fn files_are_not_passed_on_and_no_address_of_one_is() {
        let payload = json!({"content": "a", "attachments": [{"id": 0}], "embeds": [{
            "title": "b", "url": "https://a.example", "thumbnail": {"url": "attachment://a.png"},
            "image": {"url": "https://a.example/a.png"}, "author": {"name": "c", "icon_url": "attachment://a.png"},
        }]});
        let text = body(&payload.to_string(), "").unwrap().text;
        let expected = json!({"content": "a", "embeds": [{
            "title": "b", "url": "https://a.example", "image": {"url": "https://a.example/a.png"}, "author": {"name": "c"},
        }]});
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
        assert_eq!(body(r#"{"attachments": [{"id": 0}]}"#, ""), None);
    }

    #[test]
    fn anything_else_becomes_text() {
        let content = |payload: &str, text: &str| {
            body(payload, text)
                .map(|body| serde_json::from_str::<Value>(&body.text).unwrap()["content"].clone())
        };
        assert_eq!(content("Order Number\nA-1", "ignored"), Some(json!("Order Number\nA-1")));
        assert_eq!(
            content(r#"{"order_number":"A-1"}"#, "Order Number\nA-1"),
            Some(json!("Order Number\nA-1"))
        );
        let long = content(&"ä".repeat(2001), "").unwrap();
        assert_eq!(long, json!(format!("{}…", "ä".repeat(1999))));
        assert_eq!(content("", ""), None);
        assert!(body("x", "").unwrap().text.contains(r#""allowed_mentions":{"parse":[]}"#));
    }
}
