//! Decodes the blocks of a Slack message (Block Kit), which a bot may use instead of text and attachments.
//!
//! <https://docs.slack.dev/reference/block-kit/blocks>

use serde_json::Value;

use super::markdown;
use crate::card::decode::{discord::link_field, json};
use crate::card::message::{Embed, Field};

/// The types of blocks that are read. The others hold no text of a card.
const KINDS: [&str; 8] =
    ["actions", "context", "divider", "header", "image", "markdown", "rich_text", "section"];
/// Maximum nesting of rich text. Slack allows two levels.
const MAX_DEPTH: usize = 8;

/// The blocks of a message or an attachment.
pub(crate) fn blocks(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.get("blocks").and_then(Value::as_array);
    list.into_iter().flatten().filter(|block| kind(block).is_some_and(|kind| KINDS.contains(&kind)))
}

/// The blocks as one card; `None` if they hold no text.
pub(crate) fn card(value: &Value) -> Option<Embed> {
    let mut card = Card::default();
    blocks(value).for_each(|block| card.add(block));
    let Card { title, lines, fields, small, image } = card;
    let description = Some(lines.join("\n")).filter(|text| !text.trim().is_empty());
    let footer = Some(small.join(" ")).filter(|text| !text.trim().is_empty());
    if title.is_none() && description.is_none() && fields.is_empty() {
        return None;
    }
    Some(Embed { title, description, fields, footer, image, ..Embed::default() })
}

#[derive(Default)]
struct Card {
    /// The first header.
    title: Option<String>,
    lines: Vec<String>,
    fields: Vec<Field>,
    /// The text of context blocks, which Slack shows small and grey.
    small: Vec<String>,
    image: Option<String>,
}

impl Card {
    fn add(&mut self, block: &Value) {
        let elements = || block.get("elements").and_then(Value::as_array).into_iter().flatten();
        match kind(block).unwrap_or_default() {
            "header" => match (text_of(block, "text"), &self.title) {
                (title, None) => self.title = title,
                (line, Some(_)) => self.lines.extend(line),
            },
            "section" => {
                self.lines.extend(text_of(block, "text"));
                let fields = block.get("fields").and_then(Value::as_array).into_iter().flatten();
                fields.for_each(|field| self.add_field(field));
                block.get("accessory").into_iter().for_each(|element| self.add_element(element));
            }
            "context" => {
                self.small.extend(
                    elements().filter_map(|element| json::text(element, "text")).map(|text| markdown(&text)),
                );
                elements()
                    .filter(|element| kind(element) == Some("image"))
                    .for_each(|image| self.add_element(image));
            }
            "actions" => elements().for_each(|element| self.add_element(element)),
            "image" => self.add_element(block),
            "markdown" => self.lines.extend(json::text(block, "text")),
            "rich_text" => self.lines.push(rich_text(block, MAX_DEPTH)),
            _ => {}
        }
    }

    /// Adds a field of a section. Its label is the first line, or stands between asterisks in front of the value. A
    /// field without a label becomes text.
    fn add_field(&mut self, field: &Value) {
        let Some(text) = json::text(field, "text") else { return };
        let split = match text.split_once('\n') {
            Some((label, value)) => Some((label, value)),
            None => text.trim().strip_prefix('*').and_then(|rest| rest.split_once('*')),
        };
        match split
            .map(|(label, value)| (label.trim().trim_matches('*').trim_end_matches(':').trim(), value.trim()))
        {
            Some((label, value)) if !label.is_empty() => {
                self.fields.push(Field { name: markdown(label), value: markdown(value) });
            }
            _ => self.lines.push(markdown(&text)),
        }
    }

    /// Takes the link of a button and the picture of an image.
    fn add_element(&mut self, element: &Value) {
        if let (Some(label), Some(url)) = (text_of(element, "text"), json::text(element, "url")) {
            self.fields.push(link_field(label, url));
        }
        if self.image.is_none() {
            self.image = json::text(element, "image_url");
        }
    }
}

fn kind(value: &Value) -> Option<&str> {
    value.get("type").and_then(Value::as_str)
}

/// The text in a text object.
fn text_of(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(|object| json::text(object, "text")).map(|text| markdown(&text))
}

/// The plain text of rich text. Each section, and each element of a list, begins a line.
fn rich_text(value: &Value, depth: usize) -> String {
    let elements = value.get("elements").and_then(Value::as_array).into_iter().flatten();
    let mut out = String::new();
    for element in elements {
        match (kind(element).unwrap_or_default(), json::text(element, "text"), json::text(element, "url")) {
            ("text", Some(text), _) => out.push_str(&text),
            ("link", Some(text), Some(url)) => out.extend(["[", &text, "](", &url, ")"]),
            ("link", None, Some(url)) => out.push_str(&url),
            (kind, ..) if kind.starts_with("rich_text_") && depth > 0 => {
                if !out.is_empty() && !out.ends_with('\n') {
                    out.push('\n');
                }
                out.push_str(&rich_text(element, depth - 1));
            }
            _ => {}
        }
    }
    out
}
