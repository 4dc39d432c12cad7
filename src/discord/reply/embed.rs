//! An embed that keeps every limit of Discord's: what is too long is cut, with an ellipsis.
//! <https://discord.com/developers/docs/resources/message#embed-object-embed-limits>

use serenity::all::{CreateEmbed, CreateEmbedAuthor, CreateEmbedFooter};

use super::text::{cut, units};

pub(crate) const TITLE: usize = 256;
const DESCRIPTION: usize = 4096;
pub(crate) const FIELDS: usize = 25;
const FIELD_NAME: usize = 256;
/// Longest value of a field.
pub(crate) const FIELD_VALUE: usize = 1024;
const FOOTER: usize = 2048;
const AUTHOR: usize = 256;
/// All texts together.
const TOTAL: usize = 6000;

/// An embed to be. Texts of cards are made safe by whoever puts them in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sheet {
    pub(crate) author: String,
    pub(crate) title: String,
    pub(crate) url: Option<String>,
    pub(crate) description: String,
    pub(crate) colour: u32,
    pub(crate) footer: String,
    pub(crate) thumbnail: Option<String>,
    /// The name of a picture that is attached.
    pub(crate) picture: Option<&'static str>,
    /// How many embeds are in the message: all together have the limit of one.
    pub(crate) share: usize,
    /// Name, value, and whether it stands beside others.
    pub(crate) fields: Vec<(String, String, bool)>,
}

impl Sheet {
    /// Adds a field with others beside it; none where there is nothing to say.
    pub(crate) fn beside(&mut self, name: &str, value: impl Into<String>) {
        self.push(name, value.into(), true);
    }

    /// Adds a field as wide as the embed; none where there is nothing to say.
    pub(crate) fn wide(&mut self, name: &str, value: impl Into<String>) {
        self.push(name, value.into(), false);
    }

    fn push(&mut self, name: &str, value: String, beside: bool) {
        if !value.trim().is_empty() {
            self.fields.push((name.to_owned(), value, beside));
        }
    }

    /// The embed. Where all together is too long, the last fields are cut first.
    pub(crate) fn into_embed(self) -> CreateEmbed {
        let mut left = TOTAL / self.share.max(1);
        let mut embed = CreateEmbed::new().colour(self.colour);
        let title = take(&self.title, TITLE, &mut left);
        if !title.is_empty() {
            embed = embed.title(title);
        }
        let author = take(&self.author, AUTHOR, &mut left);
        if !author.is_empty() {
            embed = embed.author(CreateEmbedAuthor::new(author));
        }
        let footer = take(&self.footer, FOOTER, &mut left);
        if !footer.is_empty() {
            embed = embed.footer(CreateEmbedFooter::new(footer));
        }
        let description = take(&self.description, DESCRIPTION, &mut left);
        if !description.is_empty() {
            embed = embed.description(description);
        }
        for (name, value, beside) in self.fields.into_iter().take(FIELDS) {
            // Half a name is worth nothing.
            if left < units(&name) + 2 {
                break;
            }
            let name = take(&name, FIELD_NAME, &mut left);
            embed = embed.field(name, take(&value, FIELD_VALUE, &mut left), beside);
        }
        embed = match self.url {
            Some(url) => embed.url(url),
            None => embed,
        };
        embed = match self.thumbnail {
            Some(url) => embed.thumbnail(url),
            None => embed,
        };
        match self.picture {
            Some(name) => embed.attachment(name),
            None => embed,
        }
    }
}

fn take(text: &str, most: usize, left: &mut usize) -> String {
    if *left == 0 {
        return String::new();
    }
    let taken = cut(text, most.min(*left));
    *left = left.saturating_sub(units(&taken));
    taken
}
