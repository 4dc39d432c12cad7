//! Numbers: the totals of a period beside those of the period before, and a chart of groups. Its parameters are those of
//! `/api/v2/stats`.

use std::cmp::Reverse;
use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{Html, IntoResponse, Response},
};
use chrono::{Datelike, NaiveDate};
use iso_currency::Currency;
use rust_decimal::Decimal;

use super::cells::capitalized;
use super::frame::{Frame, Head, Viewer};
use super::orders::spend_by_code;
use super::render;
use super::url::{FileFormat, FileLink, UrlQuery, file_links};
use crate::chart::{self, Bar, Chart, Shape};
use crate::clock::now;
use crate::export::{StatisticsRow, statistics};
use crate::http::AppState;
use crate::http::api::export::file_headers;
use crate::http::api::stats::{ReadStats, StatsOf};
use crate::http::auth::Caller;
use crate::http::error::ApiError;
use crate::http::query::QueryOfTwo;
use crate::order::dates::day_of;
use crate::order::format_amount;
use crate::store::{GroupBy, NamedPeriod, Period, StatRow, Totals, buckets};

/// The groups of the table and the chart.
const MAX_GROUPS: usize = 30;
const MAX_BARS: usize = 12;
/// The label of orders without a store, profile, product, status or reason.
const NOT_STATED: &str = "not stated";

#[derive(Template)]
#[template(path = "numbers.html", config = "src/http/page/askama.toml")]
struct NumbersPage {
    head: Head,
    frame: Frame,
    query: UrlQuery,
    title: String,
    /// The heading of the groups.
    by: String,
    by_name: &'static str,
    tiles: Vec<Tile>,
    /// The chart for a desktop and for a phone, each with its CSS class. The SVG escapes every text.
    charts: Vec<(&'static str, String)>,
    chart_title: String,
    groups: Vec<Group>,
    more_groups: usize,
    /// Links to the groups as files.
    files: Vec<FileLink>,
}

/// The quantity that the bars of the chart show.
#[derive(Clone, Copy)]
enum Measure {
    Orders,
    /// In this currency.
    Spend(Option<Currency>),
}

/// A number, and the one of the period before.
struct Tile {
    title: String,
    value: Decimal,
    currency: Option<&'static str>,
    unit: &'static str,
    /// The change against the period before, in percent; `None` if there is nothing to compare with.
    change: Option<Decimal>,
}

/// The orders of a day, store and so on.
struct Group {
    label: String,
    url: Option<String>,
    totals: Totals,
    spend: Vec<(&'static str, Decimal)>,
}

pub(crate) async fn show(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, ApiError> {
    let query = UrlQuery::of(query.as_deref());
    let today = day_of(now(), state.timezone);
    let found = StatsOf::read(&state, &viewer.caller, query.read::<ReadStats>()?).await?;
    let totals = Totals::of_rows(&found.each_once);
    let before = match before(found.period, today) {
        Some(period) => Some(Totals::of_rows(&state.store.stats(&period, GroupBy::Status).await?)),
        None => None,
    };
    let groups = groups(&found, &query, today);
    let currency = totals.spend().first().map(|(currency, _)| *currency);
    let measure = match currency {
        Some(currency) if !matches!(found.by, GroupBy::Status | GroupBy::Reason) => Measure::Spend(currency),
        _ => Measure::Orders,
    };
    let chart_title = match measure {
        Measure::Spend(currency) => {
            let code = currency.map_or("an unknown currency", |currency| currency.code());
            format!("Spend in {code} by {}", found.by_name)
        }
        Measure::Orders => format!("Orders by {}", found.by_name),
    };
    let draw = |(class, is_wide)| {
        let chart = draw(&groups, measure, found.by, &found.title, &chart_title, is_wide)?;
        Some((class, chart))
    };
    let charts = [("wide", true), ("narrow", false)].into_iter().filter_map(draw).collect();
    let more_groups = groups.len().saturating_sub(MAX_GROUPS);
    render(&NumbersPage {
        head: viewer.head(),
        frame: viewer.frame("Numbers", "Numbers"),
        tiles: tiles(&totals, before.as_ref()),
        title: found.title,
        by: capitalized(found.by_name),
        by_name: found.by_name,
        charts,
        chart_title,
        groups: groups.into_iter().take(MAX_GROUPS).collect(),
        more_groups,
        files: file_links(&query, "/numbers/export"),
        query,
    })
}

/// Downloads the groups as a file.
pub(crate) async fn export(
    caller: Caller,
    State(state): State<Arc<AppState>>,
    QueryOfTwo(file, query): QueryOfTwo<FileFormat, ReadStats>,
) -> Result<Response, ApiError> {
    let found = StatsOf::read(&state, &caller, query).await?;
    let format = file.format();
    let row = |row: StatRow| StatisticsRow { totals: Totals::of_rows([&row]), name: row.key, received: None };
    let rows = found.rows.into_iter().map(row).collect();
    let table = statistics(found.by_name, rows, state.timezone, format).await?;
    Ok((file_headers(&state, "numbers", format), table).into_response())
}

/// The period of the same length that ends where the given one begins. A period that has not ended counts up to today.
fn before(period: Period, today: NaiveDate) -> Option<Period> {
    let (from, to) = (period.from?, period.to?.min(today));
    let days = u64::try_from((to - from).num_days() + 1).ok()?;
    Some(Period::days_until(from.pred_opt()?, days))
}

fn tiles(totals: &Totals, before: Option<&Totals>) -> Vec<Tile> {
    let tile = |title: &str, value: Decimal, old: Option<Decimal>| Tile {
        title: title.to_owned(),
        value,
        currency: None,
        unit: "",
        change: old.and_then(|old| percent(value, old)),
    };
    let mut tiles = vec![
        tile("Orders", totals.orders.into(), before.map(|old| old.orders.into())),
        tile("Units", totals.units.into(), before.map(|old| old.units.into())),
    ];
    let spend = totals.spend();
    for (currency, total) in &spend {
        let code = currency.map_or("", |currency: Currency| currency.code());
        let within = match code {
            _ if spend.len() == 1 => String::new(),
            "" => ", no currency".to_owned(),
            code => format!(" in {code}"),
        };
        let old = before.and_then(|old| old.spend_in(*currency));
        let named = |name: &str| format!("{name}{within}");
        tiles.push(Tile { currency: Some(code), ..tile(&named("Spend"), total.amount, old) });
        tiles.push(Tile { currency: Some(code), ..tile(&named("Average order"), total.average(), None) });
    }
    let rate = tile("Cancel rate", totals.cancel_percent(), None);
    tiles.push(Tile { unit: " %", ..rate });
    tiles
}

/// The change from an old value, in whole percent.
fn percent(new: Decimal, old: Decimal) -> Option<Decimal> {
    let change = new.checked_sub(old)?.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(old)?;
    Some(change.round().normalize())
}

/// The groups with links to their orders.
fn groups(found: &StatsOf, query: &UrlQuery, today: NaiveDate) -> Vec<Group> {
    let group = |label: String, url: Option<UrlQuery>, totals: Totals| Group {
        label,
        url: url.map(|query| query.link("/orders")),
        spend: spend_by_code(&totals),
        totals,
    };
    if found.by == GroupBy::Day {
        let (unit, buckets) = buckets(&found.rows, found.period, today);
        let years = [buckets.first(), buckets.last()].map(|bucket| bucket.map(|bucket| bucket.first.year()));
        let within_a_year = years[0] == years[1];
        let days = buckets.into_iter().map(|bucket| {
            let url = UrlQuery::default().with("since", bucket.first).with("until", bucket.last);
            group(bucket.short_label(unit, within_a_year), Some(url), bucket.totals)
        });
        return days.collect();
    }
    let period = query.without(&["by"]);
    let period = if period.get("since").is_empty() && period.get("until").is_empty() {
        let name = if period.get("period").is_empty() { "this month" } else { period.get("period") };
        UrlQuery::default().with("period", name)
    } else {
        period.without(&["period"])
    };
    let parameter = match found.by {
        GroupBy::Store => Some("store"),
        GroupBy::Status => Some("status"),
        GroupBy::Profile => Some("profile"),
        GroupBy::Owner => Some("owner"),
        GroupBy::Product => Some("product"),
        GroupBy::Day | GroupBy::Reason => None,
    };
    let of_row = |row: &StatRow| {
        let url = parameter.zip(row.key.as_ref()).map(|(name, key)| period.with(name, key));
        group(row.key.clone().unwrap_or_else(|| NOT_STATED.to_owned()), url, Totals::of_rows([row]))
    };
    found.rows.iter().map(of_row).collect()
}

/// The chart of the groups.
fn draw(
    groups: &[Group],
    measure: Measure,
    by: GroupBy,
    title: &str,
    subtitle: &str,
    is_wide: bool,
) -> Option<String> {
    let bar = |group: &Group| {
        let value = match measure {
            Measure::Spend(currency) => group.totals.spend_in(currency).unwrap_or_default(),
            Measure::Orders => group.totals.orders.into(),
        };
        Bar {
            label: group.label.clone(),
            value,
            text: match measure {
                Measure::Spend(_) => format_amount(value),
                Measure::Orders => value.to_string(),
            },
            colour: None,
            url: group.url.clone(),
        }
    };
    let mut bars: Vec<Bar> = groups.iter().map(bar).collect();
    let shape = if by == GroupBy::Day { Shape::Columns } else { Shape::Rows };
    if shape == Shape::Rows {
        bars.sort_by_key(|bar| Reverse(bar.value));
        bars.truncate(MAX_BARS);
    }
    if bars.is_empty() {
        return None;
    }
    let (title, subtitle) = (title.to_owned(), subtitle.to_owned());
    let chart = Chart { title, subtitle, shape, bars, rest: None, is_wide };
    chart::svg(&chart).ok()
}
