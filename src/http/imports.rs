//! Reads an uploaded file, previews its import and starts it, for the page and the API.

use axum::body::Body;
use axum::http::{
    HeaderMap,
    header::{CONTENT_DISPOSITION, CONTENT_TYPE},
};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use multer::Multipart;
use tokio::sync::oneshot;

use super::AppState;
use super::body::Received;
use super::error::{ApiError, bad_field, bad_parameter};
use crate::export::import_report;
use crate::files::{Kind, MAX_BYTES, MappedColumn, RowOutcome, RowResult};
use crate::ingest::{ImportError, OfferedFile};
use crate::order::View;
use crate::store::{Import, ImportState};
use crate::token::Scope;

/// Maximum bytes of the form: a file and the other fields.
const MAX_FORM_BYTES: usize = MAX_BYTES + 64 * 1024;
/// Maximum characters of the name of saved columns.
const MAX_NAME: usize = 60;
/// Maximum rows in an answer. The report has all.
const MAX_SHOWN: usize = 200;

/// Reads an uploaded file: a form with the fields `file`, `kind` and `saved`, or the file itself.
pub(crate) async fn read_upload(
    state: &AppState,
    headers: &HeaderMap,
    body: Body,
) -> Result<OfferedFile, ApiError> {
    let mut received = Received::read(state, body, MAX_FORM_BYTES).await;
    let too_large = || bad_field("file", "The file is larger than 20 MB, or did not arrive completely.");
    let bytes = received.take().map_err(|_| too_large())?;
    let mut file = OfferedFile { name: String::new(), content: Vec::new(), kind: None, mapping: Vec::new() };
    let boundary = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(boundary) = boundary.and_then(|text| multer::parse_boundary(text).ok()) else {
        file.content = bytes;
        return Ok(file);
    };
    let mut form = Multipart::new(stream::iter([Ok::<_, std::io::Error>(bytes)]), boundary);
    let broken = |_| ApiError::BadBody("The form is incomplete.".to_owned());
    while let Some(part) = form.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.file_name().unwrap_or_default().to_owned();
        let value = part.bytes().await.map_err(broken)?;
        match name.as_str() {
            "file" => (file.name, file.content) = (shown_name(&file_name), value.into()),
            "kind" if !value.is_empty() => {
                let known = Kind::of_file(&String::from_utf8_lossy(&value));
                file.kind = Some(known.ok_or_else(|| bad_field("kind", unknown_kind()))?);
            }
            "saved" if !value.is_empty() => {
                use_saved_columns(state, &mut file, &String::from_utf8_lossy(&value)).await?;
            }
            _ => {}
        }
    }
    Ok(file)
}

pub(crate) fn unknown_kind() -> String {
    format!("One of {}; empty if ROMS shall recognise it.", Kind::OF_FILES.map(Kind::as_str).join(", "))
}

/// Uses the kind and the columns that are saved under a name.
pub(crate) async fn use_saved_columns(
    state: &AppState,
    file: &mut OfferedFile,
    name: &str,
) -> Result<(), ApiError> {
    let saved = state.store.saved_mapping(name).await?;
    let saved = saved.ok_or_else(|| bad_parameter("saved", "No columns are saved under this name."))?;
    file.kind = file.kind.or(Some(saved.kind));
    file.mapping.extend(saved.mapping);
    Ok(())
}

/// A file's name without characters that could disturb a page or a terminal.
pub(crate) fn shown_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// The columns of an import that was not started, and what its rows would change.
pub(crate) async fn preview(
    state: &AppState,
    view: View,
    import: &Import,
) -> Result<(Vec<MappedColumn>, Vec<RowResult>), ImportError> {
    if import.state != ImportState::Shown {
        return Ok((Vec::new(), Vec::new()));
    }
    let (columns, plan) = state.ingest.offered_rows(import).await?;
    plan.check_view(view)?;
    let results = state.ingest.preview_import(&plan, |_| ()).await?;
    Ok((columns, results.into_iter().map(|row| row.seen(view)).collect()))
}

/// All rows of a preview with their outcomes, as CSV.
pub(crate) async fn download_report(
    state: &AppState,
    view: View,
    import: &Import,
) -> Result<Response, ApiError> {
    if import.state != ImportState::Shown {
        return Err(ApiError::NotFound("preview"));
    }
    let (_, rows) = preview(state, view, import).await.map_err(failed)?;
    let name = format!("attachment; filename=\"import-{}.csv\"", import.id);
    let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, import_report(&rows)).into_response())
}

/// Sorts rows that need attention to the front, and removes those beyond the limit. A statement of charges keeps all,
/// because the orders of its charges may be guesses. Returns whether rows were removed.
pub(crate) fn shorten(import: &Import, rows: &mut Vec<RowResult>) -> bool {
    rows.sort_by_key(|row| row.outcome < RowOutcome::NotFound);
    let is_long = rows.len() > MAX_SHOWN && import.kind != Kind::Charges;
    if is_long {
        rows.truncate(MAX_SHOWN);
    }
    is_long
}

/// Claims an import, and stores its rows in the background, also if the client does not wait for the claim.
pub(crate) async fn start(state: &AppState, view: View, import: &Import) -> Result<(), ApiError> {
    let id = import.id;
    if view == View::Masked && !import.has_ended() {
        let (_, plan) = state.ingest.offered_rows(import).await.map_err(failed)?;
        plan.check_view(view).map_err(failed)?;
    }
    let (ingest, closing) = (state.ingest.clone(), state.closing.clone());
    let (answer, claimed) = oneshot::channel();
    state.tasks.spawn(async move {
        let import = match ingest.claim_import(id).await {
            Ok(import) => import,
            Err(error) => return drop(answer.send(Err(failed(error)))),
        };
        drop(answer.send(Ok(())));
        if let Err(error) = import.run(&closing, |_| ()).await {
            tracing::warn!(import.id = id, %error, "an import was interrupted");
        }
    });
    claimed.await.unwrap_or(Err(ApiError::Internal))
}

pub(crate) async fn find(state: &AppState, id: &str) -> Result<Import, ApiError> {
    let id = id.parse().map_err(|_| bad_parameter("id", "Not a whole number."))?;
    state.store.import(id).await?.ok_or(ApiError::NotFound("import"))
}

/// Deletes an import that was not started.
pub(crate) async fn forget(state: &AppState, import: &Import) -> Result<(), ApiError> {
    if state.store.forget_import(import.id).await? {
        Ok(())
    } else {
        Err(ApiError::NotImportable("The import was started already; undo it instead.".to_owned()))
    }
}

/// Checks the name for saved columns.
pub(crate) fn check_name(parameter: &'static str, name: &str) -> Result<(), ApiError> {
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(bad_parameter(parameter, format!("At most {MAX_NAME} characters.")));
    }
    Ok(())
}

pub(crate) fn failed(error: ImportError) -> ApiError {
    match error {
        ImportError::Personal => ApiError::MissingScope(Scope::ReadPii),
        ImportError::Submit(error) => error.into(),
        ImportError::Store(error) => error.into(),
        ImportError::Running | ImportError::Ended | ImportError::Repeated(_) | ImportError::Undone(_) => {
            ApiError::NotImportable(sentence(&error))
        }
        error => bad_field("file", format!("Not imported: {error}.")),
    }
}

/// The error as a sentence.
fn sentence(error: &ImportError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).chain(['.']).collect()).unwrap_or_default()
}
