//! Reads numeric dates of spreadsheets and banks: `31.01.2026`, `01/31/2026` or `31/01/2026`. Whether the day
//! or the month comes first is decided once for the whole file.

use crate::order::dates;
use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;

/// The order of day and month in numeric dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateOrder {
    /// `01/31/2026`
    MonthFirst,
    /// `31/01/2026`
    DayFirst,
}

/// Forms of a time of day.
const TIME_FORMATS: [&str; 4] = ["%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p"];

/// Decides whether the day or the month comes first. A date that starts with a number above 12, or that is
/// written with points, has the day first. Otherwise, or if any second number is above 12, the month comes
/// first.
pub(crate) fn order_of<'a>(texts: impl Iterator<Item = &'a str>) -> DateOrder {
    let mut order = DateOrder::MonthFirst;
    for (first, second, separator) in texts.filter_map(|text| numbers(text).map(|(a, b, _, c, _)| (a, b, c)))
    {
        if second > 12 {
            return DateOrder::MonthFirst;
        }
        if first > 12 || separator == '.' {
            order = DateOrder::DayFirst;
        }
    }
    order
}

/// Converts a numeric date to ISO 8601 for [`dates::parse`]. `None` if the text is not a numeric date.
pub(crate) fn iso(text: &str, order: DateOrder) -> Option<String> {
    let (first, second, year, _, rest) = numbers(text)?;
    let (month, day) = match order {
        DateOrder::MonthFirst => (first, second),
        DateOrder::DayFirst => (second, first),
    };
    let day = NaiveDate::from_ymd_opt(year, month, day)?;
    let rest = rest.trim_start_matches([',', ' ']);
    if rest.is_empty() {
        return Some(day.format("%Y-%m-%d").to_string());
    }
    Some(day.and_time(time(rest)?).format("%Y-%m-%d %H:%M:%S").to_string())
}

/// Joins a day and a time of day that stand in two cells.
pub(crate) fn joined(date: &str, time_of_day: &str, zone: Tz) -> Option<String> {
    let day = dates::parse(date, zone)?.day?;
    Some(day.and_time(time(time_of_day)?).format("%Y-%m-%d %H:%M:%S").to_string())
}

fn time(text: &str) -> Option<NaiveTime> {
    let text = text.trim().to_uppercase();
    TIME_FORMATS.iter().find_map(|format| NaiveTime::parse_from_str(&text, format).ok())
}

/// The first two numbers, the year, the separator and the rest of `1/31/2026 5:00 PM`.
fn numbers(text: &str) -> Option<(u32, u32, i32, char, &str)> {
    let separator = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| ['/', '.', '-'].contains(c))?;
    let (first, rest) = text.split_once(separator)?;
    let (second, rest) = rest.split_once(separator)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (year, rest) = rest.split_at_checked(end)?;
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.len() <= 2);
    let year = match (year.len(), year.parse::<i32>().ok()?) {
        (4, year) => year,
        (2, year) => 2000 + year,
        _ => return None,
    };
    Some((number(first)?, number(second)?, year, separator, rest))
}
