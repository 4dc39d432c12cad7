//! Menu of a message: reads it although its author is not trusted. What it would store is shown first.

use chrono::Utc;
use serde_json::Value;
use serenity::all::{CreateActionRow, CreateButton, Message as Theirs};
use sha2::{Digest, Sha256};

use super::data::{Ctx, Data, Done};
use super::failure::Failure;
use super::logs::outcomes;
use super::order;
use super::route::{Arguments, custom_id};
use super::show_order::choice_of;
use crate::card::decode::discord::Place;
use crate::card::flatten::flatten;
use crate::card::message::Message;
use crate::card::outcome::{CardOutcome, Outcome, Receipt};
use crate::card::parse;
use crate::card::parse::Reading;
use crate::discord::reply::embed::{Sheet, TITLE};
use crate::discord::reply::responder::Turn;
use crate::discord::reply::screen::Screen;
use crate::discord::reply::text::{code_within, counted, shown, shown_line};
use crate::discord::rest::RestError;
use crate::ingest::context;

/// Cards that are shown.
const CARDS: usize = 5;

#[poise::command(context_menu_command = "Read as order", guild_only, ephemeral)]
pub(crate) async fn read_as_order(ctx: Ctx<'_>, message: Theirs) -> Done {
    let turn = Turn::of(ctx);
    turn.defer().await?;
    let (channel, id) = (message.channel_id.get().cast_signed(), message.id.get().cast_signed());
    let message = fetch(&turn, channel, id).await?;
    turn.show(preview(turn.data, &message, channel)).await
}

/// Button: stores what the preview showed. Where the message has changed since, that is shown first.
pub(crate) async fn store(turn: &Turn<'_>, mut arguments: Arguments<'_>) -> Done {
    turn.defer_update().await?;
    let (channel, id, seen) = (arguments.read()?, arguments.read()?, arguments.text()?);
    // A custom id can be forged, and may name a channel that the caller cannot see.
    if channel != turn.asker.channel {
        return Err(Failure::OutOfDate);
    }
    let mut message = fetch(turn, channel, id).await?;
    if mark(&message) != seen {
        let mut screen = preview(turn.data, &message, channel);
        "The message has changed since. This is what it says now.".clone_into(&mut screen.text);
        return turn.show(screen).await;
    }
    message.actor = Some(turn.actor());
    let receipt = turn.data.deps.ingest.submit(message).await?;
    if let Some(watched) = turn.data.channels.iter().find(|it| it.id == channel) {
        turn.data.deps.feed_back(watched, id, &receipt);
    }
    let orders = turn.data.deps.store.orders_of_message(id).await?;
    let mut screen = match orders.as_slice() {
        [] => Screen::default(),
        [only] => order::screen(turn, only).await?,
        several => Screen { rows: vec![choice_of(several)], ..Screen::default() },
    };
    screen.text = told(&receipt);
    turn.show(screen).await
}

/// The message as Discord has it now, whoever wrote it, but for the bot itself.
async fn fetch(turn: &Turn<'_>, channel: i64, id: i64) -> Result<Message, Failure> {
    let deps = &turn.data.deps;
    let guild = turn.asker.guild.ok_or(Failure::OutOfDate)?;
    // Asked for whole: what came with the interaction may be without what serenity cannot decode.
    let found: Value = match deps.rest.message(channel, id).await {
        Ok(message) => message,
        Err(RestError::Forbidden(_)) => {
            return Err(Failure::told(
                "The bot may not read this channel: it needs View Channel and Read Message History there.",
            ));
        }
        Err(RestError::NotFound(_)) => return Err(Failure::told("The message is gone.")),
        Err(error) => return Err(error.into()),
    };
    if deps.rest.own().await?.wrote(&found) {
        return Err(Failure::told("This message is the bot's own."));
    }
    Message::from_discord(&found, Place { guild, channel }, Utc::now()).ok_or(Failure::OutOfDate)
}

fn preview(data: &Data, message: &Message, channel: i64) -> Screen {
    let cards = flatten(message);
    let mut screen = Screen::default();
    let (mut is_order, mut more) = (false, 0);
    for (card, number) in cards.iter().zip(1..) {
        let reading = parse::read(&card.text, &context(message, &data.orders, number));
        is_order |= matches!(reading, Ok(Some(Reading::Order { .. })));
        match sheet(reading) {
            Some(sheet) if screen.sheets.len() < CARDS => screen.sheets.push(sheet),
            Some(_) => more += 1,
            None => {}
        }
    }
    // All embeds of a message together may be no longer than one.
    for sheet in &mut screen.sheets {
        sheet.share = cards.len().clamp(1, CARDS);
    }
    if is_order {
        "This is how it reads. Nothing is stored yet.".clone_into(&mut screen.text);
        if more > 0 {
            let more = counted(more, "card more is", "cards more are");
            screen.text = format!("{} {more} not shown here.", screen.text);
        }
        let id = custom_id("store", &[&channel, &message.discord_id.unwrap_or_default(), &mark(message)]);
        screen.rows = vec![CreateActionRow::Buttons(vec![CreateButton::new(id).label("Store")])];
    } else if screen.sheets.is_empty() {
        "There is no order in this message: no headline such as \"Successful Checkout | Store\", and no labels such \
         as \"Order Number\"."
            .clone_into(&mut screen.text);
    }
    screen
}

fn sheet(reading: Result<Option<Reading>, parse::ParseError>) -> Option<Sheet> {
    let mut sheet = Sheet { colour: 0x0080_848E, ..Sheet::default() };
    match reading {
        Ok(None) => return None,
        Ok(Some(Reading::NoOrder(why))) => {
            "No order".clone_into(&mut sheet.title);
            sheet.description = shown_line(&why.to_string());
        }
        Err(why) => {
            "Cannot be read".clone_into(&mut sheet.title);
            sheet.description = shown_line(&why.to_string());
        }
        Ok(Some(Reading::Order { patch, warnings })) => {
            sheet.title = code_within(patch.number.as_str(), TITLE);
            sheet.colour = 0x0023_A55A;
            for (name, value) in patch.derived.named_texts().iter().chain(&patch.stated.named_texts()) {
                sheet.beside(&name.replace('_', " "), shown(value));
            }
            for (label, value) in &patch.extra {
                sheet.beside(&shown_line(label), shown(value));
            }
            sheet.wide(
                "Warnings",
                warnings.iter().map(|text| shown_line(text)).collect::<Vec<_>>().join("\n"),
            );
        }
    }
    Some(sheet)
}

fn told(receipt: &Receipt) -> String {
    let is_known = |card: &CardOutcome| card.outcome == Outcome::Duplicate;
    if !receipt.cards.is_empty() && receipt.cards.iter().all(is_known) {
        return "It was stored before.".to_owned();
    }
    format!("Stored: {}.", outcomes(receipt))
}

/// Tells what the message says now from what it said before.
fn mark(message: &Message) -> String {
    let texts: Vec<String> = flatten(message).into_iter().map(|card| card.text).collect();
    hex::encode(Sha256::digest(texts.join("\n\n").as_bytes()).iter().take(4).copied().collect::<Vec<u8>>())
}
