//! `roms backup`: copies the database to a new file while ROMS runs.

use std::{io::Write, path::PathBuf};

use anyhow::bail;

use crate::{config::Config, shutdown, store};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The file to create. An existing file is never overwritten.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Arguments {
    /// Writes the backup and prints how much it holds. A signal stops it and leaves no file behind.
    pub(crate) async fn run(self, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let file = self.file.display();
        let stop = shutdown::on_signals()?;
        let contents = tokio::select! {
            backed_up = store::backup(&config.database.url, &self.file) => backed_up?,
            () = stop.cancelled() => bail!("stopped; there is no backup at {file}"),
        };
        writeln!(
            out,
            "Backed up to {file}: {} orders, {} log rows. The file holds e-mail addresses and proxies: keep it as \
             safe as the database",
            contents.orders, contents.logs
        )?;
        Ok(())
    }
}
