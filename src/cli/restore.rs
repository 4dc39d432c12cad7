//! `roms restore`: puts a backup in the place of the database, while ROMS does not run.

use std::{io::Write, path::Path};

use anyhow::bail;

use crate::{config::Config, shutdown, store};

/// Restores the backup, and says what the database holds now and where the one before is. A
/// signal stops it, and the database is as it was.
///
/// # Errors
/// When the backup cannot be used, or the database is in use.
pub(crate) async fn run(config: &Config, file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let stop = shutdown::on_signals()?;
    let restored = tokio::select! {
        restored = store::restore(&config.database.url, file) => restored?,
        () = stop.cancelled() => bail!("stopped; the database is as it was"),
    };
    let (orders, logs) = (restored.contents.orders, restored.contents.logs);
    writeln!(out, "Restored {}: {orders} orders, {logs} log rows", file.display())?;
    if let Some(kept) = restored.kept {
        writeln!(out, "The database that was there before is kept as {}", kept.display())?;
    }
    Ok(())
}
