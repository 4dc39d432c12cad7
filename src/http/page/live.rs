//! The live updates of a list of orders: each event is a changed row as HTML. All changes of an import are
//! one event, `import_finished`.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};

use super::cells::{Row, RowStyle, Value, chosen_columns};
use super::frame::Viewer;
use super::url::UrlQuery;
use crate::feed::OrderChange;
use crate::http::AppState;
use crate::http::api::live::stream::{open, resume_after};
use crate::http::api::live::{End, LiveFilter, Updates};
use crate::http::api::orders::ListOrders;
use crate::http::connection::Connection;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, bad_parameter};

/// Parameters besides the filter: the columns and the grouping, the newest change that the list already
/// shows, whether to send only rows that the list already has, and whether rows have a checkbox.
const PARAMETERS: [&str; 5] = ["columns", "group", "seen", "in_place", "boxes"];

/// A row as an instruction for htmx.
#[derive(Template)]
#[template(path = "row_message.html", config = "src/http/page/askama.toml")]
struct RowMessage {
    row: Row,
    /// Whether the row is added if the list does not have it.
    inserts: bool,
}

pub(crate) async fn connect(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    connection: Option<Extension<Connection>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let query = UrlQuery::of(query.as_deref());
    let seen = match query.get("seen") {
        "" => None,
        id => Some(id.parse().map_err(|_| bad_parameter("seen", "The id of an event: a whole number."))?),
    };
    let style = RowStyle {
        columns: chosen_columns(query.get("columns")),
        zone: state.timezone,
        has_box: query.get("boxes") == "true",
        pictures: state.pictures,
    };
    let in_place = query.get("in_place") == "true";
    let filter: ListOrders = query.without(&PARAMETERS).read()?;
    let view = viewer.caller.view();
    let orders = filter.filter(&viewer.caller, state.timezone)?;
    let filter = LiveFilter { orders: orders.clone(), source: None, keep_others: true, counts_imports: true };
    let since = resume_after(&headers, seen)?;
    let updates = Updates::begin(&state, &viewer.caller, since, filter).await?;
    let write = move |change: &OrderChange| {
        let matches = orders.matches(&change.order);
        let class = match (matches, change.created) {
            (false, _) => "gone",
            (true, true) => "new",
            (true, false) => "changed",
        };
        let row = style.row(&view.order((*change.order).clone()), class);
        let message = RowMessage { row, inserts: matches && !in_place };
        let html = message.render().map_err(|_| End::Failed)?;
        Ok(event_lines(&html))
    };
    Ok(open(&state, viewer.caller, connection, updates, write))
}

/// A text as the data of an event, which ends with an empty line.
fn event_lines(text: &str) -> String {
    let lines = text.split(['\n', '\r']).map(|line| format!("data: {line}\n"));
    lines.chain(["\n".to_owned()]).collect()
}
