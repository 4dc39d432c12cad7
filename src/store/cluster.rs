//! Several processes, and several servers, of one PostgreSQL database: leader election, notifications between processes,
//! and the watch over the primary.

pub(crate) mod leader;
pub(crate) mod notify;
mod poll;
pub(crate) mod primary;

/// An order that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangedOrder {
    /// Its row id.
    pub id: i64,
    /// Whether it is new.
    pub created: bool,
}

/// A report of orders that another process has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notification {
    /// These orders.
    OrdersChanged(Vec<ChangedOrder>),
    /// The connection was lost, so notifications may have been missed.
    Missed,
}
