//! Moments as they are typed.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// A day, which begins at midnight UTC, or a moment.
///
/// # Errors
/// Where it is neither, or in the future.
pub(crate) fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let moment = text
        .parse::<NaiveDate>()
        .map(|day| day.and_time(NaiveTime::MIN).and_utc())
        .or_else(|_| DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc()))
        .map_err(|_| "expected a date such as 2026-01-31 or 2026-01-31T18:00:00Z".to_owned())?;
    if moment > Utc::now() { Err("this is in the future".to_owned()) } else { Ok(moment) }
}
