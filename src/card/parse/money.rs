//! Amounts of money as cards write them: `$1,299.99`, `99.98 USD`, `1.299,00 €`, `C$12.97`.
//!
//! Exact: an amount that cannot be read for sure is an error, never a guess and never 0.

use iso_currency::Currency;

use crate::order::{Amount, currency_from_code};

/// An amount, and the currency where the text itself names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// How much.
    pub amount: Amount,
    /// What the text says of the currency.
    pub sign: Sign,
}

/// What a text says of the currency of its amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A code or a sign that only one currency has.
    Named(Currency),
    /// A bare dollar sign: some dollar.
    Dollar,
    /// Nothing.
    Absent,
}

/// Signs, longest first where one begins with another.
const SIGNS: &[(&str, Sign)] = &[
    ("US$", Sign::Named(Currency::USD)),
    ("CA$", Sign::Named(Currency::CAD)),
    ("C$", Sign::Named(Currency::CAD)),
    ("AU$", Sign::Named(Currency::AUD)),
    ("A$", Sign::Named(Currency::AUD)),
    ("NZ$", Sign::Named(Currency::NZD)),
    ("HK$", Sign::Named(Currency::HKD)),
    ("S$", Sign::Named(Currency::SGD)),
    ("R$", Sign::Named(Currency::BRL)),
    ("$", Sign::Dollar),
    ("£", Sign::Named(Currency::GBP)),
    ("€", Sign::Named(Currency::EUR)),
    ("¥", Sign::Named(Currency::JPY)),
    ("₩", Sign::Named(Currency::KRW)),
    ("₹", Sign::Named(Currency::INR)),
    ("zł", Sign::Named(Currency::PLN)),
];

/// Reads a whole text as one amount. `None` where it is anything else, out of range, or finer
/// than a hundredth.
#[must_use]
pub fn read(text: &str) -> Option<Read> {
    // `US $5` and `$ 5` are `US$5` and `$5`.
    let text = text.trim().replace(" $", "$");
    let (negative, text) = without_minus(&text);
    let (sign, digits) = split_sign(text)?;
    let (inner_minus, digits) = without_minus(digits);
    let hundredths = hundredths(digits, sign)?;
    let hundredths = if negative || inner_minus { hundredths.checked_neg()? } else { hundredths };
    Some(Read { amount: Amount::from_hundredths(hundredths)?, sign })
}

fn without_minus(text: &str) -> (bool, &str) {
    text.strip_prefix(['-', '−']).map_or((false, text), |rest| (true, rest.trim_start()))
}

/// Takes currency signs and codes off both ends: `$26.94 USD` names the dollar twice and is
/// clearer for it, `$5 EUR` contradicts itself.
fn split_sign(text: &str) -> Option<(Sign, &str)> {
    let mut sign = Sign::Absent;
    let mut rest = text.trim();
    for _ in 0..2 {
        let Some((found, without)) = outer_sign(rest) else { break };
        sign = match (sign, found) {
            (Sign::Absent, found) => found,
            (Sign::Dollar, Sign::Named(code)) | (Sign::Named(code), Sign::Dollar) if is_dollar(code) => {
                Sign::Named(code)
            }
            (Sign::Named(a), Sign::Named(b)) if a == b => Sign::Named(a),
            _ => return None,
        };
        rest = without.trim();
    }
    Some((sign, rest))
}

fn outer_sign(text: &str) -> Option<(Sign, &str)> {
    let by_sign = SIGNS.iter().find_map(|(sign, of)| {
        text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)).map(|rest| (*of, rest))
    });
    by_sign.or_else(|| {
        let is_letter = |c: char| c.is_ascii_alphabetic();
        let behind = text.trim_start_matches(is_letter);
        let before = text.trim_end_matches(is_letter);
        let (code, rest) = match (text.strip_suffix(behind), text.strip_prefix(before)) {
            (Some(code), _) if !code.is_empty() && !behind.is_empty() => (code, behind),
            (_, Some(code)) if !code.is_empty() && !before.is_empty() => (code, before),
            _ => return None,
        };
        currency_from_code(&code.to_ascii_uppercase()).map(|currency| (Sign::Named(currency), rest))
    })
}

/// Whether a bare `$` may mean this currency.
#[must_use]
pub fn is_dollar(currency: Currency) -> bool {
    use Currency::{AUD, CAD, HKD, NZD, SGD, USD};
    matches!(currency, USD | CAD | AUD | NZD | HKD | SGD)
}

/// Digits with their separators, as hundredths.
fn hundredths(digits: &str, sign: Sign) -> Option<i64> {
    let digits: String = digits
        .chars()
        .map(|c| if matches!(c, '\u{a0}' | '\u{202f}' | '\'' | '’') { ' ' } else { c })
        .collect();
    let (whole, fraction) = split_decimals(&digits, sign)?;
    let whole = if whole.is_empty() && !fraction.is_empty() { "0".to_owned() } else { ungrouped(whole)? };
    let cents = match fraction.trim_end_matches('0') {
        "" => 0,
        kept if kept.chars().count() == 1 => kept.parse::<i64>().ok()?.checked_mul(10)?,
        kept if kept.chars().count() == 2 => kept.parse::<i64>().ok()?,
        _ => return None,
    };
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents)
}

/// Tells the decimal separator from the thousands separator. With both, the last is the decimal
/// one. A single comma before three digits groups thousands; a single point does so only in a
/// currency whose countries write it so (euro), else it is not sure and refused.
fn split_decimals(digits: &str, sign: Sign) -> Option<(&str, &str)> {
    let euro = sign == Sign::Named(Currency::EUR);
    let is_group = |fraction: &str| fraction.chars().count() == 3;
    let split = match (digits.rfind('.'), digits.rfind(',')) {
        (None, None) => (digits, ""),
        (Some(point), Some(comma)) if point > comma => digits.rsplit_once('.')?,
        (Some(_), Some(_)) => digits.rsplit_once(',')?,
        (Some(_), None) => match digits.rsplit_once('.')? {
            (whole, _) if whole.contains('.') => (digits, ""),
            (_, fraction) if euro && is_group(fraction) => (digits, ""),
            split => split,
        },
        (None, Some(_)) => match digits.rsplit_once(',')? {
            (whole, fraction) if whole.contains(',') || is_group(fraction) => (digits, ""),
            split => split,
        },
    };
    split.1.chars().all(|c| c.is_ascii_digit()).then_some(split)
}

/// Takes one kind of thousands separator out, and refuses groups that are not of three.
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
    (lead && groups.all(|group| group.len() == 3 && is_digits(group))).then(|| whole.replace(separator, ""))
}
