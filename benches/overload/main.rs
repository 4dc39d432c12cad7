//! Measures ROMS under overload: 640 and then 2000 senders instead of 64, which retry at once when they
//! are refused. Run it with `cargo bench --bench overload`.
//!
//! The real binary runs in its own process on an empty database. Under overload, it should still accept
//! about as many orders per second as without, answer them within a bounded time, refuse the others
//! quickly, and use no more memory. At the end, the benchmark checks that the database holds every
//! accepted order.

#![expect(clippy::print_stdout, reason = "the table is the result")]

#[expect(dead_code, reason = "this benchmark does not measure CPU time")]
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
use sender::{Answers, send};

/// The number of senders in each phase, and its duration.
const PHASES: [(usize, Duration); 4] = [
    (64, Duration::from_secs(10)),
    (640, Duration::from_secs(30)),
    (2000, Duration::from_secs(30)),
    (64, Duration::from_secs(10)),
];

fn main() -> Result<()> {
    // `cargo test --benches` runs this without `--bench`, only to see that it starts.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<()> {
    let roms = Roms::start()?;
    roms.until_ready().await?;
    println!(
        "| senders | accepted/s | p50 ms | p99 ms | slowest ms | refused/s | slowest refusal ms | broken | memory, MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut accepted = 0;
    for (phase, (senders, time)) in PHASES.into_iter().enumerate() {
        let answers = roms.run_phase(phase, senders, time).await?;
        accepted += answers.accepted.len();
    }
    let stored = roms.orders().await?;
    println!("\n{accepted} orders accepted, {stored} stored");
    ensure!(stored >= accepted, "accepted orders are missing");
    Ok(())
}

/// A running ROMS. Dropping it kills the process.
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

    async fn until_ready(&self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(10);
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            ensure!(Instant::now() < end, "ROMS does not answer");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Runs one phase and prints its line of the table.
    async fn run_phase(&self, phase: usize, senders: usize, time: Duration) -> Result<Answers> {
        let end = Instant::now() + time;
        let mut running = JoinSet::new();
        for sender in 0..senders {
            running.spawn(send(self.address, format!("P{phase}-{sender}-"), end));
        }
        let mut memory = Vec::new();
        while Instant::now() < end {
            sleep(time / 5).await;
            memory.push(Memory::of(self.child.id()).now.context("cannot read the memory use")?);
        }
        let mut answers = Answers::default();
        while let Some(ended) = running.join_next().await {
            answers.add(ended?);
        }
        if answers.accepted.is_empty() {
            bail!("no order was accepted");
        }
        answers.accepted.sort_unstable();
        let per_second =
            |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / time.as_secs_f64();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let percentile = |percent: usize| answers.accepted[(answers.accepted.len() - 1) * percent / 100];
        println!(
            "| {senders} | {:.0} | {:.1} | {:.1} | {:.1} | {:.0} | {:.1} | {} | {} |",
            per_second(answers.accepted.len()),
            milliseconds(percentile(50)),
            milliseconds(percentile(99)),
            milliseconds(percentile(100)),
            per_second(answers.refused),
            milliseconds(answers.slowest_refusal),
            answers.broken,
            memory.iter().map(|now| format!("{now:.0}")).collect::<Vec<_>>().join(" "),
        );
        Ok(answers)
    }

    /// The number of stored orders.
    async fn orders(&self) -> Result<usize> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("http://{}/api/v2/orders?page_size=1", self.address);
        let page: serde_json::Value = client.get(url).send().await?.json().await?;
        let total =
            page.get("total").and_then(serde_json::Value::as_u64).context("the answer has no total")?;
        Ok(usize::try_from(total)?)
    }
}

impl Drop for Roms {
    fn drop(&mut self) {
        // This fails if ROMS has already ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
