//! A batch merged in memory: several cards of one order fold into one row. Pure.

use std::collections::HashMap;

use super::read::{ReadCard, ReadMessage};
use super::seen::{Holder, Known, Seen};
use crate::merge::merge;
use crate::order::{FieldChange, Order, OrderNumber};
use crate::outcome::Outcome;
use crate::store::KnownMessage;

/// A batch, merged.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Every order concerned.
    pub(super) orders: HashMap<OrderNumber, Working>,
    /// One for each message, in order.
    pub(super) messages: Vec<SettledMessage>,
    /// Log rows whose key goes over to a message of this batch.
    pub(super) released: Vec<i64>,
    /// How many cards have been merged.
    turns: usize,
}

/// An order while a batch is merged.
#[derive(Debug)]
pub(super) struct Working {
    pub(super) order: Order,
    pub(super) created: bool,
    pub(super) changed: bool,
    pub(super) dirty: bool,
    /// Which card of the batch first spoke of it.
    turn: usize,
}

/// What became of a message.
#[derive(Debug, Default)]
pub(super) struct SettledMessage {
    pub(super) key: Option<String>,
    /// Whether it leaves a log row: all do but copies of what is there.
    pub(super) logged: bool,
    pub(super) cards: Vec<SettledCard>,
    pub(super) events: Vec<SettledEvent>,
}

/// What became of a card.
#[derive(Debug)]
pub(super) struct SettledCard {
    pub(super) number: Option<OrderNumber>,
    pub(super) outcome: Outcome,
    pub(super) warnings: Vec<String>,
}

/// A step of an order's history.
#[derive(Debug)]
pub(super) struct SettledEvent {
    pub(super) number: OrderNumber,
    pub(super) created: bool,
    pub(super) changes: Vec<FieldChange>,
}

/// Merges the messages, in order, into the stored orders. `known` are messages of the same keys
/// that are in the log.
pub(super) fn settle(
    messages: &[ReadMessage],
    stored: HashMap<OrderNumber, Order>,
    known: HashMap<String, KnownMessage>,
) -> Settled {
    let fresh = |order| Working { order, created: false, changed: false, dirty: false, turn: usize::MAX };
    let orders = stored.into_iter().map(|(number, order)| (number, fresh(order))).collect();
    let mut settled = Settled { orders, ..Settled::default() };
    let mut known = Known::new(known);
    for (position, message) in messages.iter().enumerate() {
        let (seen, released) = known.take(message, position);
        match released {
            Some(Holder::Row(log_id)) => settled.released.push(log_id),
            Some(Holder::Batch(earlier)) => {
                if let Some(earlier) = settled.messages.get_mut(earlier) {
                    earlier.key = None;
                }
            }
            None => {}
        }
        let done = match seen {
            Seen::New => SettledMessage { key: message.key.clone(), ..settled.merge_cards(message, None) },
            Seen::Again(first) => settled.merge_cards(message, Some(&first)),
            Seen::Copy => SettledMessage::copy_of(message),
        };
        settled.messages.push(done);
    }
    settled
}

impl SettledMessage {
    /// A copy of what was taken before.
    fn copy_of(message: &ReadMessage) -> Self {
        let duplicate = |_| SettledCard { number: None, outcome: Outcome::Duplicate, warnings: Vec::new() };
        Self { cards: message.cards.iter().map(duplicate).collect(), ..Self::default() }
    }
}

impl Settled {
    /// The orders in the order in which cards first spoke of them, which is that of their row
    /// ids and of the feed.
    pub(super) fn in_turn(&self) -> Vec<&Working> {
        let mut orders: Vec<_> = self.orders.values().collect();
        orders.sort_unstable_by_key(|working| working.turn);
        orders
    }

    /// The same message again is of the time of the first, so that it cannot undo newer facts.
    fn merge_cards(&mut self, message: &ReadMessage, repeats: Option<&KnownMessage>) -> SettledMessage {
        let mut settled = SettledMessage { logged: true, ..SettledMessage::default() };
        for card in &message.cards {
            let (patch, warnings) = match card {
                ReadCard::Order { patch, warnings } => (patch, warnings.clone()),
                ReadCard::Settled(outcome) => {
                    let outcome = outcome.clone();
                    settled.cards.push(SettledCard { number: None, outcome, warnings: Vec::new() });
                    continue;
                }
            };
            let mut patch = patch.clone();
            let number = patch.number.clone();
            let before = self.orders.get(&number).map(|working| &working.order);
            if let Some(first) = repeats {
                patch.at = patch.at.min(first.sent_at);
                if before.is_some() {
                    // The first has dated the order; that it came again says nothing.
                    patch.derived.order_date = None;
                    patch.derived.order_time = None;
                }
            }
            let change = merge(before, &patch, message.received_at);
            let outcome = match (change.created, change.changes.is_empty()) {
                (true, _) => Outcome::Created,
                (false, false) => Outcome::Updated,
                (false, true) if repeats.is_some() => Outcome::Duplicate,
                (false, true) => Outcome::Unchanged,
            };
            settled.cards.push(SettledCard { number: Some(number.clone()), outcome, warnings });
            let changed = change.created || !change.changes.is_empty();
            let earlier = self.orders.remove(&number);
            let was = |flag: fn(&Working) -> bool| earlier.as_ref().is_some_and(flag);
            let working = Working {
                created: change.created || was(|working| working.created),
                changed: changed || was(|working| working.changed),
                dirty: change.dirty || was(|working| working.dirty),
                turn: earlier.as_ref().map_or(self.turns, |working| working.turn.min(self.turns)),
                order: change.order,
            };
            self.turns += 1;
            self.orders.insert(number.clone(), working);
            if changed {
                let event = SettledEvent { number, created: change.created, changes: change.changes };
                settled.events.push(event);
            }
        }
        settled
    }
}
