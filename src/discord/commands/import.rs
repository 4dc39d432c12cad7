//! `/import`: takes a file, shows what each row would change, and stores the rows after a confirmation.
//! Undoing an import works the same way.

use std::time::Duration;

use poise::serenity_prelude::Attachment;
use reqwest::{Client, redirect};
use serenity::all::{
    ButtonStyle, CreateActionRow, CreateAttachment, CreateAutocompleteResponse, CreateButton,
};
use tokio::sync::watch;
use url::Url;

use super::context::{CommandResult, Context, Data, begin, begin_deferred};
use super::progress::run_to_end;
use crate::discord::reply::Reply;
use crate::discord::reply::components::{choices, secondary_button};
use crate::discord::reply::custom_id::custom_id;
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;
use crate::discord::reply::text::{code, escape_line, truncate};
use crate::export::import_report;
use crate::files::{ImportCounts, Kind, MAX_BYTES, RowOutcome, RowResult, row_count};
use crate::ingest::{ImportError, Offered, OfferedFile};
use crate::order::View;
use crate::redact::credentials;
use crate::store::{Import, ImportState, SavedMapping};

/// The hosts of Discord's attachments.
const ATTACHMENT_HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];
/// Maximum time for a download.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_mins(1);
/// Maximum rows in the answer. The attached report has all.
const MAX_SHOWN: usize = 12;
/// Maximum characters of the name of saved columns in an answer.
const MAX_NAME: usize = 60;
/// Maximum characters of a row in the answer.
const MAX_ROW: usize = 110;

/// Import a file, after showing what it would change
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn import(
    ctx: Context<'_>,
    #[description = "Tracking numbers, received units, cancellations, orders or charges: CSV, .xlsx or text"]
    file: Attachment,
    #[description = "What the file is about, if its columns do not tell: tracking, received, orders …"]
    kind: Option<String>,
    #[description = "The name of columns that were saved on the page or the command line"]
    #[autocomplete = "complete_columns"]
    columns: Option<String>,
) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let unknown = || {
        let kinds = Kind::OF_FILES.map(Kind::as_str).join(", ");
        CommandError::user(format!("There is no such kind of file. The kinds are {kinds}."))
    };
    let kind = kind.map(|name| Kind::of_file(name.trim()).ok_or_else(unknown)).transpose()?;
    let saved = match &columns {
        Some(name) => Some(saved_columns(data, name.trim()).await?),
        None => None,
    };
    let kind = kind.or(saved.as_ref().map(|saved| saved.kind));
    let mapping = saved.map(|saved| saved.mapping).unwrap_or_default();
    let content = download(data, &file).await?;
    let offered = OfferedFile { name: file.filename.clone(), content, kind, mapping };
    match data.services.ingest.offer_import(offered, &responder.actor()).await.map_err(failed)? {
        Offered::New(id) => show(data, &responder, &find(data, id).await?).await,
        Offered::Again(import) => responder.show(earlier(&import, "This file was imported before.")).await,
    }
}

/// The columns that are saved under a name.
async fn saved_columns(data: &Data, name: &str) -> Result<SavedMapping, CommandError> {
    let unknown = || {
        let shown = code(&truncate(name, MAX_NAME));
        CommandError::user(format!("No columns are saved as {shown}. Save them on the page, under Files."))
    };
    data.services.store.saved_mapping(name).await?.ok_or_else(unknown)
}

/// Autocompletes the name of saved columns.
async fn complete_columns(ctx: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let (data, _) = begin(ctx);
    // The caller can still type the whole name.
    let saved = data.services.store.saved_mappings().await.unwrap_or_default();
    let names = saved.into_iter().map(|saved| saved.name);
    choices(names.filter(|name| name.contains(typed.trim())).map(|name| (name.clone(), name)))
}

/// Downloads an attachment from Discord's hosts only, and stops if it is larger than an import may be.
async fn download(data: &Data, file: &Attachment) -> Result<Vec<u8>, CommandError> {
    let too_large = || CommandError::user("The file is larger than 20 MB; split it.");
    let not_read = || CommandError::user("The file could not be downloaded from Discord. Please try again.");
    let url = Url::parse(&file.url).ok().filter(|url| is_discords(url, data.api_url.as_deref()));
    let url = url.ok_or(CommandError::Malformed("an attachment is not at Discord"))?;
    let client = Client::builder().redirect(redirect::Policy::none()).timeout(DOWNLOAD_TIMEOUT);
    let client = client.build().map_err(|_| not_read())?;
    let reply = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let mut reply = reply.map_err(|_| not_read())?;
    let mut content = Vec::new();
    while let Some(chunk) = reply.chunk().await.map_err(|_| not_read())? {
        content.extend_from_slice(&chunk);
        if content.len() > MAX_BYTES {
            return Err(too_large());
        }
    }
    Ok(content)
}

/// Whether a file is on Discord's hosts, or on the host of `[discord] api_url`.
fn is_discords(url: &Url, api_url: Option<&str>) -> bool {
    let host = url.host_str().unwrap_or_default();
    let api = api_url.and_then(|api| Url::parse(api).ok());
    let is_on_api_host = api.is_some_and(|api| api.host_str() == Some(host));
    is_on_api_host || url.scheme() == "https" && ATTACHMENT_HOSTS.contains(&host)
}

/// Shows what the rows would change, with a button that stores them.
async fn show(data: &Data, responder: &Responder<'_>, import: &Import) -> CommandResult {
    let ingest = &data.services.ingest;
    let (_, plan) = ingest.offered_rows(import).await.map_err(failed)?;
    let rows = ingest.preview_import(&plan, |_| ()).await.map_err(failed)?;
    let rows: Vec<RowResult> = rows.into_iter().map(|row| row.seen(View::Full)).collect();
    let mut counts = ImportCounts::default();
    for row in &rows {
        counts.add(row.outcome);
    }
    let (clear, unclear): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.outcome < RowOutcome::NotFound);
    let lines = unclear.into_iter().chain(clear).take(MAX_SHOWN).map(line);
    let title = match import.undoes {
        Some(id) => format!("Undo import {id}: {counts}."),
        None => format!("{}, a file of {}: {counts}.", code(&truncate(&import.file_name, 60)), import.kind),
    };
    let text = std::iter::once(title).chain(lines).collect::<Vec<_>>().join("\n");
    let mut buttons = Vec::new();
    if counts.changing() > 0 {
        let confirm = CreateButton::new(custom_id("import", &[&import.id])).style(ButtonStyle::Success);
        buttons.push(confirm.label(import.store_label(counts.changing())));
    }
    buttons.push(secondary_button(custom_id("discard", &[&import.id]), "Discard"));
    let mut reply = Reply::text(text).with_row(CreateActionRow::Buttons(buttons));
    let name = format!("import-{}.csv", import.id);
    reply.files.push(CreateAttachment::bytes(import_report(&rows), name));
    responder.show(reply).await
}

/// A row on one line.
fn line(row: &RowResult) -> String {
    let text = truncate(&credentials(&row.text()), MAX_ROW);
    format!(
        "{} {}: {} {}",
        row.line,
        row.outcome.as_str(),
        code(&truncate(&row.order, 40)),
        escape_line(&text)
    )
}

/// Button "Store" or "Restore" of a preview: stores the rows, and shows the progress.
pub(crate) async fn commit(data: &Data, responder: &Responder<'_>) -> CommandResult {
    let id = responder.arguments().parse()?;
    responder.defer_update().await?;
    let claimed = match data.services.ingest.claim_import(id).await {
        Ok(claimed) => claimed,
        Err(ImportError::Ended) => return responder.show(earlier(&find(data, id).await?, "")).await,
        Err(error) => return Err(failed(error)),
    };
    let (total, stop) = (row_count(claimed.rows() as u64), data.stop.clone());
    let work = async move |progress: watch::Sender<String>| {
        let report = |done| drop(progress.send_replace(format!("Import {id}: {done} of {total}.")));
        claimed.run(&stop, report).await.map_err(failed)?;
        Ok(format!("Import {id} is finished."))
    };
    run_to_end(data, responder, "the page shows how far it is", work).await?;
    responder.show(earlier(&find(data, id).await?, "")).await
}

/// Button "Discard": deletes the file.
pub(crate) async fn discard(data: &Data, responder: &Responder<'_>) -> CommandResult {
    let id = responder.arguments().parse()?;
    responder.defer_update().await?;
    if data.services.store.forget_import(id).await? {
        return responder.show(Reply::text("Nothing was imported.")).await;
    }
    responder.show(earlier(&find(data, id).await?, "It was started already.")).await
}

/// Button "Undo" of a finished import: shows what the undo would change.
pub(crate) async fn undo(data: &Data, responder: &Responder<'_>) -> CommandResult {
    let id = responder.arguments().parse()?;
    responder.defer_update().await?;
    let import = find(data, id).await?;
    match data.services.ingest.offer_undo(&import, &responder.actor()).await.map_err(failed)? {
        Offered::New(undo) => show(data, responder, &find(data, undo).await?).await,
        Offered::Again(undo) => responder.show(earlier(&undo, "")).await,
    }
}

/// The reply for an import that was started, with a button that continues it and one that shows its undo.
fn earlier(import: &Import, remark: &str) -> Reply {
    let Import { id, state, rows, done, counts, undone_by, .. } = import;
    let status = import.status();
    let text = match state {
        ImportState::Running => {
            format!("{remark} Import {id} is {status} after {done} of {}: {counts}.", row_count(*rows))
        }
        _ => format!("{remark} Import {id} is {status}: {counts}."),
    };
    let mut buttons = Vec::new();
    if *state == ImportState::Running {
        let button = CreateButton::new(custom_id("import", &[id])).style(ButtonStyle::Success);
        buttons.push(button.label("Continue"));
    }
    if undone_by.is_none() {
        buttons.push(secondary_button(custom_id("undo_import", &[id]), "Undo"));
    }
    let reply = Reply::text(text.trim().to_owned());
    if buttons.is_empty() { reply } else { reply.with_row(CreateActionRow::Buttons(buttons)) }
}

async fn find(data: &Data, id: i64) -> Result<Import, CommandError> {
    data.services.store.import(id).await?.ok_or(CommandError::OutOfDate)
}

fn failed(error: ImportError) -> CommandError {
    match error {
        ImportError::Submit(error) => error.into(),
        ImportError::Store(error) => error.into(),
        ImportError::File(error) if error.is_about_columns() => CommandError::user(format!(
            "Not imported: {error}. On the page, under Files, you can choose the field of each column."
        )),
        error => CommandError::user(format!("Not imported: {error}.")),
    }
}
