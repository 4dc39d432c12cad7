//! Measures how many cards per second ROMS stores over HTTP, next to its upper bounds. Run it with
//! `cargo bench --bench server`.
//!
//! | | |
//! |---|---|
//! | (a) | the `roms` binary, with cards as text and as embeds, and with a token in each request |
//! | (b) | the same server with one message per transaction |
//! | (c) | a plain loop that writes the same three rows in batches of 64, without parsing or HTTP |
//! | (d) | an axum handler that only answers |
//!
//! If `TEST_DATABASE_URL` names a PostgreSQL server whose user may create databases, (a) and (c) run
//! there too.
//!
//! Each case runs in its own process on an empty database, one case after the other. There are several
//! rounds, and the table shows medians. wrk sends the requests and must be installed. `-- --quick` runs
//! one round of short runs, and `-- --rounds 5` runs five rounds.

#![expect(clippy::print_stdout, reason = "the table is the result")]

mod bodies;
mod child;
#[expect(dead_code, reason = "only the other benchmark posts with it")]
#[path = "../discord/http.rs"]
mod http;
mod plain_loop;
mod postgres;
#[path = "../discord/process.rs"]
mod process;
mod report;
mod servers;
mod wrk;

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use bodies::Form;
use child::{Server, Subject, database, new_folder, this_program};
use report::{Case, Results, Sample};

const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];
/// The number of connections that most targets are set for.
pub(crate) const MAIN_CONNECTIONS: usize = 64;

/// How much to measure.
struct Settings {
    rounds: usize,
    /// The time of one run. wrk accepts whole seconds.
    time: Duration,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--single-commits", address, database] => {
            servers::single_commits(address.parse()?, (*database).to_owned()).await
        }
        ["--answer-only", address, _] => servers::answer_only(address.parse()?).await,
        [engine @ ("--loop" | "--loop-postgres"), seconds, database] => {
            let (database, time) = ((*database).to_owned(), Duration::from_secs(seconds.parse()?));
            let result = match *engine {
                "--loop" => plain_loop::run(database, time).await?,
                _ => postgres::run(database, time).await?,
            };
            println!("{}", serde_json::to_string(&result)?);
            Ok(())
        }
        // `cargo test --benches` runs this without `--bench`, only to see that it starts.
        _ if !arguments.contains(&"--bench") => Ok(()),
        _ => measure(&settings(&arguments)?).await,
    }
}

fn settings(arguments: &[&str]) -> Result<Settings> {
    let mut settings = Settings { rounds: 3, time: Duration::from_secs(3) };
    let mut rest = arguments.iter().filter(|argument| **argument != "--bench");
    while let Some(argument) = rest.next() {
        match *argument {
            "--quick" => settings = Settings { rounds: 1, time: Duration::from_secs(1) },
            "--rounds" => settings.rounds = rest.next().context("--rounds needs a number")?.parse()?,
            other => bail!("unknown argument {other}; use --quick or --rounds N"),
        }
    }
    ensure!(settings.rounds > 0, "--rounds must be at least 1");
    Ok(settings)
}

async fn measure(settings: &Settings) -> Result<()> {
    wrk::check_installed()?;
    let mut results = Results::default();
    for round in 1..=settings.rounds {
        println!("round {round} of {}, load average {}", settings.rounds, load_average());
        for case in cases() {
            results.add(case, served(case, settings.time).await?);
        }
        results.add(Case::PlainLoop, plain_loop("--loop", &database(new_folder()?.path()), settings.time)?);
        if postgres::server().is_some() {
            let database = postgres::create_database().await?;
            results.add(Case::PlainLoopPostgres, plain_loop("--loop-postgres", &database, settings.time)?);
        }
    }
    println!("\nload average at the end: {}\n", load_average());
    report::table(&results);
    report::targets(&results);
    Ok(())
}

/// The cases of one round. The servers alternate, so that they meet similar conditions.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for connections in CONNECTIONS {
        for subject in [Subject::Roms, Subject::SingleCommits, Subject::AnswerOnly] {
            cases.push(Case::Served { subject, form: Form::Text, connections });
        }
        cases.push(Case::Served { subject: Subject::RomsWithToken, form: Form::Text, connections });
        cases.push(Case::Served { subject: Subject::Roms, form: Form::Embed, connections });
        if postgres::server().is_some() {
            cases.push(Case::Served { subject: Subject::Postgres, form: Form::Text, connections });
        }
    }
    cases
}

async fn served(case: Case, time: Duration) -> Result<Sample> {
    let Case::Served { subject, form, connections } = case else { bail!("the loop is not a server") };
    let server = Server::start(subject, new_folder()?).await?;
    let idle_memory = server.memory().now;
    let before = server.processor();
    let result = wrk::post(
        server.address,
        server.token.as_deref(),
        &form.body()?,
        connections,
        time,
        server.folder.path(),
    )?;
    let cpu_seconds = server.processor().since(&before).total();
    let peak_memory = server.memory().peak;
    if subject != Subject::AnswerOnly {
        let (stored, maximum) = (server.orders().await?, result.answers + u64::try_from(connections)?);
        ensure!((result.answers..=maximum).contains(&stored), "{} answers, {stored} orders", result.answers);
    }
    // Restart on the filled database and measure the time to the first answer.
    let first_answer = if subject == Subject::Roms {
        let again = Server::start(subject, server.kill()?).await?;
        Some(again.first_answer.as_secs_f64() * 1000.0)
    } else {
        None
    };
    #[expect(clippy::cast_precision_loss, reason = "the count is far below 2^52")]
    let cpu_micros = cpu_seconds / result.answers as f64 * 1e6;
    let (p50, p99) = (Some(result.p50), Some(result.p99));
    Ok(Sample { rate: result.rate(), p50, p99, cpu_micros, peak_memory, idle_memory, first_answer })
}

fn plain_loop(role: &str, database: &str, time: Duration) -> Result<Sample> {
    let mut program = this_program(role)?;
    let output = program.arg(time.as_secs().to_string()).arg(database).output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    let result: plain_loop::LoopResult =
        serde_json::from_slice(&output.stdout).with_context(|| stderr.into_owned())?;
    let orders = f64::from(result.orders);
    Ok(Sample {
        rate: orders / result.seconds,
        cpu_micros: result.cpu_seconds / orders * 1e6,
        ..Sample::default()
    })
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
