//! Merges a batch in memory: several cards and edits of one order become one row. Pure.

mod message;
mod numbers;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use iso_currency::Currency;

use super::dedup::{KeyOwner, KeyOwners, Verdict};
use super::import_row::ImportRow;
use super::parse::ParsedMessage;
use super::versions::{EarlierVersion, EarlierVersions};
use super::{EditError, Edited, Job};
use crate::card::outcome::{CardOutcome, Outcome, Receipt};
use crate::card::parse::{ParsedCard, usual_currency};
use crate::files::RowResult;
use crate::order::merge;
use crate::order::merge::{Change, merge_version};
use crate::order::{Edit, FieldChange, Order, OrderNumber, Patch, Source, Status, items};
use crate::store::{Absorbed, ImportPosition, LoggedMessage, NewEvent, Origin, Renumbered, StoredState};

pub(crate) use message::{LogTarget, MergedMessage, is_stored};

/// A batch after merging: everything to write to the database, and the answers.
#[derive(Debug, Default)]
pub(crate) struct MergedBatch {
    /// Every order that the batch names.
    pub(crate) orders: HashMap<OrderNumber, PendingOrder>,
    /// One for each message of the batch, in order.
    pub(crate) messages: Vec<MergedMessage>,
    /// One for each edit of the batch, in order.
    pub(crate) edits: Vec<Result<Box<Edited>, EditError>>,
    /// One for each row of an import in the batch, in order; `None` if the row was not merged, because it is not the next
    /// one or another process stores the import.
    pub(crate) imported: Vec<Option<RowResult>>,
    /// How far the imports have come.
    pub(crate) imports: HashMap<i64, ImportPosition>,
    /// The fields of orders that have changed since an import added them, by the order's row id.
    changed_since: HashMap<i64, Vec<String>>,
    /// New steps of the orders' histories, in order.
    events: Vec<PendingEvent>,
    /// Stored orders that get another number.
    pub(crate) renumbered: Vec<Renumbered>,
    /// Stored orders that become part of another one: their row id, their own number, and the number of the
    /// other order.
    absorbed: Vec<(i64, OrderNumber, OrderNumber)>,
    /// The orders of Discord messages, in the order of their cards.
    message_orders: HashMap<i64, Vec<OrderNumber>>,
    /// Replayed log rows with the row ids of the orders that they created.
    created_by_rows: HashSet<(i64, i64)>,
    /// For a replay: the message that gave a field of an order its value.
    origins: HashMap<(i64, String), Origin>,
    /// The new steps with their row ids, once they are stored.
    pub(crate) recorded: Vec<NewEvent>,
    pub(crate) event_ids: Vec<i64>,
    /// Whether something was added to the outbox.
    pub(crate) outgoing: bool,
    /// Log rows whose key now belongs to a message of this batch.
    pub(crate) released: Vec<i64>,
    /// The number of cards and edits merged so far.
    steps: usize,
}

/// An order while a batch is merged.
#[derive(Clone, Debug)]
pub(crate) struct PendingOrder {
    pub(crate) order: Order,
    /// Whether the batch created it.
    pub(crate) created: bool,
    /// Whether the batch changed a column.
    pub(crate) changed: bool,
    /// Whether the row must be written.
    pub(crate) dirty: bool,
    /// The first card or edit of the batch that named it.
    first_step: usize,
}

/// Which version of a message is merged.
#[derive(Clone, Copy, Debug)]
enum Version<'a> {
    /// The newest one.
    Current,
    /// A log row that is replayed although a later edit of its message is stored. `may_create` says that neither this row
    /// nor the newest version has an order.
    Superseded { may_create: bool },
    /// An HTTP sender's retry of this message. `is_edited` says that a later edit of the message is stored.
    RetryOf { first: &'a LoggedMessage, is_edited: bool },
}

/// A step of an order's history before the row ids are known.
#[derive(Debug)]
struct PendingEvent {
    /// The message that caused it, by its index; `None` for an edit.
    message: Option<usize>,
    number: OrderNumber,
    event: NewEvent,
}

/// The cause of a change.
struct Cause {
    message: Option<usize>,
    source: Source,
    actor: Option<String>,
    import: Option<i64>,
    at: DateTime<Utc>,
}

/// Merges messages and edits, in order, into the stored orders. `now` is the time of the edits.
pub(crate) fn merge_batch(jobs: &[Job], stored: StoredState, now: DateTime<Utc>) -> MergedBatch {
    let StoredState {
        orders,
        logged,
        mut outcomes,
        message_orders,
        created,
        origins,
        versions,
        imports,
        changed_since,
    } = stored;
    let unchanged =
        |order| PendingOrder { order, created: false, changed: false, dirty: false, first_step: usize::MAX };
    let orders = orders.into_iter().map(|(number, order)| (number, unchanged(order))).collect();
    let mut merged = MergedBatch {
        orders,
        message_orders,
        created_by_rows: created,
        origins,
        imports,
        changed_since,
        ..MergedBatch::default()
    };
    let mut owners = KeyOwners::new(logged);
    let parsed: Vec<&ParsedMessage> = jobs.iter().filter_map(Job::message).collect();
    let earlier = EarlierVersions { stored: versions, parsed: &parsed };
    for job in jobs {
        match job {
            Job::Message { message, .. } => {
                let message = merged.merge_message(message, &mut owners, &outcomes, &earlier);
                if let LogTarget::Update { log_id, .. } = message.target {
                    // The same row may be replayed twice in one batch.
                    outcomes.insert(log_id, message.outcome().to_owned());
                }
                merged.messages.push(message);
            }
            Job::Edit { edit, currency, .. } => {
                let edited = merged.merge_edit(edit, *currency, now);
                merged.edits.push(edited);
            }
            Job::Import { row, .. } => {
                let result = merged.merge_import(row, now);
                merged.imported.push(result);
            }
        }
    }
    merged
}

impl MergedBatch {
    /// Whether the batch holds anything that the database does not hold yet.
    pub(crate) fn has_writes(&self) -> bool {
        self.messages.iter().any(|message| message.target != LogTarget::Skip)
            || self.orders.values().any(|pending| pending.dirty)
            || !self.imported.is_empty()
    }

    /// The orders, sorted by the card or edit that first named them. New orders get their row ids in this order, and
    /// changes are published in this order.
    pub(crate) fn sorted_orders(&self) -> Vec<&PendingOrder> {
        let mut orders: Vec<_> = self.orders.values().collect();
        orders.sort_unstable_by_key(|pending| pending.first_step);
        orders
    }

    /// Fills in the row ids of the orders that were written.
    pub(crate) fn set_order_ids(&mut self, ids: HashMap<OrderNumber, i64>) {
        for (number, id) in ids {
            if let Some(pending) = self.orders.get_mut(&number) {
                pending.order.id = id;
            }
        }
        for card in self.messages.iter_mut().flat_map(|message| &mut message.receipt.cards) {
            if let Some((id, number)) = &mut card.order
                && let Some(pending) = self.orders.get(number)
            {
                *id = pending.order.id;
            }
        }
    }

    /// Takes the new steps of history. The row ids of orders and log rows must be known.
    pub(crate) fn take_events(&mut self) -> Vec<NewEvent> {
        let events = std::mem::take(&mut self.events);
        let with_ids = |PendingEvent { message, number, event }: PendingEvent| NewEvent {
            order_id: self.orders.get(&number).map_or(0, |pending| pending.order.id),
            log_id: message.and_then(|index| self.messages.get(index)?.receipt.log_id),
            ..event
        };
        events.into_iter().map(with_ids).collect()
    }

    /// The stored orders that become part of another one, with the row ids of both. The row ids must be known.
    pub(crate) fn absorbed(&self) -> Vec<Absorbed> {
        let absorbed = |(id, number, into): &(i64, OrderNumber, OrderNumber)| {
            Some(Absorbed { id: *id, number: number.clone(), into: self.orders.get(into)?.order.id })
        };
        self.absorbed.iter().filter_map(absorbed).collect()
    }

    /// Numbers of stored orders that have taken another number, or have become part of another order.
    pub(crate) fn former_numbers(&self) -> impl Iterator<Item = &OrderNumber> {
        let renumbered = self.renumbered.iter().map(|renumbered| &renumbered.from);
        renumbered.chain(self.absorbed.iter().map(|(_, number, _)| number))
    }

    fn merge_message(
        &mut self,
        message: &ParsedMessage,
        owners: &mut KeyOwners,
        outcomes: &HashMap<i64, String>,
        earlier: &EarlierVersions<'_>,
    ) -> MergedMessage {
        let merged = |key, target, cards| MergedMessage {
            key,
            identity: message.identity(),
            sent_at: message.message.at,
            target,
            receipt: Receipt { log_id: None, cards },
        };
        if let Some(replay) = message.replay {
            let Some(outcome) = outcomes.get(&replay.log_id) else {
                return merged(None, LogTarget::Skip, Vec::new());
            };
            let key = owners.reclaim(message, replay.log_id);
            let target = LogTarget::Update { log_id: replay.log_id, previous_outcome: outcome.clone() };
            let is_newest = message.key == key && !owners.is_edited(message);
            let version = if is_newest {
                Version::Current
            } else {
                Version::Superseded { may_create: !is_stored(outcome) && !earlier.newest_is_order(message) }
            };
            return merged(key, target, self.merge_cards(message, version, None));
        }
        match owners.claim(message, self.messages.len()) {
            Verdict::New { previous_owner } => {
                let earlier = earlier.of(message, previous_owner);
                if let Some(owner) = previous_owner {
                    self.release(owner);
                }
                let cards = self.merge_cards(message, Version::Current, earlier.as_ref());
                merged(message.key.clone(), LogTarget::Insert, cards)
            }
            Verdict::Retry(first) => {
                let version = Version::RetryOf { first: &first, is_edited: owners.is_edited_since(&first) };
                let cards = self.merge_cards(message, version, None);
                let sent_at = message.message.at.min(first.sent_at);
                MergedMessage { sent_at, ..merged(None, LogTarget::Insert, cards) }
            }
            Verdict::Unchanged => {
                let duplicate = |_| without_order(Outcome::Duplicate);
                merged(None, LogTarget::Skip, message.cards.iter().map(duplicate).collect())
            }
        }
    }

    /// Takes the key away from its previous owner, in the log and in this batch.
    fn release(&mut self, owner: KeyOwner) {
        if let KeyOwner::LogRow(log_id) = owner {
            self.released.push(log_id);
        }
        for (index, message) in self.messages.iter_mut().enumerate() {
            let is_owner = match owner {
                KeyOwner::InBatch(owner) => owner == index,
                KeyOwner::LogRow(row) => {
                    matches!(message.target, LogTarget::Update { log_id, .. } if log_id == row)
                }
            };
            if is_owner {
                message.key = None;
            }
        }
    }

    /// Merges the cards of a message. A retry counts as sent when the first message was, so that it cannot undo newer
    /// facts.
    fn merge_cards(
        &mut self,
        message: &ParsedMessage,
        version: Version<'_>,
        earlier: Option<&EarlierVersion<'_>>,
    ) -> Vec<CardOutcome> {
        let index = self.messages.len();
        let before = self.orders_of_several_cards(message);
        let is_retry = matches!(version, Version::RetryOf { .. });
        let nothing_new = if is_retry { Outcome::Duplicate } else { Outcome::Unchanged };
        let mut cards = Vec::with_capacity(message.cards.len());
        for (place, card) in message.cards.iter().enumerate() {
            let (patch, warnings, otherwise) = match card {
                ParsedCard::Order { patch, warnings } => (&**patch, warnings.clone(), None),
                ParsedCard::IfKnown { patch, warnings, otherwise } => {
                    (&**patch, warnings.clone(), Some(otherwise))
                }
                ParsedCard::NoOrder(outcome) => {
                    cards.push(without_order(outcome.clone()));
                    continue;
                }
            };
            let number = self.number_of(message, place, &patch.number);
            let made = message.made_numbers.get(place);
            let stored = self.orders.get(&number).or_else(|| self.orders.get(made?));
            let stored = stored.map(|pending| &pending.order);
            // Ignore an order that an earlier reading of the same card created by mistake: it does not prove
            // that the order exists.
            let is_own = |order: &&Order| {
                message.replay.is_some_and(|replay| self.created_by_rows.contains(&(replay.log_id, order.id)))
            };
            if let (None, Some(otherwise)) = (stored.filter(|order| !is_own(order)), otherwise) {
                cards.push(without_order(otherwise.clone()));
                continue;
            }
            let mut patch = Cow::Borrowed(patch);
            let superseded = match version {
                Version::Superseded { may_create } => Some(may_create),
                Version::RetryOf { is_edited: true, .. } => Some(false),
                Version::Current | Version::RetryOf { .. } => None,
            };
            if let Some(may_create) = superseded {
                // Only the newest version of a message decides its orders and their items.
                if message.made_numbers.contains(&patch.number) || (stored.is_none() && !may_create) {
                    let order = stored.map(|order| (order.id, number));
                    cards.push(CardOutcome { order, outcome: nothing_new.clone(), warnings });
                    continue;
                }
                if let Some(order) = stored.filter(|_| !patch.items.is_empty()) {
                    items::keep_known(order, patch.to_mut());
                }
            }
            if patch.number != number {
                patch.to_mut().number = number.clone();
            }
            let now = message.stored_at();
            let misstated =
                earlier.and_then(|earlier| self.misstated_number(message, place, &number, earlier));
            let former = misstated.as_ref().or(made);
            let taken = former.and_then(|former| self.take_number(former, &number, now));
            let stored = self.orders.get(&number).map(|pending| &pending.order);
            // If an edit only adds an embed, Discord gives it the time of the message. Make it newer than the message.
            if let Some(earlier) = earlier.filter(|earlier| earlier.sent_at == patch.at) {
                let next = earlier.sent_at.checked_add_signed(TimeDelta::microseconds(1));
                patch.to_mut().at = next.unwrap_or(earlier.sent_at);
            }
            if let Version::RetryOf { first, .. } = version {
                let patch = patch.to_mut();
                patch.at = patch.at.min(first.sent_at);
                if stored.is_some() {
                    // The first message has already set the order date; the time of the retry means nothing.
                    patch.derived.order_date = None;
                    patch.derived.order_time = None;
                }
            }
            let is_first = !message.numbers().take(place).any(|other| *other == patch.number);
            let withdrawn =
                earlier.filter(|_| is_first).map(|earlier| earlier.withdrawn(message, &patch, former));
            let mut change = merge_version(stored, &patch, &withdrawn.unwrap_or_default(), now);
            self.mend(&mut change, message, &patch);
            if let Some(taken) = taken {
                change.add_earlier(taken, now);
            }
            let outcome = match (change.created, change.changes.is_empty()) {
                (true, _) => Outcome::Created,
                (false, false) => Outcome::Updated,
                (false, true) => nothing_new.clone(),
            };
            cards.push(CardOutcome { order: Some((change.order.id, number.clone())), outcome, warnings });
            let cause = Cause {
                message: Some(index),
                source: message.message.source,
                actor: message.message.actor.clone(),
                import: None,
                at: message.stored_at(),
            };
            self.apply(number, change, cause);
        }
        self.discard_net_zero_changes(before, index, &mut cards, &nothing_new);
        if let (Some(id), false) =
            (message.message.watched_id(), matches!(version, Version::Superseded { .. }))
        {
            let orders =
                cards.iter().filter_map(|card| card.order.as_ref().map(|(_, number)| number.clone()));
            let orders: Vec<_> = orders.collect();
            if !orders.is_empty() {
                self.message_orders.insert(id, orders);
            }
        }
        cards
    }

    /// Corrects fields that an older parser read wrong. A replayed card replaces a field whose value comes
    /// from the card itself or from an older message, even if newer messages have been applied since. It
    /// empties a field whose value comes only from its own first reading.
    fn mend(&mut self, change: &mut Change, message: &ParsedMessage, patch: &Patch) {
        let order = &change.order;
        let Some(replay) = message.replay.filter(|_| order.id != 0) else { return };
        let origin = |name: &str| self.origins.get(&(order.id, name.to_owned()));
        let is_void = order.fields.status.is_some_and(Status::is_cancelled_or_refunded);
        let is_older = |name: &str| {
            let Some(Origin { log_id, sent_at: Some(sent_at), .. }) = origin(name) else { return false };
            // Of two messages with the same time, the later row was applied later.
            let is_same_time = *sent_at == patch.at && *log_id <= Some(replay.log_id);
            *sent_at < patch.at || (is_same_time && !(name == "status" && is_void))
        };
        // A field that this card does not state may come from another card of the message.
        let is_only_card = message.numbers().filter(|number| **number == patch.number).count() < 2;
        let is_own = |name: &str| {
            let is_own = |origin: &Origin| origin.log_id == Some(replay.log_id) && origin.filled;
            is_only_card && origin(name).is_some_and(is_own)
        };
        let mut mended = merge::mend(order, patch, is_older, is_own, replay.at);
        if !mended.changes.is_empty() {
            mended.add_earlier(std::mem::take(&mut change.changes), replay.at);
            *change = mended;
        }
        for FieldChange { field, old, .. } in &change.changes {
            let origin =
                Origin { log_id: Some(replay.log_id), sent_at: Some(patch.at), filled: old.is_none() };
            self.origins.insert((change.order.id, field.clone()), origin);
        }
    }

    fn merge_edit(
        &mut self,
        edit: &Edit,
        currency: Currency,
        now: DateTime<Utc>,
    ) -> Result<Box<Edited>, EditError> {
        // An order that this batch creates has no row id yet, so that no edit can name it.
        let is_named = |pending: &&PendingOrder| pending.order.id == edit.order && edit.order != 0;
        let before = self.orders.values().find(is_named).ok_or(EditError::NotFound)?.order.clone();
        if edit.guard.is_some_and(|guard| !guard.holds(&before)) {
            return Err(EditError::Changed);
        }
        let mut edit = edit.clone();
        let has_amount = edit.set.price.or(edit.set.total).is_some();
        if has_amount && before.fields.currency.is_none() && !edit.clear.contains(&"currency") {
            let store = edit.set.store.as_deref().or(before.fields.store.as_deref());
            edit.set.currency = edit.set.currency.or_else(|| usual_currency(store, currency, &[]));
        }
        let change = merge::edit(&before, &edit, now);
        let (after, changes) = (change.order.clone(), change.changes.clone());
        let actor = Some(edit.actor.clone());
        let cause = Cause { message: None, source: edit.source, actor, import: None, at: now };
        self.apply(before.number.clone(), change, cause);
        Ok(Box::new(Edited { before, after, changes }))
    }

    /// The fields of an order that have changed since an import added it.
    pub(crate) fn changed_since(&self, order: &Order) -> Vec<&str> {
        let stored = self.changed_since.get(&order.id).into_iter().flatten();
        let in_batch = self.events.iter().filter(|event| event.number == order.number);
        let in_batch = in_batch.flat_map(|event| &event.event.changes).map(|change| &change.field);
        stored.chain(in_batch).map(String::as_str).collect()
    }

    /// Applies the change of an import's row.
    pub(crate) fn apply_import(&mut self, row: &ImportRow, change: Change, now: DateTime<Utc>) {
        let (actor, import) = (Some(row.actor.clone()), row.import());
        let cause = Cause { message: None, source: Source::ManualUpload, actor, import, at: now };
        self.apply(change.order.number.clone(), change, cause);
    }

    /// Replaces an order by its changed version, and adds the step to its history.
    fn apply(&mut self, number: OrderNumber, change: Change, cause: Cause) {
        let Change { order, created, changes, dirty } = change;
        let changed = created || !changes.is_empty();
        let earlier = self.orders.remove(&number);
        let was = |flag: fn(&PendingOrder) -> bool| earlier.as_ref().is_some_and(flag);
        let pending = PendingOrder {
            created: created || was(|earlier| earlier.created),
            changed: changed || was(|earlier| earlier.changed),
            dirty: dirty || was(|earlier| earlier.dirty),
            first_step: earlier.as_ref().map_or(self.steps, |earlier| earlier.first_step.min(self.steps)),
            order,
        };
        self.steps += 1;
        self.orders.insert(number.clone(), pending);
        if changed {
            let Cause { message, source, actor, import, at } = cause;
            let event_type = if created { "created" } else { "updated" };
            let event = NewEvent {
                order_id: 0,
                event_type,
                changes,
                source,
                log_id: None,
                actor,
                import,
                created_at: at,
            };
            self.events.push(PendingEvent { message, number, event });
        }
    }

    /// The stored orders that a message with several cards names, as they were before the message.
    fn orders_of_several_cards(&self, message: &ParsedMessage) -> Vec<PendingOrder> {
        if message.cards.len() < 2 {
            return Vec::new();
        }
        message.numbers().filter_map(|number| self.orders.get(number).cloned()).collect()
    }

    /// Discards the events of a message that left an order as it was. Cards of one message may contradict each other,
    /// and the last one counts. Without this rule the same message would add two events each time it is sent.
    fn discard_net_zero_changes(
        &mut self,
        before: Vec<PendingOrder>,
        message: usize,
        cards: &mut [CardOutcome],
        nothing_new: &Outcome,
    ) {
        for was in before {
            let number = was.order.number.clone();
            let Some(now) = self.orders.get_mut(&number) else { continue };
            // Keep `newest`: the message has confirmed the order.
            let confirmed = Order { newest: now.order.newest, ..was.order.clone() };
            let takes_number = self.events.iter().any(|event| {
                let changes = &event.event.changes;
                event.number == number && changes.iter().any(|change| change.field == "order_number")
            });
            if takes_number || confirmed != (Order { updated_at: was.order.updated_at, ..now.order.clone() })
            {
                continue;
            }
            *now = PendingOrder { dirty: was.dirty || confirmed != was.order, order: confirmed, ..was };
            self.events.retain(|event| event.message != Some(message) || event.number != number);
            for card in cards.iter_mut() {
                if card.order.as_ref().is_some_and(|(_, named)| *named == number) {
                    card.outcome = nothing_new.clone();
                }
            }
        }
    }
}

fn without_order(outcome: Outcome) -> CardOutcome {
    CardOutcome { order: None, outcome, warnings: Vec::new() }
}
