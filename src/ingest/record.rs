//! What a batch leaves in the log and in the history, and what is told of it. Pure.

use std::collections::{HashMap, HashSet};

use super::read::ReadMessage;
use super::settle::{Settled, SettledMessage, SettledWork, Trace};
use super::work::Done;
use crate::card::outcome::{CardOutcome, Outcome, Receipt};
use crate::order::OrderNumber;
use crate::store::{NewEvent, NewLog};

/// The row id of each order.
pub(crate) type Ids = HashMap<OrderNumber, i64>;

/// The log row of a message.
pub(crate) fn log(read: &ReadMessage, done: &SettledMessage, ids: &Ids) -> NewLog {
    let outcomes = || done.cards.iter().map(|card| &card.outcome);
    let why =
        outcomes().filter(|outcome| outcome.code().is_some()).min_by_key(|outcome| rank(outcome.as_str()));
    let numbers = done.cards.iter().filter_map(|card| card.number.as_ref());
    let mut named = HashSet::new();
    let order_ids =
        numbers.filter_map(|number| ids.get(number).copied()).filter(|id| named.insert(*id)).collect();
    NewLog {
        source: read.source,
        source_key: done.key.clone(),
        endpoint: read.endpoint.clone(),
        message_id: read.message_id,
        content_hash: read.content_hash.clone(),
        outcome: outcome(done),
        code: why.and_then(Outcome::code),
        error_message: why.and_then(Outcome::reason),
        warnings: done.cards.iter().flat_map(|card| card.warnings.clone()).collect(),
        order_ids,
        payload: read.payload.clone(),
        flattened: read.flattened.clone(),
        sent_at: done.at,
        created_at: read.received_at,
    }
}

/// Of several cards' outcomes, what was stored stands for their message. A message that is read
/// again and was stored before has not become less by it.
pub(crate) fn outcome(done: &SettledMessage) -> &'static str {
    let names = done.cards.iter().map(|card| card.outcome.as_str());
    let outcome = names.min_by_key(|name| rank(name)).unwrap_or("rejected");
    let before = match &done.trace {
        Trace::Row(_, before) => Outcome::NAMES.into_iter().find(|name| name == before),
        Trace::None | Trace::New => None,
    };
    let is_stored = |name: &str| rank(name) < rank("duplicate");
    match before {
        Some(before) if is_stored(before) && is_stored(outcome) && rank(before) < rank(outcome) => before,
        _ => outcome,
    }
}

/// Which of several outcomes stands for all: what was stored first.
fn rank(outcome: &str) -> usize {
    const ORDER: [&str; 6] = ["created", "updated", "unchanged", "duplicate", "rejected", "ignored"];
    ORDER.iter().position(|name| *name == outcome).unwrap_or(ORDER.len())
}

/// The steps of history. `log_ids` has the log row of each piece of work.
pub(crate) fn events(settled: &Settled, log_ids: &[Option<i64>], ids: &Ids) -> Vec<NewEvent> {
    let event = |event: &super::settle::SettledEvent| NewEvent {
        order_id: ids.get(&event.number).copied().unwrap_or_default(),
        event_type: if event.created { "created" } else { "updated" },
        changes: event.changes.clone(),
        source: event.source,
        log_id: log_ids.get(event.position).copied().flatten(),
        actor: event.actor.clone(),
        created_at: event.at,
    };
    settled.events.iter().map(event).collect()
}

/// The answer to a piece of work. An order that the batch also created has its row id by now.
pub(crate) fn done(work: SettledWork, log_id: Option<i64>, ids: &Ids) -> Done {
    let message = match work {
        SettledWork::Message(message) => message,
        SettledWork::Edit(edited) => return Done::Edit(edited),
    };
    let cards = message.cards.into_iter().map(|card| CardOutcome {
        order: card.number.and_then(|number| ids.get(&number).map(|id| (*id, number))),
        outcome: card.outcome,
        warnings: card.warnings,
    });
    Done::Message(Receipt { log_id, cards: cards.collect() })
}
