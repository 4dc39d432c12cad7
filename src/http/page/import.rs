//! The pages of imports: upload a file, preview what each row would change, correct the columns, store the
//! rows, and undo an import.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION},
    },
    response::{Html, IntoResponse, Response},
};

use super::cells::{Change, Moment, Value};
use super::frame::{Frame, Head, Viewer};
use super::render;
use super::url::UrlQuery;
use crate::clock::now;
use crate::files::{Field, ImportCounts, Kind, MappedColumn, RowResult};
use crate::http::AppState;
use crate::http::body;
use crate::http::cross_site::SameOrigin;
use crate::http::error::{ApiError, bad_field};
use crate::http::imports::{
    check_name, download_report, failed, find, forget, preview, read_upload, shorten, start, unknown_kind,
};
use crate::http::query::PathSegment;
use crate::ingest::{ImportError, Offered};
use crate::order::Fields;
use crate::store::{Import, ImportState, SavedMapping};

/// Maximum imports in the list.
const MAX_IMPORTS: u64 = 50;

/// A small example file of each kind: its name, its title, and its content. Each file after the first finds the orders of
/// the files before it.
const EXAMPLES: [(&str, &str, &str); 7] = [
    ("orders.csv", "Orders, as a table", include_str!("../../../assets/imports/orders.csv")),
    ("cards.txt", "Orders, as texts of cards", include_str!("../../../assets/imports/cards.txt")),
    ("tracking.csv", "Tracking numbers", include_str!("../../../assets/imports/tracking.csv")),
    ("received.csv", "Received, by order", include_str!("../../../assets/imports/received.csv")),
    (
        "scan-report.csv",
        "Received, as a scan report",
        include_str!("../../../assets/imports/scan-report.csv"),
    ),
    ("charges.csv", "Charges of a card", include_str!("../../../assets/imports/charges.csv")),
    ("cancellations.csv", "Cancellations", include_str!("../../../assets/imports/cancellations.csv")),
];

#[derive(Template)]
#[template(path = "imports.html", config = "src/http/page/askama.toml")]
struct ImportsPage {
    head: Head,
    frame: Frame,
    saved: Vec<SavedMapping>,
    imports: Vec<Listed>,
}

/// An import in the list.
struct Listed {
    import: Import,
    at: Moment,
    status: String,
}

/// The form for a file, and the imports so far.
pub(crate) async fn list(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
) -> Result<Html<String>, ApiError> {
    let listed = |import: Import| Listed {
        at: Moment::of(import.created_at, state.timezone),
        status: import.status(),
        import,
    };
    render(&ImportsPage {
        head: viewer.head(),
        frame: viewer.frame("Files", "Files"),
        saved: state.store.saved_mappings().await?,
        imports: state.store.imports(MAX_IMPORTS).await?.into_iter().map(listed).collect(),
    })
}

/// Reads an uploaded file, and redirects to its preview.
pub(crate) async fn upload(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let file = read_upload(&state, &headers, body).await?;
    if file.content.is_empty() {
        return Err(bad_field("file", "Choose a file that is not empty."));
    }
    let actor = viewer.actor();
    let id = match state.ingest.offer_import(file.clone(), &actor).await {
        Ok(Offered::New(id)) => id,
        Ok(Offered::Again(import)) => return Ok(to(&format!("/import/{}?again=1", import.id))),
        Err(ImportError::File(error)) if error.is_about_columns() => {
            state.ingest.offer_for_mapping(file, &actor).await.map_err(failed)?
        }
        Err(error) => return Err(failed(error)),
    };
    Ok(to(&format!("/import/{id}")))
}

#[derive(Template)]
#[template(path = "import.html", config = "src/http/page/askama.toml")]
struct ImportPage {
    head: Head,
    frame: Frame,
    import: Import,
    at: Moment,
    columns: Vec<MappedColumn>,
    fields: Vec<String>,
    rows: Vec<Row>,
    counts: ImportCounts,
    is_cut: bool,
    /// Why the columns cannot be used as they are.
    problem: Option<String>,
    again: bool,
    status: String,
}

/// A row of the file, and its outcome.
struct Row {
    line: u32,
    outcome: &'static str,
    order: String,
    reason: Option<String>,
    changes: Vec<Change>,
}

/// The page of one import: its preview, its progress, or its result.
pub(crate) async fn show(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    axum::extract::RawQuery(query): axum::extract::RawQuery,
) -> Result<Html<String>, ApiError> {
    let import = find(&state, &id).await?;
    let (columns, results, problem) = match import.state {
        ImportState::Shown => match preview(&state, viewer.caller.view(), &import).await {
            Ok((columns, results)) => (columns, results, None),
            Err(ImportError::File(error)) if error.is_about_columns() => {
                let columns = state.ingest.columns_of(&import).await.map_err(failed)?;
                (columns, Vec::new(), Some(error.to_string()))
            }
            Err(error) => return Err(failed(error)),
        },
        _ => (Vec::new(), Vec::new(), None),
    };
    let mut counts = import.counts;
    for result in &results {
        counts.add(result.outcome);
    }
    let mut results = results;
    let is_cut = shorten(&import, &mut results);
    let row = |result: RowResult| Row {
        line: result.line,
        outcome: result.outcome.as_str(),
        order: result.order,
        reason: result.reason,
        changes: result.changes.into_iter().map(|change| Change::of(change, state.timezone, None)).collect(),
    };
    render(&ImportPage {
        head: viewer.head(),
        frame: viewer.frame(format!("Import {}", import.id), "Files"),
        at: Moment::of(import.created_at, state.timezone),
        fields: fields(),
        columns,
        rows: results.into_iter().map(row).collect(),
        counts,
        is_cut,
        problem,
        again: UrlQuery::of(query.as_deref()).is("again", "1"),
        status: import.status(),
        import,
    })
}

/// The names of all fields that a column can hold.
fn fields() -> Vec<String> {
    let others = [Field::Ignored, Field::OrderNumber, Field::Details, Field::Amount];
    others
        .iter()
        .map(ToString::to_string)
        .chain(Fields::NAMES.iter().map(|name| (*name).to_owned()))
        .collect()
}

/// Downloads all rows with their outcomes as CSV.
pub(crate) async fn report(
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
) -> Result<Response, ApiError> {
    download_report(&state, viewer.caller.view(), &find(&state, &id).await?).await
}

/// Changes the kind and the columns, and saves the columns if the form has a name for them.
pub(crate) async fn remap(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
    body: Body,
) -> Result<Response, ApiError> {
    let import = find(&state, &id).await?;
    let form = UrlQuery::of(Some(&body::read_text(body, &state.closing).await?));
    let kind = match form.get("kind") {
        "" => import.kind,
        name => Kind::of_file(name).ok_or_else(|| bad_field("kind", unknown_kind()))?,
    };
    let mut mapping = Vec::new();
    for (at, (heading, field)) in import.mapping.iter().enumerate() {
        let chosen = form.get(&format!("field{at}"));
        let chosen: Field = match chosen {
            "" => field.clone(),
            chosen => chosen.parse().map_err(|error: String| bad_field(format!("field{at}"), error))?,
        };
        // If the kind changes, the other columns are guessed again.
        if kind == import.kind || chosen != *field {
            mapping.push((heading.clone(), chosen));
        }
    }
    let name = form.get("name").trim();
    check_name("name", name)?;
    state.ingest.remap_import(&import, kind, mapping).await.map_err(failed)?;
    if !name.is_empty() {
        let import = find(&state, &id).await?;
        let saved = SavedMapping { name: name.to_owned(), kind: import.kind, mapping: import.mapping };
        state.store.save_mapping(&saved, &viewer.actor(), now()).await?;
    }
    Ok(to(&format!("/import/{}", import.id)))
}

/// Starts to store the rows, or continues an interrupted import. The page shows the progress.
pub(crate) async fn commit(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
) -> Result<Response, ApiError> {
    let import = find(&state, &id).await?;
    start(&state, viewer.caller.view(), &import).await?;
    Ok(to(&format!("/import/{}", import.id)))
}

/// Deletes an import that was not started.
pub(crate) async fn discard(
    _: SameOrigin,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
) -> Result<Response, ApiError> {
    let import = find(&state, &id).await?;
    forget(&state, &import).await?;
    Ok(to("/import"))
}

/// Adds an import that undoes this one, and redirects to its preview.
pub(crate) async fn undo(
    _: SameOrigin,
    viewer: Viewer,
    State(state): State<Arc<AppState>>,
    PathSegment(id): PathSegment,
) -> Result<Response, ApiError> {
    let import = find(&state, &id).await?;
    let id = match state.ingest.offer_undo(&import, &viewer.actor()).await.map_err(failed)? {
        Offered::New(id) => id,
        Offered::Again(undo) => undo.id,
    };
    Ok(to(&format!("/import/{id}")))
}

/// Downloads an example file.
pub(crate) async fn example(PathSegment(name): PathSegment) -> Result<Response, ApiError> {
    let found = EXAMPLES.iter().find(|(known, ..)| *known == name);
    let (name, _, content) = found.ok_or(ApiError::NotFound("example"))?;
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, *content).into_response())
}

fn to(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, path.to_owned())]).into_response()
}
