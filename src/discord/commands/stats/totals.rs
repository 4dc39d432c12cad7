//! Totals as text: on one line, with their currencies, and the cancel rate.

use iso_currency::Currency;
use rust_decimal::Decimal;

use crate::discord::reply::text::{format_count, pluralize};
use crate::order::format_amount;
use crate::store::Totals;

/// How many currencies one line shows.
const MAX_CURRENCIES: usize = 3;

/// The share of cancelled and refunded orders.
pub(crate) fn cancel_rate(totals: &Totals) -> String {
    let (part, all) = (format_count(totals.cancelled_or_refunded), format_count(totals.orders));
    format!("{}% ({part} of {all})", totals.cancel_percent())
}

/// All totals on one line.
pub(crate) fn totals_line(totals: &Totals) -> String {
    let spend = totals.spend();
    let mut parts =
        vec![pluralize(totals.orders, "order", "orders"), pluralize(totals.units, "unit", "units")];
    let amounts = spend.iter().take(MAX_CURRENCIES);
    parts.extend(amounts.map(|(currency, total)| format!("**{}**", money(total.amount, *currency))));
    let hidden = spend.len().saturating_sub(MAX_CURRENCIES) as u64;
    if hidden > 0 {
        parts.push(pluralize(hidden, "more currency", "more currencies"));
    }
    if totals.cancelled_or_refunded > 0 {
        parts.push(format!("{} cancelled or refunded", format_count(totals.cancelled_or_refunded)));
    }
    parts.join(" · ")
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

    use super::{cancel_rate, money, totals_line};
    use crate::store::{Spend, StatRow, Totals};

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
            totals_line(&totals),
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
            assert_eq!(cancel_rate(&Totals::of_rows(&[row(orders, void, &[])])), expected);
        }
    }
}
