//! Reading and writing at a million orders: `cargo bench --bench reads`.
//!
//! Fills a database in the temporary folder (about 3 GB, removed afterwards) through the batches of the store.
//! Times the queries of the commands and of the HTTP API, and writing to the empty and to the full database.
//! `ROMS_BENCH_ORDERS` sets the number of orders. `ROMS_BENCH_DATABASE` names an empty PostgreSQL database to use
//! instead.

#![expect(clippy::print_stdout, reason = "the table is the result")]

mod fill;
mod orders;
#[expect(dead_code, reason = "the other benches measure memory with it")]
#[path = "../discord/process.rs"]
mod process;
mod queries;
mod report;

use std::env;
use std::time::Instant;

use anyhow::{Context, Result};
use chrono::{SubsecRound, Utc};
use roms::config::DatabaseUrl;
use roms::store::{Options, Store};

/// The default number of orders.
const ORDERS: u32 = 1_000_000;

fn main() -> Result<()> {
    // `cargo test --benches` only checks that the program starts.
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<()> {
    let count = env::var("ROMS_BENCH_ORDERS").map_or(Ok(ORDERS), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let url = match env::var("ROMS_BENCH_DATABASE") {
        Ok(url) => url,
        Err(_) => format!("sqlite://{}", folder.path().join("orders.db").display()),
    };
    let url: DatabaseUrl = url.parse().map_err(anyhow::Error::msg).context("no database")?;
    let open = async |search_index| {
        let options = Options { search_index: Some(search_index), ..Options::default() };
        Store::open_with(&url, options).await
    };
    println!("{count} orders in {url}\n");

    let now = Utc::now().trunc_subsecs(6);
    let mut writes = Vec::new();
    let store = open(false).await?;
    writes.push(fill::measure("empty, without search index", &store, now).await?);
    store.close().await?;
    let store = open(true).await?;
    writes.push(fill::measure("empty, with search index", &store, now).await?);
    store.close().await?;

    let store = open(false).await?;
    let begun = Instant::now();
    fill::fill(&store, now, count).await?;
    println!("filled in {:.0} s", begun.elapsed().as_secs_f32());
    writes.push(fill::measure("full, without search index", &store, now).await?);
    store.close().await?;

    let begun = Instant::now();
    let store = open(true).await?;
    println!("search index built in {:.0} s\n", begun.elapsed().as_secs_f32());
    report::table("Reads", "median ms | slowest ms | found", &queries::measure(&store, now, count).await?);
    writes.push(fill::measure("full, with search index", &store, now).await?);
    report::table("Writes, batches of 64", "orders/s | processor µs an order | slowest batch ms", &writes);
    store.close().await?;
    Ok(())
}
