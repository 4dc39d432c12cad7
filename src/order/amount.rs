//! Exact amounts of money.

use std::fmt;

use iso_currency::Currency;
use rust_decimal::Decimal;

/// An exact amount in hundredths of a currency's major unit, within the 14 digits of a
/// `Decimal(14,2)` column.
///
/// In most currencies a hundredth is the ISO 4217 minor unit. The yen has no minor unit and is stored as
/// `5000.00`. Currencies with three decimals do not fit; the parser refuses them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// The largest magnitude in hundredths: `999,999,999,999.99`.
    pub const MAX_HUNDREDTHS: i64 = 99_999_999_999_999;

    /// An amount from hundredths, or `None` beyond [`Self::MAX_HUNDREDTHS`].
    #[must_use]
    pub const fn from_hundredths(hundredths: i64) -> Option<Self> {
        if hundredths.unsigned_abs() <= Self::MAX_HUNDREDTHS.unsigned_abs() {
            Some(Self(hundredths))
        } else {
            None
        }
    }

    /// Hundredths of the major unit.
    #[must_use]
    pub const fn hundredths(self) -> i64 {
        self.0
    }

    /// The amount times a quantity, or `None` if that is out of range.
    #[must_use]
    pub fn times(self, quantity: u32) -> Option<Self> {
        self.0.checked_mul(i64::from(quantity)).and_then(Self::from_hundredths)
    }

    /// The sum, or `None` if it is out of range.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).and_then(Self::from_hundredths)
    }

    /// The difference, or `None` if it is out of range.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).and_then(Self::from_hundredths)
    }

    /// The amount divided by a quantity, or `None` if that is no whole number of hundredths.
    #[must_use]
    pub fn divided_by(self, quantity: u32) -> Option<Self> {
        let quantity = i64::from(quantity);
        self.0.checked_rem(quantity).filter(|rest| *rest == 0)?;
        self.0.checked_div(quantity).and_then(Self::from_hundredths)
    }

    /// The amount without its sign.
    #[must_use]
    pub const fn absolute(self) -> Self {
        // An amount is far from the limits of the type.
        Self(self.0.saturating_abs())
    }

    /// The amount in major units, always with two decimals.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, 2)
    }

    /// The amount nearest to a decimal from the database, or `None` if it is out of range. The rounding error
    /// of a REAL column is far below a hundredth.
    #[must_use]
    pub fn from_decimal(major: Decimal) -> Option<Self> {
        let hundredths = major.checked_mul(Decimal::ONE_HUNDRED)?.round();
        i64::try_from(hundredths).ok().and_then(Self::from_hundredths)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_decimal().fmt(f)
    }
}

/// An amount and the currency it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// The amount.
    pub amount: Amount,
    /// Its currency, ISO 4217.
    pub currency: Currency,
}

/// An amount with two decimals and commas between thousands.
pub(crate) fn format_amount(amount: Decimal) -> String {
    let text = format!("{:.2}", amount.abs());
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let digits = whole.chars().count();
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (digits - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
    format!("{sign}{grouped}.{cents}")
}

/// The currency of an upper-case ISO 4217 code, if its amounts fit two decimals.
#[must_use]
pub fn currency_from_code(code: &str) -> Option<Currency> {
    Currency::from_code(code).filter(|currency| currency.exponent().is_some_and(|digits| digits <= 2))
}
