//! Days put together to as many steps as a chart can show: days, weeks, months, or years.

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use super::figures::Figures;
use super::period::{day, first_of_month};
use crate::store::{Period, StatRow};

/// Most steps of a chart.
const MOST: i64 = 31;
/// Days without an order that are shown before the first one.
const LONGEST_LEAD: i64 = 366;

/// How many days are one bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Day,
    /// From Monday to Sunday.
    Week,
    Month,
    /// So many years.
    Years(u16),
}

/// The days of one bar.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    pub(crate) first: NaiveDate,
    pub(crate) last: NaiveDate,
    pub(crate) figures: Figures,
}

/// The rows of days as few steps without gaps: up to today, or up to the last order if that is later,
/// within the period. None where there is no order.
pub(crate) fn steps(rows: &[StatRow], period: Period, today: NaiveDate) -> (Step, Vec<Time>) {
    let day_of = |row: &StatRow| row.key.as_deref().and_then(|key| key.parse::<NaiveDate>().ok());
    let days: Vec<(NaiveDate, &StatRow)> = rows.iter().filter_map(|row| Some((day_of(row)?, row))).collect();
    let all = || days.iter().map(|(day, _)| *day);
    let (Some(oldest), Some(newest)) = (all().min(), all().max()) else { return (Step::Day, Vec::new()) };
    let first = period.from.filter(|from| (oldest - *from).num_days() <= LONGEST_LEAD).unwrap_or(oldest);
    let last = period.to.map_or(newest.max(today), |to| to.min(newest.max(today))).max(newest);

    let step = Step::of(first, last);
    let mut times = Vec::new();
    let mut start = Some(step.start(first));
    while let Some(begin) = start.filter(|begin| *begin <= last) {
        start = step.next(begin);
        let end = start.and_then(|next| next.pred_opt()).unwrap_or(last);
        let within = days.iter().filter(|(day, _)| (begin..=end).contains(day));
        let figures = Figures::of(within.map(|(_, row)| *row));
        times.push(Time { first: begin.max(first), last: end.min(last), figures });
    }
    (step, times)
}

impl Step {
    fn of(first: NaiveDate, last: NaiveDate) -> Self {
        let days = (last - first).num_days() + 1;
        let weeks = (Self::Week.start(last) - Self::Week.start(first)).num_days() / 7 + 1;
        let years = i64::from(last.year()) - i64::from(first.year());
        let months = years * 12 + i64::from(last.month()) - i64::from(first.month()) + 1;
        match () {
            () if days <= MOST => Self::Day,
            () if weeks <= MOST => Self::Week,
            () if months <= MOST => Self::Month,
            () => Self::Years(u16::try_from(years / (MOST - 1) + 1).unwrap_or(u16::MAX)),
        }
    }

    /// The first day of the step that a day is in.
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

    fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::Day => start.checked_add_days(Days::new(1)),
            Self::Week => start.checked_add_days(Days::new(7)),
            Self::Month => start.checked_add_months(Months::new(1)),
            Self::Years(years) => start.checked_add_months(Months::new(12 * u32::from(years.max(1)))),
        }
    }

    /// What one step is.
    pub(crate) fn word(self) -> String {
        match self {
            Self::Day => "day".to_owned(),
            Self::Week => "week".to_owned(),
            Self::Month => "month".to_owned(),
            Self::Years(1) => "year".to_owned(),
            Self::Years(years) => format!("{years} years"),
        }
    }
}

impl Time {
    /// Below a bar, where all bars lie `within_a_year` or not.
    pub(crate) fn short(&self, step: Step, within_a_year: bool) -> String {
        let format = match step {
            Step::Day | Step::Week => "%-d %b",
            Step::Month if within_a_year => "%b",
            Step::Month => "%b %Y",
            Step::Years(_) => "%Y",
        };
        self.first.format(format).to_string()
    }

    /// On a line.
    pub(crate) fn long(&self, step: Step) -> String {
        match step {
            Step::Day => self.first.format("%a %-d %b %Y").to_string(),
            Step::Week => format!("Week of {}", day(self.first)),
            Step::Month => self.first.format("%B %Y").to_string(),
            Step::Years(_) if self.first.year() == self.last.year() => self.first.format("%Y").to_string(),
            Step::Years(_) => format!("{} – {}", self.first.format("%Y"), self.last.format("%Y")),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::{Step, Time, steps};
    use crate::store::{Period, StatRow};

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn row(day: NaiveDate, orders: u64) -> StatRow {
        StatRow { key: Some(day.to_string()), orders, void: 0, units: orders, spend: Vec::new() }
    }

    fn taken(days: &[&str], from: &str, to: &str, today: &str) -> (Step, Vec<Time>) {
        let rows: Vec<StatRow> = days.iter().map(|day| row(date(day), 1)).collect();
        steps(&rows, Period { from: from.parse().ok(), to: to.parse().ok() }, date(today))
    }

    #[test]
    fn days_without_orders_are_there_up_to_today() {
        let (step, times) = taken(&["2026-11-03", "2026-11-05"], "2026-11-01", "2026-11-30", "2026-11-07");
        assert_eq!(step, Step::Day);
        let orders: Vec<u64> = times.iter().map(|time| time.figures.orders).collect();
        assert_eq!(orders, [0, 0, 1, 0, 1, 0, 0]);
        let (_, times) = taken(&["2026-11-09"], "2026-11-01", "2026-11-30", "2026-11-07");
        assert_eq!(times.last().unwrap().first, date("2026-11-09"), "an order of a day to come");
        let (_, times) = taken(&["2026-10-31"], "2026-10-01", "2026-10-31", "2026-11-07");
        assert_eq!(times.len(), 31);
        assert!(taken(&[], "2026-10-01", "", "2026-11-07").1.is_empty());
    }

    #[test]
    fn long_times_are_put_together_and_nothing_is_lost() {
        for (first, count, step, bars) in [
            ("2026-01-01", 31, Step::Day, 31),
            ("2026-01-01", 32, Step::Week, 5),
            ("2026-01-01", 212, Step::Week, 31),
            ("2026-01-01", 365, Step::Month, 12),
            ("2024-01-31", 900, Step::Month, 31),
            ("2024-01-01", 1000, Step::Years(1), 3),
            ("1990-06-15", 10_000, Step::Years(1), 28),
            ("1970-01-01", 40_000, Step::Years(4), 28),
        ] {
            let first = date(first);
            let rows: Vec<StatRow> = (0..count).map(|day| row(first + Days::new(day), 2)).collect();
            let (found, times) = steps(&rows, Period::default(), first);
            assert_eq!((found, times.len()), (step, bars), "{count} days");
            assert_eq!(times.iter().map(|time| time.figures.orders).sum::<u64>(), 2 * count);
            assert_eq!(times[0].first, first);
            assert_eq!(times.last().unwrap().last, first + Days::new(count - 1));
            assert!(times.windows(2).all(|pair| pair[0].last.succ_opt() == Some(pair[1].first)));
        }
    }

    #[test]
    fn a_time_that_begins_long_before_its_first_order_begins_with_it() {
        let (step, times) = taken(&["2026-11-20", "2026-11-24"], "1970-01-01", "", "2026-11-25");
        assert_eq!((step, times.len(), times[0].first), (Step::Day, 6, date("2026-11-20")));
        let (step, times) = taken(&["2026-11-20"], "2026-01-01", "2026-12-31", "2026-11-25");
        assert_eq!((step, times.len()), (Step::Month, 11));
    }

    #[test]
    fn a_bar_is_named_after_its_days() {
        let (step, times) = taken(&["2026-11-20"], "2026-09-02", "", "2026-11-25");
        assert_eq!(times[0].short(step, true), "2 Sep", "the week before belongs to it only from there on");
        assert_eq!(times[1].long(step), "Week of 7 Sep 2026");
        let (step, times) = taken(&["2025-01-05", "2026-11-20"], "", "", "2026-11-25");
        assert_eq!(times[0].short(step, false), "Jan 2025");
        assert_eq!(times[0].long(step), "January 2025");
        let (step, times) = taken(&["1970-01-01", "2026-11-20"], "", "", "2026-11-25");
        assert_eq!((times[1].short(step, false), times[1].long(step)), ("1972".into(), "1972 – 1973".into()));
    }
}
