//! `roms parse`: shows what would be stored of a message, and stores nothing.
//!
//! The tool for "why was this card not read?": it takes the way of the webhook up to the patch.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

use anyhow::{Context as _, bail};

use super::report::write_aligned;
use crate::card::flatten::flatten;
use crate::card::message::Message;
use crate::card::outcome::Outcome;
use crate::card::parse;
use crate::card::parse::ParsedCard;
use crate::clock;
use crate::config::Orders;
use crate::ingest::{context, not_an_order};
use crate::order::Patch;
use crate::order::merge::merge;

/// Reads the message in `file`, or on standard input for `-`, and shows each of its cards.
///
/// # Errors
/// When the message cannot be read, or no card of it is an order or a known notice.
pub(crate) fn run(file: &Path, orders: &Orders, out: &mut impl Write) -> anyhow::Result<()> {
    let message = Message::from_payload(&payload(file)?, "parse", clock::now());
    if let Some(error) = &message.json_error {
        writeln!(out, "Taken for text: {error}\n")?;
    }

    let cards = flatten(&message);
    let mut understood = false;
    for (at, card) in cards.iter().enumerate() {
        let number = at + 1;
        writeln!(out, "Card {number} of {}, as text", cards.len())?;
        for line in card.lines() {
            writeln!(out, "   | {line}")?;
        }
        let parsed = parse::parse(card, &context(&message, orders, number));
        match parsed {
            Some(ParsedCard::Order { patch, warnings }) => {
                understood = true;
                write_order(out, &patch, &warnings)?;
            }
            Some(ParsedCard::NoOrder(Outcome::Rejected(why))) => writeln!(out, "\nRejected: {why}")?,
            Some(ParsedCard::NoOrder(outcome)) => {
                understood = true;
                writeln!(out, "\nNothing to store: {}", outcome.reason().unwrap_or_default())?;
            }
            None => writeln!(out, "\nNot an order: it has no heading and no label that ROMS knows")?,
        }
        writeln!(out)?;
    }
    match understood {
        true => Ok(()),
        false if cards.is_empty() => bail!("no order was read: {}", not_an_order(&message).detail),
        false => bail!("no order was read"),
    }
}

/// The payload as the webhook would take it: invalid UTF-8 replaced.
fn payload(file: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).context("cannot read standard input")?;
    } else {
        bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write_order(out: &mut impl Write, patch: &Patch, warnings: &[String]) -> anyhow::Result<()> {
    let owned = |(name, text): (&str, String)| (name.to_owned(), text);
    let number = ("order_number".to_owned(), patch.number.to_string());
    let extra = patch.extra.iter().map(|(label, text)| (format!("extra.{label}"), text.clone()));

    writeln!(out, "\nWhat the card says")?;
    let stated = patch.stated.named_texts().into_iter().map(owned);
    write_aligned(out, std::iter::once(number).chain(stated).chain(extra))?;
    writeln!(out, "What follows from it, and fills empty columns only")?;
    let is_stated = |name| patch.stated.named_texts().iter().any(|(stated, _)| *stated == name);
    let stored = merge(None, patch, patch.at).order.fields.named_texts();
    write_aligned(out, stored.into_iter().filter(|(name, _)| !is_stated(*name)).map(owned))?;
    for warning in warnings {
        writeln!(out, "Warning: {warning}")?;
    }
    Ok(())
}
