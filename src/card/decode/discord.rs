//! Decodes Discord's message JSON, whether it comes from a channel or was posted as a webhook body.
//!
//! Any part of a message may be missing, null or of an unexpected type. Then only that part is lost.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::form::wrapped_payload;
use super::json;
use crate::card::message::{Embed, Field, Part};

/// Discord's epoch, the first of January 2015, in milliseconds since the Unix epoch.
/// <https://discord.com/developers/docs/reference#snowflakes>
const DISCORD_EPOCH: i64 = 1_420_070_400_000;

/// The label of the link to an order.
const ORDER_LINK: &str = "Order Link";

/// Maximum nesting of components. Discord allows three levels.
const MAX_COMPONENT_DEPTH: usize = 8;

/// A channel of a guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelRef {
    /// The guild's id.
    pub guild: i64,
    /// The channel's id.
    pub channel: i64,
}

impl ChannelRef {
    /// The endpoint of a message from this channel, as the webhook log has it.
    #[must_use]
    pub fn endpoint(self) -> String {
        format!("discord/{}/{}", self.guild, self.channel)
    }

    /// The channel of such an endpoint.
    #[must_use]
    pub fn from_endpoint(endpoint: &str) -> Option<Self> {
        let (guild, channel) = endpoint.strip_prefix("discord/")?.split_once('/')?;
        Some(Self { guild: guild.parse().ok()?, channel: channel.parse().ok()? })
    }
}

/// A message in a channel of a guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRef {
    /// Its channel.
    pub channel: ChannelRef,
    /// The message's id.
    pub message: i64,
}

impl MessageRef {
    /// The link that opens the message in Discord.
    #[must_use]
    pub fn url(self) -> String {
        let ChannelRef { guild, channel } = self.channel;
        format!("https://discord.com/channels/{guild}/{channel}/{}", self.message)
    }
}

/// When a message was last edited, or else sent.
pub(crate) fn sent_at(message: &Value) -> Option<DateTime<Utc>> {
    json::time(message, "edited_timestamp").or_else(|| json::time(message, "timestamp"))
}

/// The creation time of a snowflake. UTC, milliseconds.
#[must_use]
pub fn snowflake_time(snowflake: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis((snowflake >> 22).saturating_add(DISCORD_EPOCH)).unwrap_or_default()
}

/// The smallest snowflake of a time; 0 for times before Discord.
#[must_use]
pub fn snowflake_at(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis().saturating_sub(DISCORD_EPOCH).clamp(0, i64::MAX >> 22) << 22
}

/// The id in a field of a message object, whether it is a string or a number.
#[must_use]
pub fn id_field(value: &Value, key: &str) -> Option<i64> {
    json::snowflake(value, key)
}

/// Whether a JSON value has the shape of a Discord message or webhook body.
pub(crate) fn is_message(value: &Value) -> bool {
    ["content", "embeds", "components", "message_snapshots"].iter().any(|key| value.get(key).is_some())
}

/// Whether a JSON value has the shape of an embed without its message: it has fields with a name and a value.
pub(crate) fn is_embed(value: &Value) -> bool {
    let fields = value.get("fields").and_then(Value::as_array);
    let is_field = |field: &Value| field.get("name").is_some() && field.get("value").is_some();
    fields.is_some_and(|fields| !fields.is_empty() && fields.iter().all(is_field))
}

/// Whether Discord and Slack would refuse this body of a webhook: it is not a JSON object, or has no content.
pub(crate) fn says_nothing(raw: &str) -> bool {
    const CONTENT: [&str; 9] = [
        "content",
        "text",
        "blocks",
        "embeds",
        "components",
        "attachments",
        "poll",
        "sticker_ids",
        "message_snapshots",
    ];
    let Some(sent) = payload_object(raw) else { return true };
    !CONTENT.iter().any(|key| match sent.get(*key) {
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(object)) => !object.is_empty(),
        _ => false,
    })
}

/// The JSON object that a payload is, or that it holds in a form field.
pub(crate) fn payload_object(raw: &str) -> Option<Map<String, Value>> {
    let payload = wrapped_payload(raw);
    serde_json::from_str(payload.as_deref().unwrap_or(raw)).ok()
}

/// The parts of a message. A forwarded message is a snapshot inside the forwarding one.
pub(crate) fn message_parts(message: &Value) -> Vec<Part> {
    let list = |key: &str| message.get(key).and_then(Value::as_array).into_iter().flatten();
    let content = json::text(message, "content").map(Part::Text);
    let embeds = list("embeds").filter(|embed| embed.is_object()).map(|e| Part::Embed(embed(e)));
    let forwarded =
        list("message_snapshots").filter_map(|snapshot| snapshot.get("message")).flat_map(message_parts);
    let components = component_parts(message);
    content.into_iter().chain(embeds).chain(components).chain(forwarded).collect()
}

/// A message with these parts. A part that is not there leaves no member.
pub(crate) fn from_parts(parts: Vec<Part>) -> Map<String, Value> {
    let (mut texts, mut embeds) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Text(text) => texts.push(text),
            Part::Embed(embed) => embeds.push(embed_json(embed)),
        }
    }
    let content = (!texts.is_empty()).then(|| ("content".to_owned(), Value::from(texts.join("\n"))));
    let embeds = (!embeds.is_empty()).then(|| ("embeds".to_owned(), Value::from(embeds)));
    content.into_iter().chain(embeds).collect()
}

fn embed_json(embed: Embed) -> Value {
    let Embed { author, title, url, description, fields, footer, image, timestamp, color } = embed;
    let fields = fields.into_iter().map(|Field { name, value }| json!({"name": name, "value": value}));
    json!({
        "author": {"name": author}, "title": title, "url": url, "description": description,
        "fields": fields.collect::<Vec<_>>(), "footer": {"text": footer}, "thumbnail": {"url": image},
        "timestamp": timestamp, "color": color,
    })
}

pub(crate) fn embed(value: &Value) -> Embed {
    let inside = |outer: &str, key: &str| value.get(outer).and_then(|inner| json::text(inner, key));
    let fields = value.get("fields").and_then(Value::as_array).into_iter().flatten();
    // Discord and services that relay its messages write the same time in several ways.
    let timestamp = json::time(value, "timestamp").map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    Embed {
        author: inside("author", "name"),
        title: json::text(value, "title"),
        url: json::text(value, "url"),
        description: json::text(value, "description"),
        fields: fields
            .map(|field| Field {
                name: json::text(field, "name").unwrap_or_default(),
                value: json::text(field, "value").unwrap_or_default(),
            })
            .collect(),
        footer: inside("footer", "text"),
        image: inside("thumbnail", "url").or_else(|| inside("image", "url")),
        timestamp: timestamp.or_else(|| json::text(value, "timestamp")),
        color: value.get("color").and_then(Value::as_u64).and_then(|color| u32::try_from(color).ok()),
    }
}

/// The cards of a message's components (Components V2), which a bot may use instead of content and embeds:
/// one for each container, and one for everything outside containers. Text outside containers is treated like
/// the text beside embeds.
///
/// Component types by number: 9 section, 10 text display, 11 thumbnail, 12 media gallery, 17 container; 2 with a URL
/// is a link button. <https://discord.com/developers/docs/components/reference>
fn component_parts(message: &Value) -> Vec<Part> {
    let components = || message.get("components").and_then(Value::as_array).into_iter().flatten();
    let (containers, loose): (Vec<_>, Vec<_>) =
        components().partition(|component| component.get("type").and_then(Value::as_u64) == Some(17));
    let mut cards: Vec<Embed> = containers.into_iter().map(|container| component_card([container])).collect();
    cards.retain(|card| card.description.is_some());
    let beside = component_card(loose);
    let is_text = beside == Embed { description: beside.description.clone(), ..Embed::default() };
    let mut parts: Vec<Part> = Vec::with_capacity(cards.len() + 1);
    let (text, card) =
        if is_text && !cards.is_empty() { (beside.description, None) } else { (None, Some(beside)) };
    parts.extend(text.map(Part::Text));
    parts.extend(cards.into_iter().chain(card.filter(|card| card.description.is_some())).map(Part::Embed));
    parts
}

fn component_card<'a>(components: impl IntoIterator<Item = &'a Value>) -> Embed {
    let mut card = ComponentCard::default();
    for component in components {
        card.add(component, MAX_COMPONENT_DEPTH);
    }
    let text = card.text.join("\n");
    Embed {
        description: (!text.trim().is_empty()).then_some(text),
        fields: card.links,
        image: card.image,
        footer: (!card.small_text.is_empty()).then(|| card.small_text.join(" ")),
        ..Embed::default()
    }
}

/// Turns a link button into a field. A button such as `Order Status` or `Order #12345` gives the link to the
/// order.
pub(crate) fn link_field(label: String, url: String) -> Field {
    let is_order = label.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("order"));
    match label.split_once('#').filter(|_| is_order) {
        Some((_, number)) => Field { name: ORDER_LINK.to_owned(), value: format!("[#{number}]({url})") },
        None if is_order => Field { name: ORDER_LINK.to_owned(), value: url },
        None => Field { name: label, value: url },
    }
}

#[derive(Default)]
struct ComponentCard<'a> {
    text: Vec<&'a str>,
    /// Lines that start with `-#`, which Discord shows like a footer.
    small_text: Vec<&'a str>,
    links: Vec<Field>,
    image: Option<String>,
}

impl<'a> ComponentCard<'a> {
    fn add(&mut self, component: &'a Value, depth: usize) {
        for line in component.get("content").and_then(Value::as_str).into_iter().flat_map(str::lines) {
            match line.trim().strip_prefix("-# ") {
                Some(small) => self.small_text.push(small),
                None => self.text.push(line),
            }
        }
        if let (Some(name), Some(value)) = (json::text(component, "label"), json::text(component, "url")) {
            self.links.push(link_field(name, value));
        }
        let media = |value: &Value| value.get("media").and_then(|media| json::text(media, "url"));
        let items = component.get("items").and_then(Value::as_array);
        let found = media(component).or_else(|| items?.iter().find_map(media));
        self.image = self.image.take().or(found);
        if depth == 0 {
            return;
        }
        let children = component.get("components").and_then(Value::as_array).into_iter().flatten();
        for child in children.chain(component.get("accessory")) {
            self.add(child, depth - 1);
        }
    }
}
