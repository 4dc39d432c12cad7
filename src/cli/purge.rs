//! `roms purge`: removes a person from everything that is stored.

use std::io::{self, IsTerminal, Write};

use anyhow::{Context, bail};

use super::{confirms, open_existing};
use crate::{
    config::Config,
    order::EmailAddress,
    store::{Purged, Store},
};

const NOT_COVERED: &str = "Not removed, because ROMS cannot reach it: backups made earlier, databases kept by `roms restore`, \
                           the messages in Discord (an edit or `roms discord backfill` reads them again), and on \
                           PostgreSQL the archived write-ahead log and replicas.";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The person's e-mail address, in upper or lower case.
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Only count what would be removed.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation.
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
}

impl Arguments {
    /// Finds the person, asks for confirmation, removes the person and prints what was removed. No output
    /// repeats the address.
    pub(crate) async fn run(self, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let address = EmailAddress::parse(&self.email)?;
        if !self.dry_run && !self.yes && !io::stdin().is_terminal() {
            bail!(
                "this cannot be undone: run it in a terminal, which asks, or with --yes; --dry-run only counts"
            );
        }
        let store = open_existing(config).await?;
        self.purge(&store, &address, out).await?;
        Ok(store.close().await?)
    }

    async fn purge(&self, store: &Store, address: &EmailAddress, out: &mut impl Write) -> anyhow::Result<()> {
        if !self.yes {
            let found = store.preview_purge(address).await?;
            report(out, &found, "would be removed")?;
            if self.dry_run || is_nothing(&found) {
                return Ok(());
            }
            if !confirms(&mut io::stdin().lock(), out)? {
                bail!("nothing was changed");
            }
        }
        let purged = store.purge(address).await.context("not finished; run it again")?;
        report(out, &purged, "removed")?;
        if !is_nothing(&purged) {
            writeln!(out, "{NOT_COVERED}")?;
        }
        Ok(())
    }
}

fn is_nothing(found: &Purged) -> bool {
    *found == Purged { orders: 0, events: 0, logs: 0, views: 0 }
}

fn report(out: &mut impl Write, found: &Purged, removed: &str) -> io::Result<()> {
    if is_nothing(found) {
        return writeln!(out, "Nothing found: no order, history, message or search holds this address");
    }
    let Purged { orders, events, logs, views } = found;
    writeln!(
        out,
        "{orders} orders: e-mail address, name, shipping address, profile, proxy, notes and unknown labels {removed}; \
         number, product, price, status and dates stay"
    )?;
    writeln!(out, "{events} steps of their history: the same values {removed}")?;
    writeln!(out, "{logs} messages in the log: text, warnings and error {removed}")?;
    writeln!(out, "{views} searches kept for the buttons of lists in Discord: {removed}")
}
