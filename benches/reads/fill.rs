//! Filling a database through the store's own batches.

use anyhow::Result;
use roms::order::{Order, OrderNumber};
use roms::store::Store;

use crate::orders::{event, log};

/// Writes orders with their log rows and their history in one transaction, as the writer does.
pub(crate) async fn write(store: &Store, orders: &[Order]) -> Result<()> {
    let mut batch = store.begin().await?;
    let numbers: Vec<OrderNumber> = orders.iter().map(|order| order.number.clone()).collect();
    batch.orders(&numbers).await?;
    let ids = batch.save_orders(&orders.iter().collect::<Vec<_>>()).await?;
    let logs = orders.iter().map(|order| log(order, ids[&order.number])).collect();
    let log_ids = batch.save_logs(logs).await?;
    let events = orders.iter().zip(log_ids).map(|(order, log_id)| event(order, ids[&order.number], log_id));
    batch.save_events(events.collect()).await?;
    Ok(batch.commit().await?)
}
