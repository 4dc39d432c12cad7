//! `/logs`: what came in and what became of it.

use poise::ChoiceParameter;
use serenity::all::{
    ButtonStyle, CreateActionRow, CreateAttachment, CreateButton, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption,
};

use super::data::{Ctx, Data, Done};
use super::failure::Failure;
use super::route::{Arguments, custom_id};
use crate::card::outcome::Receipt;
use crate::discord::reply::embed::Sheet;
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;
use crate::discord::reply::text::{ago, code, counted, cut, moment, plain_line, shown_line, units};
use crate::redact::credentials;
use crate::store::{LogEntry, LogFilter};

/// Messages on a page.
const PAGE: u64 = 15;
/// Longest reason on a line, and longest label.
const LONGEST: usize = 100;
/// Longest text form in the embed; a longer one is in a file.
const LONGEST_TEXT: usize = 3000;
/// Longest payload that is laid out, in bytes. Laid out, one that is nested deep is a hundred times as
/// long, and Discord takes files of at most ten million bytes.
const LONGEST_LAID_OUT: usize = 64 * 1024;
/// Stands for every outcome.
const ALL: &str = "-";

/// What became of a message, to choose from.
#[derive(Clone, Copy, Debug, ChoiceParameter)]
pub(crate) enum OutcomeChoice {
    #[name = "created"]
    Created,
    #[name = "updated"]
    Updated,
    #[name = "unchanged"]
    Unchanged,
    #[name = "duplicate"]
    Duplicate,
    #[name = "ignored"]
    Ignored,
    #[name = "rejected"]
    Rejected,
}

/// The last messages that came in
#[poise::command(slash_command, guild_only, ephemeral)]
pub(crate) async fn logs(
    ctx: Ctx<'_>,
    #[description = "Only messages of which this became"] outcome: Option<OutcomeChoice>,
) -> Done {
    let turn = Turn::of(ctx);
    turn.defer().await?;
    let outcome = outcome.map(|outcome| ChoiceParameter::name(&outcome));
    turn.show(page(turn.data, outcome, None).await?).await
}

/// Button: older messages, or the newest.
pub(crate) async fn turn_page(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    turn.defer_update().await?;
    let (outcome, before) = (arguments.text()?, arguments.read::<i64>()?);
    turn.show(
        page(turn.data, Some(outcome).filter(|it| *it != ALL), Some(before).filter(|id| *id > 0)).await?,
    )
    .await
}

/// Select: one message.
pub(crate) async fn chosen(turn: &Turn<'_>, _: Arguments<'_>) -> Done {
    turn.defer().await?;
    let id = turn.chosen.first().and_then(|id| id.parse().ok()).ok_or(Failure::OutOfDate)?;
    turn.show(one(turn.data, id).await?).await
}

/// Button: reads a message again.
pub(crate) async fn replay(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    turn.defer_update().await?;
    let id = arguments.read()?;
    let receipt = turn.data.deps.ingest.replay_one(id, &turn.actor()).await?.ok_or(Failure::OutOfDate)?;
    let mut screen = one(turn.data, id).await?;
    screen.text = format!("Read again: {}.", outcomes(&receipt));
    turn.show(screen).await
}

/// What became of each card, as `created, rejected`.
pub(crate) fn outcomes(receipt: &Receipt) -> String {
    let outcomes: Vec<&str> = receipt.cards.iter().map(|card| card.outcome.as_str()).collect();
    if outcomes.is_empty() { "it holds no card".to_owned() } else { outcomes.join(", ") }
}

async fn page(data: &Data, outcome: Option<&str>, before_id: Option<i64>) -> Result<Screen, Failure> {
    let filter = LogFilter { outcome: outcome.map(str::to_owned), before_id, source: None };
    let found = data.deps.store.logs(&filter, PAGE).await?;
    let Some(oldest) = found.items.last().map(|log| log.id) else {
        return Ok(Screen::text(match outcome {
            Some(outcome) => format!("No message was {}.", plain_line(outcome)),
            None => "Nothing has come in yet.".to_owned(),
        }));
    };
    let sheet = Sheet {
        title: outcome.map_or_else(|| "Messages".to_owned(), |outcome| format!("Messages: {outcome}")),
        description: found.items.iter().map(line).collect::<Vec<_>>().join("\n"),
        colour: 0x0058_65F2,
        footer: counted(found.total, "message", "messages"),
        ..Sheet::default()
    };
    let outcome = outcome.unwrap_or(ALL);
    let is_last = (found.items.len() as u64) < PAGE;
    let older = CreateButton::new(custom_id("logs", &[&outcome, &oldest])).label("Older").disabled(is_last);
    let newest = CreateButton::new(custom_id("logs", &[&outcome, &0])).label("Newest");
    let buttons = [newest, older].map(|button| button.style(ButtonStyle::Secondary));
    let options = found.items.iter().map(|log| CreateSelectMenuOption::new(label(log), log.id.to_string()));
    let select = CreateSelectMenu::new(
        custom_id("log", &[]),
        CreateSelectMenuKind::String { options: options.collect() },
    );
    let rows = vec![
        CreateActionRow::Buttons(buttons.to_vec()),
        CreateActionRow::SelectMenu(select.placeholder("Show a message")),
    ];
    Ok(Screen { rows, ..Screen::sheet(sheet) })
}

fn sign(outcome: &str) -> &'static str {
    match outcome {
        "created" => "✅",
        "updated" => "🔄",
        "rejected" => "⚠️",
        _ => "▫️",
    }
}

fn line(log: &LogEntry) -> String {
    let why =
        log.error_message.as_deref().map(|why| format!(" · {}", shown_line(&cut(&plain_line(why), LONGEST))));
    let LogEntry { id, outcome, created_at, .. } = log;
    format!("{} `{id}` {outcome} · {}{}", sign(outcome), ago(*created_at), why.unwrap_or_default())
}

fn label(log: &LogEntry) -> String {
    let why = log.error_message.as_deref().or(log.code.as_deref()).unwrap_or_default();
    cut(&format!("{} {} {} {}", sign(&log.outcome), log.id, log.outcome, plain_line(why)), LONGEST)
}

async fn one(data: &Data, id: i64) -> Result<Screen, Failure> {
    let store = &data.deps.store;
    let log = store.log(id).await?.ok_or(Failure::OutOfDate)?;
    let mut sheet = Sheet {
        title: format!("{} Message {id}: {}", sign(&log.outcome), log.outcome),
        colour: 0x0058_65F2,
        ..Sheet::default()
    };
    let mut files = Vec::new();
    let flattened = credentials(&log.flattened);
    if units(&flattened) <= LONGEST_TEXT {
        if !flattened.trim().is_empty() {
            sheet.description = format!("```\n{}\n```", flattened.replace("```", "ˋˋˋ"));
        }
    } else {
        files.push(CreateAttachment::bytes(flattened.as_bytes(), format!("message-{id}-read.txt")));
    }
    sheet.wide("Reason", log.error_message.as_deref().map(shown_line).unwrap_or_default());
    sheet.wide("Warnings", log.warnings.iter().map(|text| shown_line(text)).collect::<Vec<_>>().join("\n"));
    sheet.beside("Came in", moment(log.created_at));
    sheet.beside("Through", place(&log));
    sheet.wide("Orders", orders(data, &log).await?);
    if let Some(deleted_at) = log.deleted_at {
        sheet.beside("Deleted in Discord", moment(deleted_at));
    }
    let mut rows = Vec::new();
    if log.payload.is_empty() {
        "The payload is not kept any more.".clone_into(&mut sheet.footer);
    } else {
        files.push(payload(&log));
        let replay = CreateButton::new(custom_id("replay", &[&id])).label("Replay");
        rows.push(CreateActionRow::Buttons(vec![replay]));
    }
    Ok(Screen { rows, files, ..Screen::sheet(sheet) })
}

/// The payload as it came, less the credentials in it, and laid out where it is JSON.
fn payload(log: &LogEntry) -> CreateAttachment {
    let id = log.id;
    let json = Some(&log.payload).filter(|payload| payload.len() <= LONGEST_LAID_OUT);
    let json = json.and_then(|payload| serde_json::from_str::<serde_json::Value>(payload).ok());
    match json.filter(|json| json.is_object() || json.is_array()) {
        Some(json) => {
            let text = format!("{json:#}");
            CreateAttachment::bytes(credentials(&text).as_bytes(), format!("message-{id}.json"))
        }
        None => CreateAttachment::bytes(credentials(&log.payload).as_bytes(), format!("message-{id}.txt")),
    }
}

fn place(log: &LogEntry) -> String {
    match log.endpoint.strip_prefix("discord/").and_then(|rest| rest.split_once('/')) {
        Some((guild, channel)) => match log.message_id {
            Some(message) => {
                format!("<#{channel}> ([message](https://discord.com/channels/{guild}/{channel}/{message}))")
            }
            None => format!("<#{channel}>"),
        },
        None => code(&log.endpoint),
    }
}

async fn orders(data: &Data, log: &LogEntry) -> Result<String, Failure> {
    let mut numbers = Vec::new();
    for id in &log.order_ids {
        if let Some(order) = data.deps.store.order_by_id(*id).await? {
            numbers.push(code(order.number.as_str()));
        }
    }
    Ok(numbers.join(", "))
}
