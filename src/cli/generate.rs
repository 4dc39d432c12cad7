//! `roms generate`: writes the manual pages and the shell completions that packages contain.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use super::Cli;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder to write to. It is created if it does not exist.
    folder: PathBuf,
}

impl Arguments {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        self.write().with_context(|| format!("cannot write to {}", self.folder.display()))
    }

    fn write(&self) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        clap_mangen::generate_to(Cli::command(), &self.folder)?;
        for shell in Shell::value_variants() {
            clap_complete::generate_to(*shell, &mut Cli::command(), "roms", &self.folder)?;
        }
        Ok(())
    }
}
