//! Amounts of money as cards write them: `$1,299.99`, `99.98 USD`, `1.299,00 €`, `C$12.97`.
//!
//! An amount that is ambiguous is refused, never guessed and never 0.

use iso_currency::Currency;

use super::labels::{self, Column};
use super::values;
use crate::order::{Amount, currency_from_code};

/// An amount, and what its text says about the currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedAmount {
    /// The amount.
    pub amount: Amount,
    /// The currency that the text states.
    pub currency: CurrencyHint,
}

/// The currency that the text of an amount states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurrencyHint {
    /// A code or a symbol that only one currency has.
    Named(Currency),
    /// A bare dollar sign, which may mean any dollar.
    Dollar,
    /// `kr`, which may mean any crown.
    Krone,
    /// The text names no currency.
    Absent,
}

impl CurrencyHint {
    /// Whether the amount may be in this currency.
    #[must_use]
    pub fn allows(self, currency: Currency) -> bool {
        match self {
            Self::Named(named) => named == currency,
            Self::Dollar => is_dollar(currency),
            Self::Krone => matches!(currency, Currency::SEK | Currency::NOK | Currency::DKK),
            Self::Absent => true,
        }
    }
}

/// Currency symbols. One that starts with another comes first.
const SYMBOLS: &[(&str, CurrencyHint)] = &[
    ("US$", CurrencyHint::Named(Currency::USD)),
    ("CA$", CurrencyHint::Named(Currency::CAD)),
    ("C$", CurrencyHint::Named(Currency::CAD)),
    ("AU$", CurrencyHint::Named(Currency::AUD)),
    ("A$", CurrencyHint::Named(Currency::AUD)),
    ("NZ$", CurrencyHint::Named(Currency::NZD)),
    ("HK$", CurrencyHint::Named(Currency::HKD)),
    ("S$", CurrencyHint::Named(Currency::SGD)),
    ("R$", CurrencyHint::Named(Currency::BRL)),
    ("$", CurrencyHint::Dollar),
    ("£", CurrencyHint::Named(Currency::GBP)),
    ("€", CurrencyHint::Named(Currency::EUR)),
    ("MX$", CurrencyHint::Named(Currency::MXN)),
    ("NT$", CurrencyHint::Named(Currency::TWD)),
    ("¥", CurrencyHint::Named(Currency::JPY)),
    ("￥", CurrencyHint::Named(Currency::JPY)),
    ("円", CurrencyHint::Named(Currency::JPY)),
    ("₩", CurrencyHint::Named(Currency::KRW)),
    ("₹", CurrencyHint::Named(Currency::INR)),
    ("Rs.", CurrencyHint::Named(Currency::INR)),
    ("Rs", CurrencyHint::Named(Currency::INR)),
    ("RM", CurrencyHint::Named(Currency::MYR)),
    ("Ft", CurrencyHint::Named(Currency::HUF)),
    ("₺", CurrencyHint::Named(Currency::TRY)),
    ("₪", CurrencyHint::Named(Currency::ILS)),
    ("Fr.", CurrencyHint::Named(Currency::CHF)),
    ("zł", CurrencyHint::Named(Currency::PLN)),
    ("Kč", CurrencyHint::Named(Currency::CZK)),
    ("฿", CurrencyHint::Named(Currency::THB)),
    ("₫", CurrencyHint::Named(Currency::VND)),
    ("₱", CurrencyHint::Named(Currency::PHP)),
    ("د.إ", CurrencyHint::Named(Currency::AED)),
    ("kr", CurrencyHint::Krone),
    ("dollars", CurrencyHint::Dollar),
    ("euros", CurrencyHint::Named(Currency::EUR)),
];

/// Words for amounts that may be added to a price.
const CHARGES: [&str; 4] = ["tax", "vat", "shipping", "fees"];

/// Notes after an amount, in lower case.
const NOTES: &[&str] = &[
    "each",
    " ea.",
    "/unit",
    "/ea",
    " ea",
    "per item",
    "per unit",
    "+ tax",
    "plus tax",
    "before tax",
    "incl. tax",
    "incl tax",
    "excl. tax",
    "w/ tax",
    "*",
];

/// Parses a text that is one amount, with a usual note at most: `$49.99 each`. `None` if it is out of range or finer
/// than a hundredth.
#[must_use]
pub fn parse(text: &str) -> Option<ParsedAmount> {
    exact(text).or_else(|| exact(&without_notes(text)?))
}

/// The amount behind its own label: `Total: $40.00`.
pub(crate) fn without_label(text: &str) -> &str {
    let split = text.split_once(':').and_then(|(name, amount)| Some((labels::find(name)?, amount.trim())));
    let is_amount =
        |label: labels::Label| matches!(label.column, Column::Price | Column::Total | Column::Amount);
    split.filter(|(label, _)| is_amount(*label)).map_or(text, |(_, amount)| amount)
}

/// The price in a text that adds tax or shipping: `$20.00 + $1.60 tax`.
pub(crate) fn without_charges(text: &str) -> &str {
    let is_charge = |charge: &str| {
        charge.rsplit_once(' ').is_some_and(|(amount, what)| {
            exact(amount).is_some() && CHARGES.iter().any(|charge| what.eq_ignore_ascii_case(charge))
        })
    };
    text.split_once(" + ").filter(|(_, charge)| is_charge(charge)).map_or(text, |(price, _)| price)
}

/// Removes what bots write around an amount: `~$49.99`, `$49.99 + tax`, `$49.99 (MSRP $59.99)`, and a former price that is
/// struck out. `Free` is 0. `None` if there is nothing to remove.
fn without_notes(text: &str) -> Option<String> {
    let text = text.trim();
    if text.trim_end_matches('!').eq_ignore_ascii_case("free") {
        return Some("0".to_owned());
    }
    if let Some((before, (_, after))) =
        text.split_once("~~").and_then(|(b, rest)| Some((b, rest.split_once("~~")?)))
    {
        return Some(format!("{before}{after}"));
    }
    // `$40.00 → $35.00` is the former price and the current price.
    if let Some((_, now)) = values::around_arrow(text).filter(|(former, _)| exact(former).is_some()) {
        return Some(now.to_owned());
    }
    if let Some((amount, note)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let is_code = currency_from_code(note.trim()).is_some();
        return Some(if is_code { format!("{amount} {note}") } else { amount.to_owned() });
    }
    let lower = text.to_ascii_lowercase();
    let note = NOTES.iter().find(|note| lower.ends_with(*note));
    let kept = note.and_then(|note| text.get(..text.len().checked_sub(note.len())?)).unwrap_or(text);
    let kept = kept.trim_start_matches(['~', '≈', ' ']);
    (kept.len() < text.len()).then(|| kept.to_owned())
}

/// Parses a text that is one amount and nothing else.
fn exact(text: &str) -> Option<ParsedAmount> {
    // `US $5` and `$ 5` mean `US$5` and `$5`.
    let text = text.trim().replace(" $", "$");
    let (negative, text) = without_minus(&text);
    let (currency, digits) = split_currency(text)?;
    let (inner_minus, digits) = without_minus(digits);
    let hundredths = hundredths(digits, currency)?;
    let hundredths = if negative || inner_minus { hundredths.checked_neg()? } else { hundredths };
    Some(ParsedAmount { amount: Amount::from_hundredths(hundredths)?, currency })
}

fn without_minus(text: &str) -> (bool, &str) {
    text.strip_prefix(['-', '−']).map_or((false, text), |rest| (true, rest.trim_start()))
}

/// Removes currency symbols and codes from both ends. `$26.94 USD` names the dollar twice; `$5 EUR` contradicts
/// itself and is refused.
fn split_currency(text: &str) -> Option<(CurrencyHint, &str)> {
    let mut currency = CurrencyHint::Absent;
    let mut rest = text.trim();
    for _ in 0..2 {
        let Some((found, without)) = outer_currency(rest) else { break };
        currency = match (currency, found) {
            (CurrencyHint::Absent, found) => found,
            (CurrencyHint::Dollar, CurrencyHint::Named(code))
            | (CurrencyHint::Named(code), CurrencyHint::Dollar)
                if is_dollar(code) =>
            {
                CurrencyHint::Named(code)
            }
            (CurrencyHint::Named(a), CurrencyHint::Named(b)) if a == b => CurrencyHint::Named(a),
            _ => return None,
        };
        rest = without.trim();
    }
    Some((currency, rest))
}

fn outer_currency(text: &str) -> Option<(CurrencyHint, &str)> {
    let by_symbol = SYMBOLS.iter().find_map(|(symbol, hint)| {
        text.strip_prefix(symbol).or_else(|| text.strip_suffix(symbol)).map(|rest| (*hint, rest))
    });
    by_symbol.or_else(|| {
        let is_letter = |c: char| c.is_ascii_alphabetic();
        let behind = text.trim_start_matches(is_letter);
        let before = text.trim_end_matches(is_letter);
        let (code, rest) = match (text.strip_suffix(behind), text.strip_prefix(before)) {
            (Some(code), _) if !code.is_empty() && !behind.is_empty() => (code, behind),
            (_, Some(code)) if !code.is_empty() && !before.is_empty() => (code, before),
            _ => return None,
        };
        currency_from_code(&code.to_ascii_uppercase()).map(|currency| (CurrencyHint::Named(currency), rest))
    })
}

/// Whether a bare `$` may mean this currency.
#[must_use]
fn is_dollar(currency: Currency) -> bool {
    use Currency::{AUD, CAD, HKD, NZD, SGD, USD};
    matches!(currency, USD | CAD | AUD | NZD | HKD | SGD)
}

/// Parses digits and separators into hundredths.
fn hundredths(digits: &str, currency: CurrencyHint) -> Option<i64> {
    let digits: String = digits
        .chars()
        .map(|c| if matches!(c, '\u{a0}' | '\u{202f}' | '\'' | '’') { ' ' } else { c })
        .collect();
    // `59,-` has no hundredths.
    let digits = digits.strip_suffix(",-").or(digits.strip_suffix(".-")).unwrap_or(&digits);
    let (whole, fraction) = split_decimals(digits, currency)?;
    let whole = if whole.is_empty() && !fraction.is_empty() { "0".to_owned() } else { ungrouped(whole)? };
    let cents = match fraction.trim_end_matches('0') {
        "" => 0,
        kept if kept.chars().count() == 1 => kept.parse::<i64>().ok()?.checked_mul(10)?,
        kept if kept.chars().count() == 2 => kept.parse::<i64>().ok()?,
        _ => return None,
    };
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)
}

/// Splits at the decimal separator. If there are points and commas, the last one is the decimal separator.
/// A single comma before three digits groups thousands. A single point before three digits groups thousands in
/// euros; in other currencies it is ambiguous and refused.
fn split_decimals(digits: &str, currency: CurrencyHint) -> Option<(&str, &str)> {
    let is_euro = currency == CurrencyHint::Named(Currency::EUR);
    let is_group = |fraction: &str| fraction.chars().count() == 3;
    let split = match (digits.rfind('.'), digits.rfind(',')) {
        (None, None) => (digits, ""),
        (Some(point), Some(comma)) if point > comma => digits.rsplit_once('.')?,
        (Some(_), Some(_)) => digits.rsplit_once(',')?,
        (Some(_), None) => match digits.rsplit_once('.')? {
            (whole, _) if whole.contains('.') => (digits, ""),
            (_, fraction) if is_euro && is_group(fraction) => (digits, ""),
            split => split,
        },
        (None, Some(_)) => match digits.rsplit_once(',')? {
            (whole, fraction) if whole.contains(',') || is_group(fraction) => (digits, ""),
            split => split,
        },
    };
    split.1.chars().all(|c| c.is_ascii_digit()).then_some(split)
}

/// Removes thousands separators. Refuses mixed separators and groups that do not have three digits.
fn ungrouped(whole: &str) -> Option<String> {
    let Some(separator) = whole.chars().find(|c| !c.is_ascii_digit()) else {
        return (!whole.is_empty()).then(|| whole.to_owned());
    };
    if !matches!(separator, ',' | '.' | ' ') {
        return None;
    }
    let mut groups = whole.split(separator);
    let first = groups.next()?;
    let is_digits = |group: &str| group.chars().all(|c| c.is_ascii_digit());
    let lead = (1..=3).contains(&first.len()) && is_digits(first) && !first.starts_with('0');
    let groups: Vec<&str> = groups.collect();
    let (last, others) = groups.split_last()?;
    // India groups thousands, and then hundreds: 1,29,999.
    let same_size = |size| others.iter().all(|group| group.len() == size);
    let grouped = last.len() == 3 && (same_size(3) || separator == ',' && first.len() <= 2 && same_size(2));
    (lead && grouped && groups.iter().all(|group| is_digits(group))).then(|| whole.replace(separator, ""))
}
