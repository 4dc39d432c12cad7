//! Builds the bot's answers within Discord's limits, and sends them.
//!
//! Knows nothing of the individual commands.

pub(crate) mod caller;
pub(crate) mod components;
pub(crate) mod custom_id;
pub(crate) mod embed;
pub(crate) mod error;
pub(crate) mod responder;
pub(crate) mod text;

use serenity::all::{
    CreateActionRow, CreateAllowedMentions, CreateAttachment, CreateInteractionResponseFollowup,
    CreateInteractionResponseMessage, EditAttachments, EditInteractionResponse,
};

use super::rest::MAX_MESSAGE_CHARS;
use embed::EmbedBuilder;
use text::truncate;

/// One whole message of the bot. It never pings anybody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) embeds: Vec<EmbedBuilder>,
    pub(crate) rows: Vec<CreateActionRow>,
    pub(crate) files: Vec<CreateAttachment>,
}

/// The calls that the three kinds of serenity's message builders have in common.
macro_rules! fill {
    ($builder:expr, $reply:ident) => {
        $builder
            .content(truncate(&$reply.text, MAX_MESSAGE_CHARS))
            .embeds($reply.embeds.into_iter().map(EmbedBuilder::build).collect())
            .components($reply.rows)
            .allowed_mentions(no_mentions())
    };
}

impl Reply {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub(crate) fn embed(embed: EmbedBuilder) -> Self {
        Self { embeds: vec![embed], ..Self::default() }
    }

    pub(crate) fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Adds a row of components.
    pub(crate) fn with_row(mut self, row: CreateActionRow) -> Self {
        self.rows.push(row);
        self
    }

    /// Replaces the content of an earlier answer; nothing of the old content remains.
    pub(crate) fn into_edit(self) -> EditInteractionResponse {
        let files = self.files.into_iter().fold(EditAttachments::new(), EditAttachments::add);
        fill!(EditInteractionResponse::new().attachments(files), self)
    }

    /// The first answer to an interaction.
    pub(crate) fn into_response(self) -> CreateInteractionResponseMessage {
        fill!(CreateInteractionResponseMessage::new().files(self.files), self)
    }

    /// A further message, after the first answer.
    pub(crate) fn into_follow_up(self) -> CreateInteractionResponseFollowup {
        fill!(CreateInteractionResponseFollowup::new().files(self.files), self)
    }
}

/// Keeps every mention in the text from pinging anybody.
pub(crate) fn no_mentions() -> CreateAllowedMentions {
    CreateAllowedMentions::new()
}
