//! Parses values other than text, money and dates: quantities, statuses, e-mail addresses and so on.

use super::text_form::label_text;
use super::word_table::fold;
use crate::order::Status;

/// A larger quantity is taken for an error.
const MAX_QUANTITY: u32 = 1_000_000;

/// Spellings of statuses, folded.
const STATUS_WORDS: &[(&str, Status)] = &[
    ("pending", Status::Pending),
    ("review hold", Status::Pending),
    ("on hold", Status::Pending),
    ("still placed", Status::Pending),
    ("processing", Status::Processing),
    ("in progress", Status::Processing),
    ("shipped", Status::Shipped),
    ("order shipped", Status::Shipped),
    ("in transit", Status::Shipped),
    ("out for delivery", Status::Shipped),
    ("delivered", Status::Delivered),
    ("order delivered", Status::Delivered),
    ("arrived", Status::Delivered),
    ("cancelled", Status::Cancelled),
    ("canceled", Status::Cancelled),
    ("voided", Status::Cancelled),
    ("order cancelled", Status::Cancelled),
    ("order canceled", Status::Cancelled),
    ("refunded", Status::Refunded),
    ("order refunded", Status::Refunded),
    ("refund processed", Status::Refunded),
    ("verified", Status::Verified),
    ("success", Status::Verified),
    ("successful", Status::Verified),
    ("confirmed", Status::Verified),
    ("order confirmed", Status::Verified),
    ("placed", Status::Verified),
    ("order placed", Status::Verified),
    ("paid", Status::Verified),
    ("completed", Status::Verified),
    ("unverified", Status::Unverified),
];

/// A value that contains one of these names a payment method. Folded.
const PAYMENT_WORDS: &[&str] = &[
    "visa",
    "mastercard",
    "amex",
    "american express",
    "discover",
    "card",
    "credit",
    "debit",
    "paypal",
    "apple pay",
    "google pay",
    "shop pay",
    "amazon pay",
    "cash app",
    "klarna",
    "affirm",
    "afterpay",
    "venmo",
    "ending in",
    "••",
    "**",
];

/// How the footers of bots start, folded, and the names of the bots.
const FOOTERS: &[(&str, &str)] =
    &[("prism technologies", "Refract"), ("refract", "Refract"), ("stellara_io", "Stellar")];

/// Parses `2`, `2x`, `x2`, `(2)` or `2.0`, from 1 to 1,000,000.
#[must_use]
pub(crate) fn quantity(text: &str) -> Option<u32> {
    let text = fold(text).replace(',', "");
    let text = text.trim_matches(['(', ')', 'x', '×', ' ']);
    let text =
        text.split_once('.').filter(|(_, rest)| rest.chars().all(|c| c == '0')).map_or(text, |(n, _)| n);
    text.parse().ok().filter(|n| (1..=MAX_QUANTITY).contains(n))
}

/// Parses a quantity, or 0.
#[must_use]
pub fn count(text: &str) -> Option<u32> {
    if text.trim() == "0" { Some(0) } else { quantity(text) }
}

/// Parses a status in any of its usual spellings.
#[must_use]
pub fn status(text: &str) -> Option<Status> {
    let text = fold(label_text(text).trim_matches(['.', '!', ' ']));
    STATUS_WORDS.iter().find(|(word, _)| *word == text).map(|(_, status)| *status)
}

/// Whether a text has the shape of an e-mail address.
#[must_use]
pub(crate) fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && !host.is_empty()
            && !host.contains('@')
            && !text.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | ':'))
    })
}

/// The address in `someone@example.com:password`, up to the first character that senders use as a separator.
#[must_use]
pub(crate) fn email_of_account(text: &str) -> Option<&str> {
    let ends = |c: char| c.is_whitespace() || matches!(c, ':' | ';' | ',' | '|');
    text.split(ends).next().filter(|address| is_email(address))
}

/// Whether a value names a card or a wallet.
#[must_use]
pub(crate) fn is_payment_method(text: &str) -> bool {
    let text = fold(text);
    PAYMENT_WORDS.iter().any(|word| text.contains(word))
}

/// The bot that a footer names, and its version: the first word after the name that is digits and points,
/// without a leading `v`.
#[must_use]
pub(crate) fn bot(footer: &str) -> Option<(&'static str, Option<String>)> {
    let footer = fold(footer);
    let footer = footer.trim_start_matches('@');
    let (rest, name) = FOOTERS.iter().find_map(|(start, name)| Some((footer.strip_prefix(start)?, *name)))?;
    let version = rest
        .split_whitespace()
        .map(|word| word.trim_matches(['(', ')']).trim_start_matches('v'))
        .find(|word| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.'));
    Some((name, version.map(str::to_owned)))
}
