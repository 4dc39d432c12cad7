//! A change to an order by a person.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Fields, Order, Source, Status};

/// A change to one order by a person. It counts like a value that a card states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Row id of the order.
    pub order: i64,
    /// When the person made the change. UTC.
    pub at: DateTime<Utc>,
    /// Where the person made it.
    pub source: Source,
    /// The person: `discord:` and the user's id, `api`, or `cli`.
    pub actor: String,
    /// The new values. Other columns are kept.
    pub set: Fields,
    /// Names of columns to empty, from [`Fields::NAMES`]. `set` takes precedence.
    pub clear: Vec<&'static str>,
    /// Units received of the items at these positions, which count from 1. The order's own units become their sum.
    pub received: BTreeMap<u32, u32>,
    /// A condition that must still hold.
    pub guard: Option<Guard>,
}

impl Edit {
    /// An edit that changes nothing yet.
    #[must_use]
    pub fn new(order: i64, source: Source, actor: String, at: DateTime<Utc>) -> Self {
        Self {
            order,
            at,
            source,
            actor,
            set: Fields::default(),
            clear: Vec::new(),
            received: BTreeMap::new(),
            guard: None,
        }
    }
}

/// A condition on the order, checked in the transaction that makes the edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The order still has a certain status, and no newer message or edit has been applied.
    Status {
        /// The status that the order must have.
        status: Status,
        /// The latest allowed time of the newest message or edit. UTC. To undo an edit, use `newest` of the order
        /// after that edit.
        since: DateTime<Utc>,
    },
    /// No column has changed since the order had this `updated_at`.
    Version(DateTime<Utc>),
}

impl Guard {
    /// Whether the condition holds.
    #[must_use]
    pub fn holds(&self, order: &Order) -> bool {
        match *self {
            Self::Status { status, since } => order.fields.status == Some(status) && order.newest <= since,
            Self::Version(version) => order.updated_at == version,
        }
    }
}
