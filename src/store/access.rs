//! Tokens, sessions, the record of their use, and what their holders rely on: messages that they may edit, and kept answers.

pub(crate) mod idempotency;
pub(crate) mod links;
pub(crate) mod log;
pub(crate) mod sessions;
pub(crate) mod tokens;
