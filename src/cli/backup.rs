//! `roms backup`: copies the database to a new file while ROMS runs.

use std::{io::Write, path::Path};

use anyhow::bail;

use crate::{config::Config, shutdown, store};

/// Writes the backup and says what is in it. A signal stops it, and nothing is left behind.
///
/// # Errors
/// When the database cannot be read or the file cannot be written.
pub(crate) async fn run(config: &Config, file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let stop = shutdown::on_signals()?;
    let contents = tokio::select! {
        backed_up = store::backup(&config.database.url, file) => backed_up?,
        () = stop.cancelled() => bail!("stopped; there is no backup at {}", file.display()),
    };
    writeln!(
        out,
        "Backed up to {}: {} orders, {} log rows. It holds e-mail addresses and proxies: keep it as safe as the \
         database",
        file.display(),
        contents.orders,
        contents.logs
    )?;
    Ok(())
}
