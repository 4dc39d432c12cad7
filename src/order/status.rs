//! The states of an order.

use std::fmt;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Placed, held for review.
    Pending,
    /// The store works on it.
    Processing,
    /// On its way.
    Shipped,
    /// Arrived.
    Delivered,
    /// Called off by the buyer or the store.
    Cancelled,
    /// Money given back.
    Refunded,
    /// Checked out with success.
    Verified,
    /// Placed, not confirmed.
    Unverified,
}

impl Status {
    /// All states, in the order of an order's life.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Processing,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
        Self::Refunded,
        Self::Verified,
        Self::Unverified,
    ];

    /// The name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::Verified => "verified",
            Self::Unverified => "unverified",
        }
    }

    /// The status of exactly that name. The spellings that cards use are read in `parse`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether the order ended without goods: such a status yields only to a newer, stated one.
    #[must_use]
    pub const fn is_cancelled_or_refunded(self) -> bool {
        matches!(self, Self::Cancelled | Self::Refunded)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
