//! The list of orders: search, filters, pages and totals. Its parameters are those of `/api/v2/orders`, and `columns`.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Html,
};

use iso_currency::Currency;
use rust_decimal::Decimal;

use super::cells::{Column, Row, Value, all_columns, chosen_columns};
use super::frame::{Frame, Head, Viewer};
use super::render;
use super::url::UrlQuery;
use crate::config::Level;
use crate::http::AppState;
use crate::http::api::orders::Listed;
use crate::http::error::ApiError;
use crate::order::Status;
use crate::store::{GroupBy, NamedPeriod, Period, Total, Totals};

/// The most stores in the filter's list.
const MAX_STORES: usize = 200;
/// Parameters that choose a page of the list, not orders.
const PAGE_PARAMETERS: [&str; 4] = ["before", "after", "page", "limit"];
/// Parameters that have a chip, and its text.
const CHIPS: [(&str, &str); 10] = [
    ("attention", ""),
    ("status", ""),
    ("store", ""),
    ("period", ""),
    ("product", "Product "),
    ("profile", "Profile "),
    ("email", "E-mail "),
    ("owner", "Owner "),
    ("since", "Since "),
    ("until", "Until "),
];

#[derive(Template)]
#[template(path = "orders.html", config = "src/http/page/askama.toml")]
struct OrdersPage {
    head: Head,
    frame: Frame,
    query: UrlQuery,
    stores: Vec<String>,
    chips: Vec<Chip>,
    columns: Vec<Column>,
    /// The columns that are not shown.
    other_columns: Vec<Column>,
    /// The filters, to save them.
    saved_query: String,
    rows: Vec<Row>,
    limit: usize,
    total: Total,
    totals: Totals,
    /// The spend by currency code.
    spend: Vec<(&'static str, Decimal)>,
    /// The URL of the live rows.
    stream: String,
    previous: Option<String>,
    next: Option<String>,
}

/// A filter that is set, with a link that removes it.
struct Chip {
    text: String,
    url: String,
}

pub(crate) async fn list(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, ApiError> {
    let query = UrlQuery::of(query.as_deref());
    let names = Some(query.get("columns")).filter(|names| !names.is_empty()).or(viewer.columns.as_deref());
    let columns = chosen_columns(names.unwrap_or_default());
    // Changes after this one are sent as live rows, so none is missed while the list is read.
    let since = state.store.last_event_id().await?;
    let listed = Listed::read(&state, &viewer.caller, query.without(&["columns"]).read()?).await?;
    let totals = state.store.sum_orders(&listed.filter).await?;
    let filters = query.without(&PAGE_PARAMETERS);
    let stream = filters.with("seen", since);
    let is_first = listed.previous.is_none();
    let stream = if is_first { stream } else { stream.with("in_place", true) };
    let (view, zone) = (viewer.caller.view(), state.timezone);
    let may_change = viewer.level >= Level::Manager;
    let stream = if may_change { stream.with("boxes", true) } else { stream };
    let rows = listed
        .orders
        .into_iter()
        .map(|order| Row::new(&view.order(order), &columns, zone, "").with_box(may_change));
    let rows: Vec<Row> = rows.collect();
    render(&OrdersPage {
        head: viewer.head(),
        frame: viewer.frame("Orders", "Orders"),
        stores: stores(&state).await?,
        chips: chips(&filters),
        other_columns: all_columns().iter().copied().filter(|column| !columns.contains(column)).collect(),
        saved_query: filters.with("columns", names_of(&columns)).link("").trim_start_matches('?').to_owned(),
        limit: rows.len().max(50),
        rows,
        total: listed.total,
        spend: spend_by_code(&totals),
        totals,
        stream: stream.with("columns", names_of(&columns)).link("/live/orders"),
        previous: listed.previous.map(|id| filters.with("after", id).link("/orders")),
        next: listed.next.map(|id| filters.with("before", id).link("/orders")),
        columns,
        query,
    })
}

/// The spend in each currency, by its code.
pub(crate) fn spend_by_code(totals: &Totals) -> Vec<(&'static str, Decimal)> {
    let code = |currency: Option<Currency>| currency.map_or("", |currency| currency.code());
    totals.spend().into_iter().map(|(currency, total)| (code(currency), total.amount)).collect()
}

fn names_of(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(",")
}

fn chips(filters: &UrlQuery) -> Vec<Chip> {
    let chip = |(name, before): (&str, &str)| {
        let value = Some(filters.get(name)).filter(|value| !value.is_empty())?;
        Some(Chip { text: format!("{before}{value}"), url: filters.without(&[name]).link("/orders") })
    };
    CHIPS.into_iter().filter_map(chip).collect()
}

/// The names of the stores with the most orders, sorted.
async fn stores(state: &AppState) -> Result<Vec<String>, ApiError> {
    let rows = state.store.stats(&Period::default(), GroupBy::Store).await?;
    let mut stores: Vec<String> = rows.into_iter().filter_map(|row| row.key).take(MAX_STORES).collect();
    stores.sort_by_key(|store| store.to_lowercase());
    stores.dedup_by_key(|store| store.to_lowercase());
    Ok(stores)
}
