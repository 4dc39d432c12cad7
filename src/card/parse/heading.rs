//! Headings: `Successful Checkout | Best Buy US` states the kind of a card and its store.
//!
//! A line is split at bars, dashes, colons and brackets. One of the segments must be an outcome phrase; a
//! bot's name may stand next to it. The other segments are the store, the reason or the bot's name. Phrases
//! are compared regardless of the order of their words, so that `Order Successfully Placed` and
//! `Your order was placed successfully` are the same phrase.

mod kind;
mod phrases;
mod reason;
mod segments;
mod words;

use arrayvec::ArrayVec;

use super::bots::{is_bot_name, is_known_store, is_store_name};
use kind::CardKind::{Cancelled, Delivered, Failure, Hold, Processing, Refunded, Shipped, Success, Update};
pub use kind::{CardKind, Notice};
use phrases::Strength::{Checkout, Weak};
use phrases::{Meaning, Strength, find, has_key_word};
pub(crate) use reason::is_vague;
use reason::reason_in;
use segments::{Segment, Separator};
use words::{MAX_WORDS, Word, count_fillers, is_name, join};

/// The line of a card that says what happened and at which store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The event that the card reports.
    pub kind: CardKind,
    /// The order number, as in `Order #12345 confirmed`.
    pub number: Option<String>,
    /// The store.
    pub store: Option<String>,
    /// The reason of a failure or cancellation, such as `Out of stock` in `Checkout Failed - Out of stock`.
    pub reason: Option<String>,
    /// How certain it is that the line is a heading.
    pub certainty: Certainty,
}

/// How certain it is that a line is a heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Everyday words such as `Success`. A later heading that is clearer replaces it.
    Weak,
    /// It names an order, a checkout or a payment.
    Clear,
    /// It names one of these, with at most a store, a short reason or a bot's name beside it. Such a line
    /// starts a new card in the middle of a text.
    Exact,
}

/// Words after which a store or a bot is named: `Order Cancelled by Target`.
const NAME_CONNECTORS: &[&str] = &["on", "at", "from", "by", "via", "with", "@", "bei"];
/// Words after which a reason follows: `Order Cancelled due to Item Demand`.
const REASON_CONNECTORS: &[&str] = &["due", "because", "for"];
/// Notes that turn a success or a cancellation into a hold.
const HOLDS: &[&str] = &["review hold", "on hold", "hold", "pending review", "under review", "in review"];
/// Notes by which a heading says that the card is a test.
const TESTS: &[&str] = &["test", "test mode", "testing"];
/// Notes about a bot's mode. They stand where other bots put the store, so they must not be taken for one.
const MODES: &[&str] = &[
    "safe", "fast", "normal", "default", "preload", "guest", "browser", "desktop", "mobile", "request",
    "requests",
];
/// Words of reasons for a cancellation. They distinguish a reason from a store in places where either may
/// stand.
const REASON_WORDS: &[&str] = &[
    "demand",
    "limit",
    "policy",
    "fraud",
    "quantity",
    "stock",
    "payment",
    "card",
    "address",
    "duplicate",
    "hold",
];
/// Words after a phrase that turn it into the name of a guide or a channel: `Successful Checkout Tips`.
const GUIDE_WORDS: &[&str] = &[
    "guide",
    "guides",
    "tip",
    "tips",
    "tutorial",
    "tutorials",
    "rate",
    "rates",
    "help",
    "faq",
    "channel",
    "channels",
    "log",
    "logs",
    "feed",
    "list",
    "setup",
    "proof",
    "proofs",
    "advice",
    "tricks",
    "rules",
    "info",
];
/// Words that name the subject of a mail: `Delivered: Your Amazon order`.
const ORDER_WORDS: &[&str] = &["order", "package", "parcel", "shipment"];
/// Maximum words of a reason after a colon in a heading that starts a new card.
const MAX_REASON_WORDS: usize = 4;
/// Maximum words of a name beside a phrase.
const MAX_NAME_WORDS: usize = 2;
/// Maximum words of a store in brackets or between `Your` and `order`.
const MAX_STORE_WORDS: usize = 3;

/// Parses a line without markup as a heading.
#[must_use]
pub fn parse(line: &str) -> Option<Heading> {
    if !has_key_word(line) {
        return None;
    }
    let shortened = without_product(line);
    let segments = segments::split(shortened.as_deref().unwrap_or(line));
    let Some((at, phrase)) = clearest_phrase(&segments) else { return bot_checkout(&segments) };
    let (at, phrase) = state_of_update(&segments, at, &phrase).unwrap_or((at, phrase));
    let is_notice = matches!(phrase.kind, CardKind::Notice(_));
    let certainty = match phrase.strength {
        Weak => Certainty::Weak,
        _ if phrase.is_exact && !is_notice && is_alone(&segments, at, phrase.kind) => Certainty::Exact,
        _ => Certainty::Clear,
    };
    let mut heading =
        Heading { kind: phrase.kind, number: phrase.number, store: None, reason: None, certainty };
    match phrase.tail {
        Some(Tail::Name(name)) if !is_bot_name(&name) => heading.store = trimmed(&name),
        Some(Tail::Reason(reason)) => heading.reason = trimmed(&reason),
        Some(Tail::Name(_) | Tail::Other) | None => {}
    }
    for segment in segments.iter().skip(at + 1) {
        heading.add_note(segment, phrase.is_exact);
    }
    if segments.iter().any(|segment| is_one_of(segment.text, TESTS)) {
        heading.kind = CardKind::Notice(Notice::Test);
    }
    if heading.kind == Failure {
        heading.reason = heading.reason.take().or(phrase.reason);
    }
    if let Some(before) = segments.iter().take(at).next_back()
        && heading.store.is_none()
        && is_store_name(before.text)
    {
        heading.store = trimmed(before.text);
    }
    // `Order #12345: Shipped`
    let number_before = || segments.iter().take(at).find_map(|segment| number_of_order(segment.text));
    heading.number = heading.number.take().or_else(number_before);
    Some(heading)
}

impl Heading {
    /// Whether the heading reports a change of an order that exists already, such as a shipment.
    fn is_news(&self) -> bool {
        self.certainty > Certainty::Weak && is_news(self.kind)
    }

    /// Takes over the outcome of a later heading that is clearer, or that says what an `Order Update` is
    /// about.
    pub(crate) fn refine(&mut self, later: &Self) {
        let is_clearer = self.certainty == Certainty::Weak
            && later.certainty == Certainty::Exact
            && !matches!(self.kind, CardKind::Notice(_));
        if self.kind == Update && later.is_news() {
            let Self { number, store, .. } = self.clone();
            *self = Self {
                number: number.or(later.number.clone()),
                store: store.or(later.store.clone()),
                ..later.clone()
            };
        } else if is_clearer {
            *self = later.clone();
        }
    }

    /// Uses a segment after the phrase. It may be a note about a hold, an order number, the store, a reason,
    /// or nothing useful.
    fn add_note(&mut self, segment: &Segment<'_>, is_exact: bool) {
        let text = segment.text;
        let up_to_bar = || trimmed(segment.rest.split(['|', '│']).next().unwrap_or_default());
        if is_hold(text) && matches!(self.kind, Success | Cancelled) {
            self.kind = Hold;
        } else if let Some(number) = order_number(text) {
            self.number.get_or_insert(number);
        } else if let Some(store) = store_of_order(text) {
            self.store.get_or_insert(store);
        } else if names_order(text) || is_bot_name(text) || is_mode(text) {
            // The segment is neither a store nor a reason.
        } else if matches!(self.kind, Failure | Cancelled | Refunded) {
            let is_store = match segment.separator {
                Separator::Bar => !is_reason(text),
                // `Dashe Checkout Failed (Example Kicks)`
                Separator::Bracket => {
                    is_store_name(text) || (self.kind == Failure && !is_exact && !is_reason(text))
                }
                // `Order Canceled: Walmart - Item Demand`
                _ => is_short(text, MAX_STORE_WORDS) && is_store_name(text) && !is_reason(text),
            };
            let place = if is_store { &mut self.store } else { &mut self.reason };
            let is_bar = segment.separator == Separator::Bar;
            *place = place.take().or_else(|| if is_store && !is_bar { trimmed(text) } else { up_to_bar() });
        } else if self.store.is_none() && !matches!(segment.separator, Separator::Comma) {
            self.store = match segment.separator {
                Separator::Bracket => trimmed(text).filter(|_| may_be_store(text)),
                _ => up_to_bar(),
            };
        }
    }
}

/// A part of a heading without the punctuation around it.
fn trimmed(text: &str) -> Option<String> {
    let has_open = text.contains(['(', '[']);
    let is_end = |c: char| matches!(c, '!' | '.') || (!has_open && matches!(c, ')' | ']'));
    Some(text.trim().trim_end_matches(is_end).trim().to_owned()).filter(|text| !text.is_empty())
}

/// Whether only a store, a note, a short reason or a bot's name stands beside the phrase, as in a heading on
/// a line of its own.
fn is_alone(segments: &[Segment<'_>], at: usize, kind: CardKind) -> bool {
    let gives_reason = |segment: &Segment<'_>| {
        matches!(kind, Cancelled | Failure)
            && is_short(segment.text, MAX_REASON_WORDS)
            && is_reason(segment.text)
    };
    segments
        .iter()
        .enumerate()
        .all(|(other, segment)| other == at || segment.separator != Separator::Colon || gives_reason(segment))
}

/// Whether cards of this kind report a change of an order that exists already.
fn is_news(kind: CardKind) -> bool {
    matches!(kind, Hold | Cancelled | Processing | Shipped | Delivered | Refunded)
}

/// The outcome after the words of an update: `Shipment Update: Out for delivery`.
fn state_of_update(segments: &[Segment<'_>], at: usize, phrase: &Phrase) -> Option<(usize, Phrase)> {
    let mut behind = segments.iter().enumerate().skip(at + 1).filter(|_| phrase.kind == Update);
    behind.find_map(|(at, segment)| {
        let phrase = find_phrase(segment.text).filter(|phrase| is_news(phrase.kind))?;
        Some((at, phrase))
    })
}

/// The segment with the outcome: the first one with the clearest phrase.
fn clearest_phrase(segments: &[Segment<'_>]) -> Option<(usize, Phrase)> {
    let mut found: Option<(usize, Phrase)> = None;
    for (at, segment) in segments.iter().enumerate() {
        let is_certain = found.as_ref().is_some_and(|(_, best)| best.strength == Checkout);
        if is_certain || (segments.len() > 1 && !has_key_word(segment.text)) {
            continue;
        }
        let Some(phrase) = find_phrase(segment.text) else { continue };
        let counts = phrase.strength > Weak || is_everyday_heading(&phrase, segments, at);
        let is_better = found.as_ref().is_none_or(|(_, best)| phrase.strength > best.strength);
        if counts && is_better {
            found = Some((at, phrase));
        }
    }
    found
}

/// Whether everyday words are a heading in this position. Beside a colon, a comma or other words they usually
/// belong to prose or to a product's name, such as `Shipped! The Card Game`. They are a heading in
/// `Declined: CVV`, `Restock: Example Box`, `Success: Target`, `Canceled: Item Demand`, `Target: Shipped`,
/// `Order #12345: Shipped` and `Shipped: Your Amazon order`.
fn is_everyday_heading(phrase: &Phrase, segments: &[Segment<'_>], at: usize) -> bool {
    let is_apart = |segment: &Segment<'_>| !matches!(segment.separator, Separator::Colon | Separator::Comma);
    let next = segments.get(at + 1);
    let is_title = |next: &Segment<'_>| {
        let says_more = is_store_name(next.text) || is_bot_name(next.text) || names_order(next.text);
        let gives_reason = phrase.kind == Cancelled && is_reason(next.text);
        next.separator == Separator::Exclamation && is_news(phrase.kind) && !says_more && !gives_reason
    };
    if next.is_some_and(is_title) {
        return false;
    }
    if next.is_none_or(is_apart) {
        let is_subject =
            |before: &Segment<'_>| is_known_store(before.text) || number_of_order(before.text).is_some();
        return segments.get(at).is_some_and(is_apart)
            || (at == 1 && segments.first().is_some_and(is_subject));
    }
    let names_subject = |next: &Segment<'_>| {
        let is_quoted = next.text.starts_with(['"', '“'])
            && matches!(phrase.kind, Shipped | Delivered | Cancelled | Refunded);
        let gives_reason = phrase.kind == Cancelled && (is_reason(next.text) || is_hold(next.text));
        is_quoted || gives_reason || is_store_name(next.text) || names_order(next.text)
    };
    let is_notice = matches!(
        phrase.kind,
        Failure | CardKind::Notice(Notice::Monitor | Notice::Release | Notice::ThreeDSecure)
    );
    at == 0
        && next.is_some_and(|next| next.separator == Separator::Colon)
        && (is_notice || next.is_some_and(names_subject))
}

/// A phrase found in a segment, and the text beside it.
struct Phrase {
    kind: CardKind,
    strength: Strength,
    /// Whether the segment is the phrase and nothing else.
    is_exact: bool,
    /// A store or a reason beside the phrase, such as `Target` in `Successful Checkout on Target`.
    tail: Option<Tail>,
    /// An order number between the words of the phrase.
    number: Option<String>,
    /// The phrase itself if it gives a reason: `Card declined` in `Your card was declined`.
    reason: Option<String>,
}

enum Tail {
    Other,
    Name(String),
    Reason(String),
}

impl Phrase {
    fn new(meaning: Meaning, words: &[Word<'_>], tail: Option<Tail>) -> Self {
        let reason = (meaning.kind == Failure).then(|| reason_in(words)).flatten();
        Self { kind: meaning.kind, strength: meaning.strength, is_exact: false, tail, number: None, reason }
    }
}

/// Finds the words that say what happened, such as `Order Shipped`, in one part of a heading. A bot's
/// name may stand before or after them.
fn find_phrase(text: &str) -> Option<Phrase> {
    let mut words = ArrayVec::<Word<'_>, MAX_WORDS>::new();
    for word in text.split_whitespace() {
        words.try_push(Word::new(word)?).ok()?;
    }
    if let Some(meaning) = find(&words) {
        return Some(Phrase { is_exact: count_fillers(&words) == 0, ..Phrase::new(meaning, &words, None) });
    }
    let removed =
        number_at(&words).map(|at| (words.remove(at).raw.trim_start_matches('#'), is_of_task(&words, at)));
    let number = removed.filter(|(_, is_of_task)| !is_of_task).map(|(number, _)| number.to_owned());
    let found = match find(&words).filter(|_| removed.is_some()) {
        Some(meaning) => Some(Phrase::new(meaning, &words, None)),
        None => find_negated(&words)
            .or_else(|| find_in_sentence(&words))
            .or_else(|| find_after_name(&words))
            .or_else(|| find_before_tail(&words))
            .or_else(|| find_countdown(&words)),
    };
    match found {
        // `REVIEW_HOLD`
        None if text.contains('_') => find_phrase(&text.replace('_', " ")),
        found => found.map(|phrase| Phrase { number, ..phrase }),
    }
}

/// `Your Amazon order has shipped` of `Your Amazon order of Acme Kettle has shipped`.
fn without_product(text: &str) -> Option<String> {
    let (subject, rest) = text.strip_prefix("Your ").and_then(|rest| rest.split_once(" order of "))?;
    let at = [" has ", " have ", " was ", " is "].iter().filter_map(|verb| rest.rfind(verb)).max()?;
    Some(format!("Your {subject} order{}", rest.get(at..)?))
}

/// `Order could not be placed`: a success that did not happen.
fn find_negated(words: &[Word<'_>]) -> Option<Phrase> {
    let kept: ArrayVec<Word<'_>, MAX_WORDS> =
        words.iter().filter(|word| !word.is_negation()).copied().collect();
    if kept.len() == words.len() {
        return None;
    }
    let meaning = find(&kept).filter(|meaning| meaning.kind == Success && meaning.strength > Weak)?;
    Some(Phrase::new(Meaning { kind: Failure, ..meaning }, words, None))
}

/// `Dropping in 10 minutes`
fn find_countdown(words: &[Word<'_>]) -> Option<Phrase> {
    let kept: ArrayVec<Word<'_>, MAX_WORDS> =
        words.iter().filter(|word| !word.raw.bytes().all(|byte| byte.is_ascii_digit())).copied().collect();
    let meaning = find(&kept).filter(|_| kept.len() < words.len())?;
    (meaning.kind == CardKind::Notice(Notice::Release)).then(|| Phrase::new(meaning, &kept, None))
}

/// `Your Target order has been canceled`, `Checkout on Target was successful`: the store stands between two words of the
/// phrase.
fn find_in_sentence(words: &[Word<'_>]) -> Option<Phrase> {
    let without = |(start, end): (usize, usize), skipped: usize| {
        let mut kept = ArrayVec::<Word<'_>, MAX_WORDS>::new();
        kept.extend(words.get(..start.checked_sub(skipped)?)?.iter().chain(words.get(end..)?).copied());
        let meaning = find(&kept)?;
        Some(Phrase::new(meaning, &kept, Some(Tail::Name(join(words.get(start..end)?)))))
    };
    store_in_sentence(words)
        .and_then(|range| without(range, 0))
        .or_else(|| store_before_verb(words).and_then(|range| without(range, 1)))
}

/// The range of the words between `on` and `was`, if they are a name.
fn store_before_verb(words: &[Word<'_>]) -> Option<(usize, usize)> {
    let is_one = |list: &[&str], word: &Word<'_>| list.contains(&word.normal.as_str());
    let start = words.iter().position(|word| is_one(NAME_CONNECTORS, word))? + 1;
    let end = start + words.get(start..)?.iter().position(|word| is_one(&["was", "is", "has"], word))?;
    let name = words.get(start..end)?;
    (start > 1 && !name.is_empty() && name.len() <= MAX_STORE_WORDS && is_name(name)).then_some((start, end))
}

/// `Venetia Successful Checkout`: a bot or a store in front of the phrase.
fn find_after_name(words: &[Word<'_>]) -> Option<Phrase> {
    (1..=MAX_NAME_WORDS.min(words.len().saturating_sub(1))).find_map(|count| {
        let (name, rest) = words.split_at(count);
        let meaning = find(rest).filter(|_| is_name(name))?;
        let name = join(name);
        let tail = is_store_name(&name).then(|| Tail::Name(name.clone()));
        let is_test = is_one_of(&name, TESTS);
        let kind = if is_test { CardKind::Notice(Notice::Test) } else { meaning.kind };
        let meaning = Meaning { kind, ..meaning };
        (meaning.strength > Weak || is_bot_name(&name) || is_known_store(&name))
            .then(|| Phrase::new(meaning, rest, tail))
    })
}

/// `Order Cancelled by Target`, `Payment Failed due to insufficient funds`, `Successful Checkout Polar AIO`.
fn find_before_tail(words: &[Word<'_>]) -> Option<Phrase> {
    (1..words.len()).rev().find_map(|end| {
        let (before, after) = words.split_at(end);
        let meaning = find(before)?;
        let is = |list: &[&str]| after.first().is_some_and(|first| list.contains(&first.normal.as_str()));
        let rest = join(after.get(1..).unwrap_or_default());
        let is_clear =
            meaning.strength > Weak || matches!(meaning.kind, Failure | Cancelled) || is_store_name(&rest);
        let tail = if is(NAME_CONNECTORS) && !rest.is_empty() && is_clear {
            Tail::Name(rest)
        } else if is(REASON_CONNECTORS) && !rest.is_empty() && is_clear {
            Tail::Reason(rest.trim_start_matches("to ").trim_start_matches("of ").to_owned())
        } else if after.iter().any(|word| GUIDE_WORDS.contains(&word.normal.as_str())) {
            return None;
        } else if (meaning.strength == Checkout && after.len() <= MAX_NAME_WORDS && is_name(after))
            || is_known_store(&join(after))
        {
            // `Checked out Example Box` names the product, `Successful Checkout Polar AIO` the bot.
            let name = join(after);
            let is_known = is_bot_name(&name) || is_store_name(&name);
            if is_known { Tail::Name(name) } else { Tail::Other }
        } else {
            return None;
        };
        Some(Phrase::new(meaning, before, Some(tail)))
    })
}

/// The position of the order number in some words: after `#` or after `order`.
fn number_at(words: &[Word<'_>]) -> Option<usize> {
    let is_after_order = |at: usize| {
        at.checked_sub(1).and_then(|at| words.get(at)).is_some_and(|word| word.normal.as_str() == "order")
    };
    words
        .iter()
        .enumerate()
        .find(|(at, word)| word.is_number() && (word.raw.starts_with('#') || is_after_order(*at)))
        .map(|(at, _)| at)
}

/// Whether the number that stood at this position counts the checkouts of a bot: `Checkout #42 Successful`.
fn is_of_task(words: &[Word<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| words.get(at));
    before.is_some_and(|word| ["checkout", "task", "attempt"].contains(&word.normal.as_str()))
}

/// The order number in a segment beside the phrase: `delivery from order #12345`.
fn order_number(text: &str) -> Option<String> {
    let words: Vec<Word<'_>> = text.split_whitespace().filter_map(Word::new).collect();
    let at = number_at(&words)?;
    words.get(at).map(|word| word.raw.trim_start_matches('#').to_owned())
}

/// The order number in a segment such as `Order #12345`.
fn number_of_order(text: &str) -> Option<String> {
    names_order(text).then(|| order_number(text))?
}

/// The range of the words between `Your` and `order`, if they are a name.
fn store_in_sentence(words: &[Word<'_>]) -> Option<(usize, usize)> {
    let position = |name: &str| words.iter().position(|word| word.normal.as_str() == name);
    let (start, end) = (position("your")? + 1, position("order")?);
    let name = words.get(start..end)?;
    (!name.is_empty() && name.len() <= MAX_STORE_WORDS && is_name(name)).then_some((start, end))
}

/// The store in `Your Amazon order`.
fn store_of_order(text: &str) -> Option<String> {
    let words: Vec<Word<'_>> = text.split_whitespace().filter_map(Word::new).collect();
    let (start, end) = store_in_sentence(&words)?;
    words.get(start..end).map(join)
}

/// Whether a segment names the order or quotes the product, as the subjects of mails do.
fn names_order(text: &str) -> bool {
    text.starts_with(['"', '“']) || text.split_whitespace().any(|word| is_one_of(word, ORDER_WORDS))
}

fn is_short(text: &str, max_words: usize) -> bool {
    text.split_whitespace().count() <= max_words
}

/// Whether a segment explains a failure or a cancellation.
fn is_reason(text: &str) -> bool {
    text.split_whitespace().any(|word| is_one_of(word.trim_matches(['.', ',']), REASON_WORDS))
        || find_phrase(text).is_some_and(|phrase| phrase.kind == Failure)
}

fn is_mode(text: &str) -> bool {
    text.split_whitespace().all(|word| is_one_of(word, MODES))
}

/// Whether a text in brackets after a success can be the name of a store.
fn may_be_store(text: &str) -> bool {
    let words: Vec<Word<'_>> = text.split_whitespace().filter_map(Word::new).collect();
    is_store_name(text)
        || (is_name(&words) && words.len() <= MAX_STORE_WORDS && text.starts_with(char::is_alphabetic))
}

fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter().any(|other| word.eq_ignore_ascii_case(other))
}

/// Whether a note turns a success or a cancellation into a hold, such as `REVIEW_HOLD`.
pub(crate) fn is_hold(note: &str) -> bool {
    let is_same = |(a, b): (u8, u8)| a.eq_ignore_ascii_case(&b) || (a == b'_' && b == b' ');
    // `Policy - REVIEW_HOLD`
    let note = note.rsplit_once("- ").map_or(note, |(_, note)| note);
    HOLDS.iter().any(|hold| hold.len() == note.len() && note.bytes().zip(hold.bytes()).all(is_same))
}

/// `Dashe Checkout (Example Kicks)`: a bot's name and the store in brackets, without a word of success.
fn bot_checkout(segments: &[Segment<'_>]) -> Option<Heading> {
    let [title, store] = segments else { return None };
    let (name, last) = title.text.rsplit_once(' ')?;
    let words: Vec<Word<'_>> = name.split_whitespace().filter_map(Word::new).collect();
    let is_name = is_name(&words) && words.len() <= MAX_NAME_WORDS;
    (store.separator == Separator::Bracket && last.eq_ignore_ascii_case("checkout") && is_name).then(|| {
        Heading {
            kind: Success,
            number: None,
            store: Some(store.text.to_owned()),
            reason: None,
            certainty: Certainty::Weak,
        }
    })
}

/// Whether a status text is one of the phrases for a failed checkout.
#[must_use]
pub fn is_failure(status: &str) -> bool {
    parse_outcome(status) == Some(Failure)
}

/// The outcome that a value states, such as `Failed`.
#[must_use]
pub fn parse_outcome(text: &str) -> Option<CardKind> {
    parse(text).map(|heading| heading.kind)
}

/// The outcome that a footer states, such as `Make Success`: a phrase, or the bot's name and a phrase.
#[must_use]
pub fn parse_footer(text: &str) -> Option<CardKind> {
    parse_outcome(text).or_else(|| {
        let (name, outcome) = text.split_once(' ')?;
        parse_outcome(outcome).filter(|_| Word::new(name).is_some_and(|name| is_name(&[name])))
    })
}
