//! Several products in one card: `Product (1)`, `Price (1)`, `Product (2)` and so on.

use std::collections::BTreeMap;

use super::draft::{MAX_LINE, cut};
use super::money;
use super::money::Read;
use super::values;
use crate::order::{Amount, Fields};

/// What a card says of one of its products.
#[derive(Clone, Debug, Default)]
struct Item {
    product: Option<String>,
    price: Option<Amount>,
    quantity: Option<u32>,
}

/// The numbered products of a card, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Items(BTreeMap<u8, Item>);

impl Items {
    pub(crate) fn product(&mut self, item: u8, text: &str) {
        self.0.entry(item).or_default().product.get_or_insert_with(|| text.to_owned());
    }

    /// Takes a price, or gives back false where it cannot be read.
    pub(crate) fn price(&mut self, item: u8, text: &str) -> Option<Read> {
        let read = money::read(text).filter(|read| read.amount.hundredths() >= 0)?;
        self.0.entry(item).or_default().price.get_or_insert(read.amount);
        Some(read)
    }

    /// Whether one of them states a price.
    pub(crate) fn has_price(&self) -> bool {
        self.0.values().any(|item| item.price.is_some())
    }

    /// Takes a quantity, or gives back false where it cannot be read.
    pub(crate) fn quantity(&mut self, item: u8, text: &str) -> bool {
        let quantity = values::quantity(text);
        if let Some(quantity) = quantity {
            self.0.entry(item).or_default().quantity.get_or_insert(quantity);
        }
        quantity.is_some()
    }

    /// Puts the products into the columns that the card leaves empty. Of several, the names are
    /// joined, the quantities added, the price stands only where all agree, and the total, the
    /// exact sum, is derived.
    pub(crate) fn fill(&self, stated: &mut Fields, derived: &mut Fields) {
        let items: Vec<&Item> = self.0.values().collect();
        if items.is_empty() {
            return;
        }
        let names: Vec<&str> = items.iter().filter_map(|item| item.product.as_deref()).collect();
        if stated.product.is_none() && !names.is_empty() {
            stated.product = Some(cut(&names.join(" + "), MAX_LINE));
        }
        let quantity_of = |item: &Item| item.quantity.unwrap_or(1);
        if stated.quantity.is_none() && (items.len() > 1 || items.iter().any(|item| item.quantity.is_some()))
        {
            stated.quantity = items.iter().try_fold(0_u32, |sum, item| sum.checked_add(quantity_of(item)));
        }
        let first = items.first().and_then(|item| item.price);
        if stated.price.is_none() && items.iter().all(|item| item.price == first) {
            stated.price = first;
        }
        if items.len() > 1 {
            derived.total = items.iter().try_fold(Amount::default(), |sum, item| {
                item.price?.times(quantity_of(item)).and_then(|line| sum.plus(line))
            });
        }
    }
}
