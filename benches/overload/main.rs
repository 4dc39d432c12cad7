//! Ten times the senders that keep ROMS at work, none of whom waits when refused:
//! `cargo bench --bench overload`.
//!
//! ROMS is the real binary in a process of its own, with an empty database. What must hold: the
//! orders that are accepted keep coming at about the rate without overload, their latency is
//! bounded, the others are refused soon, and memory is flat. At the end, every accepted order is
//! counted in the database.

#![expect(clippy::print_stdout, reason = "the table is the result")]

#[expect(dead_code, reason = "processor time is not measured here")]
#[path = "../discord/process.rs"]
mod process;
mod sender;

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::sleep;

use process::Memory;
use sender::{Seen, send};

/// Senders, and for how long they send.
const PHASES: [(usize, Duration); 4] = [
    (64, Duration::from_secs(10)),
    (640, Duration::from_secs(30)),
    (2000, Duration::from_secs(30)),
    (64, Duration::from_secs(10)),
];

fn main() -> Result<()> {
    // `cargo test --benches` only wants to know that it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<()> {
    let roms = Roms::start()?;
    roms.until_it_answers().await?;
    println!(
        "| senders | accepted/s | p50 ms | p99 ms | longest ms | refused/s | slowest refusal ms | broken | memory, MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut accepted = 0;
    for (phase, (senders, time)) in PHASES.into_iter().enumerate() {
        let seen = roms.load(phase, senders, time).await?;
        accepted += seen.accepted.len();
    }
    // Whoever was accepted last has been answered by now.
    let stored = roms.orders().await?;
    println!("\n{accepted} orders accepted, {stored} stored");
    ensure!(stored >= accepted, "accepted orders are missing");
    Ok(())
}

/// A running ROMS; it is killed when dropped.
struct Roms {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Roms {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = folder.path().join("config.toml");
        let database = folder.path().join("roms.db");
        let text = format!(
            "[database]\nurl = \"sqlite://{}\"\n[http]\nbind = \"{address}\"\n[log]\nfilter = \"warn\"\n",
            database.display()
        );
        fs::write(&config, text)?;
        let child = Command::new(env!("CARGO_BIN_EXE_roms"))
            .arg("--config")
            .arg(&config)
            .env_clear()
            .spawn()
            .context("ROMS does not start")?;
        Ok(Self { child, address, _folder: folder })
    }

    async fn until_it_answers(&self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(10);
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            ensure!(Instant::now() < end, "ROMS does not answer");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Lets senders send for a while, and prints a line on it.
    async fn load(&self, phase: usize, senders: usize, time: Duration) -> Result<Seen> {
        let end = Instant::now() + time;
        let mut running = JoinSet::new();
        for sender in 0..senders {
            running.spawn(send(self.address, format!("P{phase}-{sender}-"), end));
        }
        let mut memory = Vec::new();
        while Instant::now() < end {
            sleep(time / 5).await;
            memory.push(Memory::of(self.child.id()).now.context("the memory is not known")?);
        }
        let mut seen = Seen::default();
        while let Some(ended) = running.join_next().await {
            seen.add(ended?);
        }
        if seen.accepted.is_empty() {
            bail!("nothing was accepted");
        }
        seen.accepted.sort_unstable();
        let per_second =
            |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / time.as_secs_f64();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let share = |percent: usize| seen.accepted[(seen.accepted.len() - 1) * percent / 100];
        println!(
            "| {senders} | {:.0} | {:.1} | {:.1} | {:.1} | {:.0} | {:.1} | {} | {} |",
            per_second(seen.accepted.len()),
            milliseconds(share(50)),
            milliseconds(share(99)),
            milliseconds(share(100)),
            per_second(seen.refused),
            milliseconds(seen.slowest_refusal),
            seen.broken,
            memory.iter().map(|now| format!("{now:.0}")).collect::<Vec<_>>().join(" "),
        );
        Ok(seen)
    }

    /// How many orders there are.
    async fn orders(&self) -> Result<usize> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("http://{}/api/v2/orders?page_size=1", self.address);
        let page: serde_json::Value = client.get(url).send().await?.json().await?;
        let total = page.get("total").and_then(serde_json::Value::as_u64).context("no total")?;
        Ok(usize::try_from(total)?)
    }
}

impl Drop for Roms {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
