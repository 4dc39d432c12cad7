//! The command line: what can be asked for, and the exit codes.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed; one line on standard error says why |
//! | 2 | the command line or the configuration cannot be used |
//! | 3 | Discord refuses the bot for good, and `discord.required` is set |

mod backup;
mod date;
mod discord;
mod load;
mod parse;
mod progress;
mod purge;
mod replay;
mod report;
mod restore;
mod send_sample;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::{app, discord::DiscordError, shutdown, telemetry};

/// Keeps the orders that a group of buyers places with the Refract checkout bot.
#[derive(Debug, Parser)]
#[command(name = "roms", version)]
pub struct Cli {
    /// Configuration file [default: config.toml, where there is one].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Default, Subcommand)]
enum Command {
    /// Serve the HTTP API until stopped (what `roms` alone does).
    #[default]
    Serve,
    /// Post the sample message to a running ROMS, and show what it stored.
    SendSample {
        /// Where ROMS is served.
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8001")]
        url: String,
    },
    /// Show how ROMS reads a message, without storing anything.
    Parse(parse::Parse),
    /// Read messages of the log again, after the reading was mended.
    Replay(replay::Replay),
    /// Bring the database to the schema of this release, and stop.
    Migrate,
    /// Copy the database to a new file while ROMS runs.
    Backup {
        /// The file to make; one that exists is not overwritten.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Put a backup in the place of the database, while ROMS does not run.
    Restore {
        /// The backup. The database that it replaces is kept beside it.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Remove a person from orders, their history and the log.
    Purge(purge::Arguments),
    /// Check the configuration, and show what is in force.
    CheckConfig,
    /// Set up the Discord bot, and read a channel's history by hand.
    #[command(subcommand)]
    Discord(discord::Command),
}

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The configuration cannot be used.
    #[error("{0:#}")]
    Config(anyhow::Error),
    /// Anything else.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl Failure {
    /// Whether the reader of standard output has read enough, as `head` has after ten lines.
    fn is_closed_pipe(&self) -> bool {
        let Self::Other(error) = self else { return false };
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            // A restart would be refused again, and Discord counts.
            Self::Other(error) if error.is::<DiscordError>() => ExitCode::from(3),
            Self::Other(_) => ExitCode::FAILURE,
        }
    }
}

impl Cli {
    /// Does what the command line says. Results go to standard output, a failure to standard
    /// error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.dispatch(&mut io::stdout()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
            Err(failure) => {
                // There is nobody left to tell when standard error is closed too.
                drop(writeln!(io::stderr().lock(), "roms: {failure}"));
                failure.exit_code()
            }
        }
    }

    fn dispatch(self, out: &mut impl Write) -> Result<(), Failure> {
        let config = || load::config(self.config.as_deref()).map_err(Failure::Config);
        match self.command.unwrap_or_default() {
            Command::Serve => {
                let config = config()?;
                telemetry::init(&config.log)?;
                let stop = shutdown::on_signals()?;
                runtime()?.block_on(app::serve(config, stop))?;
            }
            Command::Migrate => {
                let config = config()?;
                telemetry::init(&config.log)?;
                runtime()?.block_on(app::migrate(config))?;
            }
            Command::SendSample { url } => runtime()?.block_on(send_sample::run(&url, out))?,
            Command::Parse(parse) => runtime()?.block_on(parse.run(&config()?, out))?,
            Command::Replay(replay) => runtime()?.block_on(replay.run(config()?, out))?,
            Command::Backup { file } => runtime()?.block_on(backup::run(&config()?, &file, out))?,
            Command::Restore { file } => runtime()?.block_on(restore::run(&config()?, &file, out))?,
            Command::Purge(arguments) => runtime()?.block_on(purge::run(&arguments, &config()?, out))?,
            Command::CheckConfig => {
                out.write_all(config()?.to_masked_toml().map_err(anyhow::Error::from)?.as_bytes())
                    .map_err(anyhow::Error::from)?;
            }
            Command::Discord(command) => runtime()?.block_on(discord::run(command, &config()?, out))?,
        }
        Ok(())
    }
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(Runtime::new()?)
}
