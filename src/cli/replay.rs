//! `roms replay`: reads stored messages again, for example with a parser that understands more of them.

use std::io::Write;

use super::{CommandError, date::TypedDate, open_existing, progress::Progress};
use crate::{
    config::Config,
    feed::Feed,
    ingest::{Ingest, ReplayFilter, ReplaySummary},
};

/// The actor that the history of the changed orders names.
const ACTOR: &str = "cli";
/// The value of `--outcome` that means every outcome.
const ALL: &str = "all";

/// Cancelled orders that the summary lists.
const MAX_NUMBERS: usize = 50;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only messages with this outcome.
    #[arg(
        long, value_name = "OUTCOME", default_value = "rejected",
        value_parser = ["rejected", "ignored", "unchanged", "updated", "created", ALL],
    )]
    outcome: String,
    /// Only messages that arrived since this date, such as 2026-01-31 or "31 January 2026".
    #[arg(long, value_name = "DATE", value_parser = TypedDate::parse)]
    since: Option<TypedDate>,
    /// Print what would happen, and store nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Arguments {
    /// Reads the messages again and prints a summary. After an error, what was read before it stays stored.
    pub(crate) async fn run(self, config: Config, out: &mut impl Write) -> Result<(), CommandError> {
        let since = self.since.as_ref().map(|date| date.start(config.orders.timezone)).transpose();
        let outcome = (self.outcome != ALL).then_some(self.outcome);
        let filter = ReplayFilter { outcome, since: since.map_err(CommandError::Usage)? };
        let summary = read_again(&filter, self.dry_run, config).await?;

        let ReplaySummary { read, created, updated, unchanged, ignored, rejected, cancelled, .. } = summary;
        let dry_run = if self.dry_run { "Dry run; nothing was stored.\n" } else { "" };
        writeln!(
            out,
            "{dry_run}{read} messages read again: {created} orders created, {updated} updated, {unchanged} unchanged, \
             {ignored} cards that are not orders, {rejected} that could not be read"
        )
        .map_err(anyhow::Error::from)?;
        if !cancelled.is_empty() {
            let shown = cancelled.iter().take(MAX_NUMBERS).map(ToString::to_string);
            let more = cancelled.len().checked_sub(MAX_NUMBERS).filter(|more| *more > 0);
            let numbers: Vec<_> = shown.chain(more.map(|more| format!("and {more} more"))).collect();
            writeln!(
                out,
                "{} orders cancelled, because no message reads as the order any more: {}",
                cancelled.len(),
                numbers.join(", ")
            )
            .map_err(anyhow::Error::from)?;
        }
        Ok(())
    }
}

async fn read_again(filter: &ReplayFilter, dry_run: bool, config: Config) -> anyhow::Result<ReplaySummary> {
    let store = open_existing(&config).await?;
    let (ingest, writer) = Ingest::start(store.clone(), Feed::new(1), config.orders);
    let mut progress = Progress::new();
    let summary = ingest
        .replay(filter, dry_run, ACTOR, |summary| {
            progress.show(summary.read, summary.total, &format!("{} messages", summary.read));
        })
        .await;
    progress.finish();
    ingest.close();
    // If the writer panicked, `summary` is already an error.
    drop(writer.await);
    store.close().await?;
    Ok(summary?)
}
