//! Adds up orders, exact to the hundredth. Amounts of different currencies are never added up.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use iso_currency::Currency;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::discord::reply::text::{format_amount, format_count, pluralize};
use crate::store::{Spend, StatRow};

/// How many currencies one line shows.
const MAX_CURRENCIES: usize = 3;

/// The totals of a group of orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) orders: u64,
    cancelled_or_refunded: u64,
    /// Units of the orders that are neither cancelled nor refunded.
    pub(crate) units: u64,
    /// What those orders cost. The key is `None` for orders without a currency.
    spend: BTreeMap<Option<Currency>, CurrencyTotal>,
}

/// What was spent in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CurrencyTotal {
    /// In major units, with two decimals.
    pub(crate) amount: Decimal,
    /// How many orders have an amount.
    orders: u64,
}

impl Totals {
    /// The totals of database rows.
    pub(crate) fn of_rows<'a>(rows: impl IntoIterator<Item = &'a StatRow>) -> Self {
        let mut totals = Self::default();
        for row in rows {
            totals.add_counts(row.orders, row.cancelled_or_refunded, row.units);
            for Spend { currency, hundredths, orders } in &row.spend {
                totals.add_spend(*currency, Decimal::new(*hundredths, 2), *orders);
            }
        }
        totals
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

    /// What was spent in each currency, the currency with the most orders first.
    pub(crate) fn spend(&self) -> Vec<(Option<Currency>, CurrencyTotal)> {
        let mut spend: Vec<_> = self.spend.iter().map(|(currency, total)| (*currency, *total)).collect();
        spend.sort_by_key(|(currency, total)| (Reverse(total.orders), currency.is_none()));
        spend
    }

    /// What was spent in one currency.
    pub(crate) fn spend_in(&self, currency: Option<Currency>) -> Option<Decimal> {
        self.spend.get(&currency).map(|total| total.amount)
    }

    /// The share of cancelled and refunded orders, as text.
    pub(crate) fn cancel_rate(&self) -> String {
        let rate = Decimal::from(self.cancelled_or_refunded)
            .saturating_mul(Decimal::ONE_HUNDRED)
            .checked_div(Decimal::from(self.orders))
            .unwrap_or_default();
        let rate = rate.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero).normalize();
        let (part, all) = (format_count(self.cancelled_or_refunded), format_count(self.orders));
        format!("{rate}% ({part} of {all})")
    }

    /// All totals on one line.
    pub(crate) fn line(&self) -> String {
        let spend = self.spend();
        let mut parts =
            vec![pluralize(self.orders, "order", "orders"), pluralize(self.units, "unit", "units")];
        let amounts = spend.iter().take(MAX_CURRENCIES);
        parts.extend(amounts.map(|(currency, total)| format!("**{}**", money(total.amount, *currency))));
        let hidden = spend.len().saturating_sub(MAX_CURRENCIES) as u64;
        if hidden > 0 {
            parts.push(pluralize(hidden, "more currency", "more currencies"));
        }
        if self.cancelled_or_refunded > 0 {
            parts.push(format!("{} cancelled or refunded", format_count(self.cancelled_or_refunded)));
        }
        parts.join(" · ")
    }
}

impl CurrencyTotal {
    /// The average amount of an order, to the hundredth, halves away from zero.
    pub(crate) fn average(&self) -> Decimal {
        let average = self.amount.checked_div(Decimal::from(self.orders)).unwrap_or_default();
        average.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
    }
}

/// An amount with its currency.
pub(crate) fn money(amount: Decimal, currency: Option<Currency>) -> String {
    format!("{} {}", format_amount(amount), currency_name(currency))
}

/// The currency's ISO 4217 code.
pub(crate) fn currency_name(currency: Option<Currency>) -> String {
    currency.map_or_else(|| "(no currency)".to_owned(), |currency| currency.code().to_owned())
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency::{EUR, USD};

    use super::{Totals, money};
    use crate::store::{Spend, StatRow};

    fn row(orders: u64, void: u64, spend: &[(Option<iso_currency::Currency>, i64, u64)]) -> StatRow {
        let spend = spend.iter().map(|(currency, hundredths, orders)| Spend {
            currency: *currency,
            hundredths: *hundredths,
            orders: *orders,
        });
        StatRow {
            key: None,
            orders,
            cancelled_or_refunded: void,
            units: orders - void,
            spend: spend.collect(),
        }
    }

    fn averages(rows: &[StatRow]) -> Vec<String> {
        let totals = Totals::of_rows(rows);
        totals.spend().iter().map(|(currency, total)| money(total.average(), *currency)).collect()
    }

    #[test]
    fn each_currency_has_its_own_total_and_most_orders_come_first() {
        let rows =
            [row(3, 0, &[(Some(EUR), 100_000, 1), (Some(USD), 1_050, 2)]), row(2, 1, &[(Some(USD), 1, 1)])];
        let totals = Totals::of_rows(&rows);
        let spend: Vec<String> =
            totals.spend().iter().map(|(currency, total)| money(total.amount, *currency)).collect();
        assert_eq!(spend, ["10.51 USD", "1,000.00 EUR"]);
        assert_eq!(
            totals.line(),
            "5 orders · 4 units · **10.51 USD** · **1,000.00 EUR** · 1 cancelled or refunded"
        );
        assert_eq!(averages(&rows), ["3.50 USD", "1,000.00 EUR"]);
    }

    #[test]
    fn averages_are_rounded_half_up_to_the_cent() {
        assert_eq!(averages(&[row(2, 0, &[(None, 1, 2)])]), ["0.01 (no currency)"]);
        assert_eq!(averages(&[row(3, 0, &[(Some(USD), 100, 3)])]), ["0.33 USD"]);
        assert_eq!(averages(&[row(8, 0, &[(Some(USD), 1_001, 8)])]), ["1.25 USD"]);
        assert_eq!(averages(&[row(2, 0, &[(Some(USD), -5, 2)])]), ["-0.03 USD"]);
        let huge = row(1, 0, &[(Some(USD), i64::MAX, 1)]);
        assert_eq!(averages(&vec![huge; 1000]), ["92,233,720,368,547,758.07 USD"]);
    }

    #[test]
    fn the_cancel_rate_has_one_decimal() {
        for (orders, void, expected) in [
            (52, 4, "7.7% (4 of 52)"),
            (4, 1, "25% (1 of 4)"),
            (2000, 1, "0.1% (1 of 2,000)"),
            (3, 3, "100% (3 of 3)"),
            (3, 0, "0% (0 of 3)"),
            (0, 0, "0% (0 of 0)"),
        ] {
            assert_eq!(Totals::of_rows(&[row(orders, void, &[])]).cancel_rate(), expected);
        }
    }
}
