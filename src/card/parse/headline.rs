//! Headlines: `Successful Checkout | Best Buy US` gives the kind of a card and its store.

use std::sync::LazyLock;

use super::words::{Words, folded};

/// What a card reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A checkout that succeeded.
    Success,
    /// A checkout that is held for review.
    Hold,
    /// A checkout that failed.
    Failure,
    /// An order that was called off.
    Cancelled,
    /// An order that is on its way.
    Shipped,
    /// An order that arrived.
    Delivered,
    /// An order whose money was given back.
    Refunded,
    /// News of an order; its status, if any, is stated in the card.
    Update,
    /// The bot's test button.
    Test,
    /// A stock or price notice.
    Monitor,
}

/// A line that opens a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// What the card reports.
    pub kind: Kind,
    /// The store behind the bar, where there is one.
    pub store: Option<String>,
    /// What stands behind a failure, as `Out of stock` in `Checkout Failed - Out of stock`.
    pub remark: Option<String>,
    /// Whether the phrase is unmistakable, so that it opens a card in the middle of a text too.
    pub strong: bool,
}

/// Phrases, folded, from the labels and phrases that checkout bots are known to use. A weak one
/// (`false`) is an everyday word and counts only before the first label of a card.
const PHRASES: &[(&str, Kind, bool)] = &[
    ("successful checkout", Kind::Success, true),
    ("successfully checked out", Kind::Success, true),
    ("checkout successful", Kind::Success, true),
    ("checkout success", Kind::Success, true),
    ("kodai success", Kind::Success, true),
    ("checked out", Kind::Success, false),
    ("success", Kind::Success, false),
    ("you cooked", Kind::Success, false),
    ("copped", Kind::Success, false),
    ("checkout link", Kind::Success, false),
    ("order confirmed", Kind::Success, true),
    ("order placed", Kind::Success, true),
    ("order cancelled", Kind::Cancelled, true),
    ("order canceled", Kind::Cancelled, true),
    ("order shipped", Kind::Shipped, true),
    ("order delivered", Kind::Delivered, true),
    ("order refunded", Kind::Refunded, true),
    ("order update", Kind::Update, true),
    ("order updated", Kind::Update, true),
    ("tracking update", Kind::Update, true),
    ("checkout failed", Kind::Failure, true),
    ("failed checkout", Kind::Failure, true),
    ("checkout unsuccessful", Kind::Failure, true),
    ("unsuccessful checkout", Kind::Failure, true),
    ("payment failed", Kind::Failure, true),
    ("payment declined", Kind::Failure, true),
    ("card declined", Kind::Failure, true),
    ("card decline", Kind::Failure, true),
    ("checkout declined", Kind::Failure, true),
    ("checkout error", Kind::Failure, true),
    ("failed", Kind::Failure, false),
    ("declined", Kind::Failure, false),
    ("decline", Kind::Failure, false),
    ("out of stock", Kind::Failure, false),
    ("oos", Kind::Failure, false),
    ("sold out", Kind::Failure, false),
    ("shapeblock", Kind::Failure, false),
    ("shape block", Kind::Failure, false),
    ("blocked", Kind::Failure, false),
    ("error", Kind::Failure, false),
    ("unavailable", Kind::Failure, false),
    ("denied", Kind::Failure, false),
    ("unsuccessful", Kind::Failure, false),
    ("fraud", Kind::Failure, false),
    ("test webhook", Kind::Test, false),
    ("refract test webhook", Kind::Test, false),
    ("this is a test webhook", Kind::Test, false),
    ("webhook test", Kind::Test, false),
    ("webhook test successful", Kind::Test, false),
    ("test notification", Kind::Test, false),
    ("test message", Kind::Test, false),
    ("test", Kind::Test, false),
    ("restock", Kind::Monitor, false),
    ("restocked", Kind::Monitor, false),
    ("in stock", Kind::Monitor, false),
    ("back in stock", Kind::Monitor, false),
    ("new product", Kind::Monitor, false),
    ("price change", Kind::Monitor, false),
    ("price drop", Kind::Monitor, false),
];

static BY_PHRASE: LazyLock<Words<(Kind, bool)>> =
    LazyLock::new(|| Words::new(PHRASES.iter().map(|(phrase, kind, strong)| (*phrase, (*kind, *strong)))));

/// Remarks in parentheses that turn a success into a hold.
const HOLDS: &[&str] = &["review hold", "on hold", "hold", "pending review"];

/// Reads a line, as people see it, as a headline. The phrase must be the whole of it but for a store behind `|`,
/// a remark in parentheses or behind ` - `, and a bot's name before ` - `.
#[must_use]
pub fn read(line: &str) -> Option<Headline> {
    let (heading, store) = line.split_once('|').map_or((line, None), |(h, s)| (h, Some(s)));
    let (heading, remark) =
        heading.split_once('(').map_or((heading, ""), |(h, r)| (h, r.trim_end_matches([')', ' ', '!'])));
    let (kind, strong, tail) = phrase(heading)?;
    let held = HOLDS.contains(&folded(remark).as_str());
    let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let succeeded = kind == Kind::Success;
    Some(Headline {
        kind: if succeeded && held { Kind::Hold } else { kind },
        store: store.and_then(said).or_else(|| tail.and_then(said).filter(|_| succeeded)),
        remark: if succeeded { None } else { tail.and_then(said).or_else(|| said(remark)) },
        strong,
    })
}

/// Whether a status text is one of the words for a failed checkout.
#[must_use]
pub fn is_failure(status: &str) -> bool {
    phrase(status).is_some_and(|(kind, _, _)| kind == Kind::Failure)
}

/// The phrase that a heading is, and what stands behind it after ` - `.
fn phrase(heading: &str) -> Option<(Kind, bool, Option<&str>)> {
    let find = |part: &str| {
        let part = part.trim_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace());
        BY_PHRASE.find(part).map(|(_, meaning)| meaning)
    };
    if let Some((kind, strong)) = find(heading) {
        return Some((kind, strong, None));
    }
    // A quick look spares most lines the search for three signs.
    let (first, tail) = heading.contains('-').then(|| heading.split_once(" - "))??;
    find(first)
        .map(|(kind, strong)| (kind, strong, Some(tail)))
        .or_else(|| find(tail).map(|(k, s)| (k, s, None)))
}
