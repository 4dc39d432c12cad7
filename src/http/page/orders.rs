//! The list of orders: search, filters, pages and totals. Its parameters are those of `/api/v2/orders`, and those in
//! [`PAGE_ONLY`].

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{Html, IntoResponse, Response},
};
use iso_currency::Currency;
use rust_decimal::Decimal;

use super::cells::{Column, Row, RowStyle, Value, all_columns, chosen_columns, title_of};
use super::frame::{Frame, Head, Viewer};
use super::render;
use super::url::{FileFormat, FileLink, PART, UrlQuery, file_links};
use crate::config::Level;
use crate::export::{StatisticsRow, statistics};
use crate::http::AppState;
use crate::http::api::changes::MAX_ORDERS;
use crate::http::api::export::file_headers;
use crate::http::api::orders::{ListOrders, Listed};
use crate::http::auth::Caller;
use crate::http::error::{ApiError, bad_parameter};
use crate::http::query::QueryOfTwo;
use crate::order::{Status, is_personal};
use crate::store::{MAX_ARRANGED, NamedPeriod, OrderFilter, ProductTotals, SortBy, Total, Totals};

/// Parameters that the API does not have: the columns of the list, and whether it is grouped by product.
pub(crate) const PAGE_ONLY: [&str; 2] = ["columns", "group"];
/// The value of `group`.
const BY_PRODUCT: &str = "product";
/// Parameters that choose a page of the list, not orders.
pub(crate) const PAGE_PARAMETERS: [&str; 4] = ["before", "after", "page", "limit"];
/// Parameters that have a chip, and its text.
const CHIPS: [(&str, &str); 12] = [
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
    ("sort", "Sorted by "),
    ("group", "By "),
];

#[derive(Template)]
#[template(path = "orders.html", config = "src/http/page/askama.toml")]
struct OrdersPage {
    head: Head,
    frame: Frame,
    query: UrlQuery,
    chips: Vec<Chip>,
    columns: Vec<Column>,
    headings: Vec<Heading>,
    /// Ways to sort the list, by their names.
    sorts: Vec<(&'static str, String)>,
    /// The products of the list, if it is grouped by them.
    products: Option<Vec<ProductRow>>,
    /// The columns that are not shown.
    other_columns: Vec<Column>,
    /// The filters, to save them.
    saved_query: String,
    /// Links to all orders of the filter as files.
    files: Vec<FileLink>,
    rows: Vec<Row>,
    limit: usize,
    sums: Sums,
    /// The URL of the live rows.
    stream: String,
    previous: Option<String>,
    next: Option<String>,
}

/// The sums of a list.
struct Sums {
    total: Total,
    totals: Totals,
    /// The spend by currency code.
    spend: Vec<(&'static str, Decimal)>,
    is_sorted: bool,
    is_grouped: bool,
}

/// The sums alone. An open list reads them after changes.
#[derive(Template)]
#[template(path = "totals.html", config = "src/http/page/askama.toml")]
struct TotalsPart {
    sums: Sums,
}

/// A filter that is set, with a link that removes it.
struct Chip {
    text: String,
    url: String,
}

/// The heading of a column.
struct Heading {
    column: Column,
    /// The same list sorted by this column.
    url: Option<String>,
    /// The value for `aria-sort`, if the list is sorted by this column.
    direction: Option<&'static str>,
}

/// A product of the list, with a link to its orders.
struct ProductRow {
    name: String,
    url: Option<String>,
    totals: Totals,
    received: u64,
    spend: Vec<(&'static str, Decimal)>,
}

pub(crate) async fn list(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, ApiError> {
    let query = UrlQuery::of(query.as_deref());
    let (is_part, query) = (query.is(PART, "totals"), query.without(&[PART]));
    // Products have an order of their own.
    let query = if query.get("group").is_empty() { query } else { query.without(&["sort"]) };
    if is_part {
        let parameters: ListOrders = query.without(&PAGE_ONLY).read()?;
        let filter = parameters.filter(&viewer.caller, state.timezone)?;
        let total = state.store.count_orders(&filter).await?;
        return render(&TotalsPart { sums: Sums::read(&state, &filter, total, &query).await? });
    }
    let names = Some(query.get("columns")).filter(|names| !names.is_empty()).or(viewer.columns.as_deref());
    let may_change = viewer.level >= Level::Manager;
    let style = RowStyle {
        columns: chosen_columns(names.unwrap_or_default()),
        zone: state.timezone,
        has_box: may_change,
        pictures: state.pictures,
    };
    // Changes after this one are sent as live rows, so none is missed while the list is read.
    let since = state.store.last_event_id().await?;
    let parameters = query.without(&PAGE_ONLY);
    // A list of products shows no order.
    let parameters = if query.get("group").is_empty() { parameters } else { parameters.with("limit", 1) };
    let listed = Listed::read(&state, &viewer.caller, parameters.read()?).await?;
    let sums = Sums::read(&state, &listed.filter, listed.total, &query).await?;
    let filters = query.without(&PAGE_PARAMETERS);
    let stream = filters.with("seen", since);
    let is_sorted = !query.get("sort").is_empty();
    let is_first = listed.previous.is_none() && listed.page.is_none_or(|page| page == 1);
    let stream = if is_first { stream } else { stream.with("in_place", true) };
    let stream = if may_change { stream.with("boxes", true) } else { stream };
    let products = match query.get("group") {
        "" => None,
        BY_PRODUCT => Some(products(&state.store.product_totals(&listed.filter).await?, &filters)),
        _ => return Err(bad_parameter("group", format!("Only `{BY_PRODUCT}`."))),
    };
    let view = viewer.caller.view();
    let rows: Vec<Row> = listed.orders.into_iter().map(|order| style.row(&view.order(order), "")).collect();
    let columns = style.columns;
    let frame = viewer.frame("Orders", "Orders");
    let page_link = |page: u64| filters.with("page", page).link("/orders");
    let (previous, next) = match listed.page {
        Some(page) if is_sorted => (
            page.checked_sub(1).filter(|page| *page > 0).map(page_link),
            listed.has_older.then(|| page_link(page.saturating_add(1))),
        ),
        _ => (
            listed.previous.map(|id| filters.with("after", id).link("/orders")),
            listed.next.map(|id| filters.with("before", id).link("/orders")),
        ),
    };
    render(&OrdersPage {
        head: viewer.head(),
        headings: headings(&columns, &filters, frame.sees_personal_data),
        sorts: sorts(frame.sees_personal_data),
        frame,
        chips: chips(&filters),
        other_columns: all_columns().iter().copied().filter(|column| !columns.contains(column)).collect(),
        saved_query: filters.with("columns", names_of(&columns)).link("").trim_start_matches('?').to_owned(),
        files: match products {
            Some(_) => file_links(&filters.without(&["group", "columns"]), "/export/products"),
            None => file_links(&exported(&filters, &columns), "/export"),
        },
        limit: rows.len().max(50),
        rows,
        sums,
        stream: stream.with("columns", names_of(&columns)).link("/live/orders"),
        previous,
        next,
        products,
        columns,
        query,
    })
}

impl Sums {
    async fn read(
        state: &AppState,
        filter: &OrderFilter,
        total: Total,
        query: &UrlQuery,
    ) -> Result<Self, ApiError> {
        let totals = state.store.sum_orders(filter).await?;
        Ok(Self {
            total,
            spend: spend_by_code(&totals),
            totals,
            is_sorted: !query.get("sort").is_empty(),
            is_grouped: !query.get("group").is_empty(),
        })
    }

    /// Whether some orders of the filter are too old to be sorted or grouped.
    fn leaves_some_out(&self) -> bool {
        (self.is_sorted || self.is_grouped) && (self.total.count > MAX_ARRANGED || !self.total.exact)
    }
}

/// Downloads the products of a list as a file.
pub(crate) async fn export_products(
    caller: Caller,
    State(state): State<Arc<AppState>>,
    QueryOfTwo(file, query): QueryOfTwo<FileFormat, ListOrders>,
) -> Result<Response, ApiError> {
    let filter = query.filter(&caller, state.timezone)?;
    let row = |group: ProductTotals| StatisticsRow {
        name: group.name,
        totals: group.totals,
        received: Some(group.received),
    };
    let rows = state.store.product_totals(&filter).await?.into_iter().map(row).collect();
    let format = file.format();
    let table = statistics(BY_PRODUCT, rows, state.timezone, format).await?;
    Ok((file_headers(&state, "products", format), table).into_response())
}

/// The parameters of the link to a file with the orders and columns of the list. Files have a separate column
/// for the currency.
fn exported(filters: &UrlQuery, columns: &[Column]) -> UrlQuery {
    let mut names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    if let Some(at) = names.iter().position(|name| ["total", "price", "commission"].contains(name)) {
        names.insert(at + 1, "currency");
    }
    filters.without(&["sort", "group"]).with("columns", names.join(","))
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
        let value = if name == "sort" { describe_sort(value) } else { value.to_owned() };
        Some(Chip { text: format!("{before}{value}"), url: filters.without(&[name]).link("/orders") })
    };
    CHIPS.into_iter().filter_map(chip).collect()
}

/// A way to sort, in words.
fn describe_sort(name: &str) -> String {
    match name.strip_prefix('-') {
        Some(column) => format!("{}, largest first", title_of(column)),
        None => title_of(name),
    }
}

/// The ways to sort that the reader may use.
fn sorts(sees_personal_data: bool) -> Vec<(&'static str, String)> {
    let may_use = |(_, sort): &&(&str, SortBy)| sees_personal_data || !sort.is_personal();
    SortBy::ALL.iter().filter(may_use).map(|(name, _)| (*name, describe_sort(name))).collect()
}

fn headings(columns: &[Column], filters: &UrlQuery, sees_personal_data: bool) -> Vec<Heading> {
    let heading = |column: &Column| {
        let (up, down) = (column.name.to_owned(), format!("-{}", column.name));
        let current = filters.get("sort");
        // Sort amounts and dates in descending order first: people usually look for the largest or newest.
        let prefers_down = column.is_number() || column.name.ends_with("_date");
        let next = if current == down || current != up && !prefers_down { &up } else { &down };
        let is_known = SortBy::ALL.iter().any(|(name, _)| *name == up);
        let may_sort = is_known && (sees_personal_data || !is_personal(column.name));
        Heading {
            column: *column,
            url: may_sort.then(|| filters.with("sort", next).link("/orders")),
            direction: match current {
                name if name == up => Some("ascending"),
                name if name == down => Some("descending"),
                _ => None,
            },
        }
    };
    columns.iter().map(heading).collect()
}

fn products(groups: &[ProductTotals], filters: &UrlQuery) -> Vec<ProductRow> {
    let orders = filters.without(&["group"]);
    let row = |group: &ProductTotals| ProductRow {
        name: group.name.clone().unwrap_or_else(|| "not stated".to_owned()),
        url: group.name.as_ref().map(|name| orders.with("product", name).link("/orders")),
        spend: spend_by_code(&group.totals),
        totals: group.totals.clone(),
        received: group.received,
    };
    groups.iter().map(row).collect()
}
