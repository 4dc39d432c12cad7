//! The periods of statistics: chosen by name or typed as days, and as text. Pure: the caller passes the date of today.

use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;

use super::stats::Period;
use crate::order::dates::{self, EXAMPLES, day_of};

/// A period that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedPeriod {
    Today,
    SevenDays,
    ThisMonth,
    LastMonth,
    ThisYear,
    All,
}

/// Why a period cannot be used. `Display` is a sentence for the person who chose it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PeriodError {
    #[error("Please give either a period, or since and until, but not both.")]
    TwoPeriods,
    #[error("The period ends before it begins: since {}, until {}.", day_text(*from), day_text(*to))]
    Backwards { from: NaiveDate, to: NaiveDate },
    #[error("{} is in the future. Today is {} ({timezone}).", day_text(*from), day_text(*today))]
    Future { from: NaiveDate, today: NaiveDate, timezone: Tz },
    #[error("{text} is not a date. Write it as {EXAMPLES}.")]
    NotADate { text: String },
}

/// Reads the period that a person chose by name or typed as days, and its title. Without either, it is this month.
pub(crate) fn read_period(
    named: Option<NamedPeriod>,
    since: Option<&str>,
    until: Option<&str>,
    today: NaiveDate,
    timezone: Tz,
) -> Result<(String, Period), PeriodError> {
    let (from, to) = (read_day(since, timezone)?, read_day(until, timezone)?);
    if from.is_none() && to.is_none() {
        let named = named.unwrap_or(NamedPeriod::ThisMonth);
        return Ok((named.title(today), named.days(today)));
    }
    if named.is_some() {
        return Err(PeriodError::TwoPeriods);
    }
    match (from, to) {
        (Some(from), Some(to)) if from > to => Err(PeriodError::Backwards { from, to }),
        (Some(from), None) if from > today => Err(PeriodError::Future { from, today, timezone }),
        _ => {
            let period = Period { from, to };
            Ok((period_text(period), period))
        }
    }
}

/// The day that a person typed, in the time zone. `None` if the text is empty.
fn read_day(text: Option<&str>, timezone: Tz) -> Result<Option<NaiveDate>, PeriodError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let date = dates::parse(text, timezone).ok_or_else(|| PeriodError::NotADate { text: text.to_owned() })?;
    Ok(Some(date.day.unwrap_or_else(|| day_of(date.at, timezone))))
}

impl NamedPeriod {
    /// All periods, by their names.
    pub(crate) const ALL: [(&str, Self); 6] = [
        ("today", Self::Today),
        ("7 days", Self::SevenDays),
        ("this month", Self::ThisMonth),
        ("last month", Self::LastMonth),
        ("this year", Self::ThisYear),
        ("all", Self::All),
    ];

    /// The days of the period. This month and this year include their future days, because a card may
    /// state a future order date.
    pub(crate) fn days(self, today: NaiveDate) -> Period {
        let month = first_of_month(today);
        let (from, to) = match self {
            Self::Today => return Period::day(today),
            Self::SevenDays => return Period::days_until(today, 7),
            Self::ThisMonth => (Some(month), last_of_month(month)),
            Self::LastMonth => {
                let last = month.checked_sub_months(Months::new(1));
                (last, last.and_then(last_of_month))
            }
            Self::ThisYear => {
                (NaiveDate::from_ymd_opt(today.year(), 1, 1), NaiveDate::from_ymd_opt(today.year(), 12, 31))
            }
            Self::All => (None, None),
        };
        Period { from, to }
    }

    /// The name and the days of the period.
    pub(crate) fn title(self, today: NaiveDate) -> String {
        let days = period_text(self.days(today));
        match self {
            Self::Today => format!("Today · {days}"),
            Self::SevenDays => format!("7 days · {days}"),
            Self::ThisMonth => format!("This month · {days}"),
            Self::LastMonth => format!("Last month · {days}"),
            Self::ThisYear => format!("This year · {days}"),
            Self::All => days,
        }
    }
}

/// A period as short text.
pub(crate) fn period_text(period: Period) -> String {
    let (from, to) = match (period.from, period.to) {
        (None, None) => return "All time".to_owned(),
        (Some(from), None) => return format!("Since {}", day_text(from)),
        (None, Some(to)) => return format!("Until {}", day_text(to)),
        (Some(from), Some(to)) => (from, to),
    };
    let same_year = from.year() == to.year();
    let same_month = same_year && from.month() == to.month();
    let begins_month = from.day() == 1;
    let ends_month = last_of_month(to) == Some(to);
    let ends_year = ends_month && to.month() == 12;
    match () {
        () if from == to => day_text(from),
        () if same_month && begins_month && ends_month => from.format("%B %Y").to_string(),
        () if same_year && begins_month && from.month() == 1 && ends_year => from.format("%Y").to_string(),
        () if same_month => format!("{} – {}", from.day(), day_text(to)),
        () if same_year => format!("{} – {}", from.format("%-d %b"), day_text(to)),
        () => format!("{} – {}", day_text(from), day_text(to)),
    }
}

/// A day as text.
pub(crate) fn day_text(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}

/// The first day of the day's month.
pub(crate) fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

fn last_of_month(day: NaiveDate) -> Option<NaiveDate> {
    first_of_month(day).checked_add_months(Months::new(1))?.checked_sub_days(Days::new(1))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, Utc};

    use super::{NamedPeriod, period_text};
    use crate::order::dates::day_of;
    use crate::store::Period;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn days(period: NamedPeriod, today: &str) -> (String, String) {
        let Period { from, to } = period.days(date(today));
        (from.unwrap().to_string(), to.unwrap().to_string())
    }

    #[test]
    fn a_named_period_has_whole_days_months_and_years() {
        for (named, today, from, to) in [
            (NamedPeriod::Today, "2026-11-25", "2026-11-25", "2026-11-25"),
            (NamedPeriod::SevenDays, "2026-11-25", "2026-11-19", "2026-11-25"),
            (NamedPeriod::SevenDays, "2026-01-03", "2025-12-28", "2026-01-03"),
            (NamedPeriod::SevenDays, "2028-03-02", "2028-02-25", "2028-03-02"),
            (NamedPeriod::ThisMonth, "2026-11-25", "2026-11-01", "2026-11-30"),
            (NamedPeriod::ThisMonth, "2028-02-29", "2028-02-01", "2028-02-29"),
            (NamedPeriod::ThisMonth, "2026-02-01", "2026-02-01", "2026-02-28"),
            (NamedPeriod::ThisMonth, "2026-12-31", "2026-12-01", "2026-12-31"),
            (NamedPeriod::LastMonth, "2026-03-31", "2026-02-01", "2026-02-28"),
            (NamedPeriod::LastMonth, "2028-03-31", "2028-02-01", "2028-02-29"),
            (NamedPeriod::LastMonth, "2026-01-01", "2025-12-01", "2025-12-31"),
            (NamedPeriod::ThisYear, "2026-01-01", "2026-01-01", "2026-12-31"),
            (NamedPeriod::ThisYear, "2026-12-31", "2026-01-01", "2026-12-31"),
        ] {
            assert_eq!(days(named, today), (from.to_owned(), to.to_owned()), "{named:?} on {today}");
        }
        assert_eq!(NamedPeriod::All.days(date("2026-11-25")), Period::default());
    }

    #[test]
    fn today_is_the_day_in_the_time_zone() {
        let now: DateTime<Utc> = "2026-01-01T03:30:00Z".parse().unwrap();
        let month = |zone| days(NamedPeriod::ThisMonth, &day_of(now, zone).to_string()).0;
        assert_eq!(month(chrono_tz::UTC), "2026-01-01");
        assert_eq!(month(chrono_tz::America::New_York), "2025-12-01");
        let now: DateTime<Utc> = "2026-11-30T11:00:00Z".parse().unwrap();
        let today = |zone| days(NamedPeriod::Today, &day_of(now, zone).to_string()).0;
        assert_eq!(today(chrono_tz::Pacific::Kiritimati), "2026-12-01");
        assert_eq!(today(chrono_tz::Pacific::Pago_Pago), "2026-11-30");
    }

    #[test]
    fn a_period_is_written_as_short_as_possible() {
        for (from, to, expected) in [
            ("", "", "All time"),
            ("2026-10-03", "", "Since 3 Oct 2026"),
            ("", "2026-10-03", "Until 3 Oct 2026"),
            ("2026-10-03", "2026-10-03", "3 Oct 2026"),
            ("2026-11-19", "2026-11-25", "19 – 25 Nov 2026"),
            ("2026-10-03", "2026-11-25", "3 Oct – 25 Nov 2026"),
            ("2025-12-28", "2026-01-03", "28 Dec 2025 – 3 Jan 2026"),
            ("2028-02-01", "2028-02-29", "February 2028"),
            ("2028-02-01", "2028-02-28", "1 – 28 Feb 2028"),
            ("2026-01-01", "2026-12-31", "2026"),
            ("2026-01-01", "2026-11-30", "1 Jan – 30 Nov 2026"),
        ] {
            assert_eq!(period_text(Period { from: from.parse().ok(), to: to.parse().ok() }), expected);
        }
        assert_eq!(NamedPeriod::ThisMonth.title(date("2026-11-25")), "This month · November 2026");
        assert_eq!(NamedPeriod::All.title(date("2026-11-25")), "All time");
    }
}
