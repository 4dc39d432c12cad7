//! A change that a person makes to an order by hand.

use chrono::{DateTime, Utc};

use super::{Fields, Order, Status};

/// What a person changes of one order. What it sets is as good as stated by a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Row id of the order.
    pub order: i64,
    /// When the person did it. UTC.
    pub at: DateTime<Utc>,
    /// Who did it: `discord:` and the user's id, or `cli`.
    pub actor: String,
    /// The new values; what it does not name is kept.
    pub set: Fields,
    /// Names of columns to empty, as in [`Fields::NAMES`]. One that `set` names too is set.
    pub clear: Vec<&'static str>,
    /// What must still be so.
    pub guard: Option<Guard>,
}

/// Lets an edit through only while the order still has this status and nothing newer than
/// `since` was applied to it. To undo an edit, `since` is the `newest` of the order as that edit
/// left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// The status that the order must have.
    pub status: Status,
    /// The latest time that the newest message or edit may have. UTC.
    pub since: DateTime<Utc>,
}

impl Guard {
    /// Whether the order is still as the guard wants it.
    #[must_use]
    pub fn holds(&self, order: &Order) -> bool {
        order.fields.status == Some(self.status) && order.newest <= self.since
    }
}
