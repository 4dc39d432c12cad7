//! Headings: `Successful Checkout | Best Buy US` states the kind of a card and its store.
//!
//! A line is split at bars, dashes, colons and brackets. One of the segments must be an outcome phrase; a bot's
//! name may stand next to it. The other segments are the store, the reason or the bot's name. Phrases are
//! compared regardless of the order of their words, so that `Order Successfully Placed` and `Your order was
//! placed successfully` are the same phrase.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use arrayvec::{ArrayString, ArrayVec};

use super::bots::{is_bot_name, is_store_name};

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
    /// A message that is not about an order.
    Notice(Notice),
}

/// What a message that is not about an order is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The bot's test button, or a test of the connection.
    Test,
    /// A stock or price notice.
    Monitor,
    /// An item in the cart that is not bought yet.
    Cart,
    /// A request to confirm a payment with 3-D Secure.
    ThreeDSecure,
    /// A place in a waiting room.
    Queue,
    /// A reminder of a release.
    Release,
    /// A summary of a drop or of a day.
    Summary,
    /// A new account at a store.
    Account,
}

impl Notice {
    /// Whether a card under this heading is an order if it has an order number.
    #[must_use]
    pub const fn may_be_order(self) -> bool {
        matches!(self, Self::Test | Self::Monitor)
    }

    /// Machine-readable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Monitor => "monitor",
            Self::Cart => "cart",
            Self::ThreeDSecure => "three_d_secure",
            Self::Queue => "queue",
            Self::Release => "release",
            Self::Summary => "summary",
            Self::Account => "account",
        }
    }

    /// What the message is, for people.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Test => "test notification",
            Self::Monitor => "monitor notice",
            Self::Cart => "cart notice",
            Self::ThreeDSecure => "request to confirm a payment",
            Self::Queue => "queue notice",
            Self::Release => "release reminder",
            Self::Summary => "summary",
            Self::Account => "account notice",
        }
    }
}

/// The line of a card that says what happened and at which store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// What the card reports.
    pub kind: CardKind,
    /// The order number, as in `Order #12345 confirmed`.
    pub number: Option<String>,
    /// The store.
    pub store: Option<String>,
    /// The reason of a failure or cancellation, such as `Out of stock` in `Checkout Failed - Out of stock`.
    pub reason: Option<String>,
    /// Whether the phrase is unmistakable, so that it starts a new card in the middle of a text.
    pub strong: bool,
}

/// How much text beside a phrase is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// An everyday word. Counts only before the first label of a card, and not before a colon.
    Weak,
    /// Names an order or a payment. A bot's name may come before it.
    Strong,
    /// Names a checkout, too. A name may come before or after it.
    Checkout,
}

use CardKind::{Cancelled, Delivered, Failure, Hold, Refunded, Shipped, Success, Update};
use Strength::{Checkout, Strong, Weak};

const TEST: CardKind = CardKind::Notice(Notice::Test);
const MONITOR: CardKind = CardKind::Notice(Notice::Monitor);
const CART: CardKind = CardKind::Notice(Notice::Cart);
const THREE_D_SECURE: CardKind = CardKind::Notice(Notice::ThreeDSecure);
const QUEUE: CardKind = CardKind::Notice(Notice::Queue);
const RELEASE: CardKind = CardKind::Notice(Notice::Release);
const SUMMARY: CardKind = CardKind::Notice(Notice::Summary);
const ACCOUNT: CardKind = CardKind::Notice(Notice::Account);

/// The phrases that checkout bots are known to use. Spelling variants need no line of their own:
/// see [`collapse`] and [`phrase_key`].
#[rustfmt::skip]
const PHRASES: &[(CardKind, Strength, &[&str])] = &[
    (Success, Checkout, &["successful checkout", "successfully checked out", "checkout completed", "checkout confirmed"]),
    (Success, Strong, &[
        "order confirmed", "order placed", "order successful", "order successfully placed", "order completed",
        "purchase successful", "successfully purchased", "payment successful", "purchase confirmed",
        "purchase completed", "order confirmation", "purchase confirmation", "kodai success", "order successfully confirmed", "order received",
    ]),
    (Success, Weak, &["thank you for your order", "thanks for your order", "item purchased", "product purchased", "purchase made", "order created", "checked out", "success", "you cooked", "you just cooked", "copped", "checkout link", "purchased"]),
    (Hold, Checkout, &["checkout on hold", "checkout review hold"]),
    (Hold, Strong, &["order on hold", "order held", "order review hold", "order pending review", "order under review"]),
    (Hold, Weak, &["review hold", "on hold"]),
    (Cancelled, Strong, &["order cancelled", "order cancellation", "order voided", "order cancelled successfully"]),
    (Shipped, Strong, &["order shipped", "order out for delivery", "order on its way", "order in transit"]),
    (Delivered, Strong, &["order delivered", "order arrived"]),
    (Refunded, Strong, &["order refunded", "refund processed", "refund issued", "order refund"]),
    (Update, Strong, &["order update", "order updated", "tracking update", "tracking updated"]),
    (Failure, Checkout, &[
        "checkout failed", "checkout failure", "checkout unsuccessful", "checkout declined", "checkout error",
        "checkout denied", "checkout blocked",
    ]),
    (Failure, Strong, &[
        "payment failed", "payment declined", "payment error", "payment unsuccessful", "payment denied",
        "card declined", "card decline", "card denied", "card rejected", "order failed", "order declined",
        "order unsuccessful", "order rejected", "order denied", "purchase failed", "purchase unsuccessful", "purchase declined",
        "transaction declined", "transaction failed", "payment method declined", "credit card declined",
    ]),
    (Failure, Weak, &[
        "failed", "declined", "decline", "out of stock", "oos", "sold out", "shapeblock", "shape block", "blocked",
        "error", "unavailable", "denied", "unsuccessful", "fraud", "failure",
    ]),
    (TEST, Weak, &[
        "test", "test webhook", "refract test webhook", "this is a test webhook", "webhook test successful",
        "test notification", "test message", "this is a test", "test successful", "connection test", "connection test successful",
        "test connection", "webhook connected", "successfully connected", "connection successful",
        "webhook connected successfully", "webhook connection successful", "webhook successful", "connected", "webhook works",
    ]),
    (MONITOR, Weak, &[
        "restock", "restocked", "in stock", "back in stock", "new product", "price change", "price drop", "product restocked",
        "restock detected", "product back in stock", "item restocked", "item in stock", "product in stock", "restock alert", "restock notification", "stock alert", "low stock", "new listing", "price alert",
    ]),
    (CART, Weak, &[
        "carted", "product carted", "item carted", "successfully carted", "cart notice", "added to cart", "product added to cart",
        "item added to cart", "successfully added to cart", "product successfully carted", "items carted", "products carted",
        "successful cart", "cart successful", "item successfully carted", "in cart", "product in cart", "item in cart",
    ]),
    (THREE_D_SECURE, Weak, &[
        "3d secure", "3ds", "3-d secure", "confirm 3d secure payment", "confirm 3ds payment", "3ds required", "3d secure required",
        "3ds confirmation", "3d secure confirmation", "confirm 3ds", "confirm 3d secure", "3ds challenge", "3d secure challenge",
        "approve 3ds", "awaiting 3ds", "waiting for 3ds", "3ds payment", "3d secure payment", "complete 3ds", "complete 3d secure",
        "3ds verification", "3ds authentication", "3ds authentication required", "3d secure authentication", "3d secure authentication required", "3ds authorization", "please approve 3ds", "please approve 3d secure", "please confirm 3ds", "please complete 3ds", "approve 3d secure", "authenticate payment", "payment authentication required", "action required", "3ds needed", "3ds pending", "3ds approval", "3ds approval required", "waiting on 3ds", "3d secure verification", "confirm payment", "approve payment", "payment confirmation required",
        "waiting for payment", "awaiting payment",
    ]),
    (QUEUE, Weak, &[
        "queue", "in queue", "you are in queue", "queue pass", "queue passed", "passed queue", "through queue", "waiting room", "queue notice",
        "queue entered", "entered queue", "queue update", "queue position", "waiting in queue", "waiting room passed",
        "waiting room pass", "passed waiting room", "queue entry", "joined queue", "queue joined",
    ]),
    (RELEASE, Weak, &[
        "release reminder", "upcoming release", "upcoming releases", "upcoming drop", "drop reminder", "drop alert", "release alert",
        "reminder", "releasing soon", "release soon", "drop soon", "raffle reminder", "new release",
    ]),
    (SUMMARY, Weak, &[
        "summary", "drop summary", "daily summary", "session summary", "checkout summary", "weekly summary", "monthly summary",
        "daily report", "drop report", "session report", "weekly report", "daily stats", "drop stats", "session stats",
        "checkout stats", "daily recap", "drop recap", "checkouts today", "summary today", "order summary today",
        "statistics", "stats", "recap", "leaderboard", "daily statistics", "analytics",
    ]),
    (ACCOUNT, Weak, &[
        "account created", "account successfully created", "account generated", "account generated successfully",
        "account verified", "account creation successful", "new account", "account registered", "accounts created",
        "new account created", "account created successfully",
    ]),
];

/// Different forms of the same word, and one form for all; with doubled letters written once.
const SYNONYMS: &[(&str, &str)] = &[
    ("suces", "sucesful"),
    ("sucesfuly", "sucesful"),
    ("suceded", "sucesful"),
    ("chekout", "checkout"),
    ("checkou", "checkout"),
    ("chekcout", "checkout"),
    ("checkoud", "checkout"),
    ("faild", "failed"),
    ("fail", "failed"),
    ("failled", "failed"),
    ("declind", "declined"),
    ("decline", "declined"),
    ("confirmd", "confirmed"),
    ("shiped", "shiped"),
    ("deliverd", "delivered"),
    ("recieved", "received"),
    ("cancled", "canceled"),
    ("cancelation", "canceled"),
    ("cancel", "canceled"),
    ("canceld", "canceled"),
    ("3d", "3ds"),
];

/// A name in front of a phrase is not a bot's name if it contains one of these: `No Successful Checkout`.
const NEGATIONS: &[&str] = &["no", "not", "never", "non", "without", "if", "until", "when", "cannot"];

/// Words after which a store or a bot is named: `Order Cancelled by Target`.
const NAME_CONNECTORS: &[&str] = &["on", "at", "from", "by", "via", "with", "@"];
/// Words after which a reason follows: `Order Cancelled due to Item Demand`.
const REASON_CONNECTORS: &[&str] = &["due", "because", "for"];

/// Notes that turn a success or a cancellation into a hold.
const HOLDS: &[&str] = &["review hold", "on hold", "hold", "pending review", "under review", "in review"];

/// Most words of a name beside a phrase.
const MAX_NAME_WORDS: usize = 2;
/// Most words of a phrase with its fillers. A longer segment is prose.
const MAX_WORDS: usize = 9;
/// Longest word of a phrase, normalized, in bytes.
const MAX_WORD: usize = 24;
/// Longest key of a phrase, in bytes.
const MAX_KEY: usize = 96;
/// Most segments of a heading that are looked at.
const MAX_SEGMENTS: usize = 8;

/// Words of phrases that also occur in many other lines, so that they do not suggest a heading.
const COMMON_WORDS: &[&str] = &[
    "order",
    "product",
    "products",
    "item",
    "items",
    "payment",
    "card",
    "credit",
    "method",
    "purchase",
    "transaction",
    "webhook",
    "out",
    "in",
    "to",
    "on",
    "for",
    "its",
    "back",
    "price",
    "link",
    "account",
    "accounts",
    "soon",
    "this",
];

/// What a phrase of the table means.
#[derive(Clone, Copy, Debug)]
struct Meaning {
    kind: CardKind,
    strength: Strength,
    /// The fewest and most fillers of the phrase in the table. A weak phrase allows no others.
    fillers: (usize, usize),
}

/// The phrases by their normalized form, and the words that suggest a heading.
struct PhraseTable {
    phrases: HashMap<ArrayString<MAX_KEY>, Meaning>,
    key_words: HashSet<ArrayString<MAX_WORD>>,
    /// The lengths of the key words for each first byte, one bit for each length.
    key_lengths: [u32; 128],
}

static TABLE: LazyLock<PhraseTable> = LazyLock::new(|| {
    let mut table = PhraseTable { phrases: HashMap::new(), key_words: HashSet::new(), key_lengths: [0; 128] };
    for (kind, strength, phrases) in PHRASES {
        for phrase in *phrases {
            let words: Vec<Word<'_>> = phrase.split(' ').filter_map(Word::new).collect();
            let count = count_fillers(&words);
            // Several words that name a notice are as clear as those that name an order.
            let is_clear_notice = matches!(kind, CardKind::Notice(_)) && words.len() > 1;
            let strength = if is_clear_notice { Strong } else { *strength };
            let meaning = Meaning { kind: *kind, strength, fillers: (count, count) };
            let known = table.phrases.entry(phrase_key(&words)).or_insert(meaning);
            known.fillers = (known.fillers.0.min(count), known.fillers.1.max(count));
            let own = words.iter().filter(|word| !word.is_filler && !COMMON_WORDS.contains(&word.raw));
            table.key_words.extend(own.map(|word| word.normal));
        }
    }
    let spellings = table.key_words.iter().map(ArrayString::as_str);
    for word in spellings.chain(SYNONYMS.iter().map(|(from, _)| *from)) {
        let first = word.bytes().next().unwrap_or_default();
        // Doubled letters make a word longer than its normalized form.
        for length in word.len()..=word.len() + 3 {
            table.key_lengths[usize::from(first & 0x7f)] |= length_bit(length);
        }
    }
    table
});

/// A bit for the length of a word.
const fn length_bit(length: usize) -> u32 {
    if length < 32 { 1 << length } else { 0 }
}

/// A word of a heading.
#[derive(Clone, Copy)]
struct Word<'a> {
    raw: &'a str,
    /// The word in lower case, without punctuation, with doubled letters written once and one form for synonyms.
    /// `Succesfully` and `success` are the same word then.
    normal: ArrayString<MAX_WORD>,
    /// Whether the word does not change the meaning of a phrase: `Your order has been placed`.
    is_filler: bool,
}

impl<'a> Word<'a> {
    /// `None` if the word is too long for a phrase.
    fn new(raw: &'a str) -> Option<Self> {
        let collapsed = collapse(raw)?;
        let synonym = SYNONYMS.iter().find(|(from, _)| *from == collapsed.as_str());
        let normal = synonym.and_then(|(_, to)| ArrayString::from(to).ok()).unwrap_or(collapsed);
        let is_filler = matches!(
            collapsed.as_str(),
            "your"
                | "the"
                | "a"
                | "an"
                | "was"
                | "were"
                | "is"
                | "are"
                | "has"
                | "have"
                | "ben"
                | "be"
                | "just"
                | "you"
                | "we"
                | "it"
                | "got"
                | "my"
                | "that"
                | "now"
        );
        Some(Self { raw, normal, is_filler })
    }
}

/// A word in lower case, without punctuation, with doubled letters written once.
fn collapse(word: &str) -> Option<ArrayString<MAX_WORD>> {
    let mut out = ArrayString::new();
    let mut last = ' ';
    let mut push = |c: char| {
        if c == last && !c.is_ascii_digit() {
            return Some(());
        }
        last = c;
        out.try_push(c).ok()
    };
    for c in word.chars() {
        if c.is_ascii() {
            if c.is_ascii_alphanumeric() || c == '@' {
                push(c.to_ascii_lowercase())?;
            }
        } else if c.is_alphanumeric() {
            c.to_lowercase().try_for_each(&mut push)?;
        }
    }
    Some(out)
}

fn count_fillers(words: &[Word<'_>]) -> usize {
    words.iter().filter(|word| word.is_filler).count()
}

/// The key of a phrase in the table: its words without fillers, sorted.
fn phrase_key(words: &[Word<'_>]) -> ArrayString<MAX_KEY> {
    let mut sorted: ArrayVec<&str, MAX_WORDS> = ArrayVec::new();
    let meaningful = words.iter().filter(|word| !word.is_filler && !word.normal.is_empty());
    sorted.extend(meaningful.map(|word| word.normal.as_str()).take(MAX_WORDS));
    sorted.sort_unstable();
    let mut key = ArrayString::new();
    for word in sorted {
        // A key that is too long is in no table.
        if key.try_push_str(word).is_err() || key.try_push(' ').is_err() {
            break;
        }
    }
    key
}

fn find(words: &[Word<'_>]) -> Option<Meaning> {
    let meaning = TABLE.phrases.get(&phrase_key(words))?;
    let (least, most) = meaning.fillers;
    (meaning.strength > Weak || (least..=most).contains(&count_fillers(words))).then_some(*meaning)
}

/// Whether a line contains a word that suggests a heading, and no URL. Most lines need no slower search.
fn has_key_word(line: &str) -> bool {
    let table = &*TABLE;
    let is_word_byte = |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let mut start = None;
    for (at, byte) in line.bytes().chain([b' ']).enumerate() {
        match (start, is_word_byte(byte)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                start = None;
                if line.get(at..).is_some_and(|rest| rest.starts_with("://")) {
                    return false;
                }
                if is_key_word(table, line.get(from..at).unwrap_or_default()) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

fn is_key_word(table: &PhraseTable, word: &str) -> bool {
    let first = word.bytes().next().unwrap_or_default().to_ascii_lowercase();
    table.key_lengths[usize::from(first & 0x7f)] & length_bit(word.len()) != 0
        && Word::new(word).is_some_and(|word| table.key_words.contains(&word.normal))
}

/// What separates a segment of a heading from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Start,
    Bar,
    Dash,
    Colon,
    Bracket,
}

#[derive(Clone, Copy, Debug)]
struct Segment<'a> {
    separator: Separator,
    text: &'a str,
    /// The rest of the line from this segment on.
    rest: &'a str,
}

/// Splits a line at bars, dashes, colons, brackets and exclamation marks.
fn segments(line: &str) -> ArrayVec<Segment<'_>, MAX_SEGMENTS> {
    let mut segments = ArrayVec::new();
    let (mut separator, mut start) = (Separator::Start, 0);
    let mut previous = ' ';
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map_or(' ', |(_, next)| *next);
        let is_spaced = next.is_whitespace();
        let found = match c {
            '|' | '│' | '•' | '·' | '»' | '➜' | '→' => Some(Separator::Bar),
            '-' | '–' | '—' if is_spaced && previous.is_whitespace() => Some(Separator::Dash),
            ':' | '：' if is_spaced => Some(Separator::Colon),
            '!' if is_spaced => Some(Separator::Dash),
            '(' | '[' => Some(Separator::Bracket),
            ')' | ']' => Some(Separator::Dash),
            _ => None,
        };
        previous = c;
        let Some(found) = found else { continue };
        push_segment(&mut segments, separator, line, start, at);
        (separator, start) = (found, at + c.len_utf8());
    }
    push_segment(&mut segments, separator, line, start, line.len());
    segments
}

fn push_segment<'a>(
    segments: &mut ArrayVec<Segment<'a>, MAX_SEGMENTS>,
    separator: Separator,
    line: &'a str,
    start: usize,
    end: usize,
) {
    let text = line.get(start..end).unwrap_or_default().trim();
    if text.contains(char::is_alphanumeric) && !segments.is_full() {
        segments.push(Segment { separator, text, rest: line.get(start..).unwrap_or_default().trim() });
    }
}

/// A phrase found in a segment, and the text beside it.
struct Phrase {
    kind: CardKind,
    strength: Strength,
    /// Whether the segment is the phrase and nothing else.
    is_exact: bool,
    /// The words after the phrase, such as `Target` in `Successful Checkout on Target`.
    tail: Option<Tail>,
    /// An order number between the words of the phrase.
    number: Option<String>,
}

enum Tail {
    Other,
    Name(String),
    Reason(String),
}

/// Finds the words that say what happened, such as `Order Shipped`, in one part of a heading. A bot's
/// name may stand before or after them.
fn find_phrase(text: &str) -> Option<Phrase> {
    let mut words = ArrayVec::<Word<'_>, MAX_WORDS>::new();
    for word in text.split_whitespace() {
        words.try_push(Word::new(word)?).ok()?;
    }
    if let Some(Meaning { kind, strength, .. }) = find(&words) {
        return Some(Phrase {
            kind,
            strength,
            is_exact: count_fillers(&words) == 0,
            tail: None,
            number: None,
        });
    }
    if let Some(at) =
        words.windows(2).position(|two| two[0].normal.as_str() == "order" && is_number(two[1].raw))
    {
        let number = words.remove(at + 1).raw.trim_start_matches('#').to_owned();
        if let Some(Meaning { kind, strength, .. }) = find(&words) {
            return Some(Phrase { kind, strength, is_exact: false, tail: None, number: Some(number) });
        }
        return None;
    }
    for count in 1..=MAX_NAME_WORDS.min(words.len().saturating_sub(1)) {
        let (name, rest) = words.split_at(count);
        let found = find(rest).filter(|_| is_name(name));
        if let Some(Meaning { kind, strength, .. }) = found
            && (strength > Weak || is_bot_name(&join(name)))
        {
            let tail = Some(join(name)).filter(|name| is_store_name(name)).map(Tail::Name);
            return Some(Phrase { kind, strength, is_exact: false, tail, number: None });
        }
    }
    for end in (1..words.len()).rev() {
        let (before, after) = words.split_at(end);
        let Some(Meaning { kind, strength, .. }) = find(before).filter(|found| found.strength > Weak) else {
            continue;
        };
        let is = |list: &[&str]| after.first().is_some_and(|first| list.contains(&first.normal.as_str()));
        let rest = join(after.get(1..).unwrap_or_default());
        let tail = if is(NAME_CONNECTORS) && !rest.is_empty() {
            Tail::Name(rest)
        } else if is(REASON_CONNECTORS) && !rest.is_empty() {
            let rest = rest.trim_start_matches("to ").trim_start_matches("of ");
            Tail::Reason(rest.to_owned())
        } else if strength == Checkout && after.len() <= MAX_NAME_WORDS && is_name(after) {
            // `Checked out Example Box` names the product, `Successful Checkout Polar AIO` the bot.
            let name = join(after);
            let is_known = is_bot_name(&name) || is_store_name(&name);
            if is_known { Tail::Name(name) } else { Tail::Other }
        } else {
            continue;
        };
        return Some(Phrase { kind, strength, is_exact: false, tail: Some(tail), number: None });
    }
    None
}

/// Whether a word of a heading is an order number: behind `#`, or with at least four digits.
fn is_number(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    digits > 3 || (digits > 0 && word.starts_with('#'))
}

/// Whether some words can be the name of a bot or a store.
fn is_name(words: &[Word<'_>]) -> bool {
    words.iter().all(|word| {
        word.raw.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
            && !NEGATIONS.contains(&word.normal.as_str())
    })
}

fn join(words: &[Word<'_>]) -> String {
    words.iter().map(|word| word.raw).collect::<Vec<_>>().join(" ")
}

/// Parses a line without markup as a heading.
#[must_use]
pub fn parse(line: &str) -> Option<Heading> {
    if !has_key_word(line) {
        return None;
    }
    let segments = segments(line);
    let mut found: Option<(usize, Phrase)> = None;
    for (at, segment) in segments.iter().enumerate() {
        // A colon after an everyday word belongs to prose or to a product's name, except in `Declined: CVV` and
        // `Restock: Example Box`.
        let before_colon = segments.get(at + 1).is_some_and(|next| next.separator == Separator::Colon);
        let is_certain = found.as_ref().is_some_and(|(_, best)| best.strength == Checkout);
        if is_certain || !has_key_word(segment.text) {
            continue;
        }
        let Some(phrase) = find_phrase(segment.text) else { continue };
        let is_first = at == 0 && matches!(phrase.kind, Failure | MONITOR);
        let counts =
            phrase.strength > Weak || is_first || (!before_colon && segment.separator != Separator::Colon);
        let is_better = found.as_ref().is_none_or(|(_, best)| phrase.strength > best.strength);
        if counts && is_better {
            found = Some((at, phrase));
        }
    }
    let Some((at, phrase)) = found else { return bot_checkout(&segments) };
    let mut heading = Heading {
        kind: phrase.kind,
        number: phrase.number,
        store: None,
        reason: None,
        strong: phrase.strength > Weak
            && phrase.is_exact
            && is_alone(&segments, at)
            && !matches!(phrase.kind, CardKind::Notice(_)),
    };
    let text = |text: &str| {
        Some(text.trim().trim_end_matches(['!', ')', ']']).trim().to_owned()).filter(|text| !text.is_empty())
    };
    let succeeded = !matches!(heading.kind, Failure | Cancelled | Refunded);
    let is_failure_kind = heading.kind == Failure;
    match phrase.tail {
        Some(Tail::Name(name)) if !is_bot_name(&name) => heading.store = text(&name),
        Some(Tail::Reason(reason)) => heading.reason = text(&reason),
        Some(Tail::Name(_) | Tail::Other) | None => {}
    }
    for segment in segments.iter().skip(at + 1) {
        if is_hold(segment.text) && matches!(heading.kind, Success | Cancelled) {
            heading.kind = Hold;
        } else if segment.separator == Separator::Bar
            || (succeeded && segment.separator != Separator::Bracket)
        {
            if heading.store.is_none() && !is_bot_name(segment.text) {
                heading.store = text(segment.rest.split(['|', '│']).next().unwrap_or_default());
            }
        } else if !succeeded && segment.separator == Separator::Bracket && !phrase.is_exact && is_failure_kind
        {
            // `Dashe Checkout Failed (Example Kicks)`
            heading.store = heading.store.take().or_else(|| text(segment.text));
        } else if !succeeded && heading.reason.is_none() {
            heading.reason = text(segment.rest.split(['|', '│']).next().unwrap_or_default());
        }
    }
    if let Some(before) = segments.iter().take(at).next_back()
        && heading.store.is_none()
        && is_store_name(before.text)
    {
        heading.store = text(before.text);
    }
    Some(heading)
}

/// Whether a note turns a success or a cancellation into a hold, such as `REVIEW_HOLD`.
pub(crate) fn is_hold(note: &str) -> bool {
    let is_same = |(a, b): (u8, u8)| a.eq_ignore_ascii_case(&b) || (a == b'_' && b == b' ');
    HOLDS.iter().any(|hold| hold.len() == note.len() && note.bytes().zip(hold.bytes()).all(is_same))
}

/// Whether only a store, a note or a bot's name stands beside the phrase: what a heading of a text has.
fn is_alone(segments: &[Segment<'_>], at: usize) -> bool {
    segments.iter().enumerate().all(|(other, segment)| other == at || segment.separator != Separator::Colon)
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
            strong: false,
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

/// The outcome that the color of an embed states: green is confirmed, orange on hold and red cancelled.
#[must_use]
pub(crate) fn color_outcome(rgb: u32) -> Option<CardKind> {
    let [_, red, green, blue] = rgb.to_be_bytes().map(i32::from);
    if red > green + 60 && red > blue + 60 {
        let is_red = green < 110 && green - blue < 60;
        Some(if is_red { Cancelled } else { Hold })
    } else {
        (green > red + 30 && green > blue).then_some(Success)
    }
}
