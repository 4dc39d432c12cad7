//! Groups days into as many bars as a chart can show: days, weeks, months or years.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::period::{day_text, first_of_month};
use super::stats::Period;
use super::totals::{StatRow, Totals};

/// The most bars of a chart.
const MAX_BUCKETS: i64 = 31;
/// How many days without orders are shown before the first order.
const MAX_LEADING_DAYS: i64 = 366;

/// The length of time that one bar covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Day,
    /// From Monday to Sunday.
    Week,
    Month,
    /// This many years.
    Years(u16),
}

/// The days of one bar.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) first: NaiveDate,
    pub(crate) last: NaiveDate,
    pub(crate) totals: Totals,
}

/// Groups rows of days into buckets without gaps. They end within the period, at today or at the newest
/// order, whichever is later. Returns none if there are no orders.
pub(crate) fn buckets(rows: &[StatRow], period: Period, today: NaiveDate) -> (Unit, Vec<Bucket>) {
    let day_of = |row: &StatRow| row.key.as_deref().and_then(|key| key.parse::<NaiveDate>().ok());
    let days: Vec<(NaiveDate, &StatRow)> = rows.iter().filter_map(|row| Some((day_of(row)?, row))).collect();
    let all = || days.iter().map(|(day, _)| *day);
    let (Some(oldest), Some(newest)) = (all().min(), all().max()) else { return (Unit::Day, Vec::new()) };
    let is_near = |from: &NaiveDate| (oldest - *from).num_days() <= MAX_LEADING_DAYS;
    let first = period.from.filter(is_near).unwrap_or(oldest);
    let last = period.to.map_or(newest.max(today), |to| to.min(newest.max(today))).max(newest);

    let unit = Unit::for_days(first, last);
    let mut buckets = Vec::new();
    let mut start = Some(unit.start(first));
    while let Some(begin) = start.filter(|begin| *begin <= last) {
        start = unit.next(begin);
        let end = start.and_then(|next| next.pred_opt()).unwrap_or(last);
        let within = days.iter().filter(|(day, _)| (begin..=end).contains(day));
        let totals = Totals::of_rows(within.map(|(_, row)| *row));
        buckets.push(Bucket { first: begin.max(first), last: end.min(last), totals });
    }
    (unit, buckets)
}

impl Unit {
    /// The smallest unit that needs no more than [`MAX_BUCKETS`].
    fn for_days(first: NaiveDate, last: NaiveDate) -> Self {
        let days = (last - first).num_days() + 1;
        let weeks = (Self::Week.start(last) - Self::Week.start(first)).num_days() / 7 + 1;
        let years = i64::from(last.year()) - i64::from(first.year());
        let months = years * 12 + i64::from(last.month()) - i64::from(first.month()) + 1;
        match () {
            () if days <= MAX_BUCKETS => Self::Day,
            () if weeks <= MAX_BUCKETS => Self::Week,
            () if months <= MAX_BUCKETS => Self::Month,
            () => Self::Years(u16::try_from(years / (MAX_BUCKETS - 1) + 1).unwrap_or(u16::MAX)),
        }
    }

    /// The first day of the unit that contains the day.
    fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Day => day,
            Self::Week => day.week(Weekday::Mon).checked_first_day().unwrap_or(day),
            Self::Month => first_of_month(day),
            Self::Years(years) => {
                let year = day.year() - day.year().rem_euclid(i32::from(years.max(1)));
                NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or(day)
            }
        }
    }

    /// The first day of the next unit.
    fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => start.checked_add_days(Days::new(1)),
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Years(years) => start.checked_add_months(Months::new(12 * u32::from(years.max(1)))),
        }
    }

    /// The unit's name.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Day => "day".to_owned(),
            Self::Week => "week".to_owned(),
            Self::Month => "month".to_owned(),
            Self::Years(1) => "year".to_owned(),
            Self::Years(years) => format!("{years} years"),
        }
    }
}

impl Bucket {
    /// The label below a bar. `within_a_year` says whether all bars are in one year.
    pub(crate) fn short_label(&self, unit: Unit, within_a_year: bool) -> String {
        let format = match unit {
            Unit::Day | Unit::Week => "%-d %b",
            Unit::Month if within_a_year => "%b",
            Unit::Month => "%b %Y",
            Unit::Years(_) => "%Y",
        };
        self.first.format(format).to_string()
    }

    /// The label on a line.
    pub(crate) fn long_label(&self, unit: Unit) -> String {
        match unit {
            Unit::Day => self.first.format("%a %-d %b %Y").to_string(),
            Unit::Week => format!("Week of {}", day_text(self.first)),
            Unit::Month => self.first.format("%B %Y").to_string(),
            Unit::Years(_) if self.first.year() == self.last.year() => self.first.format("%Y").to_string(),
            Unit::Years(_) => format!("{} – {}", self.first.format("%Y"), self.last.format("%Y")),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::{Bucket, Unit, buckets};
    use crate::store::{Period, StatRow};

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn row(day: NaiveDate, orders: u64) -> StatRow {
        StatRow {
            key: Some(day.to_string()),
            orders,
            cancelled_or_refunded: 0,
            units: orders,
            spend: Vec::new(),
        }
    }

    fn buckets_of(days: &[&str], from: &str, to: &str, today: &str) -> (Unit, Vec<Bucket>) {
        let rows: Vec<StatRow> = days.iter().map(|day| row(date(day), 1)).collect();
        buckets(&rows, Period { from: from.parse().ok(), to: to.parse().ok() }, date(today))
    }

    #[test]
    fn days_without_orders_are_shown_up_to_today() {
        let (unit, buckets) =
            buckets_of(&["2026-11-03", "2026-11-05"], "2026-11-01", "2026-11-30", "2026-11-07");
        assert_eq!(unit, Unit::Day);
        let orders: Vec<u64> = buckets.iter().map(|bucket| bucket.totals.orders).collect();
        assert_eq!(orders, [0, 0, 1, 0, 1, 0, 0]);
        let (_, buckets) = buckets_of(&["2026-11-09"], "2026-11-01", "2026-11-30", "2026-11-07");
        assert_eq!(buckets.last().unwrap().first, date("2026-11-09"), "an order of a future day");
        let (_, buckets) = buckets_of(&["2026-10-31"], "2026-10-01", "2026-10-31", "2026-11-07");
        assert_eq!(buckets.len(), 31);
        assert!(buckets_of(&[], "2026-10-01", "", "2026-11-07").1.is_empty());
    }

    #[test]
    fn long_periods_are_grouped_and_no_order_is_lost() {
        for (first, count, unit, bars) in [
            ("2026-01-01", 31, Unit::Day, 31),
            ("2026-01-01", 32, Unit::Week, 5),
            ("2026-01-01", 212, Unit::Week, 31),
            ("2026-01-01", 365, Unit::Month, 12),
            ("2024-01-31", 900, Unit::Month, 31),
            ("2024-01-01", 1000, Unit::Years(1), 3),
            ("1990-06-15", 10_000, Unit::Years(1), 28),
            ("1970-01-01", 40_000, Unit::Years(4), 28),
        ] {
            let first = date(first);
            let rows: Vec<StatRow> = (0..count).map(|day| row(first + Days::new(day), 2)).collect();
            let (found, buckets) = super::buckets(&rows, Period::default(), first);
            assert_eq!((found, buckets.len()), (unit, bars), "{count} days");
            assert_eq!(buckets.iter().map(|bucket| bucket.totals.orders).sum::<u64>(), 2 * count);
            assert_eq!(buckets[0].first, first);
            assert_eq!(buckets.last().unwrap().last, first + Days::new(count - 1));
            assert!(buckets.windows(2).all(|pair| pair[0].last.succ_opt() == Some(pair[1].first)));
        }
    }

    #[test]
    fn a_period_that_begins_long_before_its_first_order_begins_with_it() {
        let (unit, buckets) = buckets_of(&["2026-11-20", "2026-11-24"], "1970-01-01", "", "2026-11-25");
        assert_eq!((unit, buckets.len(), buckets[0].first), (Unit::Day, 6, date("2026-11-20")));
        let (unit, buckets) = buckets_of(&["2026-11-20"], "2026-01-01", "2026-12-31", "2026-11-25");
        assert_eq!((unit, buckets.len()), (Unit::Month, 11));
    }

    #[test]
    fn a_bar_is_named_after_its_days() {
        let (unit, buckets) = buckets_of(&["2026-11-20"], "2026-09-02", "", "2026-11-25");
        assert_eq!(
            buckets[0].short_label(unit, true),
            "2 Sep",
            "the first week is cut off at the start of the period"
        );
        assert_eq!(buckets[1].long_label(unit), "Week of 7 Sep 2026");
        let (unit, buckets) = buckets_of(&["2025-01-05", "2026-11-20"], "", "", "2026-11-25");
        assert_eq!(buckets[0].short_label(unit, false), "Jan 2025");
        assert_eq!(buckets[0].long_label(unit), "January 2025");
        let (unit, buckets) = buckets_of(&["1970-01-01", "2026-11-20"], "", "", "2026-11-25");
        assert_eq!(
            (buckets[1].short_label(unit, false), buckets[1].long_label(unit)),
            ("1972".into(), "1972 – 1973".into())
        );
    }
}
