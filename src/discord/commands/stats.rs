//! `/stats`: totals of the orders in a period, and a chart of them.

mod report;
mod totals;

use chrono::Utc;
use serenity::all::CreateAttachment;

use super::context::{CommandResult, Context, begin_deferred};
use crate::chart;
use crate::discord::reply::Reply;
use crate::discord::reply::error::CommandError;
use crate::discord::reply::text::{MAX_ECHO, code, truncate};
use crate::order::dates::day_of;
use crate::store::{GroupBy, NamedPeriod, PeriodError, StatRow, read_period};
use report::{Question, Report, report};

/// The file name of the chart.
const CHART_FILE: &str = "stats.png";
/// Discord's limit for the description of a file.
/// <https://discord.com/developers/docs/resources/message#attachment-object>
const MAX_ALT_TEXT: usize = 1024;

/// Show orders, units, spend and cancel rate of a period, with a chart
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn stats(
    ctx: Context<'_>,
    #[description = "The period (default: this month)"]
    #[choices("today", "7 days", "this month", "last month", "this year", "all")]
    period: Option<&'static str>,
    #[description = "How to group the orders (default: by day; by profile is for managers)"]
    #[choices("day", "store", "profile", "product", "status", "reason", "owner")]
    by: Option<&'static str>,
    #[description = "Only orders from this day on, such as 2026-01-31"] since: Option<String>,
    #[description = "Only orders up to and including this day"] until: Option<String>,
) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let timezone = data.orders.timezone;
    let today = day_of(Utc::now(), timezone);
    let period = period.map(|name| find_named(NamedPeriod::ALL, name)).transpose()?;
    let (title, period) = read_period(period, since.as_deref(), until.as_deref(), today, timezone)?;
    let by = find_named(GroupBy::ALL, by.unwrap_or("day"))?;
    if by == GroupBy::Profile {
        responder.require_full_view("group by profile")?;
    }
    let (rows, each_once) = data.services.store.stats_with_totals(&period, by).await?;
    let question = Question { title, period, by, today, timezone };
    // There is a row for each product, and drawing takes tens of milliseconds of processor time.
    let work = tokio::task::spawn_blocking(move || reply(&question, &rows, &each_once));
    responder.show(work.await.map_err(|_| CommandError::Panic)?).await
}

/// The value with this name. Discord offers only these names.
fn find_named<T, const N: usize>(all: [(&str, T); N], name: &str) -> Result<T, CommandError> {
    all.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value).ok_or(CommandError::OutOfDate)
}

/// The text of a date that cannot be read is the caller's own, so that it is quoted.
impl From<PeriodError> for CommandError {
    fn from(error: PeriodError) -> Self {
        match error {
            PeriodError::NotADate { text } => {
                let text = code(&truncate(&text, MAX_ECHO));
                Self::user(PeriodError::NotADate { text }.to_string())
            }
            error => Self::user(error.to_string()),
        }
    }
}

/// The answer with its chart. If drawing fails, the answer has no chart.
fn reply(question: &Question, rows: &[StatRow], all: &[StatRow]) -> Reply {
    let Report { mut embed, chart } = report(question, rows, all);
    let Some(chart) = chart else { return Reply::text(embed.description) };
    match chart::png(&chart) {
        Ok(png) => {
            embed.image = Some(CHART_FILE);
            let alt_text = truncate(&chart.alt_text(), MAX_ALT_TEXT);
            let file = CreateAttachment::bytes(png, CHART_FILE).description(alt_text);
            Reply { files: vec![file], ..Reply::embed(embed) }
        }
        Err(error) => {
            tracing::error!(stats.by = ?question.by, %error, "could not draw a chart");
            Reply::embed(embed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(named: Option<NamedPeriod>, since: &str, until: &str) -> Result<String, String> {
        let zone = chrono_tz::America::New_York;
        let today = "2026-11-25".parse().unwrap();
        let period = read_period(named, Some(since), Some(until), today, zone);
        period.map(|(title, _)| title).map_err(|error| CommandError::from(error).to_string())
    }

    #[test]
    fn a_period_is_chosen_by_name_or_typed_as_days() {
        assert_eq!(title(None, "", " ").unwrap(), "This month · November 2026");
        assert_eq!(title(Some(NamedPeriod::All), "", "").unwrap(), "All time");
        assert_eq!(title(None, "2026-10-03", "11/25/2026").unwrap(), "3 Oct – 25 Nov 2026");
        assert_eq!(title(None, "31 January 2026", "").unwrap(), "Since 31 Jan 2026");
        assert_eq!(title(None, "", "Jan 31, 2026").unwrap(), "Until 31 Jan 2026");
        let moment = title(None, "2026-11-01T02:00:00Z", "2026-11-01").unwrap();
        assert_eq!(moment, "31 Oct – 1 Nov 2026", "a time belongs to its day in New York");
    }

    #[test]
    fn an_impossible_period_is_refused_with_the_reason() {
        for (named, since, until, expected) in [
            (Some(NamedPeriod::Today), "2026-01-31", "", "either a period"),
            (Some(NamedPeriod::All), "", "2026-01-31", "either a period"),
            (None, "2026-02-01", "2026-01-31", "since 1 Feb 2026, until 31 Jan 2026"),
            (None, "2027-01-01", "", "in the future. Today is 25 Nov 2026 (America/New_York)"),
            (None, "2026-02-30", "", "`2026-02-30` is not a date"),
            (None, "", "*soon*`", "`*soon*ˋ` is not a date"),
        ] {
            let refusal = title(named, since, until).unwrap_err();
            assert!(refusal.contains(expected), "{since} {until}: {refusal}");
        }
    }
}
