//! An embed that keeps all of Discord's limits: text that is too long ends in an ellipsis.
//! <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>

use serenity::all::{CreateEmbed, CreateEmbedAuthor, CreateEmbedFooter};

use super::text::{truncate, utf16_len};

pub(crate) const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 4096;
pub(crate) const MAX_FIELDS: usize = 25;
const MAX_FIELD_NAME: usize = 256;
pub(crate) const MAX_FIELD_VALUE: usize = 1024;
const MAX_FOOTER: usize = 2048;
const MAX_AUTHOR: usize = 256;
/// The limit for all texts of all embeds of a message together.
const MAX_TOTAL: usize = 6000;

pub(crate) const BLURPLE: u32 = 0x0058_65F2;
pub(crate) const GREEN: u32 = 0x0023_A55A;
pub(crate) const GREY: u32 = 0x0080_848E;
pub(crate) const RED: u32 = 0x00DA_373C;

/// Builds an embed. Callers escape the texts of cards; this type only shortens.
#[derive(Clone, Debug, Default)]
pub(crate) struct EmbedBuilder {
    pub(crate) author: String,
    pub(crate) title: String,
    pub(crate) url: Option<String>,
    pub(crate) description: String,
    pub(crate) colour: u32,
    pub(crate) footer: String,
    pub(crate) thumbnail: Option<String>,
    /// The file name of an attached picture.
    pub(crate) image: Option<&'static str>,
    /// How many embeds the message has; they share one limit.
    pub(crate) embeds_in_message: usize,
    /// Name, value, and whether the field shares its row.
    pub(crate) fields: Vec<(String, String, bool)>,
}

impl EmbedBuilder {
    pub(crate) fn titled(title: impl Into<String>, colour: u32) -> Self {
        Self { title: title.into(), colour, ..Self::default() }
    }

    /// Adds a field that shares its row with others, unless the value is empty.
    pub(crate) fn inline_field(&mut self, name: &str, value: impl Into<String>) {
        self.push(name, value.into(), true);
    }

    /// Adds a field on a row of its own, unless the value is empty.
    pub(crate) fn field(&mut self, name: &str, value: impl Into<String>) {
        self.push(name, value.into(), false);
    }

    fn push(&mut self, name: &str, value: String, inline: bool) {
        if !value.trim().is_empty() {
            self.fields.push((name.to_owned(), value, inline));
        }
    }

    /// How many more fields fit.
    pub(crate) fn free_fields(&self) -> usize {
        MAX_FIELDS.saturating_sub(self.fields.len())
    }

    /// Builds the embed. If all texts together are too long, the last fields are shortened first.
    pub(crate) fn build(self) -> CreateEmbed {
        let mut left = MAX_TOTAL / self.embeds_in_message.max(1);
        let mut embed = CreateEmbed::new().colour(self.colour);
        let texts: [(&str, usize, SetText); 4] = [
            (&self.title, MAX_TITLE, |embed, text| embed.title(text)),
            (&self.author, MAX_AUTHOR, |embed, text| embed.author(CreateEmbedAuthor::new(text))),
            (&self.footer, MAX_FOOTER, |embed, text| embed.footer(CreateEmbedFooter::new(text))),
            (&self.description, MAX_DESCRIPTION, |embed, text| embed.description(text)),
        ];
        for (text, max, set) in texts {
            let text = shorten(text, max, &mut left);
            if !text.is_empty() {
                embed = set(embed, text);
            }
        }
        for (name, value, inline) in self.fields.into_iter().take(MAX_FIELDS) {
            // A field name that is cut off is useless.
            if left < utf16_len(&name) + 2 {
                break;
            }
            let name = shorten(&name, MAX_FIELD_NAME, &mut left);
            embed = embed.field(name, shorten(&value, MAX_FIELD_VALUE, &mut left), inline);
        }
        if let Some(url) = self.url {
            embed = embed.url(url);
        }
        if let Some(url) = self.thumbnail {
            embed = embed.thumbnail(url);
        }
        match self.image {
            Some(name) => embed.attachment(name),
            None => embed,
        }
    }
}

type SetText = fn(CreateEmbed, String) -> CreateEmbed;

/// Shortens a text to its own limit and to what is left of the total.
fn shorten(text: &str, max: usize, left: &mut usize) -> String {
    if *left == 0 {
        return String::new();
    }
    let text = truncate(text, max.min(*left));
    *left = left.saturating_sub(utf16_len(&text));
    text
}
