//! `roms replay`: reads messages of the log again, after the reading was mended.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use clap::Args;

use super::{Failure, date::TypedDate, progress::Progress};
use crate::{
    config::Config,
    feed::Feed,
    ingest::{Ingest, ReplayFilter, ReplaySummary},
    store::Store,
};

/// Who is noted as having done it.
const ACTOR: &str = "cli";
/// What stands for every outcome.
const ALL: &str = "all";

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Only messages of this outcome.
    #[arg(
        long, value_name = "OUTCOME", default_value = "rejected",
        value_parser = ["rejected", "ignored", "unchanged", "updated", "created", ALL],
    )]
    outcome: String,
    /// Only messages that arrived since this date, such as 2026-01-31 or "31 January 2026".
    #[arg(long, value_name = "DATE", value_parser = TypedDate::parse)]
    since: Option<TypedDate>,
    /// Say what would come of it, and store nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Replay {
    /// Reads them again, shows how far it is, then what came of it.
    ///
    /// # Errors
    /// When the date is in the future, and when the database fails; messages read before that are
    /// stored.
    pub(crate) async fn run(self, config: Config, out: &mut impl Write) -> Result<(), Failure> {
        let since = self.since.as_ref().map(|date| date.start(config.orders.timezone)).transpose();
        let since = since.map_err(Failure::Config)?;
        Ok(self.read_again(since, config, out).await?)
    }

    async fn read_again(
        self,
        since: Option<DateTime<Utc>>,
        config: Config,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let filter = ReplayFilter { outcome: Some(self.outcome).filter(|outcome| outcome != ALL), since };
        let store = Store::open(&config.database.url).await?;
        let (ingest, writer) = Ingest::start(store.clone(), Feed::new(1), config.orders);
        let mut progress = Progress::to(io::stderr());
        let show = |summary: &ReplaySummary| {
            progress.show(summary.read, summary.total, &format!("{} messages", summary.read));
        };
        let summary = ingest.replay(&filter, self.dry_run, ACTOR, show).await;
        progress.finish();
        ingest.close();
        // A writer that broke off has answered with errors already.
        drop(writer.await);
        store.close().await?;
        let ReplaySummary { read, created, updated, unchanged, ignored, rejected, .. } = summary?;
        if self.dry_run {
            writeln!(out, "A dry run; nothing is stored.")?;
        }
        writeln!(
            out,
            "{read} messages read again: {created} orders created, {updated} updated, {unchanged} cards that say \
             nothing new, {ignored} that are no orders, {rejected} that could not be read"
        )?;
        Ok(())
    }
}
