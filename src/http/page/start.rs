//! The start: what needs attention, today's orders and spend, and the newest orders.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::Html,
};
use rust_decimal::Decimal;

use super::cells::{Column, Row, RowStyle, Value, chosen_columns};
use super::frame::{Frame, Head, Viewer};
use super::orders::spend_by_code;
use super::render;
use super::url::{PART, UrlQuery};
use crate::clock::now;
use crate::config::Level;
use crate::http::AppState;
use crate::http::error::{ApiError, REJECTED};
use crate::order::Status;
use crate::order::dates::day_of;
use crate::store::{Attention, GroupBy, LogFilter, NamedPeriod, OrderFilter, PageStart, Total, Totals};

/// The newest orders that the page shows.
const NEWEST: u64 = 10;
const COLUMNS: &str = "order_date,store,product,total,status,order_number";
/// The periods with their sums.
const PERIODS: [NamedPeriod; 3] = [NamedPeriod::Today, NamedPeriod::SevenDays, NamedPeriod::ThisMonth];

#[derive(Template)]
#[template(path = "start.html", config = "src/http/page/askama.toml")]
struct StartPage {
    head: Head,
    frame: Frame,
    counts: Counts,
    columns: Vec<Column>,
    rows: Vec<Row>,
    stream: String,
}

/// The orders that need attention, and the sums of each period.
struct Counts {
    cards: Vec<AttentionCard>,
    sums: Vec<PeriodSums>,
}

/// The counts alone. An open page reads them after changes.
#[derive(Template)]
#[template(path = "counts.html", config = "src/http/page/askama.toml")]
struct CountsPart {
    counts: Counts,
}

/// A number of orders that need attention, and the list of them.
struct AttentionCard {
    title: &'static str,
    total: Total,
    url: String,
}

struct PeriodSums {
    title: &'static str,
    totals: Totals,
    spend: Vec<(&'static str, Decimal)>,
    url: String,
}

pub(crate) async fn show(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
) -> Result<Html<String>, ApiError> {
    let may_see_log = viewer.level >= Level::Admin;
    if UrlQuery::of(query.as_deref()).is(PART, "counts") {
        return render(&CountsPart { counts: Counts::read(&state, may_see_log).await? });
    }
    let since = state.store.last_event_id().await?;
    let view = viewer.caller.view();
    let style = RowStyle {
        columns: chosen_columns(COLUMNS),
        zone: state.timezone,
        has_box: false,
        pictures: state.pictures,
    };
    let newest = state.store.order_page(&OrderFilter::default(), PageStart::Newest, NEWEST).await?;
    let rows = newest.items.into_iter().map(|order| style.row(&view.order(order), ""));
    let stream = UrlQuery::default().with("seen", since).with("columns", COLUMNS);
    render(&StartPage {
        head: viewer.head(),
        frame: viewer.frame("Start", "Start"),
        counts: Counts::read(&state, may_see_log).await?,
        rows: rows.collect(),
        columns: style.columns,
        stream: stream.link("/live/orders"),
    })
}

impl Counts {
    async fn read(state: &AppState, may_see_log: bool) -> Result<Self, ApiError> {
        Ok(Self { cards: attention(state, may_see_log).await?, sums: sums(state).await? })
    }
}

async fn attention(state: &AppState, may_see_log: bool) -> Result<Vec<AttentionCard>, ApiError> {
    let mut cards = Vec::new();
    for (title, status) in [("Not verified", Status::Unverified), ("On hold", Status::Pending)] {
        let filter = OrderFilter { status: Some(status), ..OrderFilter::default() };
        let total = state.store.count_orders(&filter).await?;
        cards.push(AttentionCard { title, total, url: format!("/orders?status={status}") });
    }
    for (name, reason) in Attention::ALL {
        let attention = Some(reason.at(now(), state.timezone));
        let total = state.store.count_orders(&OrderFilter { attention, ..OrderFilter::default() }).await?;
        let url = UrlQuery::default().with("attention", name).link("/orders");
        cards.push(AttentionCard { title: reason.title(), total, url });
    }
    if may_see_log {
        let filter = LogFilter { outcome: Some(REJECTED.to_owned()), ..LogFilter::default() };
        let total = state.store.logs(&filter, 1).await?.total;
        cards.push(AttentionCard {
            title: "Could not be read",
            total,
            url: "/log?outcome=rejected".to_owned(),
        });
    }
    Ok(cards)
}

async fn sums(state: &AppState) -> Result<Vec<PeriodSums>, ApiError> {
    let today = day_of(now(), state.timezone);
    let mut sums = Vec::new();
    for (name, period) in NamedPeriod::ALL.into_iter().filter(|(_, period)| PERIODS.contains(period)) {
        let rows = state.store.stats(&period.days(today), GroupBy::Status).await?;
        let totals = Totals::of_rows(&rows);
        let url = UrlQuery::default().with("period", name).link("/orders");
        sums.push(PeriodSums { title: name, spend: spend_by_code(&totals), totals, url });
    }
    Ok(sums)
}
