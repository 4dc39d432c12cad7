//! Decodes the messages that Slack's incoming webhooks accept: `text`, `blocks`, and `attachments` with fields or blocks.
//!
//! <https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments>

mod blocks;

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

use super::json;
use crate::card::message::{Embed, Field, Part};
use crate::card::parse::markup;

/// The keys of a message. An object with other keys is a flat card that happens to have a `text`.
const MESSAGE_KEYS: [&str; 14] = [
    "attachments",
    "blocks",
    "channel",
    "icon_emoji",
    "icon_url",
    "link_names",
    "mrkdwn",
    "parse",
    "response_type",
    "text",
    "thread_ts",
    "unfurl_links",
    "unfurl_media",
    "username",
];
/// A key that shows that an attachment is Slack's. Discord's attachments are files.
const ATTACHMENT_KEYS: [&str; 6] = ["blocks", "fallback", "fields", "pretext", "text", "title"];
/// Colors that have a name in Slack.
const COLORS: [(&str, u32); 3] = [("good", 0x2e_b8_86), ("warning", 0xda_a0_38), ("danger", 0xa3_02_00)];

/// Whether a JSON value has the shape of a Slack message.
pub(crate) fn is_message(value: &Value) -> bool {
    let is_attachment = |attachment: &Value| ATTACHMENT_KEYS.iter().any(|key| attachment.get(key).is_some());
    attachments(value).any(is_attachment)
        || holds_blocks(value)
        || value.get("text").is_some_and(Value::is_string)
            && value
                .as_object()
                .is_some_and(|message| message.keys().all(|key| MESSAGE_KEYS.contains(&key.as_str())))
}

fn holds_blocks(value: &Value) -> bool {
    blocks::blocks(value).next().is_some()
}

/// The parts of a message. If blocks have a header, `text` is only their summary for notifications, and is left out.
pub(crate) fn message_parts(message: &Value) -> Vec<Part> {
    let blocks = blocks::card(message);
    let is_notification = blocks.as_ref().is_some_and(|card| card.title.is_some());
    let text = json::text(message, "text").filter(|_| !is_notification);
    let text = text.map(|text| Part::Text(markdown(&text)));
    let attachments = attachments(message).map(|attachment| Part::Embed(embed(attachment)));
    text.into_iter().chain(blocks.map(Part::Embed)).chain(attachments).collect()
}

fn attachments(message: &Value) -> impl Iterator<Item = &Value> {
    let list = message.get("attachments").and_then(Value::as_array);
    list.into_iter().flatten().filter(|attachment| attachment.is_object())
}

fn embed(attachment: &Value) -> Embed {
    let text = |key: &str| json::text(attachment, key).map(|text| markdown(&text));
    let fields = attachment.get("fields").and_then(Value::as_array).into_iter().flatten();
    let lines: Vec<String> = [text("pretext"), text("text")].into_iter().flatten().collect();
    let seconds = json::text(attachment, "ts").and_then(|ts| ts.split('.').next()?.parse().ok());
    let timestamp = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let card = Embed {
        author: text("author_name"),
        title: text("title"),
        url: json::text(attachment, "title_link"),
        description: (!lines.is_empty()).then(|| lines.join("\n")),
        fields: fields
            .map(|field| Field {
                name: json::text(field, "title").map(|name| markdown(&name)).unwrap_or_default(),
                value: json::text(field, "value").map(|value| markdown(&value)).unwrap_or_default(),
            })
            .collect(),
        footer: text("footer"),
        image: json::text(attachment, "thumb_url").or_else(|| json::text(attachment, "image_url")),
        timestamp: timestamp.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        color: json::text(attachment, "color").and_then(|color| rgb(&color)),
    };
    match blocks::card(attachment) {
        // Slack shows nothing else of an attachment with blocks, except its color.
        Some(blocks) => Embed { color: card.color, ..blocks },
        None => card,
    }
}

fn rgb(color: &str) -> Option<u32> {
    let named = COLORS.iter().find(|(name, _)| *name == color).map(|(_, color)| *color);
    named.or_else(|| u32::from_str_radix(color.trim_start_matches('#'), 16).ok())
}

/// Slack's markup as Discord's: `<https://x|text>` becomes `[text](https://x)`, and a line or label in single
/// asterisks loses them.
fn markdown(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| links(&plain_label(line))).collect();
    lines.join("\n")
}

/// Removes the asterisks of `*Label*`, `*Label:*` and `*Label:* value`, and the marks of quotes and emoji in front of them.
fn plain_label(line: &str) -> String {
    let mut label = line.trim();
    let mark = |text: &'static str| label.strip_prefix(text);
    if let Some(quoted) = mark("&gt;").or_else(|| mark(">")) {
        label = quoted.trim_start();
    }
    while let Some(rest) = markup::without_emoji_code(label) {
        label = rest.trim_start();
    }
    let bold = label.strip_prefix('*').and_then(|rest| rest.split_once('*'));
    match bold {
        Some((label, rest)) if !label.trim().is_empty() && !rest.contains('*') => format!("{label}{rest}"),
        _ => line.to_owned(),
    }
}

fn links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<http") {
        let Some((link, behind)) = after.split_once('>') else { break };
        out.push_str(before);
        match link.split_once('|') {
            Some((url, name)) => out.extend(["[", name, "](http", url, ")"]),
            None => out.extend(["http", link]),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}
