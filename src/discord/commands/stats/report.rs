//! Turns the rows of `/stats` into an embed and a chart.

use std::cmp::Reverse;

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use iso_currency::Currency;
use rust_decimal::Decimal;

use super::totals::{cancel_rate, currency_name, money, totals_line};
use crate::chart::{Bar, Chart, Shape};
use crate::discord::reply::embed::{BLURPLE, EmbedBuilder, MAX_FIELD_VALUE};
use crate::discord::reply::text::{
    escape_line, format_count, plain_line, pluralize, status_colour, status_emoji, truncate, utf16_len,
};
use crate::order::{Status, format_amount};
use crate::store::{Bucket, CurrencyTotal, GroupBy, Period, StatRow, Totals, buckets};

/// How many groups have a line and a row in the chart.
const MAX_GROUPS: usize = 10;
/// The length of a label on a line.
const MAX_LABEL: usize = 60;
/// How many currencies a chart names as missing; more are only counted.
const MAX_NAMED_CURRENCIES: usize = 2;
/// The label of orders without a store, profile, product or status.
const NOT_STATED: &str = "not stated";
/// The name of a field that continues the field before it; Discord requires a name.
const CONTINUED: &str = "\u{200b}";

/// The caller's request.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) title: String,
    pub(crate) period: Period,
    pub(crate) by: GroupBy,
    pub(crate) today: NaiveDate,
    pub(crate) timezone: Tz,
}

/// The answer. Without a chart, it is the embed's description alone.
pub(crate) struct Report {
    pub(crate) embed: EmbedBuilder,
    pub(crate) chart: Option<Chart>,
}

/// The measure that the bars show.
#[derive(Clone, Copy)]
enum Measure {
    Orders,
    Spend(Option<Currency>),
}

/// Orders that share a line and a bar.
struct Group {
    /// The label on the line, escaped.
    line_label: String,
    /// The label of the bar, plain.
    bar_label: String,
    colour: Option<u32>,
    totals: Totals,
}

/// Builds the report. `all_rows` holds each order once, for the totals.
pub(crate) fn report(question: &Question, rows: &[StatRow], all_rows: &[StatRow]) -> Report {
    let all = Totals::of_rows(all_rows);
    if all.orders == 0 {
        let description = match question.period {
            Period { from: None, to: None } => {
                "There are no orders yet. They appear here as soon as ROMS reads the first card.".to_owned()
            }
            Period { .. } => format!("No orders in this period: {}.", question.title),
        };
        return Report { embed: EmbedBuilder { description, ..EmbedBuilder::default() }, chart: None };
    }
    let spend = all.spend();
    let measure = match spend.first() {
        Some((currency, _)) if question.by != GroupBy::Status => Measure::Spend(*currency),
        _ => Measure::Orders,
    };
    let name = |by| GroupBy::ALL.into_iter().find(|(_, known)| *known == by).map_or("", |(name, _)| name);
    let (group_name, groups) = match question.by {
        GroupBy::Day => group_days(question, rows),
        GroupBy::Status => (name(question.by).to_owned(), group_statuses(rows)),
        GroupBy::Owner => (name(question.by).to_owned(), group_owners(rows)),
        GroupBy::Store | GroupBy::Profile | GroupBy::Product | GroupBy::Reason => {
            (name(question.by).to_owned(), group_rows(rows))
        }
    };
    let mut embed = embed(question, &all);
    let mut chart = if question.by == GroupBy::Day {
        let newest: Vec<&Group> = groups.iter().rev().filter(|group| group.totals.orders > 0).collect();
        add_lines(&mut embed, &format!("By {group_name}, newest first"), lines(&newest));
        column_chart(&groups, measure)
    } else {
        add_lines(&mut embed, &format!("By {group_name}"), lines(&groups.iter().collect::<Vec<_>>()));
        row_chart(groups, measure)
    };
    chart.title.clone_from(&question.title);
    let currencies: Vec<_> = spend.iter().map(|(currency, _)| *currency).collect();
    chart.subtitle = subtitle(measure, &currencies, &group_name);
    Report { embed, chart: Some(chart) }
}

fn embed(question: &Question, all: &Totals) -> EmbedBuilder {
    let mut embed = EmbedBuilder::titled(question.title.clone(), BLURPLE);
    let spend = all.spend();
    let for_each_currency = |amount: fn(&CurrencyTotal) -> Decimal| {
        let lines = spend.iter().map(|(currency, total)| money(amount(total), *currency));
        lines.collect::<Vec<_>>().join("\n")
    };
    embed.inline_field("Orders", format_count(all.orders));
    embed.inline_field("Units", format_count(all.units));
    embed.inline_field("Cancel rate", cancel_rate(all));
    embed.inline_field("Spend", for_each_currency(|total| total.amount));
    embed.inline_field("Average order", for_each_currency(CurrencyTotal::average));
    let zone = question.timezone;
    embed.footer = format!("Time zone: {zone}. Units and spend leave out cancelled and refunded orders.");
    embed
}

/// Groups orders by time. Returns the name of the unit as well.
fn group_days(question: &Question, rows: &[StatRow]) -> (String, Vec<Group>) {
    let (unit, buckets) = buckets(rows, question.period, question.today);
    let first_year = buckets.first().map(|bucket| bucket.first.year());
    let within_a_year = buckets.last().map(|bucket| bucket.last.year()) == first_year;
    let group = |bucket: Bucket| Group {
        line_label: bucket.long_label(unit),
        bar_label: bucket.short_label(unit, within_a_year),
        colour: None,
        totals: bucket.totals,
    };
    (unit.name(), buckets.into_iter().map(group).collect())
}

fn group_rows(rows: &[StatRow]) -> Vec<Group> {
    let group = |row: &StatRow| {
        let label = row.key.as_deref().map(plain_line).filter(|label| !label.is_empty());
        let label = label.unwrap_or_else(|| NOT_STATED.to_owned());
        let line_label = escape_line(&truncate(&label, MAX_LABEL));
        Group { line_label, bar_label: label, colour: None, totals: Totals::of_rows([row]) }
    };
    rows.iter().map(group).collect()
}

/// Groups orders by their owners. A line mentions the member; the chart shows the id, because it cannot mention.
fn group_owners(rows: &[StatRow]) -> Vec<Group> {
    let mut groups = group_rows(rows);
    for (group, row) in groups.iter_mut().zip(rows) {
        if let Some(id) = &row.key {
            group.line_label = format!("<@{id}>");
        }
    }
    groups
}

fn group_statuses(rows: &[StatRow]) -> Vec<Group> {
    let mut groups = group_rows(rows);
    for (group, row) in groups.iter_mut().zip(rows) {
        let status = row.key.as_deref().and_then(Status::from_name);
        group.line_label = format!("{} {}", status_emoji(status), group.line_label);
        group.colour = Some(status_colour(status));
    }
    groups
}

/// One line for each of the first groups, and one for all others.
fn lines(groups: &[&Group]) -> Vec<String> {
    let line = |group: &&Group| format!("{}: {}", group.line_label, totals_line(&group.totals));
    let mut lines: Vec<String> = groups.iter().take(MAX_GROUPS).map(line).collect();
    if groups.len() > MAX_GROUPS {
        let sum = Totals::sum(groups.iter().skip(MAX_GROUPS).map(|group| &group.totals));
        lines.push(format!("{}: {}", others(groups.len() - MAX_GROUPS), totals_line(&sum)));
    }
    lines
}

/// Adds the lines in as many fields as they need. A line is never split.
fn add_lines(embed: &mut EmbedBuilder, heading: &str, lines: Vec<String>) {
    let (mut name, mut value) = (heading, String::new());
    for line in lines {
        if !value.is_empty() && utf16_len(&value) + utf16_len(&line) + 1 > MAX_FIELD_VALUE {
            embed.field(name, std::mem::take(&mut value));
            name = CONTINUED;
        }
        if !value.is_empty() {
            value.push('\n');
        }
        value.push_str(&line);
    }
    embed.field(name, value);
}

fn column_chart(groups: &[Group], measure: Measure) -> Chart {
    Chart {
        shape: Shape::Columns,
        bars: groups.iter().map(|group| bar(group, measure)).collect(),
        ..Chart::default()
    }
}

/// The groups with the highest values, and the sum of the rest. A group without an amount in the
/// currency has no bar, because it may have an amount in another one.
fn row_chart(mut groups: Vec<Group>, measure: Measure) -> Chart {
    if let Measure::Spend(currency) = measure {
        groups.retain(|group| group.totals.spend_in(currency).is_some());
        groups.sort_by_key(|group| Reverse(group.totals.spend_in(currency)));
    }
    let rest = groups.get(MAX_GROUPS..).filter(|rest| !rest.is_empty()).map(|rest| {
        let totals = Totals::sum(rest.iter().map(|group| &group.totals));
        bar(
            &Group { line_label: String::new(), bar_label: others(rest.len()), colour: None, totals },
            measure,
        )
    });
    let bars = groups.iter().take(MAX_GROUPS).map(|group| bar(group, measure)).collect();
    Chart { shape: Shape::Rows, bars, rest, ..Chart::default() }
}

fn bar(group: &Group, measure: Measure) -> Bar {
    let totals = &group.totals;
    let (value, text) = match measure {
        Measure::Spend(currency) => {
            let spend = totals.spend_in(currency).unwrap_or_default();
            (spend, format_amount(spend))
        }
        Measure::Orders => (Decimal::from(totals.orders), format_count(totals.orders)),
    };
    Bar { label: group.bar_label.clone(), value, text, colour: group.colour, url: None }
}

fn others(count: usize) -> String {
    pluralize(u64::try_from(count).unwrap_or(u64::MAX), "other", "others")
}

fn subtitle(measure: Measure, all: &[Option<Currency>], group_name: &str) -> String {
    let Measure::Spend(currency) = measure else { return format!("Orders by {group_name}") };
    let missing: Vec<String> =
        all.iter().filter(|other| **other != currency).map(|other| currency_name(*other)).collect();
    let missing = match missing.len() {
        0 => String::new(),
        1..=MAX_NAMED_CURRENCIES => format!(", without {}", missing.join(" and ")),
        more => format!(", without {more} other currencies"),
    };
    format!("Spend in {} by {group_name}{missing}", currency_name(currency))
}

#[cfg(test)]
mod tests;
