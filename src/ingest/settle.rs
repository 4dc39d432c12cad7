//! A batch merged in memory: several cards and edits of one order fold into one row. Pure.

mod several;

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::edit::{EditError, Edited};
use super::read::ReadMessage;
use super::record::outcome;
use super::seen::{Holder, Known, Seen};
use super::work::Work;
use crate::card::outcome::Outcome;
use crate::card::parse::ParsedCard;
use crate::order::merge;
use crate::order::merge::{Change, merge};
use crate::order::{Edit, FieldChange, Order, OrderNumber, Source};
use crate::store::KnownMessage;

/// What the database knows of a batch before it is merged.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    /// The orders concerned.
    pub(crate) orders: HashMap<OrderNumber, Order>,
    /// Messages of the same keys that are in the log.
    pub(crate) known: HashMap<String, KnownMessage>,
    /// The outcomes of the log rows that are read again. One that has none is gone.
    pub(crate) outcomes: HashMap<i64, String>,
}

/// A batch, merged.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Every order concerned.
    pub(crate) orders: HashMap<OrderNumber, Working>,
    /// One for each piece of work, in order.
    pub(crate) works: Vec<SettledWork>,
    /// The steps of the orders' histories, in order.
    pub(crate) events: Vec<SettledEvent>,
    /// Log rows whose key goes over to a message of this batch.
    pub(crate) released: Vec<i64>,
    /// How many cards and edits have been merged.
    turns: usize,
}

/// An order while a batch is merged.
#[derive(Clone, Debug)]
pub(crate) struct Working {
    pub(crate) order: Order,
    pub(crate) created: bool,
    pub(crate) changed: bool,
    pub(crate) dirty: bool,
    /// Which card or edit of the batch first spoke of it.
    turn: usize,
}

/// What became of a piece of work.
#[derive(Debug)]
pub(crate) enum SettledWork {
    Message(SettledMessage),
    Edit(Result<Box<Edited>, EditError>),
}

/// What became of a message.
#[derive(Debug)]
pub(crate) struct SettledMessage {
    pub(crate) key: Option<String>,
    /// The time that it counts as, which is that of the first where it is a repeat.
    pub(crate) at: DateTime<Utc>,
    pub(crate) trace: Trace,
    pub(crate) cards: Vec<SettledCard>,
}

/// Which row a message leaves in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// None: a copy of what is there, or a row that is gone.
    None,
    /// A new one.
    New,
    /// The one that it was read from again, and its outcome before.
    Row(i64, String),
}

/// What became of a card.
#[derive(Debug)]
pub(crate) struct SettledCard {
    pub(crate) number: Option<OrderNumber>,
    pub(crate) outcome: Outcome,
    pub(crate) warnings: Vec<String>,
}

/// A step of an order's history.
#[derive(Debug)]
pub(crate) struct SettledEvent {
    /// The piece of work that brought it.
    pub(crate) position: usize,
    pub(crate) number: OrderNumber,
    pub(crate) created: bool,
    pub(crate) changes: Vec<FieldChange>,
    pub(crate) source: Source,
    pub(crate) actor: Option<String>,
    pub(crate) at: DateTime<Utc>,
}

/// Merges messages and edits, in order, into the stored orders. `now` is the time of the edits.
pub(crate) fn settle(works: &[Work], stored: Stored, now: DateTime<Utc>) -> Settled {
    let fresh = |order| Working { order, created: false, changed: false, dirty: false, turn: usize::MAX };
    let Stored { orders, known, mut outcomes } = stored;
    let orders = orders.into_iter().map(|(number, order)| (number, fresh(order))).collect();
    let mut settled = Settled { orders, ..Settled::default() };
    let mut known = Known::new(known);
    for (position, work) in works.iter().enumerate() {
        let done = match work {
            Work::Message(message) => {
                let done = settled.settle_message(message, position, &mut known, &outcomes);
                if let Trace::Row(log_id, _) = done.trace {
                    // The same row may be read again twice in one batch.
                    outcomes.insert(log_id, outcome(&done).to_owned());
                }
                SettledWork::Message(done)
            }
            Work::Edit(edit) => SettledWork::Edit(settled.settle_edit(edit, position, now)),
        };
        settled.works.push(done);
    }
    settled
}

impl Settled {
    /// Whether there is anything of it that the database does not hold yet.
    pub(crate) fn is_to_be_written(&self) -> bool {
        let leaves_a_row = |work: &SettledWork| match work {
            SettledWork::Message(message) => message.trace != Trace::None,
            SettledWork::Edit(_) => false,
        };
        self.works.iter().any(leaves_a_row) || self.orders.values().any(|working| working.dirty)
    }

    /// The orders in the order in which cards first spoke of them, which is that of their row
    /// ids and of the feed.
    pub(crate) fn in_turn(&self) -> Vec<&Working> {
        let mut orders: Vec<_> = self.orders.values().collect();
        orders.sort_unstable_by_key(|working| working.turn);
        orders
    }

    fn settle_message(
        &mut self,
        message: &ReadMessage,
        position: usize,
        known: &mut Known,
        outcomes: &HashMap<i64, String>,
    ) -> SettledMessage {
        let (at, cards) = (message.at, Vec::new());
        if let Some(replay) = message.replay {
            let Some(outcome) = outcomes.get(&replay.log_id) else {
                return SettledMessage { key: None, at, trace: Trace::None, cards };
            };
            let key = known.take_back(message, replay.log_id);
            let trace = Trace::Row(replay.log_id, outcome.clone());
            return SettledMessage { key, at, trace, cards: self.merge_cards(message, position, None) };
        }
        let (seen, released) = known.take(message, position);
        if let Some(holder) = released {
            self.release(holder);
        }
        match seen {
            Seen::New => {
                let cards = self.merge_cards(message, position, None);
                SettledMessage { key: message.key.clone(), at, trace: Trace::New, cards }
            }
            Seen::Again(first) => {
                let at = at.min(first.sent_at);
                let cards = self.merge_cards(message, position, Some(&first));
                SettledMessage { key: None, at, trace: Trace::New, cards }
            }
            Seen::Copy => {
                let duplicate =
                    |_| SettledCard { number: None, outcome: Outcome::Duplicate, warnings: Vec::new() };
                let cards = message.cards.iter().map(duplicate).collect();
                SettledMessage { key: None, at, trace: Trace::None, cards }
            }
        }
    }

    /// Takes the key from who had it, in the log and in this batch.
    fn release(&mut self, holder: Holder) {
        if let Holder::Row(log_id) = holder {
            self.released.push(log_id);
        }
        for (position, work) in self.works.iter_mut().enumerate() {
            if let SettledWork::Message(message) = work
                && (holder == Holder::Batch(position)
                    || matches!(message.trace, Trace::Row(log_id, _) if holder == Holder::Row(log_id)))
            {
                message.key = None;
            }
        }
    }

    /// The same message again is of the time of the first, so that it cannot undo newer facts.
    fn merge_cards(
        &mut self,
        message: &ReadMessage,
        position: usize,
        repeats: Option<&KnownMessage>,
    ) -> Vec<SettledCard> {
        let mut settled = Vec::with_capacity(message.cards.len());
        let several = self.of_several_cards(message);
        let nothing_new = if repeats.is_some() { Outcome::Duplicate } else { Outcome::Unchanged };
        for card in &message.cards {
            let (patch, warnings) = match card {
                ParsedCard::Order { patch, warnings } => (patch, warnings.clone()),
                ParsedCard::NoOrder(outcome) => {
                    let outcome = outcome.clone();
                    settled.push(SettledCard { number: None, outcome, warnings: Vec::new() });
                    continue;
                }
            };
            let mut patch = Cow::Borrowed(&**patch);
            let number = patch.number.clone();
            let before = self.orders.get(&number).map(|working| &working.order);
            if let Some(first) = repeats {
                let patch = patch.to_mut();
                patch.at = patch.at.min(first.sent_at);
                if before.is_some() {
                    // The first has dated the order; that it came again says nothing.
                    patch.derived.order_date = None;
                    patch.derived.order_time = None;
                }
            }
            let change = merge(before, &patch, message.now());
            let outcome = match (change.created, change.changes.is_empty()) {
                (true, _) => Outcome::Created,
                (false, false) => Outcome::Updated,
                (false, true) => nothing_new.clone(),
            };
            settled.push(SettledCard { number: Some(number.clone()), outcome, warnings });
            let by = (message.source, message.actor.clone(), message.now());
            self.apply(number, change, position, by);
        }
        self.take_back_what_led_nowhere(several, position, &mut settled, &nothing_new);
        settled
    }

    fn settle_edit(
        &mut self,
        edit: &Edit,
        position: usize,
        now: DateTime<Utc>,
    ) -> Result<Box<Edited>, EditError> {
        // An order that this batch makes has no row id yet.
        let is_meant = |working: &&Working| working.order.id == edit.order && edit.order != 0;
        let found = self.orders.values().find(is_meant);
        let before = found.ok_or(EditError::NotFound)?.order.clone();
        if edit.guard.is_some_and(|guard| !guard.holds(&before)) {
            return Err(EditError::Changed);
        }
        let change = merge::edit(&before, edit, now);
        let (after, changes) = (change.order.clone(), change.changes.clone());
        // Edits are made in Discord.
        let by = (Source::DiscordBot, Some(edit.actor.clone()), now);
        self.apply(before.number.clone(), change, position, by);
        Ok(Box::new(Edited { before, after, changes }))
    }

    /// Puts what a card or an edit made of an order in its place, with its step of history: by
    /// what it was brought, by whom, and when.
    fn apply(
        &mut self,
        number: OrderNumber,
        change: Change,
        position: usize,
        (source, actor, at): (Source, Option<String>, DateTime<Utc>),
    ) {
        let Change { order, created, changes, dirty } = change;
        let changed = created || !changes.is_empty();
        let earlier = self.orders.remove(&number);
        let was = |flag: fn(&Working) -> bool| earlier.as_ref().is_some_and(flag);
        let working = Working {
            created: created || was(|working| working.created),
            changed: changed || was(|working| working.changed),
            dirty: dirty || was(|working| working.dirty),
            turn: earlier.as_ref().map_or(self.turns, |working| working.turn.min(self.turns)),
            order,
        };
        self.turns += 1;
        self.orders.insert(number.clone(), working);
        if changed {
            self.events.push(SettledEvent { position, number, created, changes, source, actor, at });
        }
    }
}
