//! Measures ROMS with a Discord double, from the post of a card to the commit: `cargo bench --bench discord`.
//!
//! The real binary runs in a process of its own, so that its memory and processor time can be measured. The
//! double and the senders run in this process. There are three measurements: cards over the gateway, the same
//! cards over HTTP to the same process, and cards that ROMS missed and reads from the history at its start.
//!
//! The bot's reactions are off: the double would answer thousands a second, where Discord allows about four.

#![expect(clippy::print_stdout, reason = "the table is the result")]

mod cards;
#[expect(dead_code, reason = "the double can do more than is measured with it")]
#[path = "../../tests/it/support/discord/mod.rs"]
mod discord;
mod http;
mod process;
mod report;
mod roms;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{TimeDelta, Utc};

use discord::{Channel, Discord, Webhook};
use report::Phase;
use roms::Roms;

/// Cards over the gateway, and again for each number of HTTP connections.
const LIVE: usize = 10_000;
/// Cards that ROMS reads from the history.
const MISSED: usize = 5_000;
/// Cards that are posted but not stored yet. ROMS queues 1,024 events for each channel and reads further cards
/// from the history, which the first measurement must avoid.
const WINDOW: usize = 900;
/// Interval between two counts of the stored orders.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// The longest time for each measurement.
const DEADLINE: Duration = Duration::from_mins(3);

fn main() -> Result<()> {
    // `cargo test --benches` only checks that the program starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<()> {
    let mut phases = Vec::new();

    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let roms = Roms::start(&discord, &channel).await?;
    discord.until_ready().await;
    // After READY, ROMS reads the history until it finds a page that is not full.
    discord.until_requests("GET", "/channels/*/messages", 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let read_before = discord.count("GET", "/channels/*/messages");
    println!("ROMS is connected and idle: {}", roms.memory());

    let phase = Phase::begin("live over the gateway", LIVE, &roms);
    live(&hook, &roms).await?;
    let live = phase.end(&roms);
    let pages = discord.count("GET", "/channels/*/messages") - read_before;
    report::threads("ROMS while it is live", &live);
    println!("pages of history read meanwhile: {pages}\n");
    phases.push(live);

    let mut expected = LIVE;
    for connections in [16, 64] {
        let bodies = cards::numbered(&format!("HTTP{connections}-"), LIVE).map(|card| card.to_string());
        let requests = bodies.map(|body| http::post(roms.address(), &body)).collect();
        let phase = Phase::begin(&format!("HTTP, {connections} connections"), LIVE, &roms);
        http::send_all(roms.address(), requests, connections).await?;
        let phase = phase.end(&roms);
        report::threads(&format!("ROMS with {connections} HTTP connections"), &phase);
        phases.push(phase);
        expected += LIVE;
        ensure!(roms.orders().await? == expected, "not every card made an order");
    }
    drop((roms, discord));

    phases.push(missed().await?);
    report::table(&phases);
    Ok(())
}

/// Posts cards as fast as ROMS stores them, and waits until all are stored.
async fn live(hook: &Webhook, roms: &Roms) -> Result<()> {
    let end = Instant::now() + DEADLINE;
    let mut cards = cards::numbered("LIVE-", LIVE);
    let (mut posted, mut stored) = (0, 0);
    while stored < LIVE {
        for card in cards.by_ref().take(WINDOW - (posted - stored)) {
            hook.post(card);
            posted += 1;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
        stored = roms.orders().await?;
        ensure!(Instant::now() < end, "{stored} of {posted} cards are stored");
    }
    Ok(())
}

/// Measures from the first request for the history to the last stored row.
async fn missed() -> Result<Phase> {
    let discord = Discord::start().await;
    let channel: Channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let (began, step) = (Utc::now() - TimeDelta::hours(5), TimeDelta::seconds(3));
    let mut at = began;
    for card in cards::numbered("MISSED-", MISSED) {
        hook.draft(card).at(at).silently().post();
        at += step;
    }
    let started = Instant::now();
    let roms = Roms::start(&discord, &channel).await?;
    let mut phase = Phase::begin("history, missed while off", MISSED, &roms);
    let end = Instant::now() + DEADLINE;
    while roms.orders().await? < MISSED {
        tokio::time::sleep(POLL_INTERVAL).await;
        ensure!(Instant::now() < end, "not all of the history is stored in time");
    }
    let asked = discord.requests().into_iter().find(|seen| seen.is("GET", "/channels/*/messages"));
    phase.begin_at(asked.context("ROMS did not request the history")?.at);
    let phase = phase.end(&roms);
    report::threads("ROMS while it reads the history", &phase);
    println!("from the start of the process to the last row: {:.2} s\n", started.elapsed().as_secs_f64());
    Ok(phase)
}
