//! One product on one line: `2x Name - 26.94 USD (M)`, `Name x3`, `Name | Qty: 2 | Size: M`.

use super::labels::{self, Column};
use super::money::{self, CurrencyHint, ParsedAmount};
use super::values::{self, MAX_QUANTITY};

/// How a line of a list begins.
const BULLETS: [char; 6] = ['-', '•', '*', '·', '–', ' '];
/// The separators between the name and the size or the price.
const SEPARATORS: [&str; 4] = [" - ", " – ", " @ ", " = "];
/// Most notes behind the name of a product.
const MAX_NOTES: usize = 4;

/// A product of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ListedItem<'a> {
    pub(crate) name: &'a str,
    /// The quantity, if the line states one.
    pub(crate) quantity: Option<u32>,
    pub(crate) size: Option<&'a str>,
    pub(crate) sku: Option<&'a str>,
    pub(crate) price: Option<ParsedAmount>,
}

/// Parses a line of a list of products. Without a bullet, the line must state a quantity.
#[must_use]
pub(crate) fn parse(line: &str) -> Option<ListedItem<'_>> {
    let has_bullet = line.starts_with(BULLETS);
    let item = parse_any(line);
    (!item.name.is_empty() && (has_bullet || item.quantity.is_some())).then_some(item)
}

/// Parses a line that is known to be a product.
pub(crate) fn parse_any(line: &str) -> ListedItem<'_> {
    let mut item = ListedItem::default();
    let mut parts = line.trim_start_matches(BULLETS).split(" | ");
    let first = parts.next().unwrap_or_default().trim();
    let (quantity, rest) = leading_count(first).map_or((None, first), |(count, rest)| (Some(count), rest));
    item.quantity = quantity;
    item.name = rest;
    for part in parts {
        item.add_part(part.trim());
    }
    for _ in 0..MAX_NOTES {
        if !item.take_note() {
            break;
        }
    }
    item
}

/// Whether a line states a quantity in front of the name: `- 2x Name`.
#[must_use]
pub(crate) fn starts_with_count(line: &str) -> bool {
    leading_count(line.trim_start_matches(BULLETS)).is_some()
}

impl<'a> ListedItem<'a> {
    /// Uses a part behind a bar: `Qty: 2`, `Size: M`, `$26.94` or `x2`.
    fn add_part(&mut self, part: &'a str) {
        let labelled =
            part.split_once(':').and_then(|(name, value)| Some((labels::find(name)?, value.trim())));
        match labelled.map(|(label, value)| (label.column, value)) {
            Some((Column::Quantity, value)) => self.quantity = values::quantity(value),
            Some((Column::Extra("size"), value)) => self.size = Some(value),
            Some((Column::Extra("sku"), value)) => self.sku = Some(value),
            Some((Column::Price, value)) => self.price = money::parse(value),
            None if priced(part).is_some() => self.price = priced(part),
            None if count(part).is_some() => self.quantity = count(part),
            _ => {}
        }
    }

    /// Takes a price, a count or a size from the end of the name. Returns whether there was one.
    fn take_note(&mut self) -> bool {
        let name = self.name.trim_end_matches([' ', '-', '–']);
        self.name = name;
        if let Some((before, inside)) = name.strip_suffix(')').and_then(|name| name.rsplit_once('('))
            && self.take(before, inside, self.price.is_none())
        {
            return true;
        }
        let split = SEPARATORS.iter().filter_map(|separator| name.rsplit_once(separator));
        if let Some((before, note)) = split.min_by_key(|(_, note)| note.len()) {
            let may_be_size = self.quantity.is_some() && self.size.is_none() && self.price.is_none();
            return self.take(before, note, false) || (may_be_size && self.take_size(before, note));
        }
        match name.rsplit_once(' ') {
            Some((before, last)) if self.quantity.is_none() && last.starts_with(['x', 'X', '×']) => {
                self.take(before, last, false)
            }
            _ => false,
        }
    }

    fn take(&mut self, before: &'a str, note: &'a str, is_plain_count: bool) -> bool {
        let before = before.trim();
        if before.is_empty() {
            return false;
        }
        let plain = || note.trim().parse().ok().filter(|n| is_plain_count && (1..=99).contains(n));
        // `26.94 USD (M)`, but not `$49.99 (MSRP $59.99)`.
        let sized = note.strip_suffix(')').and_then(|note| note.split_once('('));
        let sized = sized
            .filter(|(_, size)| !size.contains(['$', '€', '£']))
            .and_then(|(price, size)| Some((priced(price)?, size)));
        if let (None, Some((price, size))) = (self.price, sized) {
            (self.price, self.size) = (Some(price), Some(size));
        } else if let (None, Some(price)) = (self.price, priced(note)) {
            self.price = Some(price);
        } else if let (None, Some(quantity)) = (self.quantity, count(note).or_else(plain)) {
            self.quantity = Some(quantity);
        } else {
            return false;
        }
        self.name = before;
        true
    }

    fn take_size(&mut self, before: &'a str, size: &'a str) -> bool {
        (self.name, self.size) = (before.trim(), Some(size.trim()));
        true
    }
}

/// `2x Name`, `2 x Name` or `x2 Name`.
fn leading_count(line: &str) -> Option<(u32, &str)> {
    let is_cross = |c: char| matches!(c, 'x' | 'X' | '×');
    let (first, rest) = line.split_once(' ')?;
    if first.starts_with(is_cross) || first.ends_with(is_cross) {
        return Some((count(first)?, rest.trim()));
    }
    let rest = rest.strip_prefix(['x', '×'])?.strip_prefix(' ')?;
    Some((digits(first)?, rest.trim()))
}

/// `x2`, `2x` or `Qty: 2`.
fn count(text: &str) -> Option<u32> {
    let text = text.trim();
    let is_cross = |c: char| matches!(c, 'x' | 'X' | '×');
    if let Some(rest) = text.strip_prefix(is_cross).or_else(|| text.strip_suffix(is_cross)) {
        return digits(rest);
    }
    let (name, value) = text.split_once([':', ' '])?;
    labels::find(name).filter(|label| label.column == Column::Quantity).and_then(|_| digits(value.trim()))
}

fn digits(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| (1..=MAX_QUANTITY).contains(n))
}

/// An amount that names its currency. A bare number may be a size.
fn priced(text: &str) -> Option<ParsedAmount> {
    money::parse(text)
        .filter(|price| price.currency != CurrencyHint::Absent && price.amount.hundredths() >= 0)
}

/// The name and the count in `Name x3` or `Name (x3)`. A larger count belongs to the name: `Booster Pack x36`.
pub(crate) fn count_in_name(name: &str) -> Option<(&str, u32)> {
    let (before, last) = name.trim().rsplit_once(' ')?;
    let last = last.trim_start_matches('(').trim_end_matches(')');
    let quantity = last.starts_with(['x', 'X', '×']).then(|| count(last))??;
    (2..10).contains(&quantity).then_some((before.trim(), quantity))
}

/// The unit price and the count in `$10.00 x 2`.
pub(crate) fn price_and_count(text: &str) -> Option<(&str, &str)> {
    let (price, count) = text.split_once([' ']).filter(|(_, rest)| rest.starts_with(['x', 'X', '×']))?;
    let count = count.trim_start_matches(['x', 'X', '×', ' ']);
    (priced(price).is_some() && digits(count).is_some()).then_some((price, count))
}
