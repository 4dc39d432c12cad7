//! `/logs`: lists the messages that ROMS received, shows one of them, and reads it again. Lists the access log too.

pub(crate) mod access;

use serenity::all::{CreateActionRow, CreateAttachment, CreateButton};

use super::context::{CommandResult, Context, Data, begin_deferred};
use crate::card::decode::discord::{ChannelRef, MessageRef};
use crate::discord::reply::Reply;
use crate::discord::reply::components::{MAX_CHOICE_LENGTH, secondary_button, select};
use crate::discord::reply::custom_id::custom_id;
use crate::discord::reply::embed::{BLURPLE, EmbedBuilder};
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;
use crate::discord::reply::text::{
    code, escape_line, escape_lines, outcome_names, plain_line, pluralize, relative_time, timestamp,
    truncate, utf16_len,
};
use crate::redact::credentials;
use crate::store::{LogEntry, LogFilter};

/// Lines on a page.
const PAGE_SIZE: u64 = 15;
/// A longer text form is attached as a file.
const MAX_TEXT_FORM: usize = 3000;
/// A larger payload is attached without indentation, in bytes. Indentation can make deeply nested JSON
/// a hundred times larger, and Discord accepts files of at most 10 MB.
const MAX_INDENTED: usize = 64 * 1024;
/// The outcome argument of a custom id that stands for all outcomes.
const ALL: &str = "-";

/// Show the latest messages that ROMS received
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn logs(
    ctx: Context<'_>,
    #[description = "Only messages with this outcome"]
    #[choices("created", "updated", "unchanged", "duplicate", "ignored", "rejected")]
    outcome: Option<&'static str>,
    #[description = "Which log (default: messages). The access log is about tokens and refused requests"]
    #[choices("messages", "access")]
    kind: Option<&'static str>,
) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let reply = match (kind, outcome) {
        (Some("access"), None) => access::page(data, None).await?,
        (Some("access"), Some(_)) => return Err(CommandError::user("Only messages have an outcome.")),
        _ => page(data, outcome, None).await?,
    };
    responder.show(reply).await
}

/// Buttons "Newest" and "Older".
pub(crate) async fn show_page(data: &Data, responder: &Responder<'_>) -> CommandResult {
    let mut arguments = responder.arguments();
    responder.defer_update().await?;
    let outcome = Some(arguments.text()?).filter(|outcome| *outcome != ALL);
    let before = Some(arguments.parse()?).filter(|id| *id > 0);
    responder.show(page(data, outcome, before).await?).await
}

/// Select: shows one message.
pub(crate) async fn open(data: &Data, responder: &Responder<'_>) -> CommandResult {
    responder.defer().await?;
    responder.show(message(data, responder.selected_id()?).await?).await
}

/// Button "Replay": reads a message again.
pub(crate) async fn replay(data: &Data, responder: &Responder<'_>) -> CommandResult {
    responder.defer_update().await?;
    let id = responder.arguments().parse()?;
    let receipt =
        data.services.ingest.replay_one(id, &responder.actor()).await?.ok_or(CommandError::OutOfDate)?;
    let reply = message(data, id).await?;
    responder.show(reply.with_text(format!("Read again: {}.", outcome_names(&receipt)))).await
}

async fn page(data: &Data, outcome: Option<&str>, before_id: Option<i64>) -> Result<Reply, CommandError> {
    let filter = LogFilter { outcome: outcome.map(str::to_owned), before_id, source: None };
    let found = data.services.store.logs(&filter, PAGE_SIZE).await?;
    let Some(oldest) = found.items.last().map(|log| log.id) else {
        return Ok(Reply::text(match outcome {
            Some(outcome) => format!("No messages with the outcome {}.", plain_line(outcome)),
            None => "ROMS has not received any messages yet.".to_owned(),
        }));
    };
    let title = outcome.map_or_else(|| "Messages".to_owned(), |outcome| format!("Messages: {outcome}"));
    let embed = EmbedBuilder {
        description: found.items.iter().map(line).collect::<Vec<_>>().join("\n"),
        footer: format!(
            "{}{}",
            if found.total.exact { "" } else { "more than " },
            pluralize(found.total.count, "message", "messages")
        ),
        ..EmbedBuilder::titled(title, BLURPLE)
    };
    let outcome = outcome.unwrap_or(ALL);
    let is_last = (found.items.len() as u64) < PAGE_SIZE;
    let buttons = vec![
        secondary_button(custom_id("logs", &[&outcome, &0]), "Newest"),
        secondary_button(custom_id("logs", &[&outcome, &oldest]), "Older").disabled(is_last),
    ];
    let options = found.items.iter().map(|log| (label(log), log.id.to_string()));
    Ok(Reply::embed(embed).with_row(CreateActionRow::Buttons(buttons)).with_row(select(
        custom_id("log", &[]),
        "Show a message",
        options,
    )))
}

fn outcome_emoji(outcome: &str) -> &'static str {
    match outcome {
        "created" => "✅",
        "updated" => "🔄",
        "rejected" => "⚠️",
        _ => "▫️",
    }
}

fn line(log: &LogEntry) -> String {
    let reason = log.error_message.as_deref().map(plain_line);
    let reason = reason.map(|reason| format!(" · {}", escape_line(&truncate(&reason, MAX_CHOICE_LENGTH))));
    let LogEntry { id, outcome, created_at, .. } = log;
    let (emoji, age) = (outcome_emoji(outcome), relative_time(*created_at));
    format!("{emoji} `{id}` {outcome} · {age}{}", reason.unwrap_or_default())
}

fn label(log: &LogEntry) -> String {
    let reason = log.error_message.as_deref().or(log.code.as_deref()).unwrap_or_default();
    format!("{} {} {} {}", outcome_emoji(&log.outcome), log.id, log.outcome, plain_line(reason))
}

async fn message(data: &Data, id: i64) -> Result<Reply, CommandError> {
    let log = data.services.store.log(id).await?.ok_or(CommandError::OutOfDate)?;
    let title = format!("{} Message {id}: {}", outcome_emoji(&log.outcome), log.outcome);
    let mut embed = EmbedBuilder::titled(title, BLURPLE);
    let mut files = Vec::new();
    let text_form = credentials(&log.flattened);
    if utf16_len(&text_form) > MAX_TEXT_FORM {
        files.push(CreateAttachment::bytes(text_form.as_bytes(), format!("message-{id}-read.txt")));
    } else if !text_form.trim().is_empty() {
        embed.description = format!("```\n{}\n```", text_form.replace("```", "ˋˋˋ"));
    }
    embed.field("Reason", log.error_message.as_deref().map(escape_line).unwrap_or_default());
    embed.field("Warnings", escape_lines(&log.warnings));
    embed.inline_field("Received", timestamp(log.created_at));
    embed.inline_field("Source", source(&log));
    embed.field("Orders", order_numbers(data, &log).await?);
    embed.inline_field("Deleted in Discord", log.deleted_at.map(timestamp).unwrap_or_default());
    if log.payload.is_empty() {
        "The original message is no longer stored.".clone_into(&mut embed.footer);
        return Ok(Reply { files, ..Reply::embed(embed) });
    }
    files.push(payload(&log));
    let replay = CreateButton::new(custom_id("replay", &[&id])).label("Replay");
    Ok(Reply { files, ..Reply::embed(embed) }.with_row(CreateActionRow::Buttons(vec![replay])))
}

/// The payload without credentials. JSON is indented.
fn payload(log: &LogEntry) -> CreateAttachment {
    let json = Some(&log.payload).filter(|payload| payload.len() <= MAX_INDENTED);
    let json = json.and_then(|payload| serde_json::from_str::<serde_json::Value>(payload).ok());
    let (text, extension) = match json.filter(|json| json.is_object() || json.is_array()) {
        Some(json) => (format!("{json:#}"), "json"),
        None => (log.payload.clone(), "txt"),
    };
    CreateAttachment::bytes(credentials(&text).as_bytes(), format!("message-{}.{extension}", log.id))
}

/// Where a message came from: a link to it in Discord, or the HTTP path.
fn source(log: &LogEntry) -> String {
    match ChannelRef::from_endpoint(&log.endpoint) {
        Some(channel) => match log.message_id {
            Some(message) => {
                format!("<#{}> ([message]({}))", channel.channel, MessageRef { channel, message }.url())
            }
            None => format!("<#{}>", channel.channel),
        },
        None => code(&log.endpoint),
    }
}

/// The numbers of the orders that a message named, without those that were deleted since then.
async fn order_numbers(data: &Data, log: &LogEntry) -> Result<String, CommandError> {
    let mut numbers = Vec::new();
    for id in &log.order_ids {
        if let Some(order) = data.services.store.order_by_id(*id).await? {
            numbers.push(code(order.number.as_str()));
        }
    }
    Ok(numbers.join(", "))
}
