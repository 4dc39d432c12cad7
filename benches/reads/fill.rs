//! Writes orders through the batches of the store, as the writer task does.

use std::time::{Duration, Instant};

use anyhow::Result;
use chrono::{DateTime, Utc};
use roms::order::Order;
use roms::store::{BatchKeys, Store};

use crate::orders::{Orders, event, log};
use crate::report::{Clock, Row};

/// Orders in a transaction while the database is filled, and while writing is measured, as in the writer task.
const MANY: usize = 4096;
const BATCH: usize = 64;
/// Batches that are measured.
const MEASURED: usize = 300;

/// Fills a database with `count` orders of the past.
pub(crate) async fn fill(store: &Store, now: DateTime<Utc>, count: u32) -> Result<()> {
    let mut orders = Orders::ending(now, count).take(count as usize);
    loop {
        let some: Vec<Order> = orders.by_ref().take(MANY).collect();
        if some.is_empty() {
            return Ok(());
        }
        write(store, &some).await?;
    }
}

/// Writes orders of today in batches of 64, each durable before the next.
pub(crate) async fn measure(name: &str, store: &Store, now: DateTime<Utc>) -> Result<Row> {
    let mut orders = Orders::of_today(now);
    let batches: Vec<Vec<Order>> = (0..MEASURED).map(|_| orders.by_ref().take(BATCH).collect()).collect();
    let (clock, mut slowest) = (Clock::start(), Duration::ZERO);
    for batch in &batches {
        let begun = Instant::now();
        write(store, batch).await?;
        slowest = slowest.max(begun.elapsed());
    }
    Ok(clock.row(name, (MEASURED * BATCH) as u64, slowest))
}

/// Orders with their log rows and their history in one transaction.
async fn write(store: &Store, orders: &[Order]) -> Result<()> {
    let mut batch = store.begin().await?;
    let logs: Vec<_> = orders.iter().map(log).collect();
    let keys = BatchKeys {
        numbers: orders.iter().map(|order| order.number.clone()).collect(),
        dedup_keys: logs.iter().filter_map(|log| log.source_key.clone()).collect(),
        ..BatchKeys::default()
    };
    batch.read_state(&keys).await?;
    let ids = batch.save_orders(&orders.iter().collect::<Vec<_>>()).await?;
    let logs = logs.into_iter().zip(orders);
    let logs = logs.map(|(log, order)| roms::store::LogEntry { order_ids: vec![ids[&order.number]], ..log });
    let log_ids = batch.save_logs(logs.collect()).await?;
    let events = orders.iter().zip(log_ids).map(|(order, log_id)| event(order, ids[&order.number], log_id));
    batch.save_events(&events.collect::<Vec<_>>()).await?;
    Ok(batch.commit().await?)
}
