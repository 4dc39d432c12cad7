//! The currency of a card: of its amounts, of its own label, of its store or of the configuration.

use iso_currency::Currency;

use super::draft::Draft;
use super::money::{Sign, is_dollar};
use crate::order::currency_from_code;

impl Draft {
    /// Takes what an amount says of the currency, unless it contradicts another amount.
    pub(crate) fn take_sign(&mut self, sign: Sign) -> bool {
        let clash = self.signs.iter().any(|other| match (sign, *other) {
            (Sign::Named(a), Sign::Named(b)) => a != b,
            (Sign::Named(a), Sign::Dollar) | (Sign::Dollar, Sign::Named(a)) => !is_dollar(a),
            _ => false,
        });
        if !clash && !self.signs.contains(&sign) {
            self.signs.push(sign);
        }
        !clash
    }

    /// The currency: what an amount or the card names is stated; else it is derived from the store's country
    /// and at last from the configuration. A bare dollar sign is never read as another money.
    pub(crate) fn settle_currency(&mut self, configured: Currency) {
        self.settle_named();
        if let Some(named) =
            self.signs.iter().find_map(|sign| if let Sign::Named(c) = sign { Some(*c) } else { None })
        {
            self.stated.currency = Some(named);
        } else if !self.signs.is_empty() {
            let store =
                self.stated.store.as_deref().or(self.derived.store.as_deref()).and_then(currency_of_store);
            let dollars = self.signs.contains(&Sign::Dollar);
            let fits = |currency: &Currency| !dollars || is_dollar(*currency);
            let usual = store.filter(fits).or(Some(configured).filter(fits));
            self.derived.currency = usual.or(Some(Currency::USD));
        }
    }

    /// What the card calls its currency, unless an amount contradicts it.
    fn settle_named(&mut self) {
        let Some(text) = self.currency.take() else { return };
        match currency_from_code(&text.to_uppercase()) {
            Some(named) if self.take_sign(Sign::Named(named)) => return,
            Some(_) => self.warn(format!("currency: the amounts are not in {text}; left out")),
            None => self.warn_unread("currency", &text, "a currency's code"),
        }
        self.keep("currency", &text);
    }
}

/// The currency of the country that a store's name ends in, as `Best Buy US`.
fn currency_of_store(store: &str) -> Option<Currency> {
    let code = match store.rsplit(' ').next()?.to_uppercase().as_str() {
        "US" | "USA" => "USD",
        "CA" | "CANADA" => "CAD",
        "UK" | "GB" => "GBP",
        _ => return None,
    };
    currency_from_code(code)
}
