//! `/stats`: sums over the orders of a time, and a chart of them.

mod figures;
mod period;
mod report;
mod steps;

use chrono::{NaiveDate, Utc};
use chrono_tz::Tz;
use poise::ChoiceParameter;
use serenity::all::CreateAttachment;

use super::data::{Ctx, Done};
use super::failure::Failure;
use crate::chart;
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;
use crate::discord::reply::text::{code, cut};
use crate::order::dates;
use crate::order::dates::{EXAMPLES, day_of};
use crate::store::{By, Period, StatRow};
use period::{Named, day, words};
use report::{Question, Report, report};

/// The name of the picture.
const PICTURE: &str = "stats.png";
/// Longest description of a picture. <https://discord.com/developers/docs/resources/message#attachment-object>
const LONGEST_DESCRIPTION: usize = 1024;
/// Longest part of what was typed that is shown again.
const LONGEST_ECHO: usize = 60;

/// What orders are put together by, to choose from.
#[derive(Clone, Copy, Debug, ChoiceParameter)]
pub(crate) enum ByChoice {
    #[name = "day"]
    Day,
    #[name = "store"]
    Store,
    #[name = "profile"]
    Profile,
    #[name = "product"]
    Product,
    #[name = "status"]
    Status,
}

/// Orders, units, spend and cancel rate of a time, with a chart
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn stats(
    ctx: Ctx<'_>,
    #[description = "Of which time; this month unless you say otherwise"] period: Option<Named>,
    #[description = "Put together by what; by day unless you say otherwise"] by: Option<ByChoice>,
    #[description = "From this day on, such as 2026-01-31"] since: Option<String>,
    #[description = "Up to this day, which counts too"] until: Option<String>,
) -> Done {
    let turn = Turn::of(ctx);
    turn.defer().await?;
    let timezone = turn.data.orders.timezone;
    let today = day_of(Utc::now(), timezone);
    let (title, period) = asked(period, since.as_deref(), until.as_deref(), today, timezone)?;
    let by = by.map_or(By::Day, By::from);
    let rows = turn.data.deps.store.stats(&period, by).await?;
    let question = Question { title, period, by, today, timezone };
    // There may be as many rows as products, and a picture takes its time: this keeps nobody waiting.
    let work = tokio::task::spawn_blocking(move || answer(&question, &rows));
    turn.show(work.await.map_err(|_| Failure::Panic)?).await
}

/// The time that is meant, and its name.
fn asked(
    named: Option<Named>,
    since: Option<&str>,
    until: Option<&str>,
    today: NaiveDate,
    timezone: Tz,
) -> Result<(String, Period), Failure> {
    let (from, to) = (typed_day(since, timezone)?, typed_day(until, timezone)?);
    if from.is_none() && to.is_none() {
        let named = named.unwrap_or(Named::ThisMonth);
        return Ok((named.title(today), named.days(today)));
    }
    if named.is_some() {
        return Err(Failure::told("Give either a period, or since and until: both together are two times."));
    }
    match (from, to) {
        (Some(from), Some(to)) if from > to => {
            let (from, to) = (day(from), day(to));
            Err(Failure::told(format!("Since {from} and until {to}: that ends before it begins.")))
        }
        (Some(from), None) if from > today => {
            let (from, today) = (day(from), day(today));
            Err(Failure::told(format!("Since {from}: that is still to come. Today is {today} ({timezone}).")))
        }
        _ => {
            let period = Period { from, to };
            Ok((words(period), period))
        }
    }
}

/// The day that somebody typed, in the time zone; none where nothing was typed.
fn typed_day(text: Option<&str>, timezone: Tz) -> Result<Option<NaiveDate>, Failure> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let date = dates::parse(text, timezone).ok_or_else(|| {
        let text = code(&cut(text, LONGEST_ECHO));
        Failure::told(format!("{text} is not a date. Write it as {EXAMPLES}."))
    })?;
    Ok(Some(date.day.unwrap_or_else(|| day_of(date.at, timezone))))
}

/// The answer, with its picture. One that cannot be drawn costs nothing but itself.
fn answer(question: &Question, rows: &[StatRow]) -> Screen {
    let Report { mut sheet, chart } = report(question, rows);
    let Some(chart) = chart else { return Screen::text(sheet.description) };
    match chart::png(&chart) {
        Ok(png) => {
            sheet.picture = Some(PICTURE);
            let description = cut(&chart.in_words(), LONGEST_DESCRIPTION);
            let file = CreateAttachment::bytes(png, PICTURE).description(description);
            Screen { files: vec![file], ..Screen::sheet(sheet) }
        }
        Err(error) => {
            tracing::error!(stats.by = ?question.by, %error, "a chart could not be drawn");
            Screen::sheet(sheet)
        }
    }
}

impl From<ByChoice> for By {
    fn from(choice: ByChoice) -> Self {
        match choice {
            ByChoice::Day => Self::Day,
            ByChoice::Store => Self::Store,
            ByChoice::Profile => Self::Profile,
            ByChoice::Product => Self::Product,
            ByChoice::Status => Self::Status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(named: Option<Named>, since: &str, until: &str) -> Result<String, String> {
        let zone = chrono_tz::America::New_York;
        let today = "2026-11-25".parse().unwrap();
        let asked = asked(named, Some(since), Some(until), today, zone);
        asked.map(|(title, _)| title).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_time_is_named_or_given_by_its_days() {
        assert_eq!(answer(None, "", " ").unwrap(), "This month · November 2026");
        assert_eq!(answer(Some(Named::All), "", "").unwrap(), "All time");
        assert_eq!(answer(None, "2026-10-03", "11/25/2026").unwrap(), "3 Oct – 25 Nov 2026");
        assert_eq!(answer(None, "31 January 2026", "").unwrap(), "Since 31 Jan 2026");
        assert_eq!(answer(None, "", "Jan 31, 2026").unwrap(), "Until 31 Jan 2026");
        let moment = answer(None, "2026-11-01T02:00:00Z", "2026-11-01").unwrap();
        assert_eq!(moment, "31 Oct – 1 Nov 2026", "a moment is of the day that it is in New York");
    }

    #[test]
    fn a_time_that_cannot_be_is_refused_with_the_reason() {
        for (named, since, until, expected) in [
            (Some(Named::Today), "2026-01-31", "", "either a period"),
            (Some(Named::All), "", "2026-01-31", "either a period"),
            (None, "2026-02-01", "2026-01-31", "Since 1 Feb 2026 and until 31 Jan 2026"),
            (None, "2027-01-01", "", "still to come. Today is 25 Nov 2026 (America/New_York)"),
            (None, "2026-02-30", "", "`2026-02-30` is not a date"),
            (None, "", "*soon*`", "`*soon*ˋ` is not a date"),
        ] {
            let refusal = answer(named, since, until).unwrap_err();
            assert!(refusal.contains(expected), "{since} {until}: {refusal}");
        }
    }
}
