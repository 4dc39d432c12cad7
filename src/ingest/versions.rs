//! Compares an edited message with its earlier version, to find products that the edit removed and order
//! numbers that it corrected. Pure.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::dedup::KeyOwner;
use super::parse::{ParsedMessage, parse_earlier};
use super::replay::stored_message;
use crate::card::flatten::flatten;
use crate::card::message::Message;
use crate::card::parse::ParsedCard;
use crate::order::items::withdrawn;
use crate::order::{Fields, OrderItem, OrderNumber, Patch};
use crate::store::StoredVersion;

/// The earlier versions of the messages that a batch edits.
pub(crate) struct EarlierVersions<'a> {
    /// Versions in the database, by deduplication key.
    pub(crate) stored: HashMap<String, StoredVersion>,
    /// All messages of the batch, in order.
    pub(crate) parsed: &'a [&'a ParsedMessage],
}

impl EarlierVersions<'_> {
    /// The version before this message, if it is known.
    pub(crate) fn of(&self, message: &ParsedMessage, owner: Option<KeyOwner>) -> Option<EarlierVersion<'_>> {
        let stored = message.key.as_ref().and_then(|key| self.stored.get(key));
        let (cards, sent_at) = match owner {
            Some(KeyOwner::InBatch(index)) => {
                let earlier = self.parsed.get(index)?;
                (Cow::Borrowed(earlier.cards.as_slice()), earlier.message.at)
            }
            _ => (Cow::Owned(parse_earlier(&stored?.text_forms, &message.message)), stored?.sent_at),
        };
        Some(EarlierVersion {
            cards,
            sent_at,
            own_orders: stored.map(|stored| Cow::Borrowed(&stored.own_orders)).unwrap_or_default(),
        })
    }

    /// Whether the newest stored version of this replayed message reports an order.
    pub(crate) fn newest_is_order(&self, message: &ParsedMessage) -> bool {
        let newest = message.identity().and_then(|identity| self.stored.get(&identity));
        newest.is_some_and(|newest| {
            if newest.payload.is_empty() {
                return !newest.orders.is_empty();
            }
            // The text form in the log may come from a release that could not read the message.
            let Message { source, endpoint, received_at, .. } = &message.message;
            let newest = stored_message(*source, &newest.payload, endpoint, *received_at);
            let cards = parse_earlier(&flatten(&newest).join("\n\n"), &message.message);
            cards.iter().any(|card| matches!(card, ParsedCard::Order { .. }))
        })
    }
}

/// The version of a message before an edit.
pub(crate) struct EarlierVersion<'a> {
    pub(crate) cards: Cow<'a, [ParsedCard]>,
    /// Its own time. UTC.
    pub(crate) sent_at: DateTime<Utc>,
    /// Stored orders that only this message, in any version, has created and changed.
    pub(crate) own_orders: Cow<'a, HashSet<OrderNumber>>,
}

impl EarlierVersion<'_> {
    /// The items that the earlier version listed for the order of this card and the edited message no longer
    /// lists. Only compares cards that report a new order: other cards may be about a part of the order.
    pub(crate) fn withdrawn(
        &self,
        message: &ParsedMessage,
        patch: &Patch,
        former: Option<&OrderNumber>,
    ) -> Vec<OrderItem> {
        let items_of = |cards: &[ParsedCard], numbers: [Option<&OrderNumber>; 2]| -> Vec<OrderItem> {
            let mut items = Vec::new();
            for card in cards {
                if let ParsedCard::Order { patch, .. } = card
                    && numbers.contains(&Some(&patch.number))
                    && patch.derived.status.is_some()
                {
                    items.extend(patch.items.iter().cloned());
                }
            }
            items
        };
        let now = items_of(&message.cards, [Some(&patch.number), None]);
        let before = items_of(&self.cards, [Some(&patch.number), former]);
        if now.is_empty() { Vec::new() } else { withdrawn(&before, &now) }
    }
}

/// Whether two cards are about the same purchase: they state the same products, amounts and people.
pub(crate) fn same_purchase(before: &Patch, after: &Patch) -> bool {
    fn facts(patch: &Patch) -> impl PartialEq {
        let Fields {
            product, quantity, price, total, store, email, profile, customer_name, owner_id, ..
        } = &patch.stated;
        ((product, quantity, price, total), (store, email, profile, customer_name, owner_id))
    }
    before.items == after.items && facts(before) == facts(after)
}
