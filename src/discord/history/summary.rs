//! What reading by hand tells of itself.

use chrono::{DateTime, Utc};

use super::PageRead;
use crate::card::outcome::Outcome;

/// What reading by hand has brought so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages read.
    pub messages: usize,
    /// Cards that made an order.
    pub created: usize,
    /// Cards that changed one.
    pub updated: usize,
    /// Cards that were known, or said nothing new.
    pub known: usize,
    /// Cards that are no orders.
    pub ignored: usize,
    /// Cards that could not be read.
    pub rejected: usize,
    /// Time of the last message read. UTC.
    pub read_to: Option<DateTime<Utc>>,
}

impl Summary {
    pub(crate) fn add(&mut self, page: &PageRead) {
        self.messages += page.messages;
        for card in page.receipts.iter().flat_map(|receipt| &receipt.cards) {
            *match card.outcome {
                Outcome::Created => &mut self.created,
                Outcome::Updated => &mut self.updated,
                Outcome::Unchanged | Outcome::Duplicate => &mut self.known,
                Outcome::Ignored(_) => &mut self.ignored,
                Outcome::Rejected(_) => &mut self.rejected,
            } += 1;
        }
    }
}
