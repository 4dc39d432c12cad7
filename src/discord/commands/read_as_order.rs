//! Menu of a message, "Read as order": reads a message although ROMS does not trust its author. Shows
//! what it would store, and stores it when the caller confirms.

use chrono::Utc;
use serde_json::Value;
use serenity::all::{CreateActionRow, CreateButton};

use super::context::{CommandResult, Context, Data, begin_deferred};
use super::order_view::{order_reply, order_select};
use crate::card::decode::discord::{ChannelRef, MessageRef};
use crate::card::flatten::flatten;
use crate::card::message::Message;
use crate::card::outcome::{Outcome, Receipt};
use crate::card::parse;
use crate::card::parse::ParsedCard;
use crate::discord::reply::Reply;
use crate::discord::reply::custom_id::{custom_id, fingerprint};
use crate::discord::reply::embed::{EmbedBuilder, GREEN, GREY, MAX_TITLE};
use crate::discord::reply::error::CommandError;
use crate::discord::reply::responder::Responder;
use crate::discord::reply::text::{
    code_within, escape_line, escape_lines, escape_markdown, outcome_names, pluralize,
};
use crate::discord::rest::RestError;
use crate::ingest::context;

/// How many cards the preview shows.
const MAX_CARDS: usize = 5;

#[poise::command(context_menu_command = "Read as order", guild_only, ephemeral)]
pub(crate) async fn read_as_order(ctx: Context<'_>, message: serenity::all::Message) -> CommandResult {
    let (data, responder) = begin_deferred(ctx).await?;
    let (channel, id) = (message.channel_id.get().cast_signed(), message.id.get().cast_signed());
    let message = fetch(data, &responder, channel, id).await?;
    responder.show(preview(data, &message, channel)).await
}

/// Button "Store": stores what the preview showed. If the message has changed, shows a new preview.
pub(crate) async fn store(data: &Data, responder: &Responder<'_>) -> CommandResult {
    let mut arguments = responder.arguments();
    responder.defer_update().await?;
    let (channel, id, shown) = (arguments.parse()?, arguments.parse()?, arguments.text()?);
    // A forged custom id may name a channel that the caller cannot see.
    if channel != responder.caller.channel {
        return Err(CommandError::OutOfDate);
    }
    let mut message = fetch(data, responder, channel, id).await?;
    if message_fingerprint(&message) != shown {
        let reply = preview(data, &message, channel);
        return responder.show(reply.with_text("The message has changed. This is its new content.")).await;
    }
    message.actor = Some(responder.actor());
    let receipt = data.services.ingest.submit(message).await?;
    if let (Ok(Some(watched)), Some(guild)) = (data.services.channels.lookup(channel), responder.caller.guild)
    {
        let link = MessageRef { channel: ChannelRef { guild, channel }, message: id };
        data.services.feed_back(&watched.settings, link, &receipt);
    }
    let orders = data.services.store.orders_of_message(id).await?;
    let reply = match orders.as_slice() {
        [] => Reply::default(),
        [order] => order_reply(data, responder, order).await?,
        orders => Reply::default().with_row(order_select(orders)),
    };
    responder.show(reply.with_text(describe(&receipt))).await
}

/// Fetches the current message, from any author except the bot itself.
async fn fetch(
    data: &Data,
    responder: &Responder<'_>,
    channel: i64,
    id: i64,
) -> Result<Message, CommandError> {
    let rest = &data.services.rest;
    let guild = responder.caller.guild.ok_or(CommandError::OutOfDate)?;
    // The copy in the interaction lacks what serenity cannot decode.
    let found: Value = match rest.message(channel, id).await {
        Ok(message) => message,
        Err(RestError::Forbidden(_)) => {
            return Err(CommandError::user(
                "The bot cannot read this channel. It needs View Channel and Read Message History there.",
            ));
        }
        Err(RestError::NotFound(_)) => return Err(CommandError::user("The message has been deleted.")),
        Err(error) => return Err(error.into()),
    };
    if rest.identity().await?.wrote(&found) {
        return Err(CommandError::user("The bot wrote this message itself."));
    }
    Message::from_discord(&found, ChannelRef { guild, channel }, Utc::now()).ok_or(CommandError::OutOfDate)
}

fn preview(data: &Data, message: &Message, channel: i64) -> Reply {
    let cards = flatten(message);
    let mut reply = Reply::default();
    let (mut has_order, mut hidden) = (false, 0);
    for (card, number) in cards.iter().zip(1..) {
        let parsed = parse::parse(card, &context(message, &data.orders, number));
        has_order |= matches!(parsed, Some(ParsedCard::Order { .. }));
        match parsed.and_then(card_embed) {
            Some(embed) if reply.embeds.len() < MAX_CARDS => reply.embeds.push(embed),
            Some(_) => hidden += 1,
            None => {}
        }
    }
    for embed in &mut reply.embeds {
        embed.embeds_in_message = cards.len().clamp(1, MAX_CARDS);
    }
    if has_order {
        "This is how ROMS reads the message. Nothing is stored yet.".clone_into(&mut reply.text);
        if hidden > 0 {
            let hidden = pluralize(hidden, "more card is", "more cards are");
            reply.text = format!("{} {hidden} not shown.", reply.text);
        }
        let id = message.discord_id.unwrap_or_default();
        let store = custom_id("store", &[&channel, &id, &message_fingerprint(message)]);
        return reply.with_row(CreateActionRow::Buttons(vec![CreateButton::new(store).label("Store")]));
    }
    if reply.embeds.is_empty() {
        return Reply::text(
            "There is no order in this message: it has no heading such as \"Successful Checkout | Store\" and no \
             label such as \"Order Number\".",
        );
    }
    reply
}

fn card_embed(card: ParsedCard) -> Option<EmbedBuilder> {
    let refusal = |title, reason: String| EmbedBuilder {
        description: escape_line(&reason),
        ..EmbedBuilder::titled(title, GREY)
    };
    match card {
        ParsedCard::NoOrder(outcome) | ParsedCard::IfKnown { otherwise: outcome, .. } => match outcome {
            Outcome::Ignored(reason) => Some(refusal("Not an order", reason.to_string())),
            Outcome::Rejected(reason) => Some(refusal("Cannot be read", reason.to_string())),
            _ => None,
        },
        ParsedCard::Order { patch, warnings } => {
            let mut embed = EmbedBuilder::titled(code_within(patch.number.as_str(), MAX_TITLE), GREEN);
            for (name, value) in patch.derived.named_texts().iter().chain(&patch.stated.named_texts()) {
                embed.inline_field(&name.replace('_', " "), escape_markdown(value));
            }
            for (label, value) in &patch.extra {
                embed.inline_field(&escape_line(label), escape_markdown(value));
            }
            embed.field("Warnings", escape_lines(&warnings));
            Some(embed)
        }
    }
}

fn describe(receipt: &Receipt) -> String {
    let is_known = receipt.cards.iter().all(|card| card.outcome == Outcome::Duplicate);
    if is_known && !receipt.cards.is_empty() {
        return "This message was already stored.".to_owned();
    }
    format!("Stored: {}.", outcome_names(receipt))
}

fn message_fingerprint(message: &Message) -> String {
    fingerprint(&flatten(message).join("\n\n"))
}
