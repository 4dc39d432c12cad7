//! Dates and times: reads them as cards and people write them, and knows the days of a time zone.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Ways to write a date, for help and error messages.
pub const EXAMPLES: &str = "2026-01-31, 31 January 2026 or 2026-01-31T18:00:00Z";

/// A date or time that was read from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedDate {
    /// The time; for a date without a time of day, the start of that day. UTC, microseconds.
    pub at: DateTime<Utc>,
    /// The day, if the text gave no time of day.
    pub day: Option<NaiveDate>,
}

/// Which edge of a day a date without a time of day stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayEdge {
    /// The first instant of the day.
    Start,
    /// The first instant of the next day, which is no longer part of the day.
    End,
}

// Commas are removed before a text is compared with these.
const TIME_FORMATS: &[&str] = &[
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%B %d %Y %I:%M:%S %p",
    "%B %d %Y %I:%M %p",
    "%B %d %Y %H:%M",
    "%d %B %Y %I:%M %p",
    "%d %B %Y %H:%M",
];
const DATE_FORMATS: &[&str] = &["%Y-%m-%d", "%m/%d/%Y", "%B %d %Y", "%d %B %Y"];

/// Reads RFC 3339, Discord's `<t:seconds:f>`, Unix seconds or milliseconds, and ISO, American and
/// written-out dates, in the years 1970 to 2099. A date without a zone is read in the given zone.
#[must_use]
pub fn parse(text: &str, zone: Tz) -> Option<ParsedDate> {
    parse_any_year(text, zone).filter(|date| is_plausible(date.at))
}

/// Reads the limit of a time span that a person typed: any text that [`parse`] accepts, in any
/// year. A date without a time of day stands for the given edge of that day.
#[must_use]
pub fn parse_limit(text: &str, zone: Tz, edge: DayEdge) -> Option<DateTime<Utc>> {
    let ParsedDate { at, day } = parse_any_year(text, zone)?;
    match (day, edge) {
        (Some(day), DayEdge::End) => start_of_day(day.checked_add_days(Days::new(1))?, zone),
        _ => Some(at),
    }
}

fn parse_any_year(text: &str, zone: Tz) -> Option<ParsedDate> {
    let text = text.trim();
    let time = |at: DateTime<Utc>| Some(ParsedDate { at: to_micros(at), day: None });
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return time(at.to_utc());
    }
    if let Some(at) = unix_time(text) {
        return time(at);
    }
    let text = text.replace(',', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(local) =
        TIME_FORMATS.iter().find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
    {
        return time(local_time(local, zone)?);
    }
    let day = DATE_FORMATS.iter().find_map(|format| NaiveDate::parse_from_str(&text, format).ok())?;
    Some(ParsedDate { at: start_of_day(day, zone)?, day: Some(day) })
}

/// The UTC time of a local time. If the clocks went back, the earlier of the two; if they skipped
/// it, an hour later.
fn local_time(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
        LocalResult::None => {
            let later = local.checked_add_signed(TimeDelta::hours(1))?;
            zone.from_local_datetime(&later).earliest().map(|at| at.to_utc())
        }
    }
}

/// `<t:1764086561:f>`, or plain seconds or milliseconds of this century.
fn unix_time(text: &str) -> Option<DateTime<Utc>> {
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

/// Whether a time lies in the years 1970 to 2099. A card that states another year is mistaken.
#[must_use]
pub fn is_plausible(at: DateTime<Utc>) -> bool {
    (0..4_102_444_800).contains(&at.timestamp())
}

/// A time cut to microseconds, the precision of the database.
#[must_use]
pub fn to_micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}

/// The day of a time in a time zone.
#[must_use]
pub fn day_of(time: DateTime<Utc>, zone: Tz) -> NaiveDate {
    time.with_timezone(&zone).date_naive()
}

/// The first instant of a day; `None` only at the ends of the calendar. If the clocks skip
/// midnight, the day starts at the first quarter of an hour that exists. If they skip the whole
/// day, as in Samoa in 2011, it starts with the next one.
#[must_use]
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    const QUARTERS_OF_A_DAY: i64 = 4 * 24;
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=QUARTERS_OF_A_DAY)
        .filter_map(|quarter| midnight.checked_add_signed(TimeDelta::minutes(15 * quarter)))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map(|start| start.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<DateTime<Utc>> {
        text.parse().ok()
    }

    #[test]
    fn a_date_means_the_same_day_however_it_is_written() {
        let zone = chrono_tz::America::New_York;
        for text in ["2026-01-31", "31 January 2026", "31 Jan 2026", "January 31, 2026", "01/31/2026"] {
            let limit = |edge| parse_limit(text, zone, edge);
            assert_eq!(limit(DayEdge::Start), utc("2026-01-31T05:00:00Z"), "{text}");
            assert_eq!(limit(DayEdge::End), utc("2026-02-01T05:00:00Z"), "{text}");
        }
    }

    #[test]
    fn a_time_of_day_is_exact_at_both_edges() {
        let zone = chrono_tz::America::New_York;
        for text in ["2026-01-31T18:00:00Z", "2026-01-31 13:00", "31 January 2026 1:00 PM", "1769882400"] {
            for edge in [DayEdge::Start, DayEdge::End] {
                assert_eq!(parse_limit(text, zone, edge), utc("2026-01-31T18:00:00Z"), "{text}");
            }
        }
    }

    #[test]
    fn a_day_without_midnight_starts_when_its_clock_does() {
        let zone = chrono_tz::America::Sao_Paulo;
        assert_eq!(parse_limit("2018-11-04", zone, DayEdge::Start), utc("2018-11-04T03:00:00Z"));
    }

    #[test]
    fn a_day_that_the_calendar_skipped_is_empty() {
        let zone = chrono_tz::Pacific::Apia;
        let limit = |edge| parse_limit("2011-12-30", zone, edge);
        assert_eq!(limit(DayEdge::Start), limit(DayEdge::End));
    }
}
