//! `roms import-legacy`: takes over the database of the old Python system.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use chrono_tz::Tz;

use super::{CommandError, init::zone, progress::Progress};
use crate::config::{Config, DatabaseUrl};
use crate::feed::Feed;
use crate::ingest::{Bounds, Ingest, LegacyReport};
use crate::store::{LegacyDatabase, Options, Store};

/// Messages per transaction. More than for live messages: no sender waits for the answer.
const BATCH: usize = 256;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The old database, usually `roms_v2.db` in the folder of the old system. It is not changed.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the report, and store nothing.
    #[arg(long)]
    dry_run: bool,
    /// The time zone of the times in the old database, such as Europe/Berlin, if the old system did not write UTC.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    timezone: Tz,
}

impl Arguments {
    /// Imports, and prints a report. After an error, everything that was imported stays, and the import can be repeated.
    pub(crate) async fn run(self, config: Config, out: &mut impl Write) -> Result<(), CommandError> {
        let report = self.import(config).await?;
        print(&report, self.dry_run, out).map_err(anyhow::Error::from)?;
        Ok(())
    }

    async fn import(&self, config: Config) -> anyhow::Result<LegacyReport> {
        let old = LegacyDatabase::open(&self.file).await?;
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        let url = if self.dry_run { temporary(&folder)? } else { config.database.url.clone() };
        let store = Store::open_with(&url, Options::of(&config)).await?;
        let bounds = Bounds { batch: BATCH, ..Bounds::default() };
        let (ingest, writer) = Ingest::start_with(store.clone(), Feed::new(1), config.orders, bounds);
        let mut progress = Progress::new();
        let imported = ingest
            .import_legacy(&old, self.timezone, |done, total| {
                progress.show(done, total, &format!("{done} messages and orders"));
            })
            .await;
        progress.finish();
        ingest.close();
        // If the writer panicked, `imported` is already an error.
        drop(writer.await);
        store.close().await?;
        let report = imported?;
        old.check_unchanged()?;
        Ok(report)
    }
}

/// A database for a dry run, which is deleted with its folder.
fn temporary(folder: &tempfile::TempDir) -> anyhow::Result<DatabaseUrl> {
    let url = format!("sqlite://{}", folder.path().join("dry-run.db").display());
    url.parse().map_err(anyhow::Error::msg)
}

fn print(report: &LegacyReport, dry_run: bool, out: &mut impl Write) -> io::Result<()> {
    let LegacyReport { messages, without_order, rows, orders, events, added, repaired, found, doubtful } =
        report;
    if dry_run {
        writeln!(out, "Dry run; nothing was stored.")?;
    }
    if *added == 0 && messages + rows > 0 {
        writeln!(
            out,
            "Nothing is new: an earlier import took all of this over, and this one changed nothing. The report on the \
             whole file:"
        )?;
    }
    writeln!(out, "Read {messages} messages, {rows} orders and {events} steps of history.")?;
    writeln!(out, "{orders} orders came over.")?;
    if *without_order > 0 {
        writeln!(
            out,
            "{without_order} messages hold no order that can be read; they are in the webhook log."
        )?;
    }
    writeln!(out, "{} orders repaired from their messages{}", repaired.len(), end(repaired.is_empty()))?;
    for (number, columns) in repaired {
        writeln!(out, "  {number}: {}", columns.join(", "))?;
    }
    writeln!(
        out,
        "{} orders found again that the old system had lost{}",
        found.len(),
        end(found.is_empty())
    )?;
    for number in found {
        writeln!(out, "  {number}")?;
    }
    writeln!(out, "{} doubtful rows{}", doubtful.len(), end(doubtful.is_empty()))?;
    for (number, why) in doubtful {
        writeln!(out, "  {number}: {}", why.join("; "))?;
    }
    Ok(())
}

/// The punctuation after the heading of a list.
fn end(is_empty: bool) -> &'static str {
    if is_empty { "." } else { ":" }
}
