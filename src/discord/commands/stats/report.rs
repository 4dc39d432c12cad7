//! What `/stats` shows: the sums as an embed, and the chart.

use std::cmp::Reverse;

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::figures::{Coin, Figures, Sum, money, name, whole};
use super::steps::{Time, steps};
use crate::chart::{Bar, Chart, Shape};
use crate::discord::reply::embed::{FIELD_VALUE, Sheet};
use crate::discord::reply::text::{colour, counted, cut, grouped, plain_line, shown_line, sign, units};
use crate::order::Status;
use crate::store::{By, Period, StatRow};

/// Lines, and bars that lie.
const MOST: usize = 10;
/// Longest label on a line.
const LONGEST_LABEL: usize = 60;
/// Currencies that are named as missing in a chart.
const MOST_NAMED: usize = 2;
/// A label where the orders do not say.
const NOT_STATED: &str = "not stated";
/// A field that goes on with the one before.
const NO_NAME: &str = "\u{200b}";

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) title: String,
    pub(crate) period: Period,
    pub(crate) by: By,
    pub(crate) today: NaiveDate,
    pub(crate) timezone: Tz,
}

/// What is answered: without a chart, the sheet's description alone.
pub(crate) struct Report {
    pub(crate) sheet: Sheet,
    pub(crate) chart: Option<Chart>,
}

/// Orders that are one line and one bar.
struct Group {
    /// On a line: safe to show.
    line: String,
    /// At a bar: plain.
    label: String,
    colour: Option<u32>,
    figures: Figures,
}

/// Puts the rows of a period into words and bars.
pub(crate) fn report(question: &Question, rows: &[StatRow]) -> Report {
    let all = Figures::of(rows.iter());
    if all.orders == 0 {
        let description = match question.period {
            Period { from: None, to: None } => {
                "There are no orders yet. They appear here as soon as the first card is read.".to_owned()
            }
            Period { .. } => format!("No orders in this time: {}.", question.title),
        };
        return Report { sheet: Sheet { description, ..Sheet::default() }, chart: None };
    }
    let spend = all.spend();
    let coin = spend.first().map(|(coin, _)| *coin).filter(|_| question.by != By::Status);
    let (word, groups) = match question.by {
        By::Day => of_days(question, rows),
        By::Store => ("store".to_owned(), of_rows(rows)),
        By::Profile => ("profile".to_owned(), of_rows(rows)),
        By::Product => ("product".to_owned(), of_rows(rows)),
        By::Status => ("status".to_owned(), of_status(rows)),
    };
    let mut sheet = sheet(question, &all);
    let mut chart = if question.by == By::Day {
        let newest: Vec<&Group> = groups.iter().rev().filter(|group| group.figures.orders > 0).collect();
        add_lines(&mut sheet, &format!("By {word}, newest first"), lines(&newest));
        columns(&groups, coin)
    } else {
        add_lines(&mut sheet, &format!("By {word}"), lines(&groups.iter().collect::<Vec<_>>()));
        rows_of(groups, coin)
    };
    chart.title.clone_from(&question.title);
    chart.subtitle = subtitle(coin, &spend.iter().map(|(coin, _)| *coin).collect::<Vec<_>>(), &word);
    Report { sheet, chart: Some(chart) }
}

fn sheet(question: &Question, all: &Figures) -> Sheet {
    let mut sheet = Sheet { title: question.title.clone(), colour: 0x0058_65F2, ..Sheet::default() };
    let spend = all.spend();
    let each = |amount: fn(&Sum) -> Decimal| {
        let lines = spend.iter().map(|(coin, sum)| money(amount(sum), *coin));
        lines.collect::<Vec<_>>().join("\n")
    };
    sheet.beside("Orders", whole(all.orders));
    sheet.beside("Units", whole(all.units));
    sheet.beside("Cancel rate", all.cancel_rate());
    sheet.beside("Spend", each(|sum| sum.total));
    sheet.beside("Average order", each(Sum::average));
    let zone = question.timezone;
    sheet.footer = format!("Days of {zone}. Cancelled and refunded orders count for no units and no spend.");
    sheet
}

/// What one bar is, and the bars.
fn of_days(question: &Question, rows: &[StatRow]) -> (String, Vec<Group>) {
    let (step, times) = steps(rows, question.period, question.today);
    let first = times.first().map(|time| time.first.year());
    let within_a_year = times.last().map(|time| time.last.year()) == first;
    let group = |time: Time| Group {
        line: time.long(step),
        label: time.short(step, within_a_year),
        colour: None,
        figures: time.figures,
    };
    (step.word(), times.into_iter().map(group).collect())
}

fn of_rows(rows: &[StatRow]) -> Vec<Group> {
    let group = |row: &StatRow| {
        let label = row.key.as_deref().map(plain_line).filter(|label| !label.is_empty());
        let label = label.unwrap_or_else(|| NOT_STATED.to_owned());
        let line = shown_line(&cut(&label, LONGEST_LABEL));
        Group { line, label, colour: None, figures: Figures::of(std::iter::once(row)) }
    };
    rows.iter().map(group).collect()
}

fn of_status(rows: &[StatRow]) -> Vec<Group> {
    let mut groups = of_rows(rows);
    for (group, row) in groups.iter_mut().zip(rows) {
        let status = row.key.as_deref().and_then(Status::from_name);
        group.line = format!("{} {}", sign(status), group.line);
        group.colour = Some(colour(status));
    }
    groups
}

/// A line for each of the first groups, and one for all others.
fn lines(groups: &[&Group]) -> Vec<String> {
    let line = |group: &&Group| format!("{}: {}", group.line, group.figures.line());
    let mut lines: Vec<String> = groups.iter().take(MOST).map(line).collect();
    if groups.len() > MOST {
        let sum = Figures::sum(groups.iter().skip(MOST).map(|group| &group.figures));
        lines.push(format!("{}: {}", others(groups.len() - MOST), sum.line()));
    }
    lines
}

/// Fields of whole lines.
fn add_lines(sheet: &mut Sheet, heading: &str, lines: Vec<String>) {
    let (mut name, mut value) = (heading, String::new());
    for line in lines {
        if !value.is_empty() && units(&value) + units(&line) + 1 > FIELD_VALUE {
            sheet.wide(name, std::mem::take(&mut value));
            name = NO_NAME;
        }
        if !value.is_empty() {
            value.push('\n');
        }
        value.push_str(&line);
    }
    sheet.wide(name, value);
}

fn columns(groups: &[Group], coin: Option<Coin>) -> Chart {
    Chart {
        shape: Shape::Columns,
        bars: groups.iter().map(|group| bar(group, coin)).collect(),
        ..Chart::default()
    }
}

/// The groups with the highest values, and the rest in one sum. A group without an amount in the
/// currency has no bar: it may well have spent in another one.
fn rows_of(mut groups: Vec<Group>, coin: Option<Coin>) -> Chart {
    if let Some(coin) = coin {
        groups.retain(|group| group.figures.in_coin(coin).is_some());
        groups.sort_by_key(|group| Reverse(group.figures.in_coin(coin)));
    }
    let rest = groups.get(MOST..).filter(|rest| !rest.is_empty()).map(|rest| {
        let figures = Figures::sum(rest.iter().map(|group| &group.figures));
        let label = others(rest.len());
        bar(&Group { line: String::new(), label, colour: None, figures }, coin)
    });
    let bars = groups.iter().take(MOST).map(|group| bar(group, coin)).collect();
    Chart { shape: Shape::Rows, bars, rest, ..Chart::default() }
}

/// Its value is what was spent in the currency, else the number of orders.
fn bar(group: &Group, coin: Option<Coin>) -> Bar {
    let figures = &group.figures;
    let (value, text) = match coin {
        Some(coin) => {
            let spent = figures.in_coin(coin).unwrap_or_default();
            (spent, grouped(spent))
        }
        None => (Decimal::from(figures.orders), whole(figures.orders)),
    };
    Bar { label: group.label.clone(), value, text, colour: group.colour }
}

fn others(count: usize) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), "other", "others")
}

fn subtitle(coin: Option<Coin>, all: &[Coin], word: &str) -> String {
    let Some(coin) = coin else { return format!("Orders by {word}") };
    let missing: Vec<String> = all.iter().filter(|other| **other != coin).map(|coin| name(*coin)).collect();
    let missing = match missing.len() {
        0 => String::new(),
        1..=MOST_NAMED => format!(", without {}", missing.join(" and ")),
        more => format!(", without {more} other currencies"),
    };
    format!("Spend in {} by {word}{missing}", name(coin))
}

#[cfg(test)]
mod tests;
