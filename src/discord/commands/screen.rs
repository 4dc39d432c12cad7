//! What somebody is shown: one message of the bot's, whole, however it gets there.

use serenity::all::{
    CreateActionRow, CreateAllowedMentions, CreateAttachment, CreateEmbed, CreateInteractionResponseFollowup,
    CreateInteractionResponseMessage, EditAttachments, EditInteractionResponse,
};

use super::sheet::Sheet;
use crate::discord::rest::LONGEST_POST;
use crate::discord::text::cut;

/// A message. Nobody is ever pinged by it.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen {
    pub(super) text: String,
    pub(super) sheets: Vec<Sheet>,
    pub(super) rows: Vec<CreateActionRow>,
    pub(super) files: Vec<CreateAttachment>,
}

impl Screen {
    /// A text alone.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// An embed alone.
    pub(super) fn sheet(sheet: Sheet) -> Self {
        Self { sheets: vec![sheet], ..Self::default() }
    }

    /// As what a message becomes: nothing that it held before stays.
    pub(super) fn into_edit(self) -> EditInteractionResponse {
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
    pub(super) fn into_answer(self) -> CreateInteractionResponseMessage {
        let (text, embeds) = (self.content(), self.embeds());
        CreateInteractionResponseMessage::new()
            .content(text)
            .embeds(embeds)
            .components(self.rows)
            .files(self.files)
            .allowed_mentions(nobody())
    }

    /// As one more message.
    pub(super) fn into_follow_up(self) -> CreateInteractionResponseFollowup {
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
pub(super) fn nobody() -> CreateAllowedMentions {
    CreateAllowedMentions::new()
}
