//! `roms discord …`: helps to set the bot up, and reads a channel's history on request.

use std::io::Write;

use anyhow::{Context as _, anyhow, bail};
use chrono::{DateTime, Utc};
use clap::Subcommand;

use super::{CommandError, date::TypedDate, progress::Progress};
use crate::config::{Config, Discord};
use crate::discord::history::BackfillSummary;
use crate::discord::rest::Rest;
use crate::discord::{WatchedChannel, check, find_channel};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the link that invites the bot to a guild, with the permissions it needs.
    InviteUrl,
    /// Check the token, intents, guilds and channels, and say how to fix what is missing.
    Check,
    /// Read the history of a channel and its threads again. Stored messages stay as they are.
    Backfill {
        /// The channel's id, or the id of one thread. The channel must be in the configuration.
        #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
        channel: i64,
        /// How far back, such as 2026-01-31 or "31 January 2026" [default: the channel's `history`].
        #[arg(long, value_name = "DATE", value_parser = TypedDate::parse)]
        since: Option<TypedDate>,
    },
}

/// Runs a command.
///
/// # Errors
/// When the configuration lacks the token or the channel, when Discord fails, and when the check
/// finds a problem.
pub(crate) async fn run(command: Command, config: &Config, out: &mut impl Write) -> Result<(), CommandError> {
    let discord = discord_config(config).map_err(CommandError::Usage)?;
    match command {
        Command::InviteUrl => writeln!(out, "{}", invite_url(discord).await?).map_err(anyhow::Error::from)?,
        Command::Check => run_check(config, discord, out).await?,
        Command::Backfill { channel, since } => {
            let channel = watched_channel(discord, channel).await.map_err(CommandError::Usage)?;
            let since = since.as_ref().map(|date| date.start(config.orders.timezone)).transpose();
            let since = since.map_err(CommandError::Usage)?;
            backfill(config, &channel, since, out).await?;
        }
    }
    Ok(())
}

fn discord_config(config: &Config) -> anyhow::Result<&Discord> {
    config.discord().ok_or_else(|| {
        anyhow!(
            "no Discord bot token is configured: run `roms init`, which asks for it, or set `token` or `token_file` under \
             [discord] in the configuration file, or the variable ROMS__DISCORD__TOKEN or ROMS__DISCORD__TOKEN_FILE. \
             docs/discord-setup.md explains where to get it"
        )
    })
}

async fn watched_channel(discord: &Discord, id: i64) -> anyhow::Result<WatchedChannel> {
    let (found, failure) = match find_channel(discord, id).await {
        Ok(found) => (found, None),
        Err(error) => (None, Some(error)),
    };
    found.ok_or_else(|| {
        let known: Vec<_> =
            discord.channels.iter().map(|channel| format!("{} ({})", channel.id, channel.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let failure = failure.map(|error| format!(" (whether it is a thread is unknown: {error})"));
        anyhow!(
            "channel {id} is not in the configuration{}, so ROMS does not know whose messages to trust there: add \
             [[discord.channels]] with this id. Configured: {known}",
            failure.unwrap_or_default()
        )
    })
}

async fn invite_url(config: &Discord) -> anyhow::Result<String> {
    let rest = Rest::for_command(config)?;
    let application = rest.application().await.context("cannot ask Discord for the bot's application")?;
    Ok(check::invite_url(application.id))
}

async fn run_check(config: &Config, discord: &Discord, out: &mut impl Write) -> anyhow::Result<()> {
    let report = report(config, discord, &Rest::for_command(discord)?).await;
    write!(out, "{report}")?;
    if report.is_ok() { Ok(()) } else { bail!("the check found problems; see above") }
}

/// Checks the bot and the sign-in.
pub(crate) async fn report(config: &Config, discord: &Discord, rest: &Rest) -> check::Report {
    let mut report = check::check(discord, rest).await;
    report.findings.extend(check::check_sign_in(config, rest).await);
    report
}

/// Reads the history, shows the progress, and prints the result.
async fn backfill(
    config: &Config,
    channel: &WatchedChannel,
    since: Option<DateTime<Utc>>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let since = since.unwrap_or_else(|| Utc::now() - channel.settings.history);
    writeln!(out, "Reading {} since {}", channel.name(), since.format("%Y-%m-%d %H:%M UTC"))?;
    let mut progress = Progress::new();
    let summary = read_history(config, channel, since, &mut progress).await;
    progress.finish();
    writeln!(out, "{}", summary?)?;
    Ok(())
}

/// Measures progress by the time of the last message read.
async fn read_history(
    config: &Config,
    channel: &WatchedChannel,
    since: DateTime<Utc>,
    progress: &mut Progress,
) -> anyhow::Result<String> {
    let now = Utc::now();
    let span = u64::try_from((now - since).num_seconds()).unwrap_or_default().max(1);
    let show = |summary: &BackfillSummary| {
        let read = summary.read_to.map_or(0, |read_to| (read_to - since).num_seconds());
        let read = u64::try_from(read).unwrap_or_default().min(span);
        progress.show(read, span, &format!("{} messages", summary.messages));
    };
    let summary = crate::discord::backfill(config, discord_config(config)?, channel, since, show).await?;
    let BackfillSummary { messages, created, updated, known, ignored, rejected, .. } = summary;
    Ok(format!(
        "{messages} messages read: {created} orders created, {updated} updated, {known} cards already known, \
         {ignored} ignored (not orders), {rejected} rejected (not readable)"
    ))
}
