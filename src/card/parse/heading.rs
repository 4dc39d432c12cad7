//! Headings: `Successful Checkout | Best Buy US` states the kind of a card and its store.

use std::sync::LazyLock;

use super::word_table::{WordTable, fold};

/// What a card reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardKind {
    /// A successful checkout.
    Success,
    /// A checkout that is held for review.
    Hold,
    /// A failed checkout.
    Failure,
    /// An order that was cancelled.
    Cancelled,
    /// An order that is on its way.
    Shipped,
    /// An order that arrived.
    Delivered,
    /// An order that was refunded.
    Refunded,
    /// News about an order. The card itself may state a status.
    Update,
    /// The bot's test button.
    Test,
    /// A stock or price notice.
    Monitor,
}

/// The line of a card that says what happened and at which store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// What the card reports.
    pub kind: CardKind,
    /// The store after the bar.
    pub store: Option<String>,
    /// The reason of a failure, such as `Out of stock` in `Checkout Failed - Out of stock`.
    pub reason: Option<String>,
    /// Whether the phrase is unmistakable, so that it starts a new card in the middle of a text.
    pub strong: bool,
}

/// Folded phrases that checkout bots are known to use. A weak phrase (`false`) is an everyday word and
/// counts only before the first label of a card.
const PHRASES: &[(&str, CardKind, bool)] = &[
    ("successful checkout", CardKind::Success, true),
    ("successfully checked out", CardKind::Success, true),
    ("checkout successful", CardKind::Success, true),
    ("checkout success", CardKind::Success, true),
    ("kodai success", CardKind::Success, true),
    ("checked out", CardKind::Success, false),
    ("success", CardKind::Success, false),
    ("you cooked", CardKind::Success, false),
    ("copped", CardKind::Success, false),
    ("checkout link", CardKind::Success, false),
    ("order confirmed", CardKind::Success, true),
    ("order placed", CardKind::Success, true),
    ("order cancelled", CardKind::Cancelled, true),
    ("order canceled", CardKind::Cancelled, true),
    ("order shipped", CardKind::Shipped, true),
    ("order delivered", CardKind::Delivered, true),
    ("order refunded", CardKind::Refunded, true),
    ("order update", CardKind::Update, true),
    ("order updated", CardKind::Update, true),
    ("tracking update", CardKind::Update, true),
    ("checkout failed", CardKind::Failure, true),
    ("failed checkout", CardKind::Failure, true),
    ("checkout unsuccessful", CardKind::Failure, true),
    ("unsuccessful checkout", CardKind::Failure, true),
    ("payment failed", CardKind::Failure, true),
    ("payment declined", CardKind::Failure, true),
    ("card declined", CardKind::Failure, true),
    ("card decline", CardKind::Failure, true),
    ("checkout declined", CardKind::Failure, true),
    ("checkout error", CardKind::Failure, true),
    ("failed", CardKind::Failure, false),
    ("declined", CardKind::Failure, false),
    ("decline", CardKind::Failure, false),
    ("out of stock", CardKind::Failure, false),
    ("oos", CardKind::Failure, false),
    ("sold out", CardKind::Failure, false),
    ("shapeblock", CardKind::Failure, false),
    ("shape block", CardKind::Failure, false),
    ("blocked", CardKind::Failure, false),
    ("error", CardKind::Failure, false),
    ("unavailable", CardKind::Failure, false),
    ("denied", CardKind::Failure, false),
    ("unsuccessful", CardKind::Failure, false),
    ("fraud", CardKind::Failure, false),
    ("test webhook", CardKind::Test, false),
    ("refract test webhook", CardKind::Test, false),
    ("this is a test webhook", CardKind::Test, false),
    ("webhook test", CardKind::Test, false),
    ("webhook test successful", CardKind::Test, false),
    ("test notification", CardKind::Test, false),
    ("test message", CardKind::Test, false),
    ("test", CardKind::Test, false),
    ("restock", CardKind::Monitor, false),
    ("restocked", CardKind::Monitor, false),
    ("in stock", CardKind::Monitor, false),
    ("back in stock", CardKind::Monitor, false),
    ("new product", CardKind::Monitor, false),
    ("price change", CardKind::Monitor, false),
    ("price drop", CardKind::Monitor, false),
];

static BY_PHRASE: LazyLock<WordTable<(CardKind, bool)>> = LazyLock::new(|| {
    WordTable::new(PHRASES.iter().map(|(phrase, kind, strong)| (*phrase, (*kind, *strong))))
});

/// Notes in parentheses that turn a success into a hold.
const HOLDS: &[&str] = &["review hold", "on hold", "hold", "pending review"];

/// Parses a line without markup as a heading. The whole line must be a phrase, except for a store after `|`, a
/// note in parentheses or after ` - `, and a bot's name before ` - `.
#[must_use]
pub fn parse(line: &str) -> Option<Heading> {
    let (heading, store) = line.split_once('|').map_or((line, None), |(h, s)| (h, Some(s)));
    let (heading, reason) =
        heading.split_once('(').map_or((heading, ""), |(h, r)| (h, r.trim_end_matches([')', ' ', '!'])));
    let (kind, strong, tail) = phrase(heading)?;
    let held = HOLDS.contains(&fold(reason).as_str());
    let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let succeeded = kind == CardKind::Success;
    Some(Heading {
        kind: if succeeded && held { CardKind::Hold } else { kind },
        store: store.and_then(said).or_else(|| tail.and_then(said).filter(|_| succeeded)),
        reason: if succeeded { None } else { tail.and_then(said).or_else(|| said(reason)) },
        strong,
    })
}

/// Whether a status text is one of the words for a failed checkout.
#[must_use]
pub fn is_failure(status: &str) -> bool {
    phrase(status).is_some_and(|(kind, _, _)| kind == CardKind::Failure)
}

/// The phrase of a heading, and the text after ` - `.
fn phrase(heading: &str) -> Option<(CardKind, bool, Option<&str>)> {
    let find = |part: &str| {
        let part = part.trim_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace());
        BY_PHRASE.find(part).map(|(_, meaning)| meaning)
    };
    if let Some((kind, strong)) = find(heading) {
        return Some((kind, strong, None));
    }
    // Checking for one character first spares most lines the search for three.
    let (first, tail) = heading.contains('-').then(|| heading.split_once(" - "))??;
    find(first)
        .map(|(kind, strong)| (kind, strong, Some(tail)))
        .or_else(|| find(tail).map(|(k, s)| (k, s, None)))
}
