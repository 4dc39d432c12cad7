//! Decoders for what arrives: Discord messages, JSON bodies and form-encoded bodies.

mod components;
pub mod discord;
pub mod form;
pub(crate) mod json;
pub(crate) mod payload;
