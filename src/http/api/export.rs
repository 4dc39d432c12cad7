//! Orders as a table: CSV, or a workbook for Excel.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{
        HeaderName,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use futures_util::stream::unfold;
use serde::Deserialize;
use utoipa::IntoParams;

use super::orders::ListOrders;
use crate::clock::now;
use crate::export::{Export, ExportColumn, ExportError, ExportFormat};
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::error::{ApiError, ListErrors, ListLinkErrors, bad_parameter};
use crate::http::query::{FormatName, Name, Named, QueryOfTwo};

/// Query parameters of the table, beside those of the list of orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportOrders {
    /// The form of the file (default `csv`)
    #[param(inline, value_type = FormatName, required = false)]
    format: Option<FormatName>,
    /// The columns, separated by commas, such as `order_number,product,total,currency` (default: all)
    columns: Option<String>,
}

impl Named for ExportFormat {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Self::ALL.into_iter().map(|format| (format.as_str(), format))
    }
}

/// Query parameters of a table in a link, beside those of the list of orders.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportLink {
    /// The columns, separated by commas, such as `order_number,product,total,currency` (default: all)
    columns: Option<String>,
}

fn read_columns(names: Option<&str>) -> Result<Vec<ExportColumn>, ApiError> {
    let names = names.unwrap_or_default().split(',').map(str::trim);
    let columns = names.filter(|name| !name.is_empty()).map(str::parse);
    columns.collect::<Result<_, _>>().map_err(|error| bad_parameter("columns", format!("Here {error}.")))
}

/// Download the orders as a table
///
/// All orders of the filter, newest first: as CSV in UTF-8, or as a workbook for Excel. Amounts are plain numbers
/// beside the column `currency`. In CSV, times are UTC (RFC 3339), and a text that a spreadsheet would take for a
/// formula begins with an apostrophe. In Excel, times are those of the configured time zone. `order_day` is the day of
/// the order there.
#[utoipa::path(
    get, path = "/api/v2/orders/export", tag = "Orders", operation_id = "export_orders",
    params(ListOrders, ExportOrders),
    responses(
        (status = 200, description = "The table", content((String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        ListErrors
    )
)]
pub(crate) async fn export(
    caller: Caller,
    State(state): State<Arc<AppState>>,
    QueryOfTwo(query, filter): QueryOfTwo<ExportOrders, ListOrders>,
) -> Result<Response, ApiError> {
    let format = query.format.map_or(ExportFormat::Csv, |Name(format)| format);
    send(&state, &caller, filter, query.columns.as_deref(), format).await
}

/// Download the orders as a table by a link
///
/// The same as CSV, for spreadsheets that can only load a URL, such as `IMPORTDATA` of Google Sheets. The token in the
/// path is one that `roms token create --url --scope read` made. It can do nothing else.
#[utoipa::path(
    get, path = "/api/v2/exports/{token}/orders.csv", tag = "Orders", operation_id = "export_orders_by_link",
    params(("token" = String, Path, description = "The token of the link"), ListOrders, ExportLink),
    responses((status = 200, description = "The table", content((String = "text/csv"))), ListLinkErrors)
)]
pub(crate) async fn export_by_link(
    caller: Caller,
    State(state): State<Arc<AppState>>,
    QueryOfTwo(query, filter): QueryOfTwo<ExportLink, ListOrders>,
) -> Result<Response, ApiError> {
    send(&state, &caller, filter, query.columns.as_deref(), ExportFormat::Csv).await
}

async fn send(
    state: &AppState,
    caller: &Caller,
    filter: ListOrders,
    columns: Option<&str>,
    format: ExportFormat,
) -> Result<Response, ApiError> {
    if filter.chooses_a_page() {
        return Err(bad_parameter(
            "limit",
            "A table has all orders of the filter, newest first, not a page of them.",
        ));
    }
    let filter = filter.filter(caller, state.timezone)?;
    let columns = read_columns(columns)?;
    let mut export =
        Export::new(state.store.clone(), filter, caller.view(), columns, state.timezone, format)?;
    // If the first piece fails, the client still gets an error answer instead of a broken file.
    let first = export.next().await?.unwrap_or_default();
    let rest = unfold(Some(export), async |export| {
        let mut export = export?;
        match export.next().await {
            Ok(piece) => piece.map(|piece| (Ok(Bytes::from(piece)), Some(export))),
            // The connection is cut, so that the client notices that the file is incomplete.
            Err(error) => {
                tracing::warn!(%error, "a table of orders was cut off");
                Some((Err(error), None))
            }
        }
    });
    let first = futures_util::stream::iter([Ok(Bytes::from(first))]);
    // The compression layer of the page polls the stream again after its end.
    let body = Body::from_stream(first.chain(rest).fuse());
    Ok((file_headers(state, "orders", format), body).into_response())
}

/// The headers of a file to save: its type, and its name with the day.
pub(crate) fn file_headers(state: &AppState, name: &str, format: ExportFormat) -> [(HeaderName, String); 2] {
    let day = now().with_timezone(&state.timezone).date_naive();
    let name = format!("attachment; filename=\"{name}-{day}.{}\"", format.as_str());
    [(CONTENT_TYPE, format.media_type().to_owned()), (CONTENT_DISPOSITION, name)]
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Store(error) => error.into(),
            ExportError::TooManyOrders => bad_parameter("format", format!("Not for this many: {error}.")),
            ExportError::Workbook(reason) => {
                tracing::error!(reason, "cannot write a workbook");
                Self::Internal
            }
        }
    }
}
