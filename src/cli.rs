//! The command line: the commands, one file each, and the exit codes.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | failed; one line on standard error says why |
//! | 2 | the command line or the configuration is wrong |
//! | 3 | Discord refuses the bot permanently, and `discord.required` is set |

mod backup;
mod check_config;
mod date;
mod demo;
mod discord;
mod generate;
mod health;
mod import;
mod import_legacy;
mod init;
mod load;
mod migrate;
mod orders;
mod outbox;
mod parse;
mod progress;
mod purge;
mod replay;
mod restore;
mod send_sample;
mod serve;
mod server;
mod table;
mod token;
mod webhook;

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::bail;
use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

use crate::{
    config::Config,
    discord::DiscordError,
    store::{Options, Store, StoreError},
};

/// Keeps the orders that checkout bots such as Refract announce in Discord.
#[derive(Debug, Parser)]
#[command(name = "roms", version)]
pub struct Cli {
    /// Configuration file [default: config.toml in this folder, if there is one].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Default, Subcommand)]
enum Command {
    /// Run ROMS until it is stopped. This is what `roms` does without a command.
    #[default]
    Serve,
    /// Ask for what ROMS needs to know, and write the configuration.
    Init(init::Arguments),
    /// Show ROMS at work with made-up orders on a temporary database, without an account.
    Demo(demo::Arguments),
    /// Post a sample card to a running ROMS and show what it stored.
    SendSample(send_sample::Arguments),
    /// Ask a running ROMS whether it accepts orders: exit code 0 if it does, 1 if not.
    Health(health::Arguments),
    /// Show how ROMS reads a message. Stores nothing.
    Parse(parse::Parse),
    /// List orders, newest first, or delete a test order.
    Orders(orders::Orders),
    /// Show an order with its history.
    Order(orders::Show),
    /// Read stored messages again, for example after an update that reads more of them.
    Replay(replay::Arguments),
    /// Import a file: tracking numbers, received units, cancellations, orders or charges. Shows first what would change.
    Import(import::Arguments),
    /// List the imports, newest first, or continue or undo one.
    Imports(import::Imports),
    /// Take over the orders, messages and history of the old Python system.
    ImportLegacy(import_legacy::Arguments),
    /// Update the database to this release, then exit.
    Migrate,
    /// Copy the database to a new file. ROMS may keep running.
    Backup(backup::Arguments),
    /// Replace the database with a backup. Stop ROMS first.
    Restore(restore::Arguments),
    /// Remove a person from orders, history and log.
    Purge(purge::Arguments),
    /// Create, list and revoke the tokens with which programs use the HTTP API. ROMS may keep running.
    #[command(subcommand)]
    Token(token::Command),
    /// Send order events to other programs, such as n8n or Zapier. ROMS may keep running.
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// Show what could not be sent to others, and send it again.
    #[command(subcommand)]
    Outbox(outbox::Command),
    /// Check the configuration and print the values in force.
    CheckConfig,
    /// Write the manual pages and shell completions to a folder. For packages.
    #[command(hide = true)]
    Generate(generate::Arguments),
    /// Set up the Discord bot, or read the history of a channel again.
    #[command(subcommand)]
    Discord(discord::Command),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    /// The command line or the configuration is wrong.
    #[error("{0:#}")]
    Usage(anyhow::Error),
    /// Anything else.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

impl CommandError {
    /// Whether the reader of standard output has read enough, as `head` has after ten lines.
    fn is_closed_pipe(&self) -> bool {
        let Self::Other(error) = self else { return false };
        error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            // Its own code, so that a supervisor does not restart ROMS: Discord would refuse it again.
            Self::Other(error) if error.is::<DiscordError>() => ExitCode::from(3),
            Self::Other(_) => ExitCode::FAILURE,
        }
    }
}

impl Cli {
    /// Reads the command line. If it is wrong, this prints why and ends the process.
    #[must_use]
    pub fn read() -> Self {
        Self::try_parse().unwrap_or_else(|mut error| {
            hide_addresses(&mut error);
            error.exit()
        })
    }

    /// Runs the command. Results go to standard output, an error to standard error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.dispatch(&mut io::stdout()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
            Err(error) => {
                // If standard error is closed too, there is no place to report the error.
                let said = table::without_controls(&error.to_string());
                drop(writeln!(io::stderr().lock(), "roms: {said}"));
                error.exit_code()
            }
        }
    }

    fn dispatch(self, out: &mut impl Write) -> Result<(), CommandError> {
        let config = || load::config(self.config.as_deref()).map_err(CommandError::Usage);
        let runtime = Runtime::new().map_err(anyhow::Error::from)?;
        match self.command.unwrap_or_default() {
            Command::Serve => runtime.block_on(serve::run(config()?))?,
            Command::Init(arguments) => runtime.block_on(arguments.run(self.config.as_deref(), out))?,
            Command::Demo(arguments) => runtime.block_on(Box::pin(arguments.run(out)))?,
            Command::SendSample(arguments) => runtime.block_on(arguments.run(config, out))?,
            Command::Health(arguments) => runtime.block_on(arguments.run(config, out))?,
            Command::Parse(parse) => runtime.block_on(parse.run(&config()?, out))?,
            Command::Orders(arguments) => runtime.block_on(arguments.run(&config()?, out))?,
            Command::Order(arguments) => runtime.block_on(arguments.run(&config()?, out))?,
            Command::Replay(arguments) => runtime.block_on(arguments.run(config()?, out))?,
            Command::Import(arguments) => runtime.block_on(arguments.run(config()?, out))?,
            Command::Imports(arguments) => runtime.block_on(arguments.run(config()?, out))?,
            Command::ImportLegacy(arguments) => runtime.block_on(arguments.run(config()?, out))?,
            Command::Migrate => runtime.block_on(migrate::run(&config()?))?,
            Command::Backup(arguments) => runtime.block_on(arguments.run(&config()?, out))?,
            Command::Restore(arguments) => runtime.block_on(arguments.run(&config()?, out))?,
            Command::Purge(arguments) => runtime.block_on(arguments.run(&config()?, out))?,
            Command::Token(command) => runtime.block_on(command.run(&config()?, out))?,
            Command::Webhook(command) => runtime.block_on(command.run(&config()?, out))?,
            Command::Outbox(command) => runtime.block_on(command.run(&config()?, out))?,
            Command::CheckConfig => check_config::run(&config()?, out)?,
            Command::Generate(arguments) => arguments.run()?,
            Command::Discord(command) => runtime.block_on(discord::run(command, &config()?, out))?,
        }
        Ok(())
    }
}

/// Hides the paths of addresses in an error about the command line: the path of a webhook is a secret, and standard
/// error may be kept in a log.
fn hide_addresses(error: &mut clap::Error) {
    let hidden = |(kind, value): (ContextKind, &ContextValue)| match value {
        ContextValue::String(text) => Some((kind, without_path(text)?)),
        _ => None,
    };
    let found: Vec<(ContextKind, String)> = error.context().filter_map(hidden).collect();
    for (kind, shown) in found {
        error.insert(kind, ContextValue::String(shown));
    }
}

/// An address with `***` in place of user, password, path and query; `None` if the text is not an address or has
/// nothing to hide. The scheme may be missing. Without one, the text must have an `@`, or a dot or a colon in front of
/// a path, so that a name such as `Europe/Berlin` is not an address.
fn without_path(text: &str) -> Option<String> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let (host, has_path) = match rest.split_once(['/', '?', '#', '\\']) {
        Some((host, _)) => (host, true),
        None => (rest, false),
    };
    let is_address = !scheme.is_empty() || host.contains('@') || has_path && host.contains(['.', ':']);
    let person = host.rsplit_once('@');
    let path = if has_path { "/***" } else { "" };
    let hides = is_address && (has_path || person.is_some());
    let host = person.map_or_else(|| host.to_owned(), |(_, host)| format!("***@{host}"));
    hides.then(|| format!("{scheme}{host}{path}"))
}

/// Opens the database, but does not create one: a command that reads what is stored has nothing to do in a
/// folder without a database.
async fn open_existing(config: &Config) -> anyhow::Result<Store> {
    match config.database.url.sqlite_path() {
        Some(path) if !path.exists() => bail!(
            "{}; go to the folder of the database, or name its configuration file with --config (`roms serve` creates \
             a database)",
            StoreError::Missing(path.to_owned())
        ),
        _ => Ok(Store::open(&config.database.url).await?),
    }
}

/// Opens the database. The first token or endpoint may be created before ROMS was started for the first time.
async fn open_or_create(config: &Config) -> Result<Store, StoreError> {
    let is_new = config.database.url.sqlite_path().is_some_and(|path| !path.exists());
    let options = if is_new { Options::of(config) } else { Options::default() };
    Store::open_with(&config.database.url, options).await
}

/// Fails unless the person agrees to something that cannot be undone: with `--yes`, or at the terminal.
fn confirm_deletion(yes: bool, out: &mut impl Write) -> anyhow::Result<()> {
    if !yes && !io::stdin().is_terminal() {
        bail!("this cannot be undone: run it in a terminal, which asks, or with --yes");
    }
    if !yes && !confirms(&mut io::stdin().lock(), out)? {
        bail!("nothing was changed");
    }
    Ok(())
}

/// Asks the person at the terminal about something that cannot be undone.
fn confirms(answers: &mut impl BufRead, out: &mut impl Write) -> io::Result<bool> {
    asks("This cannot be undone.", answers, out)
}

/// Asks the person at the terminal whether to continue.
fn asks(about: &str, answers: &mut impl BufRead, out: &mut impl Write) -> io::Result<bool> {
    write!(out, "{about} Continue (y or n)? ")?;
    out.flush()?;
    let mut answer = String::new();
    answers.read_line(&mut answer)?;
    Ok(["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes)))
}

#[cfg(test)]
mod tests {
    use super::{confirms, without_path};

    #[test]
    fn only_addresses_lose_their_path() {
        for (text, shown) in [
            ("htps://discord.com/api/webhooks/1/secret", Some("htps://discord.com/***")),
            ("discord.com/api/webhooks/1/secret", Some("discord.com/***")),
            ("localhost:5678/webhook/secret?x", Some("localhost:5678/***")),
            ("https://user:pass@host/x", Some("https://***@host/***")),
            ("https://user:pass@host", Some("https://***@host")),
            ("user:pass@host:8001", Some("***@host:8001")),
            ("https://host?token=secret", Some("https://host/***")),
            ("https://host", None),
            ("Europe/Nowhere", None),
            ("example.net", None),
        ] {
            assert_eq!(without_path(text).as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn only_y_and_yes_confirm() {
        for (typed, expected) in [
            ("yes\n", true),
            (" Yes \r\n", true),
            ("y\n", true),
            ("Y\n", true),
            ("n\n", false),
            ("yesterday\n", false),
            ("\n", false),
            ("", false),
        ] {
            let mut out = Vec::new();
            assert_eq!(confirms(&mut typed.as_bytes(), &mut out).unwrap(), expected, "{typed:?}");
            let shown = String::from_utf8(out).unwrap();
            assert!(shown.ends_with("Continue (y or n)? "), "{shown}");
        }
    }
}
