//! How fast cards are taken over HTTP, side by side with what bounds it: `cargo bench --bench server`.
//!
//! | | |
//! |---|---|
//! | (a) | the server: the release binary, cards as text and as embeds |
//! | (b) | the same server, which commits each message alone |
//! | (c) | a bare loop that writes the same three rows in batches of 64, without parsing or HTTP |
//! | (d) | an axum handler that only answers |
//!
//! Where `TEST_DATABASE_URL` names a PostgreSQL server whose user may make databases, (a) and (c)
//! run there too.
//!
//! Each runs in a process of its own, on an empty database of its own, one after the other, in
//! several rounds; what is told are medians. The load is wrk's, which must be installed.
//! `-- --quick` makes one round of short runs, `-- --rounds 5` so many.

#![expect(clippy::print_stdout, reason = "the table is the result")]

mod bare;
mod bodies;
mod child;
#[expect(dead_code, reason = "the other bench sends with it")]
#[path = "../discord/http.rs"]
mod http;
mod parts;
mod postgres;
#[path = "../discord/process.rs"]
mod process;
mod report;
mod wrk;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use bodies::Form;
use child::{Server, Subject, database, folder, this_program};
use report::{Case, Results, Sample};

/// Numbers of connections.
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// The number for which most targets are set.
pub(crate) const USUAL: usize = 64;

/// How much is measured.
struct Extent {
    rounds: usize,
    /// Of one run; wrk takes whole seconds.
    time: Duration,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--alone", address, database] => parts::alone(address.parse()?, (*database).to_owned()).await,
        ["--answer-only", address, _] => parts::answer_only(address.parse()?).await,
        [loop_ @ ("--bare" | "--bare-postgres"), seconds, database] => {
            let (database, time) = ((*database).to_owned(), Duration::from_secs(seconds.parse()?));
            let looped = match *loop_ {
                "--bare" => bare::run(database, time).await?,
                _ => postgres::bare(database, time).await?,
            };
            println!("{}", serde_json::to_string(&looped)?);
            Ok(())
        }
        // `cargo test --benches` only wants to know that it starts.
        _ if !arguments.contains(&"--bench") => Ok(()),
        _ => measure(&extent(&arguments)?).await,
    }
}

fn extent(arguments: &[&str]) -> Result<Extent> {
    let mut extent = Extent { rounds: 3, time: Duration::from_secs(3) };
    let mut rest = arguments.iter().filter(|argument| **argument != "--bench");
    while let Some(argument) = rest.next() {
        match *argument {
            "--quick" => extent = Extent { rounds: 1, time: Duration::from_secs(1) },
            "--rounds" => extent.rounds = rest.next().context("how many rounds?")?.parse()?,
            other => bail!("{other} is neither --quick nor --rounds"),
        }
    }
    ensure!(extent.rounds > 0, "at least one round");
    Ok(extent)
}

async fn measure(extent: &Extent) -> Result<()> {
    wrk::look_for()?;
    let mut results = Results::default();
    for round in 1..=extent.rounds {
        println!("round {round} of {}, load average {}", extent.rounds, load_average());
        for case in cases() {
            results.add(case, served(case, extent.time).await?);
        }
        results.add(Case::Bare, bare_loop("--bare", &database(folder()?.path()), extent.time)?);
        if postgres::server().is_some() {
            let database = postgres::fresh().await?;
            results.add(Case::BarePostgres, bare_loop("--bare-postgres", &database, extent.time)?);
        }
    }
    println!("\nload average at the end: {}\n", load_average());
    report::table(&results);
    report::targets(&results);
    Ok(())
}

/// What is measured in a round, the subjects by turns.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for connections in CONNECTIONS {
        for subject in [Subject::Roms, Subject::Alone, Subject::AnswerOnly] {
            cases.push(Case::Served { subject, form: Form::Text, connections });
        }
        cases.push(Case::Served { subject: Subject::Roms, form: Form::Embed, connections });
        if postgres::server().is_some() {
            cases.push(Case::Served { subject: Subject::Postgres, form: Form::Text, connections });
        }
    }
    cases
}

async fn served(case: Case, time: Duration) -> Result<Sample> {
    let Case::Served { subject, form, connections } = case else { bail!("the loop serves nobody") };
    let server = Server::start(subject, folder()?).await?;
    let idle = server.memory().now;
    let before = server.processor();
    let seen = wrk::post(server.address, &form.body()?, connections, time, server.folder.path())?;
    let processor = server.processor().since(&before).total();
    let memory = server.memory().peak;
    if subject != Subject::AnswerOnly {
        let (stored, most) = (server.orders().await?, seen.answers + u64::try_from(connections)?);
        ensure!((seen.answers..=most).contains(&stored), "{} answers, {stored} orders", seen.answers);
    }
    // The fullest database shows how long a start takes.
    let first_answer = if subject == Subject::Roms {
        let again = Server::start(subject, server.kill()?).await?;
        Some(again.first_answer.as_secs_f64() * 1000.0)
    } else {
        None
    };
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52")]
    let micros = processor / seen.answers as f64 * 1e6;
    let (p50, p99) = (Some(seen.p50), Some(seen.p99));
    Ok(Sample { rate: seen.rate(), p50, p99, processor: micros, memory, idle, first_answer })
}

fn bare_loop(part: &str, database: &str, time: Duration) -> Result<Sample> {
    let mut program = this_program(part)?;
    let ran = program.arg(time.as_secs().to_string()).arg(database).output()?;
    let said = String::from_utf8_lossy(&ran.stderr);
    let looped: bare::Looped = serde_json::from_slice(&ran.stdout).with_context(|| said.into_owned())?;
    let orders = f64::from(looped.orders);
    Ok(Sample {
        rate: orders / looped.seconds,
        processor: looped.processor / orders * 1e6,
        ..Sample::default()
    })
}

fn load_average() -> String {
    let told = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    told.split_whitespace().next().unwrap_or("unknown").to_owned()
}
