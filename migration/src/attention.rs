//! Conditions of orders that need attention. The indexes have them, and queries must repeat them word for word: only
//! then does the database use the index.
//!
//! `coalesce(status, '')` keeps SQLite from choosing the index on `status`, which would have to be sorted.

/// Orders that should have a tracking number sooner or later.
pub const NO_TRACKING: &str =
    "tracking_number IS NULL AND coalesce(status, '') IN ('verified', 'processing', 'shipped')";
/// Orders that arrived in part.
pub const PARTLY_RECEIVED: &str = "qty_received > 0 AND qty_received < quantity";
/// Orders that were delivered and not received.
pub const NOT_RECEIVED: &str =
    "coalesce(status, '') = 'delivered' AND coalesce(qty_received, 0) < coalesce(quantity, 1)";

/// The indexes by their names.
pub(crate) const INDEXES: [(&str, &str); 3] = [
    ("orders_no_tracking", NO_TRACKING),
    ("orders_partly_received", PARTLY_RECEIVED),
    ("orders_not_received", NOT_RECEIVED),
];
