//! `roms demo`: shows ROMS at work on this machine only, with made-up orders in a temporary database.
//!
//! The cards are posted to ROMS's own webhook, so that they travel like the cards of real senders.

mod shop;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use chrono::Local;
use reqwest::Client;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use super::server::client;
use crate::config::{Config, File};
use crate::discord::Timing;
use crate::store::Store;
use crate::{app, shutdown, telemetry};
use shop::Purchase;

/// Time between two cards.
const PACE: Duration = Duration::from_millis(1500);
/// Cards that arrive at once at the start, so that the page is not empty.
const FIRST_CARDS: u32 = 12;
const TIMEOUT: Duration = Duration::from_secs(10);
/// The page that people open.
const PAGE: &str = "/";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The port to listen on. If it is in use, ROMS takes another one.
    #[arg(long, value_name = "PORT", default_value_t = 8001)]
    port: u16,
}

/// An event in the made-up shop.
#[derive(Clone, Copy, Debug)]
enum Step {
    Buy,
    Edit,
    Cancel,
    Fail,
    Unreadable,
}

/// The steps, over and over.
const STEPS: [Step; 12] = [
    Step::Buy,
    Step::Buy,
    Step::Edit,
    Step::Unreadable,
    Step::Buy,
    Step::Cancel,
    Step::Buy,
    Step::Edit,
    Step::Fail,
    Step::Buy,
    Step::Buy,
    Step::Edit,
];

impl Arguments {
    /// Runs until a signal, then deletes the database.
    pub(crate) async fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        let stop = shutdown::on_signals()?;
        let folder = tempfile::Builder::new().prefix("roms-demo-").tempdir();
        let folder = folder.context("cannot create a temporary folder")?;
        let config = config(folder.path())?;
        telemetry::init(&config.log)?;
        let listener = listen(self.port, out).await?;
        let address = listener.local_addr()?;
        let store = Store::open(&config.database.url).await?;
        let server_stop = CancellationToken::new();
        let stopped = server_stop.clone();
        let server =
            tokio::spawn(async move { app::run(listener, store, &config, Timing::default(), stopped).await });

        let shown = show(address, &stop, out).await;
        server_stop.cancel();
        server.await.context("ROMS panicked")??;
        folder.close().context("cannot delete the temporary folder")?;
        shown
    }
}

/// Posts cards and prints what ROMS does with each, until `stop`.
async fn show(address: SocketAddr, stop: &CancellationToken, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "ROMS with made-up orders. It needs no account and no network.\n")?;
    writeln!(out, "Open        http://{address}{PAGE}")?;
    writeln!(out, "Or          curl 'http://{address}/api/v2/orders?limit=3'")?;
    writeln!(out, "Ctrl-C ends the demo and deletes its database.\n")?;
    let mut seller = Shop { address, client: client(TIMEOUT, None)?, serial: 0, open: Vec::new() };
    for _ in 0..FIRST_CARDS {
        seller.act(Step::Buy, out).await?;
    }
    let mut pace = interval(PACE);
    for step in STEPS.into_iter().cycle() {
        if stop.run_until_cancelled(pace.tick()).await.is_none() {
            break;
        }
        seller.act(step, out).await?;
    }
    writeln!(out, "\nThe demo is over; its database is deleted.")?;
    Ok(())
}

/// The made-up shop and its customers.
struct Shop {
    address: SocketAddr,
    client: Client,
    serial: u32,
    /// Purchases that are not cancelled.
    open: Vec<Purchase>,
}

impl Shop {
    async fn act(&mut self, step: Step, out: &mut impl Write) -> anyhow::Result<()> {
        self.serial = self.serial.saturating_add(1);
        let new = Purchase::random(self.serial);
        let known = self.open.get(fastrand::usize(..self.open.len().max(1))).cloned();
        let (what, card) = match (step, known) {
            (Step::Edit, Some(mut known)) => {
                let what = if fastrand::bool() {
                    known.discount();
                    "price changed"
                } else {
                    known.one_more();
                    "quantity changed"
                };
                self.open.retain(|open| open.number != known.number);
                self.open.push(known.clone());
                (what, known.card())
            }
            (Step::Cancel, Some(known)) => {
                self.open.retain(|open| open.number != known.number);
                ("cancelled", known.cancellation())
            }
            (Step::Fail, _) => ("checkout failed", new.failure()),
            (Step::Unreadable, _) => ("no order number", new.unreadable()),
            (Step::Buy | Step::Edit | Step::Cancel, _) => {
                self.open.push(new.clone());
                ("checkout", new.card())
            }
        };
        let result = self.post(&card).await?;
        writeln!(out, "{}  {what:<16} →  {result}", Local::now().format("%H:%M:%S"))?;
        Ok(())
    }

    /// Posts a card, and returns in one line what became of it.
    async fn post(&self, card: &Value) -> anyhow::Result<String> {
        let url = format!("http://{}/api/v2/webhooks/orders", self.address);
        let request = self.client.post(url).header("content-type", "application/json").body(card.to_string());
        let answer = request.send().await.context("ROMS does not answer")?;
        let answer: Value = answer.json().await.context("ROMS's answer cannot be read")?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        Ok(match text("order_number") {
            "" => text("message").to_owned(),
            number => format!("order {number} {}", text("outcome")),
        })
    }
}

/// The configuration of the demo. Only the log settings of the environment count.
fn config(folder: &Path) -> anyhow::Result<Config> {
    let text = format!(
        "[database]\nurl = \"sqlite://{}\"\n[log]\nfilter = \"error\"\n",
        folder.join("roms.db").display()
    );
    let log = std::env::vars().filter(|(name, _)| name.starts_with("ROMS__LOG__"));
    let file = File { name: "the demo's configuration", text: &text };
    Ok(Config::load(Some(file), log, |_| Err(io::ErrorKind::NotFound.into()))?)
}

/// Listens on this port, or on any free one if it is in use.
async fn listen(port: u16, out: &mut impl Write) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => Ok(listener),
        Err(error) => {
            writeln!(out, "Cannot listen on port {port}, so the demo takes another one: {error}")?;
            TcpListener::bind("127.0.0.1:0").await.context("cannot listen on 127.0.0.1")
        }
    }
}
