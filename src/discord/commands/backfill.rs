//! `/backfill`: reads the history of a channel again, as the command line does.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serenity::all::{AutocompleteChoice, CreateAutocompleteResponse};
use tokio::sync::watch;

use super::attended::attend;
use super::data::{Ctx, Data, Done};
use super::failure::Failure;
use crate::config::Channel;
use crate::discord::history;
use crate::discord::history::Summary;
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;
use crate::discord::reply::text::{code, cut, plain_line};
use crate::order::dates;
use crate::order::dates::{DayEdge, EXAMPLES};

/// Longest label of a choice.
const LONGEST: usize = 100;
/// Most choices.
const MOST: usize = 25;

/// Read the history of a channel again
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn backfill(
    ctx: Ctx<'_>,
    #[description = "A watched channel"]
    #[autocomplete = "channels"]
    channel: String,
    #[description = "From when on: 2026-01-31, or 7 days"] since: String,
) -> Done {
    let turn = Turn::of(ctx);
    turn.defer().await?;
    let channel = watched(turn.data, &channel)?;
    let since = moment(turn.data, &since)?;
    let claim = Claim::of(&turn.data.being_read, channel.id).ok_or_else(|| {
        Failure::told(format!("The history of {} is being read already.", code(&channel.name)))
    })?;
    let (progress, shown) = watch::channel(String::new());
    let (deps, name) = (turn.data.deps.clone(), channel.name.clone());
    let work = async move {
        let _claim = claim;
        let show = |so_far: &Summary| {
            progress.send_replace(so_far_text(so_far));
        };
        // Old messages are not marked again.
        let channel = Channel { react: false, ..channel };
        history::read_since(&deps, &channel, since, show).await
    };
    let text = match attend(&turn, work, shown).await? {
        Some(summary) => told(&name, &summary?),
        None => "It takes longer than Discord waits, and goes on by itself. /status shows how far it is."
            .to_owned(),
    };
    turn.show(Screen::text(text)).await
}

#[expect(clippy::unused_async, reason = "poise awaits what completes")]
async fn channels(ctx: Ctx<'_>, typed: &str) -> CreateAutocompleteResponse {
    let typed = typed.trim().trim_start_matches('#').to_lowercase();
    let watched = &ctx.framework.user_data.channels;
    let fitting = watched
        .iter()
        .filter(|it| it.name.to_lowercase().contains(&typed) || it.id.to_string().contains(&typed));
    let choice =
        |it: &Channel| AutocompleteChoice::new(cut(&plain_line(&it.name), LONGEST), it.id.to_string());
    CreateAutocompleteResponse::new().set_choices(fitting.take(MOST).map(choice).collect())
}

/// The watched channel of an id, a mention or a name.
fn watched(data: &Data, typed: &str) -> Result<Channel, Failure> {
    let id = typed.trim().trim_start_matches("<#").trim_end_matches('>').parse::<i64>().ok();
    let name = typed.trim().trim_start_matches('#');
    let is_it = |it: &&Channel| Some(it.id) == id || it.name.eq_ignore_ascii_case(name);
    data.channels.iter().find(is_it).cloned().ok_or_else(|| {
        let known: Vec<String> = data.channels.iter().map(|it| format!("<#{}>", it.id)).collect();
        Failure::told(format!(
            "That is none of the channels that ROMS watches, and so it is not known whom to trust there. It watches {}.",
            if known.is_empty() { "none".to_owned() } else { known.join(", ") }
        ))
    })
}

/// A day of the configured time zone, a moment, or a span back from now.
fn moment(data: &Data, text: &str) -> Result<DateTime<Utc>, Failure> {
    let back = || TimeDelta::from_std(humantime::parse_duration(text.trim()).ok()?).ok();
    let found = dates::parse_limit(text, data.orders.timezone, DayEdge::Start)
        .or_else(|| Utc::now().checked_sub_signed(back()?));
    match found {
        Some(since) if since > Utc::now() => Err(Failure::told("That is in the future.")),
        Some(since) => Ok(since),
        None => {
            Err(Failure::told(format!("Write a date such as {EXAMPLES}, or a span of time such as 7 days.")))
        }
    }
}

fn so_far_text(summary: &Summary) -> String {
    let to = summary.read_to.map(|at| format!(", up to <t:{}:f>", at.timestamp())).unwrap_or_default();
    format!("Reading: {} messages so far{to}.", summary.messages)
}

fn told(name: &str, summary: &Summary) -> String {
    let Summary { messages, created, updated, known, ignored, rejected, .. } = summary;
    format!(
        "{}: {messages} messages read. Orders created: {created}, updated: {updated}; cards known already: \
         {known}, that are no orders: {ignored}, that cannot be read: {rejected}.",
        code(name)
    )
}

/// Keeps a channel from being read by two at once, for as long as it lives.
struct Claim {
    taken: Arc<Mutex<HashSet<i64>>>,
    channel: i64,
}

impl Claim {
    fn of(taken: &Arc<Mutex<HashSet<i64>>>, channel: i64) -> Option<Self> {
        let is_free = taken.lock().unwrap_or_else(PoisonError::into_inner).insert(channel);
        is_free.then(|| Self { taken: Arc::clone(taken), channel })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.channel);
    }
}
