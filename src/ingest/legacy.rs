//! Takes over the database of the old system, the Python program that ROMS replaces.
//!
//! 1. Each message of the old log is read again, oldest first, with its own time, like a message that arrives now.
//! 2. Each row of the old `orders` table is compared with the order that the messages made. A value fills an empty
//!    column. It replaces a message's value only if a person changed the row: more than a minute after the newest
//!    message, and to a value that the old history does not mention. "Unknown Product", 0.00 and a later order date
//!    are damage and never taken. A row without messages becomes an order.
//! 3. The old history of the order follows as steps of the type `legacy`.
//!
//! Messages and rows have deduplication keys of their own, and history is compared with what is stored, so that a
//! second import changes nothing and an import that was interrupted can be repeated.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::dedup::RETRY_WINDOW;
use super::parse::{self, ParsedMessage, hash};
use super::{Ingest, Pending, SubmitError, message_job};
use crate::card::decode::form::wrapped_payload;
use crate::card::decode::legacy::{ENDPOINT, LegacyOrder, LegacyRow};
use crate::card::message::Message;
use crate::card::parse::ParsedCard;
use crate::order::{FieldChange, Order, OrderNumber, Source, View, dates};
use crate::store::{BatchKeys, LEGACY_EVENT, LegacyDatabase, LegacyMessage, NewEvent, StoreError};

/// The beginning of the deduplication keys of old messages and rows.
const KEY_PREFIX: &str = "legacy:";
/// Messages, or rows of `orders`, that are in memory at once.
const PAGE_SIZE: usize = 256;
/// The old system wrote an order within this time of its message. A later change was made by a person.
const PROCESSING_TIME: TimeDelta = TimeDelta::minutes(1);
/// Columns that the report calls repaired if the old row lacks a usable value and the messages have one.
const REPAIRABLE: [&str; 15] = [
    "product",
    "price",
    "total",
    "status",
    "email",
    "customer_name",
    "profile",
    "proxy_list",
    "reference_number",
    "tracking_number",
    "payment_method",
    "shipping_address",
    "shipping_method",
    "notes",
    "order_date",
];

/// The result of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyReport {
    /// Messages of the old log.
    pub messages: u64,
    /// Messages in which no card of an order was found, or one that could not be read.
    pub without_order: u64,
    /// Rows of the old `orders` table.
    pub rows: u64,
    /// Rows that are orders now.
    pub orders: u64,
    /// Steps of the old history.
    pub events: u64,
    /// How many messages, rows and steps this import stored. An earlier import stored the others.
    pub added: u64,
    /// Orders whose messages supplied what their row lacked, with the columns.
    pub repaired: BTreeMap<OrderNumber, Vec<&'static str>>,
    /// Orders that only the messages name.
    pub found: BTreeSet<OrderNumber>,
    /// Rows that need a look, by order number, with the reasons.
    pub doubtful: BTreeMap<String, Vec<String>>,
}

/// Why an import stopped. What was imported until then is stored.
#[derive(Debug, thiserror::Error)]
pub enum LegacyError {
    /// The pipeline did not accept a message.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// One of the databases failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The state of an import.
struct Import<'a> {
    ingest: &'a Ingest,
    old: &'a LegacyDatabase,
    /// The time zone of times without one.
    zone: Tz,
    report: LegacyReport,
    /// When each body was first sent, to recognize a sender's retries.
    first_sent: HashMap<String, DateTime<Utc>>,
    /// Orders that the messages name.
    named: HashSet<OrderNumber>,
    /// Orders that the rows name.
    in_table: HashSet<OrderNumber>,
}

/// An old row with the id under which the old history names it.
struct Row {
    id: i64,
    hash: String,
    order: LegacyOrder,
    events: Vec<LegacyRow>,
}

impl Ingest {
    /// Imports the database of the old system. `zone` is the time zone of its times. Reports progress as the number of
    /// messages and rows done, and their total.
    ///
    /// # Errors
    /// While shutting down and if a database fails. What was imported until then is stored.
    pub async fn import_legacy(
        &self,
        old: &LegacyDatabase,
        zone: Tz,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<LegacyReport, LegacyError> {
        let mut import = Import {
            ingest: self,
            old,
            zone,
            report: LegacyReport::default(),
            first_sent: HashMap::new(),
            named: HashSet::new(),
            in_table: HashSet::new(),
        };
        let ids = import.message_ids().await?;
        let rows = old.count("orders").await?;
        let total = rows.saturating_add(ids.len() as u64);
        for page in ids.chunks(PAGE_SIZE) {
            import.messages(page).await?;
            progress(import.report.messages, total);
        }
        let mut after = 0;
        loop {
            let page = old.orders(after, PAGE_SIZE as u64).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            import.orders(page).await?;
            progress(import.report.messages + import.report.rows, total);
        }
        import.find_again().await?;
        Ok(import.report)
    }
}

impl Import<'_> {
    /// The ids of the messages, oldest first. A message without a readable time counts as sent when the one before it
    /// was.
    async fn message_ids(&self) -> Result<Vec<i64>, LegacyError> {
        let mut latest = DateTime::UNIX_EPOCH;
        let mut timed: Vec<_> = Vec::new();
        for (id, time) in self.old.message_times().await? {
            latest = time.and_then(|time| self.time(&time)).unwrap_or(latest);
            timed.push((latest, id));
        }
        timed.sort_unstable();
        Ok(timed.into_iter().map(|(_, id)| id).collect())
    }

    /// Reads a page of messages again, and waits until they are stored.
    async fn messages(&mut self, ids: &[i64]) -> Result<(), LegacyError> {
        let mut messages: HashMap<i64, LegacyMessage> =
            self.old.messages(ids).await?.into_iter().map(|message| (message.id, message)).collect();
        let mut waiting = Vec::with_capacity(ids.len());
        for message in ids.iter().filter_map(|id| messages.remove(id)) {
            let parsed = self.parse(message);
            waiting.push(self.enqueue(parsed).await?);
        }
        for pending in waiting {
            self.received(pending).await?;
        }
        self.report.messages += ids.len() as u64;
        Ok(())
    }

    fn parse(&mut self, message: LegacyMessage) -> ParsedMessage {
        let LegacyMessage { id, endpoint, payload, created_at } = message;
        let unwrapped = wrapped_payload(&payload);
        let received_at = self.time(&created_at).unwrap_or(DateTime::UNIX_EPOCH);
        let decoded = Message::from_payload(unwrapped.as_deref().unwrap_or(&payload), &endpoint, received_at);
        let identity = format!("{id}\n{created_at}\n{payload}");
        let mut parsed = parse::parse(Message { raw: payload, ..decoded }, &self.ingest.orders);
        if let Some(body) = parsed.key.take() {
            self.date_back_retry(&mut parsed, body);
        }
        let is_order = |card: &ParsedCard| !matches!(card, ParsedCard::NoOrder(_));
        self.report.without_order += u64::from(!parsed.cards.iter().any(is_order));
        for card in &parsed.cards {
            if let ParsedCard::Order { patch, .. } = card {
                self.named.insert(patch.number.clone());
            }
        }
        with_key(parsed, &hash(&identity))
    }

    /// Counts a body that is sent again within a day as sent when the first was, so that it cannot undo newer facts.
    fn date_back_retry(&mut self, parsed: &mut ParsedMessage, body: String) {
        let at = parsed.message.at;
        match self.first_sent.get(&body).copied() {
            Some(first) if at - first < RETRY_WINDOW => {
                parsed.message.at = at.min(first);
                for card in &mut parsed.cards {
                    if let ParsedCard::Order { patch, .. } | ParsedCard::IfKnown { patch, .. } = card {
                        patch.at = patch.at.min(first);
                        (patch.derived.order_date, patch.derived.order_time) = (None, None);
                    }
                }
            }
            _ => drop(self.first_sent.insert(body, at)),
        }
    }

    /// Compares a page of rows with the orders of the messages, adds what only the rows know, and then their history.
    async fn orders(&mut self, page: Vec<(i64, LegacyRow)>) -> Result<(), LegacyError> {
        let ids: Vec<i64> = page.iter().map(|(id, _)| *id).collect();
        let mut events: HashMap<String, Vec<LegacyRow>> = HashMap::new();
        for event in self.old.events(&ids).await? {
            let order = event.get("order_id").cloned().unwrap_or_default();
            events.entry(order).or_default().push(event);
        }
        let mut rows = Vec::with_capacity(page.len());
        for (id, row) in page {
            self.report.rows += 1;
            match LegacyOrder::read(&row, self.zone) {
                Ok(order) => {
                    let events = events.remove(&id.to_string()).unwrap_or_default();
                    rows.push(Row { id, hash: hash(&format!("{row:?}")), order, events });
                }
                Err(problem) => self.doubt(format!("row {id}"), vec![problem]),
            }
        }
        let numbers: Vec<_> = rows.iter().map(|row| row.order.number.clone()).collect();
        let stored = self.stored(&numbers).await?;
        let mut waiting = Vec::new();
        for row in &rows {
            let number = &row.order.number;
            if !self.in_table.insert(number.clone()) {
                self.doubt(
                    number.to_string(),
                    vec![format!("row {} has the same number as another one", row.id)],
                );
            }
            if let Some(parsed) = self.compare(row, stored.get(number)) {
                waiting.push(self.enqueue(parsed).await?);
            }
            self.report.orders += 1;
        }
        for pending in waiting {
            self.received(pending).await?;
        }
        let stored = self.stored(&numbers).await?;
        let history = rows.iter().filter_map(|row| Some((stored.get(&row.order.number)?, row)));
        let history: Vec<_> = history
            .flat_map(|(order, row)| row.events.iter().map(|event| self.event(order, row, event)))
            .collect();
        self.report.events += history.len() as u64;
        self.report.added += self.ingest.store.add_legacy_events(history).await? as u64;
        Ok(())
    }

    /// Decides which values of a row are taken, and reports repairs and doubts. Returns a message with these values.
    fn compare(&mut self, row: &Row, stored: Option<&Order>) -> Option<ParsedMessage> {
        let mut taken = row.order.clone();
        let mut doubts = row.order.doubts.clone();
        let changed_at = row.order.updated_at.or(row.order.created_at);
        let created_at = row.order.created_at.or(row.order.updated_at).unwrap_or(DateTime::UNIX_EPOCH);
        let at = match stored {
            None => changed_at.unwrap_or(created_at),
            Some(order) => {
                let by_hand = changed_at.filter(|at| *at - order.newest > PROCESSING_TIME);
                self.keep_news(row, order, by_hand.is_some(), &mut taken, &mut doubts);
                // A time before the newest message: the values fill empty columns only.
                by_hand.unwrap_or(order.newest - TimeDelta::microseconds(1))
            }
        };
        let doubts: Vec<_> = doubts.into_iter().map(|(_, why)| why).collect();
        if !doubts.is_empty() {
            self.doubt(row.order.number.to_string(), doubts);
        }
        if stored.is_some() && taken.fields.named_texts().is_empty() {
            return None;
        }
        let received_at = if stored.is_some() { changed_at.unwrap_or(at) } else { created_at };
        let message = Message {
            source: taken.source,
            at,
            ..Message::from_payload(&payload(&taken), ENDPOINT, received_at)
        };
        let parsed = parse::parse(message, &self.ingest.orders);
        Some(with_key(parsed, &row.hash))
    }

    /// Removes from `taken` the values that the messages have, or know better.
    fn keep_news(
        &mut self,
        row: &Row,
        order: &Order,
        by_hand: bool,
        taken: &mut LegacyOrder,
        doubts: &mut Vec<(&'static str, String)>,
    ) {
        let stored: HashMap<_, _> = order.fields.named_texts().into_iter().collect();
        let from_messages = self.named.contains(&order.number);
        let mut repaired: Vec<&'static str> = Vec::new();
        if from_messages {
            let lacks = |name: &&str| {
                let values = row.order.fields.named_texts();
                stored.contains_key(name) && !values.iter().any(|(known, _)| known == name)
            };
            repaired.extend(REPAIRABLE.into_iter().filter(lacks));
            doubts.retain(|(name, _)| !repaired.contains(name));
        }
        let written = self.values_of(&row.events);
        for (name, text) in row.order.fields.named_texts() {
            let Some(known) = stored.get(name) else {
                if order.cleared.contains(name) {
                    taken.fields.clear(name);
                }
                continue;
            };
            if *known == text || name == "order_time" || (name == "total" && is_product(&row.order)) {
                taken.fields.clear(name);
            } else if name == "order_date" {
                let dates = row.order.fields.order_date.zip(order.fields.order_date);
                let later = dates.map_or(TimeDelta::zero(), |(old, new)| old - new);
                if later > PROCESSING_TIME && from_messages {
                    repaired.push(name);
                }
                if later >= TimeDelta::zero() {
                    taken.fields.clear(name);
                }
            } else if order.derived.contains(name) && !name.ends_with("_date") {
                // A stated value replaces one that ROMS has only derived.
            } else if !by_hand || written.contains(&(name, text.clone())) {
                taken.fields.clear(name);
                if !name.ends_with("_date") {
                    let (old, new) = (View::Masked.value(name, &text), View::Masked.value(name, known));
                    doubts.push((name, format!("the {name} was {old} in the old table; ROMS keeps {new}")));
                }
            }
        }
        if !repaired.is_empty() {
            self.report.repaired.insert(order.number.clone(), repaired);
        }
    }

    /// The values that the old parser wrote, as its history says.
    fn values_of(&self, events: &[LegacyRow]) -> HashSet<(&'static str, String)> {
        let mut values = HashSet::new();
        for event in events {
            let mut row = LegacyRow::from([("order_number".to_owned(), "0".to_owned())]);
            let changes = metadata(event);
            row.extend(changes.into_iter().filter_map(|change| Some((change.field, change.new?))));
            row.insert("order_number".to_owned(), "0".to_owned());
            if let Ok(order) = LegacyOrder::read(&row, self.zone) {
                values.extend(order.fields.named_texts());
            }
        }
        values
    }

    /// A step of the old history as a step of the order's history.
    fn event(&self, order: &Order, row: &Row, event: &LegacyRow) -> NewEvent {
        let text = |name: &str| event.get(name).filter(|text| !text.is_empty());
        let mut changes = Vec::new();
        for name in ["event_type", "description"] {
            let new = text(name).cloned();
            changes.extend(new.map(|new| FieldChange {
                field: format!("extra.{name}"),
                old: None,
                new: Some(new),
            }));
        }
        changes.extend(metadata(event));
        let source = text("source").and_then(|name| Source::from_name(&name.to_lowercase()));
        let time = text("created_at").and_then(|time| self.time(time));
        NewEvent {
            order_id: order.id,
            event_type: LEGACY_EVENT,
            changes,
            source: source.unwrap_or(row.order.source),
            log_id: None,
            actor: None,
            import: None,
            created_at: time.or(row.order.created_at).unwrap_or(DateTime::UNIX_EPOCH),
        }
    }

    /// Finds the orders that only messages name.
    async fn find_again(&mut self) -> Result<(), LegacyError> {
        let named: Vec<_> = self.named.difference(&self.in_table).cloned().collect();
        for page in named.chunks(PAGE_SIZE) {
            let stored = self.stored(page).await?;
            self.report.found.extend(stored.into_keys());
        }
        Ok(())
    }

    /// Waits until a message is stored.
    async fn received(&mut self, pending: Pending) -> Result<(), SubmitError> {
        // A message that is known from an earlier import leaves no row in the log.
        self.report.added += u64::from(pending.receipt().await?.log_id.is_some());
        Ok(())
    }

    async fn stored(&self, numbers: &[OrderNumber]) -> Result<HashMap<OrderNumber, Order>, StoreError> {
        let keys = BatchKeys { numbers: numbers.to_vec(), ..BatchKeys::default() };
        Ok(self.ingest.store.read_state(&keys).await?.orders)
    }

    async fn enqueue(&self, parsed: ParsedMessage) -> Result<Pending, SubmitError> {
        let (job, pending) = message_job(parsed);
        self.ingest.queue.send(job).await.map_err(|_| SubmitError::Closed)?;
        Ok(pending)
    }

    fn doubt(&mut self, order: String, why: Vec<String>) {
        self.report.doubtful.entry(order).or_default().extend(why);
    }

    fn time(&self, text: &str) -> Option<DateTime<Utc>> {
        dates::parse(text, self.zone).map(|date| date.at)
    }
}

/// Whether a log row was made by an import. It keeps its deduplication key when it is replayed.
pub(crate) fn is_legacy_key(key: &str) -> bool {
    key.starts_with(KEY_PREFIX)
}

/// Gives a message a key of its own, so that the same import finds it again.
fn with_key(parsed: ParsedMessage, hash: &str) -> ParsedMessage {
    ParsedMessage { key: Some(format!("{KEY_PREFIX}{hash}")), content_hash: Some(hash.to_owned()), ..parsed }
}

/// Whether the total is price times quantity, as the old system filled it in.
fn is_product(order: &LegacyOrder) -> bool {
    let fields = &order.fields;
    let product = fields.price.and_then(|price| price.times(fields.quantity.unwrap_or(1)));
    product.is_some() && fields.total == product
}

/// A row as JSON, with the values that are taken. Its times are in UTC.
fn payload(order: &LegacyOrder) -> String {
    let mut row = LegacyRow::from([
        ("order_number".to_owned(), order.number.to_string()),
        ("source".to_owned(), order.source.as_str().to_owned()),
    ]);
    row.extend(order.fields.named_texts().into_iter().map(|(name, text)| (name.to_owned(), text)));
    serde_json::to_string(&row).unwrap_or_default()
}

/// The values in `event_metadata`: a JSON object with the new values, or with old and new ones, by column.
fn metadata(event: &LegacyRow) -> Vec<FieldChange> {
    let Some(text) = event.get("event_metadata").filter(|text| !text.is_empty()) else { return Vec::new() };
    let mut changes = Vec::new();
    match serde_json::from_str(text) {
        Ok(Value::Object(values)) => flatten(values, &mut changes),
        _ => changes.push(FieldChange {
            field: "extra.event_metadata".to_owned(),
            old: None,
            new: Some(text.clone()),
        }),
    }
    changes
}

fn flatten(values: serde_json::Map<String, Value>, changes: &mut Vec<FieldChange>) {
    let text = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    for (name, value) in values {
        let is_column = name == "order_number" || crate::order::Fields::NAMES.contains(&name.as_str());
        let field = if is_column { name } else { format!("extra.{name}") };
        match value {
            Value::Object(mut pair) if pair.contains_key("new") || pair.contains_key("old") => {
                let mut side = |name| pair.remove(name).and_then(text);
                changes.push(FieldChange { field, old: side("old"), new: side("new") });
            }
            Value::Object(inner) if !is_column => flatten(inner, changes),
            value => changes.push(FieldChange { field, old: None, new: text(value) }),
        }
    }
}
