//! A card as it looks in Discord: the embeds of a raw payload.

use serde_json::Value;

/// The most embeds and fields of a message that are shown; Discord allows no more.
const MAX_EMBEDS: usize = 10;
const MAX_FIELDS: usize = 25;
/// The colour of an embed without one.
const DEFAULT_COLOUR: u64 = 0x4f_54_5c;

/// One embed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DiscordCard {
    /// The colour of its edge, as `#rrggbb`.
    pub(crate) colour: String,
    pub(crate) author: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) fields: Vec<EmbedField>,
    pub(crate) footer: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct EmbedField {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) is_inline: bool,
}

impl DiscordCard {
    /// The embeds of a payload; none if it is not a Discord message.
    pub(crate) fn of_payload(raw: &str) -> Vec<Self> {
        let Ok(message) = serde_json::from_str::<Value>(raw) else { return Vec::new() };
        // A forwarded message holds the original as a snapshot.
        let forwarded = &message["message_snapshots"][0]["message"];
        let embeds = [&message["embeds"], &forwarded["embeds"]].into_iter().find_map(Value::as_array);
        embeds.into_iter().flatten().take(MAX_EMBEDS).map(Self::of_embed).collect()
    }

    fn of_embed(embed: &Value) -> Self {
        let field = |field: &Value| EmbedField {
            name: plain(&field["name"]),
            value: plain(&field["value"]),
            is_inline: field["inline"] == true,
        };
        let fields = embed["fields"].as_array().into_iter().flatten().take(MAX_FIELDS).map(field);
        Self {
            colour: format!("#{:06x}", embed["color"].as_u64().unwrap_or(DEFAULT_COLOUR) & 0xff_ff_ff),
            author: plain(&embed["author"]["name"]),
            title: plain(&embed["title"]),
            description: plain(&embed["description"]),
            fields: fields.collect(),
            footer: plain(&embed["footer"]["text"]),
        }
    }
}

/// A text without the marks of spoilers, bold and code.
fn plain(text: &Value) -> String {
    text.as_str().unwrap_or_default().replace("||", "").replace("**", "").replace('`', "")
}
