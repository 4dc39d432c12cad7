//! Finds the order of a card without an order number, and gives an order the number that an edited message
//! states.

use chrono::{DateTime, Utc};

use super::{MergedBatch, PendingEvent, PendingOrder};
use crate::card::parse::ParsedCard;
use crate::ingest::parse::ParsedMessage;
use crate::ingest::versions::{EarlierVersion, same_purchase};
use crate::order::merge::merge;
use crate::order::{FieldChange, Order, OrderNumber};
use crate::store::Renumbered;

impl MergedBatch {
    /// The number of the order that a card is about. A card without a number is about the order that the card
    /// at the same place in the earlier version of its message was about, if there is one.
    pub(crate) fn number_of(
        &self,
        message: &ParsedMessage,
        place: usize,
        stated: &OrderNumber,
    ) -> OrderNumber {
        if !message.made_numbers.contains(stated) || self.orders.contains_key(stated) {
            return stated.clone();
        }
        let is_order = |card: &&ParsedCard| !matches!(card, ParsedCard::NoOrder(_));
        let place = message.cards.iter().take(place).filter(is_order).count();
        let known = message.message.watched_id().and_then(|id| self.message_orders.get(&id)?.get(place));
        let is_free = |number: &&OrderNumber| !message.numbers().any(|other| other == *number);
        known.filter(is_free).unwrap_or(stated).clone()
    }

    /// The wrong number that this edit corrects: the card at the same place stated it before, everything else
    /// about the purchase is the same, and only this message has created and changed the order.
    pub(crate) fn misstated_number(
        &self,
        message: &ParsedMessage,
        place: usize,
        number: &OrderNumber,
        earlier: &EarlierVersion<'_>,
    ) -> Option<OrderNumber> {
        let (Some(ParsedCard::Order { patch: before, .. }), Some(ParsedCard::Order { patch: after, .. })) =
            (earlier.cards.get(place), message.cards.get(place))
        else {
            return None;
        };
        let was = &before.number;
        let is_named = |other: &OrderNumber| message.numbers().any(|named| named == other);
        let is_correction = was != number && !is_named(was) && same_purchase(before, after);
        let pending = self.orders.get(was).filter(|_| is_correction)?;
        let is_own = earlier.own_orders.contains(was) || pending.order.id == 0;
        let identity = message.identity();
        let by_message = |event: &PendingEvent| {
            let cause = event.message.and_then(|index| self.messages.get(index));
            cause.is_some_and(|cause| cause.identity == identity)
        };
        let is_untouched = self.events.iter().filter(|event| event.number == *was).all(by_message);
        (identity.is_some() && is_own && is_untouched).then(|| was.clone())
    }

    /// Renames an order to the number that its card states now. The old number was made from the message or
    /// was wrong. If an order with the new number exists, the two are merged. Returns the changes.
    pub(crate) fn take_number(
        &mut self,
        made: &OrderNumber,
        number: &OrderNumber,
        now: DateTime<Utc>,
    ) -> Option<Vec<FieldChange>> {
        if made == number {
            return None;
        }
        let PendingOrder { order, created, first_step, .. } = self.orders.remove(made)?;
        let named = FieldChange {
            field: "order_number".to_owned(),
            old: Some(made.to_string()),
            new: Some(number.to_string()),
        };
        let mut changes = vec![named];
        if let Some(existing) = self.orders.get_mut(number) {
            let change = merge(Some(&existing.order), &order.as_patch(number.clone()), now);
            existing.order = change.order;
            existing.dirty |= change.dirty;
            changes.extend(change.changes);
            if order.id != 0 {
                self.absorbed.push((order.id, made.clone(), number.clone()));
            }
        } else {
            if order.id != 0 {
                self.renumbered.push(Renumbered { id: order.id, from: made.clone(), to: number.clone() });
            }
            let order = Order { number: number.clone(), ..order };
            let pending = PendingOrder { order, created, changed: true, dirty: true, first_step };
            self.orders.insert(number.clone(), pending);
        }
        for event in self.events.iter_mut().filter(|event| event.number == *made) {
            event.number = number.clone();
        }
        let earlier = self.messages.iter_mut().flat_map(|message| &mut message.receipt.cards);
        for (_, named) in earlier.filter_map(|card| card.order.as_mut()).filter(|(_, named)| named == made) {
            *named = number.clone();
        }
        Some(changes)
    }
}
