//! A change to an order by a person.

use chrono::{DateTime, Utc};

use super::{Fields, Order, Status};

/// A change to one order by a person. It counts like a value that a card states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Row id of the order.
    pub order: i64,
    /// When the person made the change. UTC.
    pub at: DateTime<Utc>,
    /// The person: `discord:` and the user's id, or `cli`.
    pub actor: String,
    /// The new values. Other columns are kept.
    pub set: Fields,
    /// Names of columns to empty, from [`Fields::NAMES`]. `set` takes precedence.
    pub clear: Vec<&'static str>,
    /// A condition that must still hold.
    pub guard: Option<Guard>,
}

/// Allows an edit only if the order still has a certain status and no newer message or edit has been applied. To
/// undo an edit, `since` is `newest` of the order after that edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The status that the order must have.
    pub status: Status,
    /// The latest allowed time of the newest message or edit. UTC.
    pub since: DateTime<Utc>,
}

impl Guard {
    /// Whether the condition holds.
    #[must_use]
    pub fn holds(&self, order: &Order) -> bool {
        order.fields.status == Some(self.status) && order.newest <= self.since
    }
}
