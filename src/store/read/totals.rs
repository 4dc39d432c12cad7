//! Adds up orders, exact to the hundredth. Amounts of different currencies are never added up.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use iso_currency::Currency;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::order::{Amount, Status};

/// The orders of one day, store, status, profile or product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatRow {
    /// The day as `2026-01-31`, or the name; `None` groups the orders without one.
    pub key: Option<String>,
    /// How many orders.
    pub orders: u64,
    /// How many of them are cancelled or refunded. Units and spend leave these out.
    pub cancelled_or_refunded: u64,
    /// Units of the other orders.
    pub units: u64,
    /// Totals of the other orders, by currency.
    pub spend: Vec<Spend>,
}

/// The amount spent in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spend {
    /// The currency; `None` if the orders do not state one.
    pub currency: Option<Currency>,
    /// Sum of the totals, in hundredths of the major unit.
    pub hundredths: i64,
    /// How many orders have a total.
    pub orders: u64,
}

/// The totals of a group of orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) orders: u64,
    pub(crate) cancelled_or_refunded: u64,
    /// Units of the orders that are neither cancelled nor refunded.
    pub(crate) units: u64,
    /// The cost of those orders. The key is `None` for orders without a currency.
    spend: BTreeMap<Option<Currency>, CurrencyTotal>,
}

/// The spend in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CurrencyTotal {
    /// In major units, with two decimals.
    pub(crate) amount: Decimal,
    /// How many orders have an amount.
    pub(crate) orders: u64,
}

impl Totals {
    /// The totals of database rows.
    pub(crate) fn of_rows<'a>(rows: impl IntoIterator<Item = &'a StatRow>) -> Self {
        let mut totals = Self::default();
        for row in rows {
            totals.add_row(row);
        }
        totals
    }

    /// Adds the orders of a database row.
    pub(crate) fn add_row(&mut self, row: &StatRow) {
        self.add_counts(row.orders, row.cancelled_or_refunded, row.units);
        for Spend { currency, hundredths, orders } in &row.spend {
            self.add_spend(*currency, Decimal::new(*hundredths, 2), *orders);
        }
    }

    /// The sum of several totals.
    pub(crate) fn sum<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let mut totals = Self::default();
        for part in parts {
            totals.add_counts(part.orders, part.cancelled_or_refunded, part.units);
            for (currency, total) in &part.spend {
                totals.add_spend(*currency, total.amount, total.orders);
            }
        }
        totals
    }

    /// Adds one order.
    pub(crate) fn add_order(
        &mut self,
        status: Option<Status>,
        currency: Option<Currency>,
        units: u64,
        total: Option<Amount>,
    ) {
        let is_void = status.is_some_and(Status::is_cancelled_or_refunded);
        self.add_counts(1, u64::from(is_void), if is_void { 0 } else { units });
        if let Some(total) = total.filter(|_| !is_void) {
            self.add_spend(currency, total.to_decimal(), 1);
        }
    }

    fn add_counts(&mut self, orders: u64, cancelled_or_refunded: u64, units: u64) {
        self.orders = self.orders.saturating_add(orders);
        self.cancelled_or_refunded = self.cancelled_or_refunded.saturating_add(cancelled_or_refunded);
        self.units = self.units.saturating_add(units);
    }

    fn add_spend(&mut self, currency: Option<Currency>, amount: Decimal, orders: u64) {
        let total = self.spend.entry(currency).or_default();
        total.amount = total.amount.saturating_add(amount);
        total.orders = total.orders.saturating_add(orders);
    }

    /// The spend in each currency, the currency with the most orders first.
    pub(crate) fn spend(&self) -> Vec<(Option<Currency>, CurrencyTotal)> {
        let mut spend: Vec<_> = self.spend.iter().map(|(currency, total)| (*currency, *total)).collect();
        spend.sort_by_key(|(currency, total)| (Reverse(total.orders), currency.is_none()));
        spend
    }

    /// The spend in one currency.
    pub(crate) fn spend_in(&self, currency: Option<Currency>) -> Option<Decimal> {
        self.spend.get(&currency).map(|total| total.amount)
    }

    /// The share of cancelled and refunded orders in percent, to one decimal.
    pub(crate) fn cancel_percent(&self) -> Decimal {
        let percent = Decimal::from(self.cancelled_or_refunded)
            .saturating_mul(Decimal::ONE_HUNDRED)
            .checked_div(Decimal::from(self.orders))
            .unwrap_or_default();
        percent.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero).normalize()
    }
}

impl CurrencyTotal {
    /// The average amount of an order, to the hundredth, halves away from zero.
    pub(crate) fn average(&self) -> Decimal {
        let average = self.amount.checked_div(Decimal::from(self.orders)).unwrap_or_default();
        average.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
    }
}
