//! False orders: orders that an older parser made from messages that hold no order. A replay finds and cancels them.
//!
//! A false order is one that only messages of the log created and changed, while none of these messages reads as that
//! order now. An order that a person changed is not false, nor is one with a message whose text was deleted.

use std::collections::{BTreeSet, HashMap};

use super::{EditError, Ingest, SubmitError};
use crate::card::outcome::Receipt;
use crate::card::parse::ParsedCard;
use crate::clock;
use crate::order::{Edit, Fields, Guard, Order, OrderNumber, Status};
use crate::store::{LEGACY_EVENT, StoreError};

/// The `cancel_reason` of a false order.
pub const NO_ORDER_IN_CARD: &str = "Replay found no order in its card";
/// Steps of history that are read at once.
const EVENTS_PAGE: u64 = 100;

/// The orders that a log row named before its replay, and the cards that read as orders now.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    named: Vec<i64>,
    are_orders: Vec<bool>,
}

impl Reading {
    pub(crate) fn new(named: &[i64], cards: &[ParsedCard]) -> Self {
        let are_orders = cards.iter().map(|card| matches!(card, ParsedCard::Order { .. })).collect();
        Self { named: named.to_vec(), are_orders }
    }
}

/// Orders that a log row named before its replay and that no replayed row reads as an order.
#[derive(Debug, Default)]
pub(crate) struct Suspects {
    named_before: BTreeSet<i64>,
    confirmed: BTreeSet<i64>,
}

impl Suspects {
    pub(crate) fn add(&mut self, reading: &Reading, receipt: &Receipt) {
        self.named_before.extend(&reading.named);
        let cards = receipt.cards.iter().zip(&reading.are_orders);
        let orders = cards.filter(|(_, is_order)| **is_order).filter_map(|(card, _)| card.order.as_ref());
        self.confirmed.extend(orders.map(|(id, _)| *id));
    }

    fn orders(&self) -> BTreeSet<i64> {
        self.named_before.difference(&self.confirmed).copied().collect()
    }
}

impl Ingest {
    /// The false orders among the suspects that are not cancelled or refunded yet. `changed` are orders that a dry run
    /// has changed.
    pub(crate) async fn false_orders(
        &self,
        suspects: &Suspects,
        changed: &HashMap<OrderNumber, Order>,
    ) -> Result<Vec<Order>, StoreError> {
        let suspects = suspects.orders();
        let rows = self.store.logs_of_orders(&suspects).await?;
        let mut found = Vec::new();
        for id in suspects {
            let Some(order) = self.store.order_by_id(id).await? else { continue };
            let order = changed.get(&order.number).filter(|order| order.id == id).cloned().unwrap_or(order);
            let is_void = order.fields.status.is_some_and(Status::is_cancelled_or_refunded);
            if !is_void && self.is_false(&order, rows.get(&id).cloned().unwrap_or_default()).await? {
                found.push(order);
            }
        }
        Ok(found)
    }

    /// Whether only messages of the log created and changed the order, and none of them reads as the order. `rows` are
    /// the log rows that name it.
    async fn is_false(&self, order: &Order, mut rows: BTreeSet<i64>) -> Result<bool, StoreError> {
        let mut numbers = vec![order.number.as_str().to_owned()];
        let mut after = 0;
        loop {
            let events = self.store.events(order.id, after, EVENTS_PAGE).await?;
            let Some(last) = events.last() else { break };
            after = last.id;
            for event in events.into_iter().filter(|event| event.event_type != LEGACY_EVENT) {
                // A person made the change.
                let Some(log_id) = event.log_id else { return Ok(false) };
                rows.insert(log_id);
                let renamed = event.changes.into_iter().filter(|change| change.field == "order_number");
                numbers.extend(renamed.filter_map(|change| change.old));
            }
        }
        // An order without history was not made by ROMS.
        if after == 0 {
            return Ok(false);
        }
        for row in rows {
            let Some(row) = self.store.log(row).await?.filter(|row| !row.payload.is_empty()) else {
                return Ok(false);
            };
            let reads_as_order = |card: &ParsedCard| match card {
                ParsedCard::Order { patch, .. } => {
                    numbers.iter().any(|number| number == patch.number.as_str())
                }
                ParsedCard::IfKnown { .. } | ParsedCard::NoOrder(_) => false,
            };
            if self.parse_row(row, "").cards.iter().any(reads_as_order) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Cancels a false order, unless it has changed since. Returns whether it is cancelled now.
    pub(crate) async fn cancel_false_order(&self, order: &Order, actor: &str) -> Result<bool, SubmitError> {
        let edit = Edit {
            set: Fields {
                status: Some(Status::Cancelled),
                cancel_reason: Some(NO_ORDER_IN_CARD.to_owned()),
                ..Fields::default()
            },
            guard: Some(Guard::Version(order.updated_at)),
            ..Edit::new(order.id, order.source, actor.to_owned(), clock::now())
        };
        match self.edit(edit).await {
            Ok(_) => Ok(true),
            Err(EditError::NotFound | EditError::Changed) => Ok(false),
            Err(EditError::Closed) => Err(SubmitError::Closed),
            Err(EditError::Storage) => Err(SubmitError::Storage),
        }
    }
}
