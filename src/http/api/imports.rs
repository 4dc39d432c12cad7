//! Imports of files over the API: the same preview, commit and undo as on the page.

use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::orders::ChangeBody;
use crate::clock::now;
use crate::files::{Field, Kind, RowResult};
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, ImportErrors, ListErrors, bad_field, bad_parameter};
use crate::http::imports::{
    check_name, download_report, failed, find, forget, preview, read_upload, shorten, shown_name, start,
    use_saved_columns,
};
use crate::http::query::{Name, Named, NoParameters, PathSegment, Query, pairs, read_parameters, row_limit};
use crate::ingest::{ImportError, Offered};
use crate::store::{Import, ImportState, SavedMapping};

impl Named for Kind {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Self::OF_FILES.into_iter().map(|kind| (kind.as_str(), kind))
    }
}

type KindName = Name<Kind>;

/// The query parameter with the field of a column. It may be repeated, unlike those of [`NewImportQuery`].
const MAP: &str = "map";

/// Query parameters of a new import.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewImportQuery {
    /// The name of the file
    name: Option<String>,
    /// The kind of the file (default: recognised by its columns)
    #[param(inline, value_type = KindName, required = false)]
    kind: Option<KindName>,
    /// The name of saved columns
    saved: Option<String>,
    /// Save the columns of the file under this name
    save_as: Option<String>,
    /// Whether to store nothing and only show what would change (default: true)
    dry_run: Option<bool>,
}

/// Query parameters of the list of imports.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListImports {
    /// Maximum number of imports, from 1 to 500 (default 50)
    limit: Option<i64>,
}

/// An import of a file, or the undo of another import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Import)]
pub(crate) struct ImportBody {
    /// Row id.
    id: i64,
    /// The kind of the file, or `undo`.
    kind: &'static str,
    file_name: String,
    /// The person or token that imports it.
    actor: String,
    /// `shown` until it is committed, then `running`, `finished`, `interrupted`, or `stopped` after the undo of an
    /// interrupted import.
    state: &'static str,
    /// How many rows the file has.
    row_count: u64,
    /// How many rows are handled.
    done: u32,
    /// How many rows have each outcome. A preview counts what would happen.
    counts: Vec<OutcomeCount>,
    /// The import that this one undoes.
    undoes: Option<i64>,
    /// The import that has undone this one.
    undone_by: Option<i64>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    /// Whether this is an earlier import of the file that was sent. Nothing is imported again.
    repeated: bool,
    /// The field of each column, in a preview.
    columns: Vec<ColumnBody>,
    /// In a preview, the changes of each row: rows that need attention come first, at most 200, but all charges.
    rows: Vec<RowBody>,
}

/// How many rows have an outcome.
#[derive(Debug, Serialize, ToSchema)]
struct OutcomeCount {
    /// `created`, `updated`, `unchanged`, `not found`, `ambiguous` or `bad`.
    outcome: &'static str,
    rows: u64,
}

/// A column of the file.
#[derive(Debug, Serialize, ToSchema)]
struct ColumnBody {
    heading: String,
    /// The field that it fills.
    field: String,
}

/// A row of the file.
#[derive(Debug, Serialize, ToSchema)]
struct RowBody {
    /// Its line in the file.
    line: u32,
    outcome: &'static str,
    /// The order's number, or the row's own text if no order was found.
    order: String,
    /// Why it changes nothing or not everything, or how its order was found.
    reason: Option<String>,
    changes: Vec<ChangeBody>,
}

/// Imports, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportList {
    imports: Vec<ImportBody>,
}

impl ImportBody {
    /// An import without a preview.
    fn new(import: Import) -> Self {
        Self {
            id: import.id,
            kind: import.kind.as_str(),
            state: import.state_name(),
            file_name: import.file_name,
            actor: import.actor,
            row_count: import.rows,
            done: import.done,
            counts: counts(import.counts.each()),
            undoes: import.undoes,
            undone_by: import.undone_by,
            created_at: import.created_at,
            finished_at: import.finished_at,
            repeated: false,
            columns: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// An import, with the preview if it was not started.
    async fn with_preview(state: &AppState, caller: &Caller, import: Import) -> Result<Self, ApiError> {
        let (columns, mut rows) = preview(state, caller.view(), &import).await.map_err(failed)?;
        let is_shown = import.state == ImportState::Shown;
        let mut seen = crate::files::ImportCounts::default();
        for row in &rows {
            seen.add(row.outcome);
        }
        shorten(&import, &mut rows);
        let mut body = Self::new(import);
        if is_shown {
            body.counts = counts(seen.each());
        }
        let columns = columns.into_iter();
        body.columns = columns
            .map(|column| ColumnBody { heading: column.heading, field: column.field.to_string() })
            .collect();
        body.rows = rows.into_iter().map(RowBody::from).collect();
        Ok(body)
    }
}

fn counts(each: impl Iterator<Item = (crate::files::RowOutcome, u64)>) -> Vec<OutcomeCount> {
    each.filter(|(_, rows)| *rows > 0)
        .map(|(outcome, rows)| OutcomeCount { outcome: outcome.as_str(), rows })
        .collect()
}

impl From<RowResult> for RowBody {
    fn from(row: RowResult) -> Self {
        let RowResult { line, outcome, order, reason, changes } = row;
        let changes = changes.into_iter().map(ChangeBody::from).collect();
        Self { line, outcome: outcome.as_str(), order, reason, changes }
    }
}

/// Import a file
///
/// Answers with the preview of a file, and keeps the file for a day; `commit` stores the rows. With `dry_run=false` it
/// stores them at once, but not those of a card statement, because the orders of its charges may be guesses. If the same
/// file was imported before, the answer is that import, with `repeated`. The body is the file, or a form with the field
/// `file`.
#[utoipa::path(
    post, path = "/api/v2/imports", tag = "Imports", operation_id = "create_import",
    params(
        NewImportQuery,
        ("map" = Option<Vec<String>>, Query, description = "The field of a column, such as `Paket=tracking_number`. May be given several times"),
    ),
    request_body(content = String, content_type = "application/octet-stream", description = "The file: CSV, `.xlsx` or the texts of cards"),
    responses((status = 200, description = "The import", body = ImportBody), ImportErrors)
)]
pub(crate) async fn create(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ImportBody>, ApiError> {
    let (map, others): (Vec<_>, Vec<_>) =
        pairs(query.as_deref().unwrap_or_default()).partition(|(name, _)| name == MAP);
    let query: NewImportQuery = read_parameters(others.into_iter())?;
    let mapping = map.into_iter().filter(|(_, text)| !text.is_empty()).map(|(_, text)| named_column(&text));
    let mapping: Vec<_> = mapping.collect::<Result<_, _>>()?;
    check_name("save_as", query.save_as.as_deref().unwrap_or_default())?;
    let mut file = read_upload(&state, &headers, body).await?;
    if let Some(name) = &query.name {
        file.name = shown_name(name);
    }
    file.kind = query.kind.map(|Name(kind)| kind).or(file.kind);
    file.mapping.splice(0..0, mapping);
    if let Some(saved) = &query.saved {
        use_saved_columns(&state, &mut file, saved).await?;
    }
    if file.content.is_empty() {
        return Err(bad_field("file", "The file is empty."));
    }
    let read = state.ingest.read_import(file, &caller.actor()).await.map_err(with_map)?;
    read.plan.check_view(caller.view()).map_err(failed)?;
    if read.new.kind == Kind::Charges && query.dry_run == Some(false) {
        let detail = "A statement of charges is always shown first; `commit` stores its rows.";
        return Err(bad_parameter("dry_run", detail));
    }
    if let Some(name) = query.save_as {
        let saved = SavedMapping { name, kind: read.new.kind, mapping: read.new.mapping.clone() };
        state.store.save_mapping(&saved, &caller.actor(), now()).await?;
    }
    let (id, repeated) = match state.ingest.offer(read.new).await.map_err(failed)? {
        Offered::New(id) => (id, false),
        Offered::Again(import) => (import.id, true),
    };
    let import = find(&state, &id.to_string()).await?;
    if !repeated && query.dry_run == Some(false) {
        start(&state, caller.view(), &import).await?;
    }
    let Json(body) = answer(&state, &caller, &id.to_string()).await?;
    Ok(Json(ImportBody { repeated, ..body }))
}

/// Adds the parameters that name the kind and the columns to an error about them.
fn with_map(error: ImportError) -> ApiError {
    match error {
        ImportError::File(error) if error.is_about_columns() => bad_field(
            "file",
            format!(
                "Not imported: {error}. `kind` names the kind, `map=Heading=order_number` the field of a column."
            ),
        ),
        error => failed(error),
    }
}

/// Reads the heading of a column and its field, such as `Paket=tracking_number`.
fn named_column(text: &str) -> Result<(String, Field), ApiError> {
    let wrong = |error: String| bad_parameter(MAP, error);
    let (heading, field) = text
        .rsplit_once('=')
        .ok_or_else(|| wrong("A column and its field, such as Paket=tracking_number.".to_owned()))?;
    let field = field.parse().map_err(|error| wrong(format!("Unknown field: {error}.")))?;
    Ok((heading.trim().to_owned(), field))
}

async fn answer(state: &AppState, caller: &Caller, id: &str) -> Result<Json<ImportBody>, ApiError> {
    ImportBody::with_preview(state, caller, find(state, id).await?).await.map(Json)
}

/// List the imports that were started, newest first
#[utoipa::path(
    get, path = "/api/v2/imports", tag = "Imports", operation_id = "list_imports",
    params(ListImports),
    responses((status = 200, description = "The imports", body = ImportList), ListErrors)
)]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    Query(query): Query<ListImports>,
) -> Result<Json<ImportList>, ApiError> {
    let imports = state.store.imports(row_limit(query.limit)?).await?;
    Ok(Json(ImportList { imports: imports.into_iter().map(ImportBody::new).collect() }))
}

/// Read one import, with its preview if it was not started
#[utoipa::path(
    get, path = "/api/v2/imports/{id}", tag = "Imports", operation_id = "read_import",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, description = "The import", body = ImportBody), ImportErrors)
)]
pub(crate) async fn one(
    caller: Caller,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    _: Query<NoParameters>,
) -> Result<Json<ImportBody>, ApiError> {
    answer(&state, &caller, &id).await
}

/// Store the rows of an import
///
/// Also continues an interrupted import. The rows are stored in the background: read the import until it is finished.
#[utoipa::path(
    post, path = "/api/v2/imports/{id}/commit", tag = "Imports", operation_id = "commit_import",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, description = "The import", body = ImportBody), ImportErrors)
)]
pub(crate) async fn commit(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    _: Query<NoParameters>,
) -> Result<Json<ImportBody>, ApiError> {
    start(&state, caller.view(), &find(&state, &id).await?).await?;
    answer(&state, &caller, &id).await
}

/// Download all rows of a preview as CSV
#[utoipa::path(
    get, path = "/api/v2/imports/{id}/report", tag = "Imports", operation_id = "download_import_report",
    params(("id" = i64, Path, description = "Row id")),
    responses(
        (status = 200, description = "Each row with its outcome and its changes", body = String, content_type = "text/csv"),
        ImportErrors
    )
)]
pub(crate) async fn report(
    caller: Caller,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    _: Query<NoParameters>,
) -> Result<Response, ApiError> {
    download_report(&state, caller.view(), &find(&state, &id).await?).await
}

/// Discard the preview of an import
///
/// Deletes an import that was not started, with its file. One that was started can only be undone.
#[utoipa::path(
    delete, path = "/api/v2/imports/{id}", tag = "Imports", operation_id = "discard_import",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 204, description = "It is deleted"), ImportErrors)
)]
pub(crate) async fn discard(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    _: Query<NoParameters>,
) -> Result<StatusCode, ApiError> {
    forget(&state, &find(&state, &id).await?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Undo an import
///
/// Answers with the preview of the undo, which is an import itself; `commit` stores it.
#[utoipa::path(
    post, path = "/api/v2/imports/{id}/undo", tag = "Imports", operation_id = "undo_import",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, description = "The undo", body = ImportBody), ImportErrors)
)]
pub(crate) async fn undo(
    _: SameOrigin,
    caller: Caller,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    _: Query<NoParameters>,
) -> Result<Json<ImportBody>, ApiError> {
    let import = find(&state, &id).await?;
    let undo = match state.ingest.offer_undo(&import, &caller.actor()).await.map_err(failed)? {
        Offered::New(id) => id,
        Offered::Again(undo) => undo.id,
    };
    answer(&state, &caller, &undo.to_string()).await
}
