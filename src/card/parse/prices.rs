//! Decides whether an amount of a card is the price of one unit, of a line, or of the whole order.

use std::collections::BTreeMap;

use super::builder::{ListedPrices, PatchBuilder};
use super::money::{self, CurrencyHint};
use crate::order::items::units;
use crate::order::{Amount, Fields, OrderItem, Status};

/// Labels in `extra` for the cost of the products without tax and shipping.
const SUBTOTALS: &[&str] =
    &["subtotal", "sub total", "sub-total", "item total", "items total", "merchandise total"];
/// Labels in `extra` for charges that are added to the cost of the products.
#[rustfmt::skip]
const CHARGES: &[&str] = &[
    "tax", "taxes", "sales tax", "estimated tax", "vat", "shipping", "shipping cost", "shipping fee", "delivery fee", "service fee",
    "fee", "fees", "tip", "handling",
];
/// Labels in `extra` for discounts.
const DISCOUNTS: &[&str] = &["discount", "discounts", "savings", "promo", "promotion", "coupon", "gift card"];

impl PatchBuilder {
    /// Uses the amount after the product's name as the total. If the price and the quantity of the card
    /// contradict it, the amount stays part of the name.
    pub(crate) fn use_total_in_name(&mut self) {
        let name = self.stated.product.as_deref().filter(|_| self.may_end_in_total);
        let Some((name, total)) = name.and_then(|name| name.rsplit_once(" - ")) else { return };
        let Some(amount) = money::parse(total).filter(|amount| amount.currency != CurrencyHint::Absent)
        else {
            return;
        };
        let Fields { price, quantity, .. } = self.stated;
        let line = price.and_then(|price| price.times(quantity.unwrap_or(1)));
        if quantity.is_none() || line.is_none() || line == Some(amount.amount) {
            let (name, total) = (name.to_owned(), total.to_owned());
            self.stated.product = Some(name);
            self.set_amount("total", &total, false, |fields| &mut fields.total);
        }
    }

    /// Makes the total of a refund a derived value, which only fills an empty total: the refund may be a part
    /// of the order's total.
    pub(crate) fn use_total_as_refund(&mut self) {
        if self.stated.status == Some(Status::Refunded)
            && let Some(total) = self.stated.total.take()
        {
            self.keep("refund_total", &total.to_string());
            self.derived.total = Some(total);
        }
    }

    /// Uses a price beside several products as the total, unless the card's total or the prices of the products
    /// show that it is the price of each unit. A price below the sum of the products is neither.
    pub(crate) fn use_price_as_total(&mut self, all_units: u32) {
        let Some(price) = self.stated.price else { return };
        let as_lines = sum(&self.items, |item| item.unit_price);
        let is_unit_price = as_lines.is_some() && as_lines == price.times(all_units);
        let is_too_low = as_lines.is_some_and(|as_lines| price < as_lines);
        match self.stated.total {
            None if is_unit_price => {}
            None if is_too_low => {
                self.stated.price = None;
                self.keep("price", &price.to_string());
                self.warn(format!("price: {price} is less than the prices of the products; kept in `extra`"));
            }
            None => self.stated.total = self.stated.price.take(),
            Some(total) if price.times(all_units) == Some(total) => {}
            Some(total) => {
                self.stated.price = None;
                if price != total {
                    self.keep("price", &price.to_string());
                }
            }
        }
    }

    /// If the price equals the total of several units, divides it by the quantity to get the price of one
    /// unit.
    pub(crate) fn use_total_as_price(&mut self) {
        let stated = &mut self.stated;
        if let (Some(price), Some(quantity)) =
            (stated.price, stated.quantity.filter(|quantity| *quantity > 1))
            && stated.total == Some(price)
        {
            stated.price = price.divided_by(quantity);
        }
    }

    /// Decides whether the prices of the products are unit prices or line totals. It takes the one that adds
    /// up to a total of the card. If neither does, they are unit prices, unless the sum would exceed the
    /// total. If the card has no total, the label of the list decides.
    pub(crate) fn settle_prices(&mut self, all_units: Option<u32>) {
        let as_units = sum(&self.items, |item| item.unit_price?.times(units(item)));
        let as_lines = sum(&self.items, |item| item.unit_price);
        let (Some(as_units), Some(as_lines)) = (as_units, as_lines) else { return };
        if as_units == as_lines || self.listed_prices == ListedPrices::PerUnit {
            return;
        }
        let of_price = self.stated.price.and_then(|price| price.times(all_units?));
        let Some(total) = self.stated.total.or(of_price) else {
            match (self.listed_prices, self.may_end_in_total) {
                (ListedPrices::Bare, true) => self.use_prices_as_line_totals(),
                (ListedPrices::Bare, false) => self.warn(format!(
                    "items: the prices may be for one unit (together {as_units}) or for the whole line (together \
                     {as_lines}); read as prices for one unit"
                )),
                _ => {}
            }
            return;
        };
        let totals = self.totals_of_products(total);
        if totals.contains(&as_units) {
            return;
        }
        let is_proven = totals.contains(&as_lines);
        let exceeds = as_units > total && as_lines <= total;
        if !is_proven && (self.is_basket || as_units > total) {
            self.warn(format!(
                "items: as unit prices they add up to {as_units}, as prices of whole lines to {as_lines}, but the total is \
                 {total}"
            ));
        }
        if is_proven || exceeds {
            self.use_prices_as_line_totals();
        }
    }

    fn use_prices_as_line_totals(&mut self) {
        for item in self.items.values_mut() {
            item.line_total = item.unit_price;
            item.unit_price = item.unit_price.and_then(|line| line.divided_by(units(item)));
        }
    }

    /// The possible sums of all products: the total, the subtotal, and the total without tax, shipping and
    /// discount.
    fn totals_of_products(&self, total: Amount) -> Vec<Amount> {
        let mut totals = vec![total];
        let mut without_charges = Some(total);
        for (name, text) in &self.extra {
            let Some(amount) = money::parse(text).map(|parsed| parsed.amount) else { continue };
            let is = |list: &[&str]| list.iter().any(|other| name.eq_ignore_ascii_case(other));
            if is(SUBTOTALS) {
                totals.push(amount);
            } else if is(CHARGES) {
                without_charges = without_charges.and_then(|total| total.minus(amount));
            } else if is(DISCOUNTS) {
                without_charges = without_charges.and_then(|total| total.plus(amount.absolute()));
            }
        }
        totals.extend(without_charges);
        totals
    }
}

/// The price of all units of an item.
pub(crate) fn line_total(item: &OrderItem) -> Option<Amount> {
    item.unit_price.and_then(|price| price.times(units(item))).or(item.line_total)
}

/// Adds up an amount over all items. `None` if any item lacks it.
pub(crate) fn sum(items: &BTreeMap<u8, OrderItem>, of: fn(&OrderItem) -> Option<Amount>) -> Option<Amount> {
    items.values().try_fold(Amount::default(), |sum, item| sum.plus(of(item)?))
}
