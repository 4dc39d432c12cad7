//! Shows ROMS at work without a Discord account: `cargo run --release --example demo`.
//!
//! The demo starts ROMS and a simulated Discord server on loopback, with a database in a temporary
//! folder. A webhook posts a card every second and edits or cancels some of them. Every 20 seconds, the
//! gateway connection fails. Each line shows what happened in Discord and the order that ROMS stored,
//! received from ROMS's WebSocket. Ctrl-C stops the demo and compares the number of orders.

#![expect(clippy::print_stdout, reason = "the terminal is what the demo is for")]

#[expect(dead_code, reason = "the demo uses only a part of the simulated Discord")]
#[path = "../../tests/it/support/discord/mod.rs"]
mod discord;
mod live;
mod market;
#[expect(dead_code, reason = "the command `roms demo` uses the rest")]
#[path = "../../src/cli/demo/shop.rs"]
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

/// ROMS's default port.
const PORT: u16 = 8001;
/// How long the demo waits at its end for events that ROMS has not stored yet.
const FINAL_WAIT: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> Result<()> {
    let stop = roms::shutdown::on_signals()?;
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let config = config(&discord, &channel, folder.path())?;
    roms::telemetry::init(&config.log)?;

    let listener = listen().await?;
    let address = listener.local_addr()?;
    let store = Store::open(&config.database.url).await?;
    let stop_roms = CancellationToken::new();
    let stopped = stop_roms.clone();
    let running =
        tokio::spawn(async move { roms::app::run(listener, store, &config, timing(), stopped).await });

    println!("Simulated Discord      {}, with a channel #checkouts", discord.api_url());
    println!("ROMS                   http://{address}, documentation at http://{address}/docs");
    println!("Database               {}", folder.path().join("roms.db").display());
    println!("From a second terminal: curl 'http://{address}/api/v2/orders?page_size=3'");
    println!("Ctrl-C stops the demo and deletes the database.\n");
    let live = Live::connect(address).await?;
    let mut market = Market::new(discord.gateway(), channel);
    stop.run_until_cancelled(discord.until_ready()).await;

    let result = show(&mut market, live, &stop).await;
    let totals = if result.is_ok() { print_totals(address, &market).await } else { Ok(()) };
    stop_roms.cancel();
    running.await.context("ROMS panicked")??;
    result.and(totals)
}

/// Simulates events and prints what ROMS stores, until `stop`. Then waits until ROMS has stored the
/// remaining events.
async fn show(market: &mut Market, mut live: Live, stop: &CancellationToken) -> Result<()> {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = seconds.tick() => {
                if let Some(failure) = market.act() {
                    print_line(&format!("-- {failure} --"));
                }
            }
            stored = live.next() => print_line(&market.stored(&stored?)),
        }
    }
    println!();
    let rest = async {
        while market.has_pending_events() {
            print_line(&market.stored(&live.next().await?));
        }
        Ok(())
    };
    timeout(FINAL_WAIT, rest).await.context("ROMS did not store every event in time")?
}

/// Prints the number of orders in Discord and in ROMS.
async fn print_totals(address: SocketAddr, market: &Market) -> Result<()> {
    let count = async |query: &str| -> Result<u64> {
        let url = format!("http://{address}/api/v2/orders?page_size=1&{query}");
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer: serde_json::Value = client.get(url).send().await?.json().await?;
        answer["total"].as_u64().context("the answer has no total")
    };
    let (orders, cancelled) = (count("").await?, count("status=cancelled").await?);
    println!("\nIn Discord: {}", market.totals());
    println!("In ROMS:    {orders} orders, {cancelled} of them cancelled");
    Ok(())
}

fn print_line(line: &str) {
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

/// The log settings of the environment: `ROMS__LOG__FILTER=info` shows ROMS's own log too.
fn log_settings() -> impl Iterator<Item = (String, String)> {
    std::env::vars().filter(|(name, _)| name.starts_with("ROMS__LOG__"))
}

/// Shorter intervals than with real Discord, so that a viewer need not wait.
fn timing() -> Timing {
    Timing {
        poll_interval: Duration::from_millis(500),
        reconnect_delay: Duration::from_secs(1),
        history_interval: Duration::from_secs(10),
        ..Timing::default()
    }
}

/// Listens on the default port, or on any free port if it is in use.
async fn listen() -> Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", PORT)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind("127.0.0.1:0").await.context("cannot listen on 127.0.0.1"),
    }
}
