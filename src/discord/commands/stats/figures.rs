//! Sums of sums, exact to the hundredth. Amounts of different currencies are never added up.

use std::collections::BTreeMap;

use iso_currency::Currency;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::discord::reply::text::{counted, grouped};
use crate::store::{Spend, StatRow};

/// Currencies on one line.
const MOST: usize = 3;

/// Orders put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// How many.
    pub(crate) orders: u64,
    /// How many of them are cancelled or refunded.
    void: u64,
    /// Units of the others.
    pub(crate) units: u64,
    /// Totals of the others.
    spend: BTreeMap<Coin, Sum>,
}

/// A currency; `None` where the orders do not say.
pub(crate) type Coin = Option<Currency>;

/// What was spent in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    /// In major units, with two decimals.
    pub(crate) total: Decimal,
    /// Orders with a total.
    orders: u64,
}

impl Figures {
    /// All rows together.
    pub(crate) fn of<'a>(rows: impl Iterator<Item = &'a StatRow>) -> Self {
        let mut all = Self::default();
        for row in rows {
            all.count(row.orders, row.void, row.units);
            for Spend { currency, hundredths, orders } in &row.spend {
                all.spent(*currency, Sum { total: Decimal::new(*hundredths, 2), orders: *orders });
            }
        }
        all
    }

    /// All of them together.
    pub(crate) fn sum<'a>(figures: impl Iterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for part in figures {
            all.count(part.orders, part.void, part.units);
            for (coin, sum) in &part.spend {
                all.spent(*coin, *sum);
            }
        }
        all
    }

    fn count(&mut self, orders: u64, void: u64, units: u64) {
        self.orders = self.orders.saturating_add(orders);
        self.void = self.void.saturating_add(void);
        self.units = self.units.saturating_add(units);
    }

    fn spent(&mut self, coin: Coin, more: Sum) {
        let sum = self.spend.entry(coin).or_default();
        sum.total = sum.total.saturating_add(more.total);
        sum.orders = sum.orders.saturating_add(more.orders);
    }

    /// What was spent, the currency of most orders first.
    pub(crate) fn spend(&self) -> Vec<(Coin, Sum)> {
        let mut spend: Vec<(Coin, Sum)> = self.spend.iter().map(|(coin, sum)| (*coin, *sum)).collect();
        spend.sort_by_key(|(coin, sum)| (std::cmp::Reverse(sum.orders), coin.is_none()));
        spend
    }

    /// What was spent in one currency.
    pub(crate) fn in_coin(&self, coin: Coin) -> Option<Decimal> {
        self.spend.get(&coin).map(|sum| sum.total)
    }

    /// How many orders of a hundred are cancelled or refunded, in words.
    pub(crate) fn cancel_rate(&self) -> String {
        let rate = Decimal::from(self.void)
            .saturating_mul(Decimal::ONE_HUNDRED)
            .checked_div(Decimal::from(self.orders))
            .unwrap_or_default();
        let rate = rate.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero).normalize();
        format!("{rate}% ({} of {})", whole(self.void), whole(self.orders))
    }

    /// All of it on a line.
    pub(crate) fn line(&self) -> String {
        let mut parts = vec![counted(self.orders, "order", "orders"), counted(self.units, "unit", "units")];
        let spend = self.spend();
        parts.extend(spend.iter().take(MOST).map(|(coin, sum)| format!("**{}**", money(sum.total, *coin))));
        match spend.len().saturating_sub(MOST) {
            0 => {}
            1 => parts.push("1 more currency".to_owned()),
            more => parts.push(format!("{more} more currencies")),
        }
        if self.void > 0 {
            parts.push(format!("{} cancelled or refunded", whole(self.void)));
        }
        parts.join(" · ")
    }
}

impl Sum {
    /// Of an order with a total, to the hundredth, halves away from zero.
    pub(crate) fn average(&self) -> Decimal {
        let average = self.total.checked_div(Decimal::from(self.orders)).unwrap_or_default();
        average.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
    }
}

/// An amount with its currency.
pub(crate) fn money(amount: Decimal, coin: Coin) -> String {
    format!("{} {}", grouped(amount), name(coin))
}

/// A currency in words.
pub(crate) fn name(coin: Coin) -> String {
    coin.map_or_else(|| "(no currency)".to_owned(), |currency| currency.code().to_owned())
}

/// A count with commas between thousands.
pub(crate) fn whole(count: u64) -> String {
    counted(count, "", "").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency::{EUR, USD};

    use super::{Figures, money};
    use crate::store::{Spend, StatRow};

    fn row(orders: u64, void: u64, spend: &[(Option<iso_currency::Currency>, i64, u64)]) -> StatRow {
        let spend = spend.iter().map(|(currency, hundredths, orders)| Spend {
            currency: *currency,
            hundredths: *hundredths,
            orders: *orders,
        });
        StatRow { key: None, orders, void, units: orders - void, spend: spend.collect() }
    }

    fn averages(rows: &[StatRow]) -> Vec<String> {
        let figures = Figures::of(rows.iter());
        figures.spend().iter().map(|(coin, sum)| money(sum.average(), *coin)).collect()
    }

    #[test]
    fn currencies_are_summed_each_for_itself_most_orders_first() {
        let rows =
            [row(3, 0, &[(Some(EUR), 100_000, 1), (Some(USD), 1_050, 2)]), row(2, 1, &[(Some(USD), 1, 1)])];
        let figures = Figures::of(rows.iter());
        let spend: Vec<String> = figures.spend().iter().map(|(coin, sum)| money(sum.total, *coin)).collect();
        assert_eq!(spend, ["10.51 USD", "1,000.00 EUR"]);
        assert_eq!(
            figures.line(),
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
            assert_eq!(Figures::of([row(orders, void, &[])].iter()).cancel_rate(), expected);
        }
    }
}
