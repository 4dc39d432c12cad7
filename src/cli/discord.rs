//! `roms discord …`: what helps to set the bot up, and to read a channel's history by hand.
//!
//! What is asked of Discord, and how, is `crate::discord`'s; here is what people see of it.

use std::io::{self, Write};

use anyhow::{Context as _, anyhow, bail};
use chrono::{DateTime, Utc};
use clap::Subcommand;

use super::{Failure, date::TypedDate, progress::Progress};
use crate::config::{Channel, Config, Discord};
use crate::discord;
use crate::discord::Timing;
use crate::discord::history::Summary;
use crate::discord::rest::Rest;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the link that invites the bot to a guild, with the permissions it needs.
    InviteUrl,
    /// Check token, intents, guilds and channels, and say which switch mends what is missing.
    Check,
    /// Read the history of a channel again; what is stored already stays as it is.
    Backfill {
        /// The channel's id; it must be in the configuration.
        #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
        channel: i64,
        /// How far back, such as 2026-01-31 or "31 January 2026" [default: the channel's `history`].
        #[arg(long, value_name = "DATE", value_parser = TypedDate::parse)]
        since: Option<TypedDate>,
    },
}

/// Does it.
///
/// # Errors
/// When the configuration has no token or not that channel, when Discord refuses, and when the
/// check finds something missing.
pub(crate) async fn run(command: Command, config: &Config, out: &mut impl Write) -> Result<(), Failure> {
    let discord = connection(config).map_err(Failure::Config)?;
    match command {
        Command::InviteUrl => writeln!(out, "{}", invite_url(discord).await?).map_err(anyhow::Error::from)?,
        Command::Check => check(discord, out).await?,
        Command::Backfill { channel, since } => {
            let channel = watched(discord, channel).map_err(Failure::Config)?;
            let since = since.as_ref().map(|date| date.start(config.orders.timezone)).transpose();
            let since = since.map_err(Failure::Config)?;
            backfill(config, channel, since, out).await?;
        }
    }
    Ok(())
}

/// The configured connection, which is there where there is a token.
fn connection(config: &Config) -> anyhow::Result<&Discord> {
    config.discord().ok_or_else(|| {
        anyhow!(
            "no token of a Discord bot is configured: set `token` under [discord] in the configuration file, \
             or the variable ROMS__DISCORD__TOKEN, or name a file that holds it in ROMS__DISCORD__TOKEN_FILE. \
             The README's part \"Set up the Discord bot\" says where it comes from"
        )
    })
}

fn watched(discord: &Discord, id: i64) -> anyhow::Result<&Channel> {
    discord.channels.iter().find(|channel| channel.id == id).ok_or_else(|| {
        let known: Vec<_> =
            discord.channels.iter().map(|channel| format!("{} ({})", channel.id, channel.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        anyhow!(
            "channel {id} is not in the configuration, which says whom to trust there: add [[discord.channels]] \
             with this id. Configured: {known}"
        )
    })
}

async fn invite_url(config: &Discord) -> anyhow::Result<String> {
    let rest = Rest::new(config, &Timing::default())?;
    let application = rest.application().await.context("cannot ask Discord whose token this is")?;
    Ok(discord::check::invite::invite_url(application.id))
}

async fn check(config: &Discord, out: &mut impl Write) -> anyhow::Result<()> {
    let report = discord::check::check(config, &Rest::new(config, &Timing::default())?).await;
    write!(out, "{report}")?;
    if report.is_ok() { Ok(()) } else { bail!("not all is as it should be; see above") }
}

/// Reads the history, shows how far it is, then what came of it.
async fn backfill(
    config: &Config,
    channel: &Channel,
    since: Option<DateTime<Utc>>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let since = since.unwrap_or_else(|| Utc::now() - channel.history);
    writeln!(out, "Reading {} since {}", channel.name, since.format("%Y-%m-%d %H:%M UTC"))?;
    let mut progress = Progress::to(io::stderr());
    let summary = read_history(config, channel, since, &mut progress).await;
    progress.finish();
    writeln!(out, "{}", summary?)?;
    Ok(())
}

/// How far it is shows in the time of the last message read.
async fn read_history(
    config: &Config,
    channel: &Channel,
    since: DateTime<Utc>,
    progress: &mut Progress<impl Write>,
) -> anyhow::Result<String> {
    let now = Utc::now();
    let span = u64::try_from((now - since).num_seconds()).unwrap_or_default().max(1);
    let show = |summary: &Summary| {
        let read = summary.read_to.map_or(0, |read_to| (read_to - since).num_seconds());
        let read = u64::try_from(read).unwrap_or_default().min(span);
        progress.show(read, span, &format!("{} messages", summary.messages));
    };
    let summary = discord::backfill_by_hand(config, connection(config)?, channel, since, show).await?;
    let Summary { messages, created, updated, known, ignored, rejected, .. } = summary;
    Ok(format!(
        "{messages} messages read: {created} orders created, {updated} updated, {known} cards known already, \
         {ignored} that are no orders, {rejected} that could not be read"
    ))
}
