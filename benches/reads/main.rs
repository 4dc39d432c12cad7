//! Reading and writing at a million orders: `cargo bench --bench reads`.

#![expect(clippy::print_stdout, reason = "the table is the result")]

mod fill;
mod orders;

use std::time::Instant;

use anyhow::Result;
use chrono::{SubsecRound, Utc};
use roms::store::{Options, Store};

use orders::Orders;

fn main() -> Result<()> {
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<()> {
    let url = std::env::var("BENCH_DB").unwrap();
    let store = Store::open_with(&url.parse().map_err(anyhow::Error::msg)?, Options::default()).await?;
    let started = Instant::now();
    let mut orders = Orders::ending(Utc::now().trunc_subsecs(6), 1_000_000);
    for n in 0..489 {
        let batch: Vec<_> = orders.by_ref().take(2048.min(1_000_000 - n * 2048)).collect();
        fill::write(&store, &batch).await?;
    }
    println!("filled in {:?}", started.elapsed());
    store.close().await?;
    Ok(())
}
