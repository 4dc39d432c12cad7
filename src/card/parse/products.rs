//! The products of a card: numbered labels, lists, bullets and the description.

use super::builder::PatchBuilder;
use super::item_line::{self, ListedItem};
use super::labels::Column;
use super::markup::{self, Plain};
use super::money::{self, CurrencyHint};
use super::text_form::LabelledValue;
use super::values;
use crate::order::items::{joined_names, units};
use crate::order::{Amount, MAX_LINE, OrderItem, cut};

/// Maximum products of one card.
const MAX_ITEMS: u8 = 99;
/// Maximum characters of a product's name in prose. A longer line is a text.
const MAX_PRODUCT_NAME: usize = 150;

/// Whether a label describes one product of several.
pub(crate) fn is_item_column(column: Column) -> bool {
    matches!(
        column,
        Column::Product
            | Column::Item
            | Column::Price
            | Column::Quantity
            | Column::ProductUrl
            | Column::Extra("size" | "sku")
    )
}

/// Numbers the products of a card that repeats its labels for each product: `Product`, `Price`, `Product`, `Price`.
pub(crate) fn number_repeated(known: &mut [LabelledValue]) {
    let is_name = |value: &LabelledValue| {
        value.label.column == Column::Product && value.label.item == 0 && !value.label.weak
    };
    let mut names = known
        .iter()
        .filter(|value| is_name(value))
        .filter_map(|value| Some((value.label.name, value.lines.first()?)));
    let Some((label, first)) = names.next() else { return };
    let repeats = names.filter(|(name, line)| *name == label && line.text != first.text).count();
    if repeats == 0 {
        return;
    }
    let mut number = 0_u8;
    let mut is_open = false;
    for value in known {
        let starts = is_name(value) && value.label.name == label;
        if starts && number < MAX_ITEMS {
            number += 1;
        }
        is_open = starts || (is_open && is_item_column(value.label.column));
        if is_open {
            value.label.item = number;
        }
    }
}

impl PatchBuilder {
    /// Sets the product from `Name - $49.99`: one bot appends the total of the line.
    pub(crate) fn set_product_with_total(&mut self, label: &str, text: &str) {
        let is_price = |total: &str| money::parse(total).is_some_and(|p| p.currency != CurrencyHint::Absent);
        let split = text.rsplit_once(" - ").filter(|(_, total)| is_price(total));
        let (product, total) = split.map_or((text, None), |(product, total)| (product, Some(total)));
        self.set_text("product", label, product, |fields| &mut fields.product);
        if let Some(total) = total {
            self.set_amount("total", total, false, |fields| &mut fields.total);
        }
    }

    /// Bots without a product label name the product in the description: as a link, in bullets such as
    /// `• 2x name - 49.99 USD (size)`, or on the first line, if the card reports an outcome. The description may
    /// also be the store's host.
    pub(crate) fn set_product_from_intro(&mut self, intro: &[Plain], is_outcome: bool) {
        let host = intro.iter().find(|line| is_outcome && values::is_host(&line.text));
        if let (Some(host), None) = (host, &self.stated.store) {
            self.set_text("store", "store", &host.text, |fields| &mut fields.store);
        }
        if self.stated.product.is_some() || !self.items.is_empty() {
            return;
        }
        let is_named_link = |line: &&Plain| line.link.is_some() && line.link.as_ref() != Some(&line.text);
        let is_item = |line: &&Plain| {
            line.text.starts_with('•')
                && item_line::parse(&line.text)
                    .is_some_and(|item| item.quantity.is_some() || item.price.is_some())
        };
        let bullets: Vec<Plain> = intro.iter().filter(is_item).cloned().collect();
        if !bullets.is_empty() {
            self.set_product_list(&bullets, true);
            self.is_basket = false;
        } else if let Some(line) = intro.iter().find(is_named_link) {
            self.stated.product = Some(cut(&line.text, MAX_LINE));
            self.set_link("product_url", line.link.as_deref(), |fields| &mut fields.product_url);
        } else if let Some(line) = intro.first().filter(|_| is_outcome && host.is_none())
            && is_product_name(&line.text)
        {
            self.set_text("product", "product", &line.text, |fields| &mut fields.product);
        }
    }

    /// Sets the products from a list, one on each line. Returns false if the value is not a list. A single line is
    /// a list if it states a quantity in front of the name or under a label behind a bar; otherwise it is the name of
    /// a product.
    pub(crate) fn set_product_list(&mut self, lines: &[Plain], is_list_label: bool) -> bool {
        let lines: Vec<&Plain> = lines.iter().filter(|line| !markup::is_no_value(&line.text)).collect();
        let listed: Option<Vec<ListedItem<'_>>> = match lines.as_slice() {
            [line] => item_line::parse(&line.text)
                .filter(|item| {
                    let states_label = line.text.split(" | ").skip(1).any(|part| part.contains(':'));
                    is_list_label
                        || item_line::starts_with_count(&line.text)
                        || (states_label && item.quantity.is_some())
                })
                .map(|item| vec![item]),
            lines if is_list_label => {
                Some(lines.iter().map(|line| item_line::parse_any(&line.text)).collect())
            }
            lines => lines.iter().map(|line| item_line::parse(&line.text)).collect(),
        };
        let Some(listed) = listed.filter(|listed| !listed.is_empty() && self.items.is_empty()) else {
            return false;
        };
        self.is_basket = true;
        for ((listed, line), number) in listed.into_iter().zip(lines).zip(1_u8..=MAX_ITEMS) {
            let price = listed.price.filter(|price| self.add_currency_hint(price.currency));
            let item = self.item(number);
            item.product_url.clone_from(&line.link);
            item.quantity = Some(listed.quantity.unwrap_or(1));
            item.product = Some(cut(listed.name, MAX_LINE));
            item.size = listed.size.map(|size| cut(size, MAX_LINE));
            item.sku = listed.sku.map(|sku| cut(sku, MAX_LINE));
            item.unit_price = price.map(|price| price.amount);
        }
        true
    }

    /// Uses the count behind a product's name, if the card states no quantity and no total for one unit.
    pub(crate) fn use_count_in_name(&mut self) {
        let stated = &mut self.stated;
        let is_one = stated.quantity.is_some() || (stated.total.is_some() && stated.total == stated.price);
        if is_one || !self.items.is_empty() {
            return;
        }
        let counted = stated.product.as_deref().and_then(item_line::count_in_name);
        if let Some((name, quantity)) = counted.map(|(name, quantity)| (name.to_owned(), quantity)) {
            stated.product = Some(name);
            stated.quantity = Some(quantity);
        }
    }

    /// Sets the price and the quantity from `$10.00 x 2`. Returns false if the text is not of this form.
    pub(crate) fn set_price_with_count(&mut self, text: &str) -> bool {
        let Some((price, count)) = item_line::price_and_count(text) else { return false };
        self.set_amount("price", price, false, |fields| &mut fields.price);
        self.set_count("quantity", count, values::quantity(count), |fields| &mut fields.quantity);
        true
    }

    /// Sets one value of a numbered product.
    pub(crate) fn set_item(&mut self, column: Column, number: u8, value: &Plain) {
        let text = value.text.as_str();
        match column {
            Column::Price => {
                let price = money::parse(text).filter(|price| price.amount.hundredths() >= 0);
                let Some(price) = price else {
                    return self.warn_unreadable("price", text, "an amount of money");
                };
                self.item(number).unit_price.get_or_insert(price.amount);
                if !self.add_currency_hint(price.currency) {
                    self.warn_unreadable("price", text, "an amount of money");
                }
            }
            Column::Quantity => match values::quantity(text) {
                Some(quantity) => {
                    self.item(number).quantity.get_or_insert(quantity);
                }
                None => self.warn_unreadable("quantity", text, "a number from 1 to 1,000,000"),
            },
            Column::Extra("size") => {
                self.item(number).size.get_or_insert_with(|| cut(text, MAX_LINE));
            }
            Column::Extra("sku") => {
                self.item(number).sku.get_or_insert_with(|| cut(text, MAX_LINE));
            }
            Column::ProductUrl => self.set_item_link(number, value),
            _ => {
                self.item(number).product.get_or_insert_with(|| cut(text, MAX_LINE));
                self.set_item_link(number, value);
            }
        }
    }

    fn set_item_link(&mut self, number: u8, value: &Plain) {
        let link = value.link.as_deref().filter(|link| link.chars().count() <= MAX_LINE);
        let item = self.item(number);
        item.product_url = item.product_url.take().or(link.map(str::to_owned));
    }

    fn item(&mut self, number: u8) -> &mut OrderItem {
        self.items.entry(number).or_default()
    }

    /// Fills the columns that the card leaves empty from its numbered products: the names are joined and the
    /// quantities added. The price is set only if all agree. The sum is the derived total.
    pub(crate) fn fill_from_items(&mut self) {
        if self.items.len() > 1 {
            // A later card could not tell which product such an item is.
            self.items.retain(|_, item| item.product.is_some() || item.sku.is_some());
        }
        let items: Vec<OrderItem> = self.items.values().cloned().collect();
        if let [only] = items.as_slice() {
            self.keep("size", only.size.as_deref().unwrap_or_default());
            self.keep("sku", only.sku.as_deref().unwrap_or_default());
        }
        let (stated, derived) = (&mut self.stated, &mut self.derived);
        let Some(first) = items.first() else { return };
        let all_units = items.iter().try_fold(0_u32, |sum, item| sum.checked_add(units(item)));
        if self.is_basket && all_units != Some(1) && stated.total.is_none() {
            stated.total = stated.price.take();
        }
        if stated.product.is_none() {
            stated.product = joined_names(&items);
        }
        if stated.quantity.is_none() && (items.len() > 1 || first.quantity.is_some()) {
            stated.quantity = all_units;
        }
        if stated.price.is_none() && items.iter().all(|item| item.unit_price == first.unit_price) {
            stated.price = first.unit_price;
        }
        if items.len() > 1 {
            derived.total = items.iter().try_fold(Amount::default(), |sum, item| {
                item.unit_price?.times(units(item)).and_then(|line| sum.plus(line))
            });
        }
    }

    /// The products of the card as items. A card without a list of products has one item.
    pub(crate) fn order_items(&self) -> Vec<OrderItem> {
        let stated = &self.stated;
        let of_card = OrderItem {
            product: stated.product.clone(),
            sku: self.extra.get("sku").cloned(),
            size: self.extra.get("size").cloned(),
            quantity: stated.quantity,
            unit_price: stated.price,
            line_total: None,
            product_url: stated.product_url.clone(),
            image: stated.image_url.clone(),
            qty_received: None,
        };
        let mut items: Vec<OrderItem> = self.items.values().cloned().collect();
        match items.as_mut_slice() {
            [] if of_card.product.is_some() => items.push(of_card),
            [only] => only.apply(&of_card, |_, empty| empty, |_| ()),
            _ => {}
        }
        let is_only = items.len() == 1;
        for item in &mut items {
            let line = item.unit_price.and_then(|price| price.times(units(item)));
            item.line_total = line.or(stated.total.filter(|_| is_only));
        }
        items
    }
}

/// Whether a line of a description can be the name of a product and not prose.
fn is_product_name(line: &str) -> bool {
    let has_sentence =
        line.ends_with(['.', ':', '!', '?', ',']) || line.contains(". ") || line.contains("! ");
    !has_sentence
        && line.chars().count() <= MAX_PRODUCT_NAME
        && line.contains(char::is_alphabetic)
        && !line.contains("://")
        && !line.contains(['<', '@'])
}
