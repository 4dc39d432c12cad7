//! Building replies: text, embeds, messages, and answering an interaction.

pub(crate) mod embed;
pub(crate) mod responder;
pub(crate) mod screen;
pub(crate) mod text;
