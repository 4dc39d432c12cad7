//! Measures live updates: 1,000 clients, half over `/ws` and half over `/api/v2/events`, while 200 orders a second
//! arrive. Run it with `cargo bench --bench live`. `-- --clients 100` and `-- --rate 50` change the numbers.
//!
//! The real binary runs in its own process on an empty database, with tokens. The latency of a delivery is the time from
//! sending an order to its arrival at one client, the commit included. Two clients, one of each kind, read slowly: ROMS
//! must drop them and say how to resume, and the others must receive every order.

#![expect(clippy::print_stdout, reason = "the table is the result")]

mod client;
#[expect(dead_code, reason = "this benchmark sends one order after the other")]
#[path = "../discord/http.rs"]
mod http;
#[path = "../discord/process.rs"]
mod process;

use std::net::SocketAddr;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use client::{Kind, Latencies, connect, listen, listen_slowly};
use http::Connection;
use process::{Memory, Processor};

/// How long orders are sent.
const TIME: Duration = Duration::from_secs(30);
/// Connections that send orders in turn, so that a slow answer does not delay the next order.
const SENDERS: usize = 8;
/// The longest time that the last order may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);
/// Make a slow client's backlog wait in ROMS, not in the kernel.
const SLOW_BUFFER: u32 = 4096;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` runs this without `--bench`, only to see that it starts.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let (mut clients, mut rate) = (1_000, 200);
    let mut rest = arguments.iter().filter(|argument| *argument != "--bench");
    while let Some(argument) = rest.next() {
        let value = rest.next().context("--clients and --rate need a number")?.parse()?;
        match argument.as_str() {
            "--clients" => clients = value,
            "--rate" => rate = value,
            other => bail!("unknown argument {other}; use --clients N or --rate N"),
        }
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(clients, rate))
}

async fn measure(clients: usize, rate: usize) -> Result<()> {
    let roms = Roms::start().await?;
    let idle_memory = roms.memory().now;
    let latencies = Arc::new(Latencies::new());
    let orders = rate * usize::try_from(TIME.as_secs())?;
    let mut listening = JoinSet::new();
    for client in 0..clients {
        let kind = if client % 2 == 0 { Kind::WebSocket } else { Kind::EventStream };
        let stream = connect(kind, roms.address, &roms.token, None).await?;
        let latencies = Arc::clone(&latencies);
        listening.spawn(async move { listen(stream, &latencies, orders).await });
    }
    let mut slow = JoinSet::new();
    for kind in [Kind::WebSocket, Kind::EventStream] {
        let stream = connect(kind, roms.address, &roms.token, Some(SLOW_BUFFER)).await?;
        slow.spawn(async move { Ok::<_, anyhow::Error>((kind, listen_slowly(stream, TIME).await?)) });
    }
    let connected_memory = roms.memory().now;

    let (before, began) = (roms.processor(), Instant::now());
    let mut answers = send(&roms, &latencies, orders).await?;
    let (cpu, sending) = (roms.processor().since(&before).total(), began.elapsed());
    timeout(PATIENCE, async {
        while let Some(ended) = listening.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    })
    .await
    .context("not every client received every order")??;

    answers.sort_unstable();
    let answer =
        |percent: usize| answers.get((answers.len() - 1) * percent / 100).copied().unwrap_or_default();
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let mebibytes =
        |memory: Option<f64>| memory.map_or("unknown".to_owned(), |memory| format!("{memory:.0}"));
    println!(
        "| clients | orders/s | deliveries | p50 ms | p99 ms | slowest ms | answer p50 ms | p99 ms | CPU of ROMS, % of a core | idle MiB | connected MiB | peak MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    println!(
        "| {clients} | {rate} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {} | {} | {} |",
        latencies.count(),
        milliseconds(latencies.percentile(50)),
        milliseconds(latencies.percentile(99)),
        milliseconds(latencies.percentile(100)),
        milliseconds(answer(50)),
        milliseconds(answer(99)),
        cpu / sending.as_secs_f64() * 100.0,
        mebibytes(idle_memory),
        mebibytes(connected_memory),
        mebibytes(roms.memory().peak),
    );
    ensure!(latencies.count() == (clients * orders) as u64, "deliveries are missing or repeated");
    while let Some(ended) = slow.join_next().await {
        let (kind, last) = ended??;
        let dropped = last.contains("too slow") && last.contains("?since=");
        println!("slow {kind:?} client: {}", if dropped { "dropped, with a hint to resume" } else { &last });
    }
    Ok(())
}

/// Sends orders at a steady rate. Returns the time that each answer took.
async fn send(roms: &Roms, latencies: &Arc<Latencies>, orders: usize) -> Result<Vec<Duration>> {
    let period = TIME / u32::try_from(orders)? * u32::try_from(SENDERS)?;
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (mut connection, latencies) = (Connection::open(roms.address).await?, Arc::clone(latencies));
        let (address, token) = (roms.address, roms.token.clone());
        let count = orders / SENDERS + usize::from(sender < orders % SENDERS);
        senders.spawn(async move {
            sleep(period / u32::try_from(SENDERS)? * u32::try_from(sender)?).await;
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut answers = Vec::with_capacity(count);
            for _ in 0..count {
                ticks.tick().await;
                let card = format!(
                    "Successful Checkout | Best Buy US\nProduct\nSTARLINK - Mini Kit\nPrice\n$299.99\nOrder Number\n{}\n\
                     Email\nsomeone@example.com\nProfile\nProfile 1\n",
                    latencies.number()
                );
                let request = http::post(address, &card)
                    .replacen("\r\n", &format!("\r\nAuthorization: Bearer {token}\r\n"), 1);
                let began = Instant::now();
                connection.ask(&request).await?;
                answers.push(began.elapsed());
            }
            anyhow::Ok(answers)
        });
    }
    let mut answers = Vec::with_capacity(orders);
    while let Some(ended) = senders.join_next().await {
        answers.extend(ended??);
    }
    Ok(answers)
}

/// A running ROMS. Dropping it kills the process.
struct Roms {
    child: Child,
    address: SocketAddr,
    token: String,
    _folder: TempDir,
}

impl Roms {
    async fn start() -> Result<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        // Another program, to compare two versions.
        let program = std::env::var("ROMS").unwrap_or_else(|_| env!("CARGO_BIN_EXE_roms").to_owned());
        let command = || {
            let mut command = Command::new(&program);
            command.current_dir(folder.path()).env_clear().env("ROMS__LOG__FILTER", "warn");
            command.env("ROMS__HTTP__BIND", address.to_string()).env("ROMS__HTTP__REQUIRE_AUTH", "true");
            command
        };
        let created = command().args(["token", "create", "--name", "bench", "--scope", "admin"]).output()?;
        let token = String::from_utf8(created.stdout)?.lines().next().context("no token")?.to_owned();
        let child = command().spawn().context("ROMS does not start")?;
        let roms = Self { child, address, token, _folder: folder };
        let end = Instant::now() + Duration::from_secs(20);
        while Connection::open(address).await.is_err() {
            ensure!(Instant::now() < end, "ROMS does not answer at {address}");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(roms)
    }

    fn memory(&self) -> Memory {
        Memory::of(self.child.id())
    }

    fn processor(&self) -> Processor {
        Processor::of(self.child.id())
    }
}

impl Drop for Roms {
    fn drop(&mut self) {
        // This fails if ROMS has already ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
