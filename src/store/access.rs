//! API tokens, and the record of their use.

pub(crate) mod log;
pub(crate) mod tokens;
