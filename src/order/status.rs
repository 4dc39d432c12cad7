//! The status of an order.

use std::fmt;

/// The status of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Placed, but held for review.
    Pending,
    /// The store is preparing it.
    Processing,
    /// On its way.
    Shipped,
    /// Arrived.
    Delivered,
    /// Cancelled by the buyer or the store.
    Cancelled,
    /// The money was returned.
    Refunded,
    /// The checkout succeeded.
    Verified,
    /// Placed, but not confirmed.
    Unverified,
}

impl Status {
    /// All statuses, in the order in which an order passes through them.
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

    /// The status of exactly this name. [`crate::card::parse::status`] reads the spellings of cards.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// Whether the order ended without goods. Only a newer, stated status replaces such a status.
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
