//! Days of a time zone.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The day that a moment falls on.
#[must_use]
pub fn day_of(moment: DateTime<Utc>, zone: Tz) -> NaiveDate {
    moment.with_timezone(&zone).date_naive()
}

/// The first moment of a day; `None` only at the ends of the calendar. Where clocks skip
/// midnight, a day starts at the first quarter of an hour that exists; where they skip the whole
/// day, as Samoa's did, it starts with the next one.
#[must_use]
pub fn start_of_day(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    const QUARTERS_OF_A_DAY: i64 = 4 * 24;
    let midnight = date.and_time(NaiveTime::MIN);
    (0..=QUARTERS_OF_A_DAY)
        .filter_map(|quarter| midnight.checked_add_signed(TimeDelta::minutes(15 * quarter)))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map(|start| start.to_utc())
}
