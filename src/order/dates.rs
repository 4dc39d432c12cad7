//! Dates and times as cards write them.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::order::start_of_day;

/// A moment that a card states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When. UTC, microseconds.
    pub at: DateTime<Utc>,
    /// Whether the card gave a time of day.
    pub has_time: bool,
}

const WITH_TIME: &[&str] = &[
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%B %d, %Y %I:%M:%S %p",
    "%B %d, %Y %I:%M %p",
];

const DATE_ONLY: &[&str] = &["%Y-%m-%d", "%m/%d/%Y", "%B %d, %Y", "%d %B %Y"];

/// Reads RFC 3339, Discord's `<t:seconds:f>`, Unix seconds or milliseconds, ISO and American
/// dates. A date without a zone is of the configured zone; one without a time begins the day.
#[must_use]
pub fn read(text: &str, zone: Tz) -> Option<Moment> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return moment(at.to_utc(), true);
    }
    if let Some(at) = unix(text) {
        return moment(at, true);
    }
    let local = text.replace(", ", " ").replace("  ", " ");
    let local = local.as_str();
    let comma = |format: &str| format.replace(", ", " ");
    if let Some(time) =
        WITH_TIME.iter().find_map(|format| NaiveDateTime::parse_from_str(local, &comma(format)).ok())
    {
        return moment(in_zone(time, zone)?, true);
    }
    let date = DATE_ONLY.iter().find_map(|format| NaiveDate::parse_from_str(local, &comma(format)).ok())?;
    moment(in_zone(date.and_time(NaiveTime::MIN), zone)?, false)
}

/// The moment of a local time: the earlier of two where clocks went back, and an hour later
/// where they skipped it.
pub(crate) fn in_zone(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
        LocalResult::None => {
            let later = local.checked_add_signed(TimeDelta::hours(1))?;
            zone.from_local_datetime(&later).earliest().map(|at| at.to_utc())
        }
    }
}

/// `<t:1764086561:f>`, or bare seconds or milliseconds of this century.
fn unix(text: &str) -> Option<DateTime<Utc>> {
    let digits = match text.strip_prefix("<t:").and_then(|rest| rest.strip_suffix('>')) {
        Some(inside) => inside.split(':').next()?,
        None => text,
    };
    let number: i64 = digits.parse().ok()?;
    match digits.len() {
        10 => DateTime::from_timestamp(number, 0),
        13 => DateTime::from_timestamp_millis(number),
        _ => None,
    }
}

fn moment(at: DateTime<Utc>, has_time: bool) -> Option<Moment> {
    is_believed(at).then(|| Moment { at: micros(at), has_time })
}

/// Whether a time is of the years 1970 to 2099, which a database and a person can take.
#[must_use]
pub fn is_believed(at: DateTime<Utc>) -> bool {
    (0..4_102_444_800).contains(&at.timestamp())
}

/// A time cut to microseconds, the precision of the database.
#[must_use]
pub fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

/// Which end of a day a date stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Its first moment.
    Since,
    /// The first moment of the day after, which lies outside.
    Until,
}

/// A limit of a span of time: RFC 3339, or a day of the zone.
#[must_use]
pub fn bound(text: &str, zone: Tz, bound: Bound) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(date) = text.parse::<NaiveDate>() {
        return match bound {
            Bound::Since => start_of_day(date, zone),
            Bound::Until => start_of_day(date.checked_add_days(Days::new(1))?, zone),
        };
    }
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<DateTime<Utc>> {
        text.parse().ok()
    }

    #[test]
    fn a_date_is_a_day_of_the_time_zone() {
        let zone = chrono_tz::America::New_York;
        assert_eq!(bound("2026-01-31", zone, Bound::Since), utc("2026-01-31T05:00:00Z"));
        assert_eq!(bound("2026-01-31", zone, Bound::Until), utc("2026-02-01T05:00:00Z"));
    }

    #[test]
    fn a_day_without_midnight_starts_when_its_clock_does() {
        let zone = chrono_tz::America::Sao_Paulo;
        assert_eq!(bound("2018-11-04", zone, Bound::Since), utc("2018-11-04T03:00:00Z"));
    }
}
