//! The products of a card: numbered labels, lists, bullets and the description.

use std::collections::HashMap;

use super::bots;
use super::builder::{ListedPrices, PatchBuilder};
use super::item_line::{self, ListedItem};
use super::labels::{Column, Label, MAX_ITEMS, named_in_label};
use super::markup::{self, Plain};
use super::money;
use super::prices::{line_total, sum};
use super::text_form::LabelledValue;
use super::values;
use crate::order::items::{joined_names, units};
use crate::order::{MAX_LINE, OrderItem, cut};

/// Maximum words of the name of a store.
const MAX_STORE_WORDS: usize = 4;
/// Maximum characters of a product's name in a description. A longer line is prose.
const MAX_PRODUCT_NAME: usize = 150;

/// Whether a label names a product.
fn names_product(value: &LabelledValue) -> bool {
    matches!(value.label.column, Column::Product | Column::Item | Column::NamedItem) && !value.label.weak
}

/// Splits the values of a card that lists names, quantities and prices under labels of their own, one line for each
/// product: `Product` with `Kettle` and `Mug`, `Quantity` with `2` and `1`.
pub(crate) fn split_columns(known: &mut Vec<LabelledValue>) {
    let Some(names) = known.iter().find(|value| names_product(value) && value.label.item == 0) else {
        return;
    };
    let count = names.lines.len();
    if !(2..=usize::from(MAX_ITEMS)).contains(&count) {
        return;
    }
    let is_column = |value: &LabelledValue| {
        let is_value = |line: &Plain| match value.label.column {
            Column::Quantity => values::quantity(&line.text).is_some(),
            Column::Price => money::parse(&line.text).is_some(),
            _ => false,
        };
        value.label.item == 0 && value.lines.len() == count && value.lines.iter().all(is_value)
    };
    if !known.iter().any(is_column) {
        return;
    }
    let first = names.label;
    let rows = |value: LabelledValue| {
        let label = value.label;
        let rows = (1..)
            .zip(value.lines)
            .map(move |(item, line)| LabelledValue { label: Label { item, ..label }, lines: vec![line] });
        rows.collect::<Vec<_>>()
    };
    let split = |value: LabelledValue| {
        if value.label == first || is_column(&value) { rows(value) } else { vec![value] }
    };
    *known = std::mem::take(known).into_iter().flat_map(split).collect();
}

/// Numbers the products of a card that repeats its labels for each product: `Product`, `Price`, `Product`, `Price`, or
/// `Product 1`, `Price`, `Product 2`, `Price`.
pub(crate) fn number_repeated(known: &mut [LabelledValue]) {
    let is_plain_name = |value: &LabelledValue| {
        names_product(value) && value.label.item == 0 && value.label.column != Column::Item
    };
    let mut names = known
        .iter()
        .filter(|value| is_plain_name(value))
        .filter_map(|value| Some((value.label.name, value.lines.first()?)));
    let Some((label, first)) = names.next() else { return number_like_the_product(known) };
    let repeats = names.filter(|(name, line)| *name == label && line.text != first.text).count();
    if repeats == 0 {
        return;
    }
    let mut number = 0_u8;
    let mut is_open = false;
    for value in known {
        let starts = is_plain_name(value) && value.label.name == label;
        if starts && number < MAX_ITEMS {
            number += 1;
        }
        is_open = starts || (is_open && value.label.column.is_of_item());
        if is_open {
            value.label.item = number;
        }
    }
}

/// If labels without a number repeat after `Product 1` and `Product 2`, gives them the number of their
/// product. A label that does not repeat is about the whole order.
fn number_like_the_product(known: &mut [LabelledValue]) {
    if !known.iter().any(|value| names_product(value) && value.label.item > 0) {
        return;
    }
    number_the_first(known);
    let mut open = 0;
    let mut counts: HashMap<Column, usize> = HashMap::new();
    let mut numbers = Vec::with_capacity(known.len());
    for Label { column, item, .. } in known.iter().map(|value| value.label) {
        open = match column {
            Column::Product | Column::Item | Column::NamedItem => item,
            column if column.is_of_item() => open,
            _ => 0,
        };
        let number = if item == 0 { open } else { 0 };
        *counts.entry(column).or_default() += usize::from(number > 0);
        numbers.push(number);
    }
    for (value, number) in known.iter_mut().zip(numbers) {
        if number > 0 && counts.get(&value.label.column).is_some_and(|count| *count > 1) {
            value.label.item = number;
        }
    }
}

/// `Item`, `Item Price`, `Item 2`, `Item 2 Price`: the product without a number is the first one.
fn number_the_first(known: &mut [LabelledValue]) {
    let has = |number: u8| known.iter().any(|value| names_product(value) && value.label.item == number);
    if has(1) || !has(2) {
        return;
    }
    let start = known.iter().position(|value| names_product(value) && value.label.item == 0);
    let of_first = known
        .iter_mut()
        .skip(start.unwrap_or(usize::MAX))
        .take_while(|value| value.label.item == 0 && value.label.column.is_of_item());
    of_first.for_each(|value| value.label.item = 1);
}

/// The quantities that a card states under labels of their own.
#[derive(Default)]
pub(crate) struct StatedQuantities<'a> {
    /// Without a number.
    pub(crate) of_order: Option<&'a str>,
    /// One bit for each numbered product.
    of_items: u128,
}

impl<'a> StatedQuantities<'a> {
    pub(crate) fn of(known: &'a [LabelledValue]) -> Self {
        let mut stated = Self::default();
        for LabelledValue { label, lines } in known.iter().filter(|value| !value.label.weak) {
            match lines.first() {
                Some(line) if label.column == Column::Quantity && label.item == 0 => {
                    stated.of_order = stated.of_order.or(Some(&line.text));
                }
                Some(_) if label.column == Column::Quantity => stated.of_items |= 1 << label.item,
                _ => {}
            }
        }
        stated
    }

    /// Whether the card states the quantity of this product.
    pub(crate) fn has(&self, item: u8) -> bool {
        self.of_items & (1 << item) != 0
    }
}

impl PatchBuilder {
    /// Sets the product from `Name - $49.99`. One bot appends the total of the line, which [`Self::use_total_in_name`]
    /// takes from the name.
    pub(crate) fn set_product_with_total(&mut self, label: &str, text: &str) {
        self.set_text("product", label, text, |fields| &mut fields.product);
        self.may_end_in_total = true;
    }

    /// Bots without a product label name the product in the description: as a link, in bullets such as
    /// `• 2x name - 49.99 USD (size)`, or on the first line, if the card reports a new order. The description may
    /// also be the store's host.
    pub(crate) fn set_product_from_intro(&mut self, intro: &[Plain], has_outcome: bool, is_new: bool) {
        let is_store = |line: &&Plain| {
            values::is_host(&line.text) || (line.link.is_none() && bots::is_known_store(&line.text))
        };
        let store = intro.iter().filter(|_| is_new).find(is_store);
        if let (Some(store), None) = (store, &self.stated.store) {
            self.set_text("store", "store", &store.text, |fields| &mut fields.store);
        }
        if self.has_product() {
            return;
        }
        let is_named_link = |line: &&Plain| line.link.is_some() && line.link.as_ref() != Some(&line.text);
        let is_item = |line: &&Plain| {
            (line.text.starts_with('•') || (is_new && item_line::starts_with_count(&line.text)))
                && item_line::parse(line).is_some_and(|item| item.quantity.is_some() || item.price.is_some())
        };
        let bullets: Vec<Plain> = intro.iter().filter(is_item).cloned().collect();
        if !bullets.is_empty() {
            self.set_product_list(&bullets, true, None);
            self.is_basket = false;
        } else if let Some(line) = intro.iter().find(is_named_link).filter(|_| has_outcome) {
            self.stated.product = Some(cut(markup::without_block_marks(&line.text), MAX_LINE));
            self.set_link("product_url", line.link.as_deref(), |fields| &mut fields.product_url);
        } else if let Some(line) = intro.first().filter(|_| is_new && store.is_none())
            && is_product_name(&line.text)
        {
            self.set_text("product", "product", &line.text, |fields| &mut fields.product);
        }
    }

    /// Sets the store from the first line of the description of a card whose title is the order number.
    pub(crate) fn set_store_from_intro(&mut self, intro: &[Plain]) {
        let is_name = |line: &&Plain| {
            line.text.split_whitespace().count() <= MAX_STORE_WORDS
                && (is_product_name(&line.text) || values::is_host(&line.text))
        };
        let names_product = |line: &&Plain| self.stated.product.as_ref() == Some(&line.text);
        if let Some(line) = intro.first().filter(is_name).filter(|line| !names_product(line))
            && self.stated.store.is_none()
        {
            self.set_text("store", "store", &line.text, |fields| &mut fields.store);
        }
    }

    /// Sets the products from a list: one on each line, and lines about it below. Returns false if the value
    /// is not a list. A single line counts as a list if it states a quantity before the name or a note after
    /// a link. If the card has a `quantity` of its own, a name may begin like a quantity: `2x 3 Pack`.
    pub(crate) fn set_product_list(
        &mut self,
        lines: &[Plain],
        is_list_label: bool,
        quantity: Option<u32>,
    ) -> bool {
        let rows = item_line::table_rows(lines);
        let lines = rows.as_deref().unwrap_or(lines);
        let mut listed: Vec<(ListedItem<'_>, &Plain)> = Vec::new();
        let mut has_details_below = false;
        let is_item = |line: &&Plain| !markup::is_no_value(&line.text) && !item_line::is_no_item(&line.text);
        let numbers = lines.iter().filter(is_item).map(|line| item_line::number_in_brackets(&line.text));
        let is_numbered = lines.len() > 1 && numbers.eq((1..=lines.len()).map(Some));
        for line in lines.iter().filter(is_item) {
            let is_detail = listed.last_mut().is_some_and(|(item, _)| item.add_details(&line.text));
            has_details_below |= is_detail;
            if !is_detail {
                let mut item = item_line::parse_any(line);
                item.quantity = item.quantity.filter(|_| !is_numbered);
                listed.push((item, line));
            }
        }
        let is_list = match listed.as_slice() {
            [] => false,
            [(item, line)] => {
                let says_more = item_line::starts_with_count(&line.text) || line.link_text.is_some();
                let is_item = (says_more && item_line::parse(line).is_some())
                    || (is_list_label && !item.name.is_empty());
                let has_details = item.has_details && (item.quantity.is_some() || has_details_below);
                let has_mark = item_line::has_bullet(&line.text) || line.link_text.is_some();
                let is_plain = !item.name.contains(|c: char| c.is_ascii_digit()) && item.price.is_none();
                let may_count = quantity.is_none_or(|stated| item.quantity == Some(stated) && is_plain);
                has_details || (is_item && (has_mark || may_count))
            }
            listed if is_list_label => listed.iter().all(|(item, _)| !item.name.is_empty()),
            listed => listed.iter().all(|(item, line)| item.has_details || item_line::parse(line).is_some()),
        };
        if !is_list || !self.items.is_empty() {
            return false;
        }
        let is_only = listed.len() == 1;
        let is_counted = listed.iter().any(|(item, line)| {
            item.quantity.is_some() && (quantity.is_none() || item_line::has_bullet(&line.text))
        });
        self.is_basket = !is_only || is_counted;
        for ((listed, _), number) in listed.into_iter().zip(1_u8..=MAX_ITEMS) {
            let quantity = listed.quantity.or((!is_only).then_some(1));
            self.set_listed_item(number, &ListedItem { quantity, ..listed }, is_only);
        }
        true
    }

    /// Sets the values of a numbered product that are still empty. The color of an only product is kept as `color`; with
    /// several products, it becomes a part of the size.
    fn set_listed_item(&mut self, number: u8, listed: &ListedItem<'_>, is_only: bool) {
        let price = listed.price.filter(|price| self.add_currency_hint(price.currency));
        let total = listed.total.filter(|total| self.add_currency_hint(total.currency));
        let listed_prices = match price {
            _ if listed.is_unit_price || total.is_some() => ListedPrices::PerUnit,
            Some(_) if !listed.has_price_label => ListedPrices::Bare,
            _ => ListedPrices::Labelled,
        };
        self.listed_prices = self.listed_prices.max(listed_prices);
        let text = |text: &str| Some(cut(text, MAX_LINE)).filter(|text| !text.is_empty());
        let size = if is_only {
            self.keep("color", listed.color.unwrap_or_default());
            listed.size.and_then(text)
        } else {
            let parts: Vec<&str> = [listed.size, listed.color].into_iter().flatten().collect();
            text(&parts.join(" / "))
        };
        let stated = OrderItem {
            product: text(listed.name),
            sku: listed.sku.and_then(text),
            size,
            quantity: listed.quantity,
            unit_price: price.map(|price| price.amount).or_else(|| {
                let line = total.map(|total| total.amount);
                line.and_then(|line| line.divided_by(listed.quantity.unwrap_or(1)))
            }),
            line_total: total.map(|total| total.amount),
            product_url: listed.link.filter(|link| link.chars().count() <= MAX_LINE).map(str::to_owned),
            ..OrderItem::default()
        };
        self.item(number).apply(&stated, |_, empty| empty, |_| ());
    }

    /// Sets a product from a label with its name, such as `Product 1 - Mug`, and the lines below it. Keeps
    /// the lines under the label if they contain anything else.
    pub(crate) fn set_named_item(&mut self, value: &LabelledValue) {
        let mut lines = value.lines.iter();
        let label = lines.next().map_or("", |line| line.text.as_str());
        let details: Vec<&Plain> = lines.filter(|line| !markup::is_no_value(&line.text)).collect();
        let Some((number, name)) = named_in_label(label) else { return };
        let mut listed = ListedItem { name, ..ListedItem::default() };
        let are_details = details.iter().all(|line| {
            listed.link = listed.link.or(line.link.as_deref());
            listed.add_details(&line.text) || line.link.is_some()
        });
        let is_free = self.items.get(&number.max(1)).is_none_or(|item| item.product.is_none());
        if are_details && is_free && (number > 0 || !details.is_empty()) {
            return self.set_listed_item(number.max(1), &listed, number == 0);
        }
        let texts: Vec<&str> = value.lines.iter().skip(1).map(|line| line.text.as_str()).collect();
        self.keep(label, &texts.join("\n"));
    }

    /// Uses lines about the only product, such as `Qty: 2 | Size: M`. Returns false if they contain anything
    /// else.
    pub(crate) fn set_details(&mut self, lines: &[Plain]) -> bool {
        let mut listed = ListedItem::default();
        let are_details = self.items.is_empty() && lines.iter().all(|line| listed.add_details(&line.text));
        if are_details {
            self.set_listed_item(1, &listed, true);
        }
        are_details
    }

    /// Sets the name of a numbered product, and the values on the lines below it. Without a `quantity` of its
    /// own, the name may begin with one.
    pub(crate) fn set_numbered_item(&mut self, number: u8, lines: &[&Plain], has_quantity: bool) {
        let Some((first, below)) = lines.split_first() else { return };
        let mut listed = ListedItem::default();
        let is_labelled = listed.add_details(&first.text) && !listed.name.is_empty();
        if !is_labelled {
            let parsed = item_line::parse(first).filter(|_| !has_quantity || first.link_text.is_some());
            let name = ListedItem { name: &first.text, link: first.link.as_deref(), ..ListedItem::default() };
            listed = parsed.unwrap_or(name);
        }
        let further: Vec<&Plain> =
            below.iter().filter(|line| !listed.add_details(&line.text)).copied().collect();
        self.set_listed_item(number, &listed, false);
        self.keep_further_lines(&format!("product {number}"), &further);
    }

    /// Keeps the lines of a product's value below its name, and warns of them.
    pub(crate) fn keep_further_lines(&mut self, label: &str, lines: &[&Plain]) {
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        if !texts.is_empty() {
            self.keep(&format!("{label} details"), &texts.join("\n"));
            self.warn(
                "product: the first line is the name; the lines below it are kept in `extra`".to_owned(),
            );
        }
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
            Column::ProductUrl => {
                let link = value.link.as_deref().filter(|link| link.chars().count() <= MAX_LINE);
                let item = self.item(number);
                item.product_url = item.product_url.take().or(link.map(str::to_owned));
            }
            _ => {}
        }
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
        if self.items.is_empty() {
            return self.use_total_as_price();
        }
        let all_units = self.items.values().try_fold(0_u32, |sum, item| sum.checked_add(units(item)));
        let lacks_prices = self.items.values().all(|item| item.unit_price.is_none());
        if (self.is_basket || (self.items.len() > 1 && lacks_prices)) && all_units != Some(1) {
            self.use_price_as_total(all_units.unwrap_or_default());
        }
        self.settle_prices(all_units);
        let items: Vec<OrderItem> = self.items.values().cloned().collect();
        if let [only] = items.as_slice() {
            self.keep("size", only.size.as_deref().unwrap_or_default());
            self.keep("sku", only.sku.as_deref().unwrap_or_default());
        }
        let (stated, derived) = (&mut self.stated, &mut self.derived);
        let Some(first) = items.first() else { return };
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
            derived.total = sum(&self.items, line_total);
        }
    }

    /// The products of the card as items. A card without a list of products has one item.
    pub(crate) fn order_items(&self) -> Vec<OrderItem> {
        let (stated, derived) = (&self.stated, &self.derived);
        let of_card = OrderItem {
            product: stated.product.clone().or_else(|| derived.product.clone()),
            sku: self.extra.get("sku").cloned(),
            size: self.extra.get("size").cloned(),
            quantity: stated.quantity,
            unit_price: stated.price,
            line_total: None,
            product_url: stated.product_url.clone().or_else(|| derived.product_url.clone()),
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
            item.line_total = line_total(item).or(stated.total.filter(|_| is_only));
        }
        items
    }
}

/// Whether a line of a description can be the name of a product and not prose.
fn is_product_name(line: &str) -> bool {
    // `Shipped! The Card Game` is a title: every word except short ones begins with a capital letter.
    let is_title =
        || line.split_whitespace().all(|word| word.len() < 4 || !word.starts_with(char::is_lowercase));
    let has_sentence = line.ends_with(['.', ':', '!', '?', ','])
        || line.contains(". ")
        || (line.contains("! ") && !is_title());
    !has_sentence
        && line.chars().count() <= MAX_PRODUCT_NAME
        && line.contains(char::is_alphabetic)
        && !line.contains("://")
        && !line.contains(['<', '@'])
}
