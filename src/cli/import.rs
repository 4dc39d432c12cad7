//! `roms import` imports a file, and `roms imports` lists imports, and continues or undoes one.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use chrono_tz::Tz;
use clap::builder::PossibleValuesParser;

use super::{CommandError, asks, open_existing, progress::Progress, table::write_rows};
use crate::clock;
use crate::config::Config;
use crate::export::import_report;
use crate::feed::Feed;
use crate::files::{Field, ImportCounts, Kind, MAX_BYTES, MappedColumn, RowOutcome, RowResult, row_count};
use crate::ingest::{ImportError, ImportPlan, Ingest, Offered, OfferedFile, ReadImport};
use crate::outbox::Outbox;
use crate::redact::credentials;
use crate::shutdown;
use crate::store::{Import, ImportState, NewImport, SavedMapping, Store};

/// The actor of imports in the history of orders.
const ACTOR: &str = "cli";
/// Maximum rows of a report in the terminal.
const MAX_SHOWN: usize = 100;
/// Maximum characters of a row's details in the terminal.
const MAX_DETAILS: usize = 100;
/// An import of fewer rows takes less than a second, so it shows no progress.
const MIN_PROGRESS: u64 = 1000;
/// Maximum imports in the list.
const MAX_IMPORTS: u64 = 50;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The file: CSV, Excel (.xlsx), or the texts of cards.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The kind of the file. By default, ROMS recognises it by the columns.
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(Kind::OF_FILES.map(Kind::as_str)))]
    kind: Option<String>,
    /// Which field a column fills, such as "Ref=notes" or "Paket=ignore". May be given several times.
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = mapping)]
    map: Vec<(String, Field)>,
    /// Use the columns that were saved under this name.
    #[arg(long, value_name = "NAME")]
    mapping: Option<String>,
    /// Save the fields of the columns under this name.
    #[arg(long, value_name = "NAME")]
    save_mapping: Option<String>,
    #[command(flatten)]
    wish: Wish,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Imports {
    #[command(subcommand)]
    command: Option<ImportsCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum ImportsCommand {
    /// Continue an interrupted import after the last row that was stored.
    Continue {
        /// The import's number, from `roms imports`.
        #[arg(value_name = "ID")]
        id: i64,
    },
    /// Undo an import: restore the former values of its orders. Values that have changed since then are kept.
    Undo(Undo),
}

#[derive(Debug, clap::Args)]
struct Undo {
    /// The import's number, from `roms imports`.
    #[arg(value_name = "ID")]
    id: i64,
    #[command(flatten)]
    wish: Wish,
}

fn mapping(text: &str) -> Result<(String, Field), String> {
    let (heading, field) =
        text.rsplit_once('=').ok_or("expected a column and a field, as in \"Ref=notes\"")?;
    Ok((heading.trim().to_owned(), field.parse()?))
}

/// Options that `import` and `imports undo` share.
#[derive(Debug, clap::Args)]
struct Wish {
    /// Show what would change, and store nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do not ask for confirmation.
    #[arg(long)]
    yes: bool,
    /// Write a report with the outcome of each row or order to this new file, as CSV.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Arguments {
    /// Shows what the file would change, asks, and imports it.
    pub(crate) async fn run(self, config: Config, out: &mut impl Write) -> Result<(), CommandError> {
        refuse_existing(self.wish.report.as_deref())?;
        let content = read(&self.file)?;
        let store = open_existing(&config).await?;
        let done = self.import(&store, config, content, out).await;
        let closed = store.close().await;
        done?;
        Ok(closed.map_err(anyhow::Error::from)?)
    }

    async fn import(
        &self,
        store: &Store,
        config: Config,
        content: Vec<u8>,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let zone = config.orders.timezone;
        let offered = self.offered(store, content).await?;
        with_pipeline(store, config, async |ingest| {
            let read = ingest.read_import(offered, ACTOR).await.map_err(with_flags)?;
            show_columns(&read, out)?;
            self.save_columns(store, &read.new, out).await?;
            if let Some(earlier) = store.same_import(&read.new.hash, read.new.kind, &read.new.mapping).await?
            {
                write!(out, "This file was imported before, as import {} ", earlier.id)?;
                let at = earlier.created_at.with_timezone(&zone).format("%Y-%m-%d %H:%M");
                if earlier.state == ImportState::Finished {
                    writeln!(
                        out,
                        "on {at} ({}). Nothing is imported again; `roms imports undo {}` undoes it.",
                        earlier.counts, earlier.id
                    )?;
                    return Ok(());
                }
                writeln!(
                    out,
                    "on {at}. It is {} after {} of {}.",
                    earlier.status(),
                    earlier.done,
                    row_count(earlier.rows)
                )?;
            }
            if !show_first(ingest, &read.plan, read.new.kind, &self.wish, out).await? {
                return Ok(());
            }
            let id = id_of(ingest.offer(read.new).await?);
            run(ingest, store, id, self.wish.report.as_deref(), out).await
        })
        .await
    }

    async fn offered(&self, store: &Store, content: Vec<u8>) -> anyhow::Result<OfferedFile> {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut kind = self.kind.as_deref().and_then(Kind::of_file);
        let mut mapping = self.map.clone();
        if let Some(name) = &self.mapping {
            let saved = store.saved_mapping(name).await?;
            let saved = saved.with_context(|| format!("no columns are saved as `{name}`"))?;
            kind = kind.or(Some(saved.kind));
            mapping.extend(saved.mapping);
        }
        Ok(OfferedFile { name, content, kind, mapping })
    }

    async fn save_columns(&self, store: &Store, new: &NewImport, out: &mut impl Write) -> anyhow::Result<()> {
        let Some(name) = self.save_mapping.clone() else { return Ok(()) };
        if self.wish.dry_run {
            writeln!(out, "Dry run; the columns are not saved as `{name}`.")?;
            return Ok(());
        }
        let saved = SavedMapping { name, kind: new.kind, mapping: new.mapping.clone() };
        store.save_mapping(&saved, ACTOR, clock::now()).await?;
        writeln!(out, "The columns are saved as `{}`.", saved.name)?;
        Ok(())
    }
}

/// Adds the flags that name the kind and the columns to an error about them.
fn with_flags(error: ImportError) -> anyhow::Error {
    match error {
        ImportError::File(error) if error.is_about_columns() => {
            anyhow!("{error} (--kind names the kind, --map \"Heading=order_number\" the field of a column)")
        }
        error => error.into(),
    }
}

/// Starts the pipeline, does the work, and waits until everything is written. A signal stops the work after the rows
/// that are being written.
async fn with_pipeline(
    store: &Store,
    config: Config,
    work: impl AsyncFnOnce(&Ingest) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // This process only adds events to the outbox in the database; a running server sends them.
    let outbox = Outbox::new(config.webhooks);
    outbox.refresh(store).await?;
    let (ingest, writer) = Ingest::start_sending(store.clone(), Feed::new(1), config.orders, outbox);
    let done = work(&ingest).await;
    ingest.close();
    // If the writer panicked, `done` is already an error.
    drop(writer.await);
    done
}

fn id_of(offered: Offered) -> i64 {
    match offered {
        Offered::New(id) => id,
        Offered::Again(import) => import.id,
    }
}

/// Fails if the report would overwrite a file, such as the imported file itself.
fn refuse_existing(report: Option<&Path>) -> anyhow::Result<()> {
    match report {
        // A link without a target exists, too: writing would follow it.
        Some(path) if path.symlink_metadata().is_ok() => {
            bail!("the report {} already exists and is not overwritten", path.display())
        }
        _ => Ok(()),
    }
}

/// Reads a file, up to one byte more than an import accepts, so that larger files are refused.
fn read(path: &PathBuf) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(cannot)?;
    let mut content = Vec::new();
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut content).with_context(cannot)?;
    Ok(content)
}

fn show_columns(read: &ReadImport, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "A file of {} with {}.", read.new.kind, row_count(read.new.rows))?;
    if !read.columns.is_empty() {
        let title = ["COLUMN", "FIELD", "EXAMPLE"].map(str::to_owned);
        let row = |column: &MappedColumn| {
            [one_line(&column.heading, 40), column.field.to_string(), one_line(&column.sample, 40)]
        };
        write_rows(out, &std::iter::once(title).chain(read.columns.iter().map(row)).collect::<Vec<_>>())?;
        writeln!(out)?;
    }
    Ok(())
}

/// Shows what each row would change, and asks for confirmation. Returns whether to store the rows.
async fn show_first(
    ingest: &Ingest,
    plan: &ImportPlan,
    kind: Kind,
    wish: &Wish,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    let rows = ingest.preview_import(plan, |_| ()).await?;
    let counts = count(&rows);
    show_rows(&rows, kind, wish.report.is_some(), out)?;
    writeln!(out, "{counts}.")?;
    if let Some(path) = &wish.report {
        std::fs::write(path, import_report(&rows))
            .with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "The report is in {}.", path.display())?;
    }
    if wish.dry_run || counts.changing() == 0 {
        writeln!(out, "{}", if wish.dry_run { "Dry run; nothing was stored." } else { "Nothing to store." })?;
        return Ok(false);
    }
    if wish.yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() {
        bail!("nothing was stored: run it in a terminal, which asks, or with --yes");
    }
    if !asks("This can be undone later.", &mut io::stdin().lock(), out)? {
        bail!("nothing was stored");
    }
    Ok(true)
}

/// Stores the rows that are not stored yet, and prints the counts of the whole import.
async fn run(
    ingest: &Ingest,
    store: &Store,
    id: i64,
    report: Option<&Path>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let stop = shutdown::on_signals()?;
    let claimed = ingest.claim_import(id).await.with_context(|| format!("import {id} does not start"))?;
    let total = claimed.rows() as u64;
    // A server may be running on the same database.
    let claimed = claimed.with_pauses(store.is_sqlite());
    let mut progress = Progress::new();
    let show = |done| {
        if total >= MIN_PROGRESS {
            progress.show(done, total, &row_count(done));
        }
    };
    let results = claimed.run(&stop, show).await;
    progress.finish();
    let import = store.import(id).await?.context("the import has just been deleted by somebody else")?;
    let results = results.with_context(|| {
        format!(
            "import {id} is not complete: {} of {} are stored. `roms imports continue {id}`, the page or `/import` in \
             Discord continues it, `roms imports undo {id}` undoes it",
            import.done,
            row_count(total)
        )
    })?;
    if let Some(path) = report {
        std::fs::write(path, import_report(&results))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    // The stored counts include the rows from before an interruption.
    writeln!(out, "Import {id}: {}. `roms imports undo {id}` undoes it.", import.counts)?;
    Ok(())
}

fn count(rows: &[RowResult]) -> ImportCounts {
    let mut counts = ImportCounts::default();
    for row in rows {
        counts.add(row.outcome);
    }
    counts
}

/// Prints what the rows change, starting with those that need attention. Prints all rows of a card statement,
/// because the orders of its charges may be guesses; otherwise at most a hundred.
fn show_rows(rows: &[RowResult], kind: Kind, has_report: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let is_clear = |row: &&RowResult| row.outcome < RowOutcome::NotFound;
    let (clear, unclear): (Vec<_>, Vec<_>) = rows.iter().partition(is_clear);
    let limit = if kind == Kind::Charges { usize::MAX } else { MAX_SHOWN };
    let mut shown: Vec<&RowResult> = unclear.into_iter().chain(clear).take(limit).collect();
    shown.sort_by_key(|row| row.line);
    let title = ["ROW", "OUTCOME", "ORDER", "DETAILS"].map(str::to_owned);
    let line = |row: &&RowResult| {
        let outcome = row.outcome.as_str().to_owned();
        [row.line.to_string(), outcome, one_line(&row.order, 40), one_line(&row.text(), MAX_DETAILS)]
    };
    write_rows(out, &std::iter::once(title).chain(shown.iter().map(line)).collect::<Vec<_>>())?;
    let more = rows.len().saturating_sub(shown.len());
    if more > 0 {
        let all = if has_report { "" } else { "; --report FILE writes all" };
        writeln!(out, "{more} more {}{all}", if more == 1 { "row" } else { "rows" })?;
    }
    Ok(())
}

/// Text of a file on one line, without credentials, and without control characters, which could change what
/// the terminal shows.
fn one_line(text: &str, max: usize) -> String {
    let text: String = credentials(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() <= max {
        return text;
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

impl Imports {
    pub(crate) async fn run(self, config: Config, out: &mut impl Write) -> Result<(), CommandError> {
        if let Some(ImportsCommand::Undo(undo)) = &self.command {
            refuse_existing(undo.wish.report.as_deref())?;
        }
        let store = open_existing(&config).await?;
        let done = match self.command {
            None => list(&store, config.orders.timezone, out).await,
            Some(ImportsCommand::Continue { id }) => {
                with_pipeline(&store, config, async |ingest| {
                    find(&store, id).await?;
                    run(ingest, &store, id, None, out).await
                })
                .await
            }
            Some(ImportsCommand::Undo(undo)) => undo.run(&store, config, out).await,
        };
        let closed = store.close().await;
        done?;
        Ok(closed.map_err(anyhow::Error::from)?)
    }
}

async fn find(store: &Store, id: i64) -> anyhow::Result<Import> {
    let import = store.import(id).await?;
    import.with_context(|| format!("there is no import {id}; `roms imports` lists them"))
}

async fn list(store: &Store, zone: Tz, out: &mut impl Write) -> anyhow::Result<()> {
    let imports = store.imports(MAX_IMPORTS).await?;
    if imports.is_empty() {
        writeln!(out, "No imports")?;
        return Ok(());
    }
    let title = ["ID", "TIME", "BY", "KIND", "STATE", "FILE", "ROWS"].map(str::to_owned);
    let row = |import: &Import| {
        let name = import.undoes.map_or_else(|| import.file_name.clone(), |id| format!("import {id}"));
        [
            import.id.to_string(),
            import.created_at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string(),
            import.actor.clone(),
            import.kind.to_string(),
            import.status(),
            one_line(&name, 40),
            import.counts.to_string(),
        ]
    };
    write_rows(out, &std::iter::once(title).chain(imports.iter().map(row)).collect::<Vec<_>>())?;
    for Import { id, .. } in imports.iter().filter(|import| import.state_name() == "running") {
        writeln!(
            out,
            "Import {id} is running. If its process was killed, ROMS notices within 5 seconds; then `roms imports \
             continue {id}` continues it."
        )?;
    }
    Ok(())
}

impl Undo {
    async fn run(self, store: &Store, config: Config, out: &mut impl Write) -> anyhow::Result<()> {
        let import = find(store, self.id).await?;
        with_pipeline(store, config, async |ingest| {
            ingest.check_undo(&import).await?;
            let plan = ingest.plan_undo(import.id).await?;
            if !show_first(ingest, &plan, Kind::Undo, &self.wish, out).await? {
                return Ok(());
            }
            run(
                ingest,
                store,
                id_of(ingest.offer_undo(&import, ACTOR).await?),
                self.wish.report.as_deref(),
                out,
            )
            .await
        })
        .await
    }
}
