//! The clock, at the precision of the database.

use chrono::{DateTime, Utc};

use crate::order::dates::to_micros;

/// The current time. UTC, microseconds.
#[must_use]
pub fn now() -> DateTime<Utc> {
    to_micros(Utc::now())
}
