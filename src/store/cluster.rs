//! Several processes on one PostgreSQL database: leader election and notifications.

pub(crate) mod leader;
pub(crate) mod notify;
