//! Several cards of one message that speak of the same order. They may contradict each other, and
//! the last counts: where it ends as it began, the message has said nothing new. Otherwise the
//! same message again would make steps of history without end.

use std::collections::HashMap;

use super::{Settled, SettledCard, Working};
use crate::ingest::read::{ReadCard, ReadMessage};
use crate::order::{Order, OrderNumber};
use crate::outcome::Outcome;

impl Settled {
    /// The orders of which a message has several cards, as they are before it.
    pub(super) fn of_several_cards(&self, message: &ReadMessage) -> Vec<Working> {
        if message.cards.len() < 2 {
            return Vec::new();
        }
        let mut cards: HashMap<&OrderNumber, usize> = HashMap::new();
        for card in &message.cards {
            if let ReadCard::Order { patch, .. } = card {
                *cards.entry(&patch.number).or_default() += 1;
            }
        }
        let several = cards.into_iter().filter(|(_, count)| *count > 1);
        several.filter_map(|(number, _)| self.orders.get(number)).cloned().collect()
    }

    /// Takes back the steps of a message that left these orders as they were before it.
    pub(super) fn take_back_what_led_nowhere(
        &mut self,
        before: Vec<Working>,
        position: usize,
        cards: &mut [SettledCard],
        outcome: &Outcome,
    ) {
        for was in before {
            let number = was.order.number.clone();
            let Some(now) = self.orders.get_mut(&number) else { continue };
            // That the message was the newest one stays.
            let (newest, updated_at) = (now.order.newest, was.order.updated_at);
            let confirmed = Order { newest, ..was.order.clone() };
            if confirmed != (Order { updated_at, ..now.order.clone() }) {
                continue;
            }
            *now = Working { dirty: was.dirty || confirmed != was.order, order: confirmed, ..was };
            self.events.retain(|event| event.position != position || event.number != number);
            for card in cards.iter_mut().filter(|card| card.number.as_ref() == Some(&number)) {
                card.outcome = outcome.clone();
            }
        }
    }
}
