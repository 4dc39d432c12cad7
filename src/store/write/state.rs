//! Reads what the database holds of the things that a batch names.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;

use super::batch::Batch;
use super::{logs, orders, renumber};
use crate::order::{Order, OrderNumber};
use crate::store::{LoggedMessage, Store, StoreError};

/// The orders and log rows that the messages and edits of a batch name.
#[derive(Debug, Default)]
pub struct BatchKeys {
    /// Orders that cards name, in any order and number.
    pub numbers: Vec<OrderNumber>,
    /// Row ids of orders that edits name.
    pub order_ids: Vec<i64>,
    /// Deduplication keys of messages.
    pub dedup_keys: Vec<String>,
    /// Log rows that are replayed.
    pub log_ids: Vec<i64>,
    /// Discord messages with a card that states no order number.
    pub message_ids: Vec<i64>,
}

/// The stored orders and log rows that a batch names.
#[derive(Debug, Default)]
pub struct StoredState {
    /// The orders.
    pub orders: HashMap<OrderNumber, Order>,
    /// Log rows by deduplication key.
    pub logged: HashMap<String, LoggedMessage>,
    /// Outcomes of replayed log rows. Rows that are gone, or whose payload is, are missing.
    pub outcomes: HashMap<i64, String>,
    /// The orders of Discord messages, in the order of the cards.
    pub message_orders: HashMap<i64, Vec<OrderNumber>>,
}

impl Store {
    /// Reads what a batch names without locking anything, for a batch that is not written.
    pub async fn read_state(&self, keys: &BatchKeys) -> Result<StoredState, StoreError> {
        read_state(&self.readers, keys, false).await
    }
}

impl Batch {
    /// Reads and locks what a batch names.
    pub async fn read_state(&mut self, keys: &BatchKeys) -> Result<StoredState, StoreError> {
        let stored = read_state(&self.transaction, keys, true).await?;
        self.note_known(&keys.numbers, &stored.orders);
        Ok(stored)
    }
}

/// Reads what a batch names. Orders come before log rows, as they do when they are written: two writers must lock in
/// the same order.
async fn read_state(
    connection: &impl ConnectionTrait,
    keys: &BatchKeys,
    for_update: bool,
) -> Result<StoredState, StoreError> {
    let message_orders = renumber::orders_of_messages(connection, &keys.message_ids).await?;
    let edited = orders::numbers_of(connection, &keys.order_ids).await?;
    let mut numbers: Vec<_> = edited.into_iter().map(|(_, number)| number).collect();
    numbers.extend_from_slice(&keys.numbers);
    numbers.extend(message_orders.values().flatten().cloned());
    numbers.sort_unstable();
    numbers.dedup();
    Ok(StoredState {
        orders: orders::find(connection, &numbers, for_update).await?,
        logged: logs::find_logged(connection, &keys.dedup_keys).await?,
        outcomes: logs::outcomes(connection, &keys.log_ids, for_update).await?,
        message_orders,
    })
}
