//! What somebody is shown: one message of the bot's, whole, however it gets there.

use serenity::all::{
    CreateActionRow, CreateAllowedMentions, CreateAttachment, CreateEmbed, CreateInteractionResponseFollowup,
    CreateInteractionResponseMessage, EditAttachments, EditInteractionResponse,
};

use super::embed::Sheet;
use super::text::cut;
use crate::discord::rest::LONGEST_POST;

/// A message. Nobody is ever pinged by it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screen {
    pub(crate) text: String,
    pub(crate) sheets: Vec<Sheet>,
    pub(crate) rows: Vec<CreateActionRow>,
    pub(crate) files: Vec<CreateAttachment>,
}

impl Screen {
    /// A text alone.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// An embed alone.
    pub(crate) fn sheet(sheet: Sheet) -> Self {
        Self { sheets: vec![sheet], ..Self::default() }
    }

    /// As what a message becomes: nothing that it held before stays.
    pub(crate) fn into_edit(self) -> EditInteractionResponse {
        let (text, embeds) = (self.content(), self.embeds());
        let files = self.files.into_iter().fold(EditAttachments::new(), EditAttachments::add);
        EditInteractionResponse::new()
            .content(text)
            .embeds(embeds)
            .components(self.rows)
            .attachments(files)
            .allowed_mentions(nobody())
    }

    /// As the first answer.
    pub(crate) fn into_answer(self) -> CreateInteractionResponseMessage {
        let (text, embeds) = (self.content(), self.embeds());
        CreateInteractionResponseMessage::new()
            .content(text)
            .embeds(embeds)
            .components(self.rows)
            .files(self.files)
            .allowed_mentions(nobody())
    }

    /// As one more message.
    pub(crate) fn into_follow_up(self) -> CreateInteractionResponseFollowup {
        let (text, embeds) = (self.content(), self.embeds());
        CreateInteractionResponseFollowup::new()
            .content(text)
            .embeds(embeds)
            .components(self.rows)
            .files(self.files)
            .allowed_mentions(nobody())
    }

    fn content(&self) -> String {
        cut(&self.text, LONGEST_POST)
    }

    fn embeds(&self) -> Vec<CreateEmbed> {
        self.sheets.iter().cloned().map(Sheet::into_embed).collect()
    }
}

/// Whom a message of ours pings.
pub(crate) fn nobody() -> CreateAllowedMentions {
    CreateAllowedMentions::new()
}
