//! Several processes, and several servers, of one PostgreSQL database: leader election, notifications between processes,
//! and the watch over the primary.

pub(crate) mod leader;
pub(crate) mod notify;
pub(crate) mod primary;
