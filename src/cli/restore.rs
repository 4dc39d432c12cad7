//! `roms restore`: replaces the database with a backup while ROMS is stopped.

use std::{io::Write, path::PathBuf};

use anyhow::bail;

use crate::{
    config::Config,
    shutdown,
    store::{self, StoreError},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The backup file. The present database is kept under another name.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Arguments {
    /// Restores the backup and prints what the database now holds and where the previous one is kept. A
    /// signal stops it and leaves the database unchanged.
    pub(crate) async fn run(self, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let stop = shutdown::on_signals()?;
        let restored = tokio::select! {
            restored = store::restore(&config.database.url, &self.file) => match restored {
                // The store's own message gives advice about the database, not about a backup.
                Err(StoreError::NotADatabase(path)) if path == self.file => {
                    bail!("{} is not an SQLite database, so it cannot be a backup of ROMS", path.display())
                }
                restored => restored?,
            },
            () = stop.cancelled() => bail!("stopped; the database is unchanged"),
        };
        let (orders, logs) = (restored.contents.orders, restored.contents.logs);
        writeln!(out, "Restored {}: {orders} orders, {logs} log rows", self.file.display())?;
        if let Some(kept) = restored.kept {
            writeln!(out, "The previous database is kept as {}", kept.display())?;
        }
        Ok(())
    }
}
