//! Several cards of one message that speak of the same order. They may contradict each other, and
//! the last counts: where it ends as it began, the message has said nothing new. Otherwise the
//! same message again would make steps of history without end.

use super::{Settled, SettledCard, Working};
use crate::card::outcome::Outcome;
use crate::card::parse::ParsedCard;
use crate::ingest::read::ReadMessage;
use crate::order::Order;

impl Settled {
    /// The orders of a message that has several cards, as they are before it.
    pub(crate) fn of_several_cards(&self, message: &ReadMessage) -> Vec<Working> {
        if message.cards.len() < 2 {
            return Vec::new();
        }
        let order = |card: &ParsedCard| match card {
            ParsedCard::Order { patch, .. } => self.orders.get(&patch.number).cloned(),
            ParsedCard::NoOrder(_) => None,
        };
        message.cards.iter().filter_map(order).collect()
    }

    /// Takes back the steps of a message that left these orders as they were before it.
    pub(crate) fn take_back_what_led_nowhere(
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
