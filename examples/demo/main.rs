//! ROMS at work without an account: `cargo run --release --example demo`.
//!
//! Starts ROMS in this process and a Discord of its own beside it, on loopback and with a
//! database in a temporary folder. A webhook posts a card every second, edits some, cancels some,
//! and every 20 seconds the gateway fails. Each line shows what happened in Discord and what ROMS
//! stored of it, as heard at ROMS's own WebSocket. Ctrl-C ends it and counts.

#![expect(clippy::print_stdout, reason = "the terminal is what the demo is for")]

#[expect(dead_code, reason = "the double can do more than the demo asks for")]
#[path = "../../tests/it/support/discord/mod.rs"]
mod discord;
mod live;
mod market;
mod shop;

use std::{io, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, Result};
use chrono::Local;
use roms::config::{Config, File};
use roms::discord::Timing;
use roms::store::Store;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use discord::{Channel, Discord};
use live::Live;
use market::Market;

/// What ROMS serves on by default.
const PORT: u16 = 8001;
/// How long the end waits for what is on its way.
const LAST_WAIT: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> Result<()> {
    let stop = roms::shutdown::on_signals()?;
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let config = config(&discord, &channel, folder.path())?;
    roms::telemetry::init(&config.log)?;

    let listener = listen().await?;
    let address = listener.local_addr()?;
    let store = Store::open(&config.database.url).await?;
    let stop_roms = CancellationToken::new();
    let stopped = stop_roms.clone();
    let running =
        tokio::spawn(async move { roms::app::run(listener, store, &config, timing(), stopped).await });

    println!("A Discord of our own   {}, with a channel #checkouts", discord.api_url());
    println!("ROMS                   http://{address}, pages at http://{address}/docs");
    println!("Database               {}", folder.path().join("roms.db").display());
    println!("Look at it from a second terminal: curl 'http://{address}/api/v2/orders?page_size=3'");
    println!("Ctrl-C ends the demo and removes the database.\n");
    let live = Live::connect(address).await?;
    let mut market = Market::new(discord.gateway(), channel);
    stop.run_until_cancelled(discord.until_ready()).await;

    let shown = show(&mut market, live, &stop).await;
    let told = if shown.is_ok() { sum_up(address, &market).await } else { Ok(()) };
    stop_roms.cancel();
    running.await.context("ROMS broke off")??;
    shown.and(told)
}

/// Lets the market act and shows what ROMS stores, until told to stop; then until all that
/// happened is stored.
async fn show(market: &mut Market, mut live: Live, stop: &CancellationToken) -> Result<()> {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = seconds.tick() => {
                if let Some(fault) = market.act() {
                    say(&format!("-- {fault} --"));
                }
            }
            stored = live.next() => say(&market.stored(&stored?)),
        }
    }
    println!();
    let rest = async {
        while market.is_waiting() {
            say(&market.stored(&live.next().await?));
        }
        Ok(())
    };
    timeout(LAST_WAIT, rest).await.context("not all that happened was stored in time")?
}

/// Compares what happened with what ROMS says it has.
async fn sum_up(address: SocketAddr, market: &Market) -> Result<()> {
    let count = async |query: &str| -> Result<u64> {
        let url = format!("http://{address}/api/v2/orders?page_size=1&{query}");
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer: serde_json::Value = client.get(url).send().await?.json().await?;
        answer["total"].as_u64().context("ROMS does not say how many orders it has")
    };
    let (orders, cancelled) = (count("").await?, count("status=cancelled").await?);
    println!("\nIn Discord: {}", market.tally());
    println!("In ROMS:    {orders} orders, {cancelled} of them cancelled");
    Ok(())
}

fn say(line: &str) {
    println!("{}  {line}", Local::now().format("%H:%M:%S"));
}

fn config(discord: &Discord, channel: &Channel, folder: &Path) -> Result<Config> {
    let text = format!(
        "[database]\nurl = \"sqlite://{}\"\n\
         [discord]\ntoken = \"{}\"\napi_url = \"{}\"\nguilds = [\"{}\"]\n\
         [[discord.channels]]\nid = \"{}\"\nname = \"checkouts\"\n\
         [log]\nfilter = \"warn,serenity=error\"\n",
        folder.join("roms.db").display(),
        discord.token(),
        discord.api_url(),
        channel.guild_id(),
        channel.id(),
    );
    let file = File { name: "the demo's configuration", text: &text };
    Ok(Config::load(Some(file), log_settings(), |_| Err(io::ErrorKind::NotFound.into()))?)
}

/// `ROMS__LOG__FILTER=info` shows ROMS's own log too.
fn log_settings() -> impl Iterator<Item = (String, String)> {
    std::env::vars().filter(|(name, _)| name.starts_with("ROMS__LOG__"))
}

/// Shorter times than with Discord itself, where nobody looks on.
fn timing() -> Timing {
    Timing {
        poll_interval: Duration::from_millis(500),
        reconnect_delay: Duration::from_secs(1),
        history_interval: Duration::from_secs(10),
        ..Timing::default()
    }
}

/// The usual port, or any where that is taken.
async fn listen() -> Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", PORT)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind("127.0.0.1:0").await.context("no port on 127.0.0.1"),
    }
}
