//! `roms parse`: shows how ROMS reads a message, without storing anything.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value, json};

use super::{
    open_existing,
    table::{without_controls, write_aligned},
};
use crate::card::decode::form::wrapped_payload;
use crate::card::flatten::flatten;
use crate::card::message::Message;
use crate::card::outcome::Outcome;
use crate::card::parse;
use crate::card::parse::ParsedCard;
use crate::clock;
use crate::config::Config;
use crate::http::api::order_body::OrderBody;
use crate::ingest::{context, not_an_order};
use crate::order::merge::merge;
use crate::order::{Order, OrderNumber, Patch, Source, View};
use crate::redact::credentials;

#[derive(Debug, Args)]
pub(crate) struct Parse {
    /// A file with the message as text or JSON, a saved answer of /api/v2/webhooks/logs/ID, or a test case of
    /// tests/fixtures/cards; `-` is standard input.
    #[arg(value_name = "FILE", default_value = "-", conflicts_with = "log")]
    file: PathBuf,
    /// Take the message from this row of the webhook log instead.
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    log: Option<i64>,
    /// Show the text form and the fields of each card, without the credentials of proxies (default).
    #[arg(long, conflicts_with = "json")]
    text: bool,
    /// Print the outcome and the order of each card as JSON, as the API would show them after storing them in an
    /// empty database: with personal data, and without the credentials of proxies.
    #[arg(long)]
    json: bool,
}

impl Parse {
    /// Reads the message and shows each of its cards.
    pub(crate) async fn run(self, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let text = match self.log {
            Some(id) => logged_payload(config, id).await?,
            None => read_file(&self.file)?,
        };
        let mut message = Message::from_payload(&unwrap_message(&text), "parse", clock::now());
        if message.discord_id.is_some() {
            message.source = Source::DiscordBot;
        }
        if self.json {
            return write_json(out, &message, config);
        }
        if let Some(error) = &message.json_error {
            writeln!(out, "Read as text: {}\n", credentials(error))?;
        }
        let mut shown = Vec::new();
        let understood = write_cards(&mut shown, &message, config);
        write!(out, "{}", without_controls(&String::from_utf8_lossy(&shown)))?;
        understood
    }
}

async fn logged_payload(config: &Config, id: i64) -> anyhow::Result<String> {
    let store = open_existing(config).await?;
    let entry = store.log(id).await;
    store.close().await?;
    let entry = entry?.with_context(|| format!("the webhook log has no row {id}"))?;
    if entry.emptied_at.is_some() {
        bail!("the text of log row {id} has been deleted");
    }
    Ok(entry.payload)
}

/// The text of a file, with invalid UTF-8 replaced as the webhook does.
fn read_file(file: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
    } else {
        bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The payload inside an answer of the log API, a test case or a form; any other text as it is.
fn unwrap_message(text: &str) -> String {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    if let (Some(message @ Value::Object(_)), Some(_)) = (value.get("message"), value.get("expect")) {
        return message.to_string();
    }
    let payload = match (value.get("payload").and_then(Value::as_str), value.get("flattened")) {
        (Some(payload), Some(_)) => payload,
        _ => text,
    };
    wrapped_payload(payload).unwrap_or_else(|| payload.to_owned())
}

fn write_cards(out: &mut impl Write, message: &Message, config: &Config) -> anyhow::Result<()> {
    let cards = flatten(message);
    let mut understood = false;
    for (card, number) in cards.iter().zip(1..) {
        writeln!(out, "Card {number} of {}, as text", cards.len())?;
        for line in credentials(card).lines() {
            writeln!(out, "   | {line}")?;
        }
        match parse::parse(card, &context(message, &config.orders, number)) {
            Some(ParsedCard::Order { patch, warnings }) => {
                understood = true;
                write_order(out, &patch, &warnings)?;
            }
            Some(ParsedCard::IfKnown { patch, otherwise: Outcome::Ignored(why), .. })
                if patch.number.message_id().is_none() =>
            {
                understood = true;
                writeln!(out, "\nNothing to store, unless order {} exists: {why}", patch.number)?;
            }
            Some(
                ParsedCard::NoOrder(Outcome::Rejected(why))
                | ParsedCard::IfKnown { otherwise: Outcome::Rejected(why), .. },
            ) => writeln!(out, "\nRejected: {why}")?,
            Some(ParsedCard::NoOrder(outcome) | ParsedCard::IfKnown { otherwise: outcome, .. }) => {
                understood = true;
                writeln!(out, "\nNothing to store: {}", outcome.reason().unwrap_or_default())?;
            }
            None => writeln!(out, "\nNot an order: it has no heading and no label that ROMS knows")?,
        }
        writeln!(out)?;
    }
    match understood {
        true => Ok(()),
        false if cards.is_empty() => bail!("no order was read: {}", not_an_order(message).detail),
        false => bail!("no order was read"),
    }
}

/// Prints the orders that the cards of a message would create in an empty database.
fn write_json(out: &mut impl Write, message: &Message, config: &Config) -> anyhow::Result<()> {
    let mut orders: HashMap<OrderNumber, Order> = HashMap::new();
    let mut cards = Vec::new();
    for (text, number) in flatten(message).iter().zip(1..) {
        match parse::parse(text, &context(message, &config.orders, number)) {
            Some(ParsedCard::Order { patch, warnings }) => {
                let change = merge(orders.get(&patch.number), &patch, message.received_at);
                let outcome = match (change.created, change.changes.is_empty()) {
                    (true, _) => Outcome::Created,
                    (false, false) => Outcome::Updated,
                    (false, true) => Outcome::Unchanged,
                };
                let order = serde_json::to_value(OrderBody::new(change.order.clone(), View::Full))?;
                orders.insert(patch.number.clone(), change.order);
                cards.push(card_json(&outcome, &warnings, &order));
            }
            Some(ParsedCard::IfKnown { patch, warnings, otherwise }) => match orders.get(&patch.number) {
                Some(order) => {
                    let order = merge(Some(order), &patch, message.received_at).order;
                    cards.push(card_json(
                        &Outcome::Updated,
                        &warnings,
                        &serde_json::to_value(OrderBody::new(order.clone(), View::Full))?,
                    ));
                    orders.insert(patch.number.clone(), order);
                }
                None => cards.push(card_json(&otherwise, &[], &Value::Null)),
            },
            Some(ParsedCard::NoOrder(outcome)) => cards.push(card_json(&outcome, &[], &Value::Null)),
            None => {}
        }
    }
    if cards.is_empty() {
        let mut none = card_json(&Outcome::Rejected(not_an_order(message)), &[], &Value::Null);
        // In Discord, people talk. Only an HTTP body must hold a card.
        if message.source == Source::DiscordBot {
            none["outcome"] = json!("ignored");
        }
        cards.push(none);
    }
    writeln!(out, "{:#}", json!({ "cards": cards }))?;
    Ok(())
}

fn card_json(outcome: &Outcome, warnings: &[String], order: &Value) -> Value {
    json!({
        "outcome": outcome.as_str(), "code": outcome.code(), "reason": outcome.reason(), "warnings": warnings,
        "order": order,
    })
}

fn write_order(out: &mut impl Write, patch: &Patch, warnings: &[String]) -> anyhow::Result<()> {
    let shown = |name: String, text: String| {
        let text = View::Full.value(&name, &text).into_owned();
        (name, text)
    };
    let owned = |(name, text): (&str, String)| shown(name.to_owned(), text);
    let number = ("order_number".to_owned(), patch.number.to_string());
    let extra = patch.extra.iter().map(|(label, text)| shown(format!("extra.{label}"), text.clone()));

    writeln!(out, "\nStated by the card")?;
    let stated = patch.stated.named_texts();
    let is_stated = |name| stated.iter().any(|(stated, _)| *stated == name);
    let stored = merge(None, patch, patch.at).order.fields.named_texts();
    let derived: Vec<_> = stored.into_iter().filter(|(name, _)| !is_stated(*name)).map(owned).collect();
    write_aligned(out, std::iter::once(number).chain(stated.into_iter().map(owned)).chain(extra))?;
    writeln!(out, "Derived from it; only fills empty columns")?;
    write_aligned(out, derived)?;
    for warning in warnings {
        writeln!(out, "Warning: {warning}")?;
    }
    Ok(())
}
