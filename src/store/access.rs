//! Stores tokens, sessions and the access log, and for webhook links the messages that their senders may edit
//! and the answers to repeated requests.

pub(crate) mod idempotency;
pub(crate) mod links;
pub(crate) mod log;
pub(crate) mod sessions;
pub(crate) mod tokens;
