//! Measures decoding, flattening, parsing and merging for every file of `tests/fixtures/cards`:
//! `cargo bench --bench reading`.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use divan::Bencher;
use roms::card::flatten::flatten;
use roms::card::message::Message;
use roms::card::parse::{ParseContext, ParsedCard};
use roms::order::merge::merge;
use roms::order::{Patch, Source};

fn main() {
    divan::main();
}

/// Decoding a message's JSON.
#[divan::bench(args = names())]
fn decode(bencher: Bencher<'_, '_>, name: &str) {
    let (payload, now) = (payload(name), now());
    bencher.bench(|| Message::from_payload(&payload, "bench", now));
}

/// From a message to the text forms of its cards.
#[divan::bench(name = "flatten", args = names())]
fn flattening(bencher: Bencher<'_, '_>, name: &str) {
    let message = message(name);
    bencher.bench(|| flatten(&message));
}

/// From text forms to patches.
#[divan::bench(args = names())]
fn parse(bencher: Bencher<'_, '_>, name: &str) {
    let message = message(name);
    let (cards, context) = (flatten(&message), context(&message));
    bencher.bench(|| cards.iter().filter_map(|card| patch(card, &context)).count());
}

/// Creates an order from each patch and then applies the same patch to it.
#[divan::bench(name = "merge", args = names_of_orders())]
fn merging(bencher: Bencher<'_, '_>, name: &str) {
    let (patches, now) = (patches(name), now());
    bencher.bench(|| {
        patches.iter().filter(|patch| merge(Some(&merge(None, patch, now).order), patch, now).dirty).count()
    });
}

/// All steps, from JSON to orders.
#[divan::bench(args = names())]
fn whole(bencher: Bencher<'_, '_>, name: &str) {
    let (payload, now) = (payload(name), now());
    bencher.bench(|| {
        let message = Message::from_payload(&payload, "bench", now);
        let context = context(&message);
        let patches = flatten(&message).into_iter().filter_map(|card| patch(&card, &context));
        patches.map(|patch| merge(None, &patch, now)).collect::<Vec<_>>()
    });
}

/// The names of the files.
fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("the cards are in the repository");
    let names = files.map(|file| file.expect("a readable folder").file_name());
    let mut names: Vec<String> =
        names.map(|name| name.to_string_lossy().trim_end_matches(".json").to_owned()).collect();
    names.sort();
    names
}

/// The files that contain an order.
fn names_of_orders() -> Vec<String> {
    names().into_iter().filter(|name| !patches(name).is_empty()).collect()
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", "cards"].iter().collect()
}

fn payload(name: &str) -> String {
    let text = std::fs::read_to_string(folder().join(name).with_extension("json"));
    let case: serde_json::Value =
        serde_json::from_str(&text.expect("a readable card")).expect("a card is JSON");
    case["message"].to_string()
}

fn message(name: &str) -> Message {
    Message::from_payload(&payload(name), "bench", now())
}

fn patches(name: &str) -> Vec<Patch> {
    let message = message(name);
    let context = context(&message);
    flatten(&message).iter().filter_map(|card| patch(card, &context)).collect()
}

fn patch(text: &str, context: &ParseContext) -> Option<Patch> {
    match roms::card::parse::parse(text, context) {
        Some(ParsedCard::Order { patch, .. }) => Some(*patch),
        _ => None,
    }
}

fn context(message: &Message) -> ParseContext {
    ParseContext {
        at: message.at,
        source: Source::DiscordBot,
        timezone: chrono_tz::UTC,
        currency: iso_currency::Currency::USD,
        fallback_number: None,
    }
}

fn now() -> DateTime<Utc> {
    "2026-01-02T03:04:05Z".parse().expect("a time")
}
