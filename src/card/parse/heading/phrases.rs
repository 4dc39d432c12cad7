//! The phrases by which checkout bots and stores say what happened.
//!
//! A row pairs each subject with each outcome: `order` and `placed` give the phrase `order placed`. The order of the
//! words, fillers (`your`, `has been`) and doubled letters do not matter, see [`super::words`]. A new wording needs a
//! word in one of the lists.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use arrayvec::ArrayString;

use super::kind::CardKind::{
    self, Cancelled, Delivered, Failure, Hold, Processing, Refunded, Shipped, Success, Update,
};
use super::kind::Notice;
use super::words::{MAX_WORD, PhraseKey, SYNONYMS, Word, collapse, count_fillers, phrase_key};

/// The clarity of a phrase, which decides what text may stand beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// An everyday word. Counts only before the first label of a card, and rarely before a colon.
    Weak,
    /// Names an order or a payment. A name may come before it.
    Strong,
    /// Names a checkout. A name may come before or after it.
    Checkout,
}
use Strength::{Checkout, Strong, Weak};

const TEST: CardKind = CardKind::Notice(Notice::Test);
const MONITOR: CardKind = CardKind::Notice(Notice::Monitor);
const CART: CardKind = CardKind::Notice(Notice::Cart);
const THREE_D_SECURE: CardKind = CardKind::Notice(Notice::ThreeDSecure);
const QUEUE: CardKind = CardKind::Notice(Notice::Queue);
const RELEASE: CardKind = CardKind::Notice(Notice::Release);
const SUMMARY: CardKind = CardKind::Notice(Notice::Summary);
const RAFFLE: CardKind = CardKind::Notice(Notice::Raffle);
const ACCOUNT: CardKind = CardKind::Notice(Notice::Account);
const TASK: CardKind = CardKind::Notice(Notice::Task);

/// No subject: each outcome is a phrase of its own.
const ALONE: &[&str] = &[""];
#[rustfmt::skip]
const FAILED: &[&str] = &[
    "failed", "failure", "unsuccessful", "declined", "error", "denied", "blocked", "rejected", "refused", "unable", "incomplete",
];
#[rustfmt::skip]
const PACKAGE: &[&str] = &["order", "package", "parcel", "shipment", "delivery order", "item order", "items order", "lieferung"];

/// The kind of card, the clarity of the words, and the subjects and outcomes to combine.
type Row = (CardKind, Strength, &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const PHRASES: &[Row] = &[
    (Success, Checkout, &["checkout"], &["successful", "completed", "confirmed", "approved", "secured", "succeeded"]),
    (Success, Checkout, &["checked out"], &["successfully"]),
    (Success, Strong, &["order", "purchase", "preorder"], &[
        "successful", "completed", "successfully completed", "confirmed", "successfully confirmed", "placed",
        "successfully placed", "received", "successfully received", "secured", "accepted", "approved", "submitted",
        "successfully submitted", "successfully created",
    ]),
    (Success, Strong, &["order", "purchase", "checkout"], &["complete"]),
    (Success, Strong, &["payment", "transaction"], &["successful", "accepted", "approved", "completed"]),
    (Success, Strong, &["successfully"], &["purchased", "ordered", "copped"]),
    (Success, Strong, &["thank for order", "thanks for order", "danke für order", "vielen dank für order"], &[""]),
    (Success, Strong, &["kodai"], &["success"]),
    (Success, Weak, ALONE, &[
        "item purchased", "product purchased", "purchase made", "order created", "checked out", "success", "you cooked",
        "you just cooked", "copped", "checkout link", "purchased", "new order", "new checkout", "you checked out", "confirmed",
        "w checkout", "secured", "you secured", "you secured an item", "item secured", "product secured",
    ]),
    (Success, Strong, ALONE, &["bestellbestätigung", "auftragsbestätigung", "order confirmation"]),
    (Hold, Checkout, &["checkout"], &["hold", "on hold", "review hold", "pending review", "under review"]),
    (Hold, Strong, &["order"], &["hold", "on hold", "held", "review hold", "pending", "pending review", "under review", "in review"]),
    (Hold, Strong, ALONE, &["review hold"]),
    (Hold, Weak, ALONE, &["on hold", "pending review", "under review"]),
    (Cancelled, Strong, PACKAGE, &[
        "cancelled", "voided", "successfully cancelled", "cancellation confirmed", "cancelled detected", "auto cancelled",
        "autocancelled", "automatically cancelled", "void",
    ]),
    (Cancelled, Strong, &["", "order"], &["cancellation notice", "cancellation notification", "cancellation email"]),
    (Processing, Strong, &["order"], &["processing", "in bearbeitung", "being processed", "in process"]),
    (Cancelled, Strong, &["checkout"], &["cancelled"]),
    (Cancelled, Weak, ALONE, &["cancelled", "voided"]),
    (Shipped, Strong, PACKAGE, &["shipped", "dispatched", "out for delivery", "on its way", "on way", "in transit"]),
    (Shipped, Strong, PACKAGE, &[
        "in zustellung", "wird zugestellt", "wird heute zugestellt", "wird morgen zugestellt", "wird geliefert", "wird heute geliefert",
        "auf weg", "en route", "en camino", "in viaggio", "en cours de livraison", "en reparto", "in consegna",
    ]),
    (Shipped, Strong, ALONE, &["versandbestätigung", "in zustellung"]),
    (Shipped, Strong, &["shipping", "shipment"], &["confirmation", "notification", "notice"]),
    (Shipped, Weak, ALONE, &["shipped", "out for delivery", "in transit"]),
    (Delivered, Strong, PACKAGE, &["delivered", "arrived", "picked up"]),
    (Delivered, Strong, &["zustellung", "lieferung", "delivery"], &["successful", "completed"]),
    (Delivered, Weak, ALONE, &["delivered", "picked up"]),
    (Refunded, Strong, &["order", "purchase"], &["refunded", "refund"]),
    (Refunded, Strong, &["refund"], &["processed", "issued", "completed", "approved", "confirmed"]),
    (Refunded, Weak, ALONE, &["refunded"]),
    (Update, Strong, &["order", "order status", "tracking", "shipping", "shipment", "delivery", "package"], &[
        "update", "updated", "change", "changed", "delayed", "modified",
    ]),
    (Update, Strong, &["order", "item", "items"], &[
        "backordered", "partially shipped", "partially delivered", "partially cancelled", "partially refunded", "status changed",
    ]),
    (Update, Strong, &["partially"], &["shipped", "delivered", "cancelled", "refunded"]),
    (Update, Strong, ALONE, &["item delayed", "items delayed", "status changed", "status update"]),
    (Update, Weak, ALONE, &["backordered", "delayed"]),
    (Update, Strong, ALONE, &[
        "sendungsupdate", "sendungsstatus", "sendungsverfolgung", "versandstatus", "versandupdate", "lieferstatus", "lieferupdate",
        "bestellstatus", "bestellupdate",
    ]),
    (Update, Strong, PACKAGE, &["ready for pickup", "ready for collection", "abholbereit", "zur abholung bereit", "bereit zur abholung"]),
    (Failure, Checkout, &["checkout", "checkout attempt"], FAILED),
    (Failure, Strong, &["couldnt", "could not", "cannot", "cant", "unable to", "not able to"], &[
        "checkout", "place order", "complete order", "complete checkout", "complete purchase", "process order", "process payment",
    ]),
    (Failure, Strong, &["payment", "card", "order"], &["didnt go through", "did not go through"]),
    (Failure, Strong, &["task", "order attempt"], FAILED),
    (Failure, Strong, ALONE, &["task failed successfully"]),
    (Failure, Checkout, &["to checkout", "to complete checkout", "to place order", "to complete order"], &["failed", "unable"]),
    (Failure, Strong, &["payment", "payment method", "order", "purchase", "transaction"], FAILED),
    (Failure, Strong, &["card", "credit card", "debit card"], &["failed", "declined", "denied", "blocked", "rejected", "refused"]),
    (Failure, Weak, ALONE, FAILED),
    (Failure, Strong, ALONE, &["payment cancelled", "insufficient funds", "bank declined payment", "account locked"]),
    (Failure, Weak, ALONE, &["bad card", "card error", "cart jacked", "out of stock", "oos", "sold out", "shapeblock", "shape block", "unavailable", "fraud"]),
    (TEST, Weak, &["", "webhook", "connection", "webhook connection", "refract webhook", "this is", "this is a", "this is webhook"], &["test", "test successful"]),
    (TEST, Weak, &["test"], &["notification", "message", "embed", "checkout", "order"]),
    (TEST, Weak, &["sample", "example"], &["notification", "message", "embed", "webhook", "checkout"]),
    (TEST, Weak, &["webhook", "connection", "webhook connection"], &[
        "connected", "successfully connected", "connected to", "successfully connected to", "successful", "works", "working", "active", "verified",
    ]),
    (TEST, Weak, &["successfully"], &["connected"]),
    (TEST, Weak, ALONE, &["connected"]),
    (MONITOR, Weak, &["", "product", "item"], &["restock", "restocked", "in stock", "back in stock", "now available"]),
    (MONITOR, Weak, &["restock", "stock", "price", "deal"], &["alert", "notification", "detected"]),
    (MONITOR, Weak, &["", "wieder"], &["auf lager", "wieder verfügbar"]),
    (MONITOR, Weak, &["new"], &["product", "listing"]),
    (MONITOR, Weak, &["price"], &["change", "drop", "error", "mistake"]),
    (MONITOR, Weak, &["low"], &["stock"]),
    (MONITOR, Weak, &["waiting for", "awaiting"], &["restock", "stock"]),
    (MONITOR, Weak, &["stock", "restock", "product"], &["monitor"]),
    (CART, Weak, &["", "item", "items", "product", "products"], &[
        "carted", "successfully carted", "in cart", "added to cart", "successfully added to cart", "atc", "successful atc",
    ]),
    (CART, Weak, &["", "artikel", "produkt"], &["in warenkorb", "im warenkorb", "in den warenkorb gelegt", "zum warenkorb hinzugefügt"]),
    (CART, Weak, &["cart"], &["successful", "notice", "hold", "held", "reserved", "secured"]),
    (THREE_D_SECURE, Weak, &["3ds", "3d secure"], &[
        "", "required", "needed", "pending", "awaiting", "waiting on", "waiting for", "approval", "approval required", "approve",
        "confirm", "confirmation", "complete", "challenge", "verification", "verify", "authentication", "authenticate",
        "authentication required", "authorization", "payment", "confirm payment", "approve payment", "complete payment",
        "payment required", "in app", "approve in app", "approve in bank app", "approve in banking app", "confirm in app",
        "confirm in bank app", "app prompt", "prompt",
    ]),
    (THREE_D_SECURE, Weak, &["paypal", "paypal link", "payment link", "checkout link"], &["ready", "generated", "created"]),
    (THREE_D_SECURE, Weak, &["payment"], &[
        "confirm", "approve", "authenticate", "authentication required", "confirmation required", "needs confirmation",
        "needs approval", "approval required", "waiting for", "awaiting",
    ]),
    (THREE_D_SECURE, Weak, &["action"], &["required", "needed"]),
    (THREE_D_SECURE, Weak, &["link", "payment link", "checkout link"], &["generated", "ready"]),
    (THREE_D_SECURE, Weak, &["payment", "payment confirmation", "confirmation"], &["awaiting", "waiting for", "pending"]),
    (QUEUE, Weak, &["queue", "waiting room"], &[
        "", "in", "you are in", "waiting in", "pass", "passed", "passed successfully", "passed through", "through", "notice", "entered", "entry",
        "update", "position", "joined",
    ]),
    (RAFFLE, Weak, &["raffle", "raffle entry", "draw", "draw entry", "giveaway", "giveaway entry", "lottery entry", "entry"], &[
        "entered", "successfully entered", "entry", "entry successful", "confirmed", "successful", "submitted", "successfully submitted",
        "accepted", "completed", "received", "joined", "lost", "not selected", "closed",
    ]),
    (RAFFLE, Weak, &["raffle", "draw"], &["entries"]),
    (RELEASE, Weak, &["release", "drop", "raffle"], &["reminder", "alert", "soon", "upcoming", "today", "tomorrow"]),
    (RELEASE, Weak, ALONE, &["reminder", "upcoming releases", "upcoming drops", "new release", "releasing soon", "dropping soon"]),
    // The number of minutes stands between these words.
    (RELEASE, Weak, &["dropping in", "drops in", "releasing in", "releases in", "restocking in", "starts in", "live in"], &["minute", "minutes", "min", "mins", "hour", "hours"]),
    (SUMMARY, Weak, &["", "drop", "daily", "weekly", "monthly", "session", "checkout", "checkouts", "order", "orders", "today", "today's"], &[
        "summary", "stats", "statistics", "recap",
    ]),
    (SUMMARY, Weak, &["drop", "daily", "weekly", "monthly", "session", "today's"], &["report", "checkouts", "orders"]),
    (SUMMARY, Weak, &["today"], &["checkouts", "orders"]),
    (SUMMARY, Weak, ALONE, &["leaderboard", "analytics"]),
    (ACCOUNT, Weak, &["account", "accounts", "new account"], &[
        "created", "successfully created", "creation successful", "generated", "successfully generated", "generation successful",
        "registered", "registration successful", "verified",
    ]),
    (ACCOUNT, Weak, &["new"], &["account"]),
    (TASK, Weak, &["task", "tasks", "monitor", "session"], &["started", "running", "stopped", "finished", "created", "loaded", "ended"]),
    (TASK, Weak, &["product", "new product"], &["loaded"]),
    (TASK, Weak, &["login", "log in", "session"], &["successful", "failed", "required", "expired", "refreshed", "error"]),
    (TASK, Weak, &["captcha"], &["required", "needed", "solved", "waiting", "failed"]),
    (TASK, Weak, &["cookies", "session", "proxies"], &["generated", "expired", "refreshed", "banned"]),
];

/// Words of phrases that also occur in many other lines, so that they do not suggest a heading.
#[rustfmt::skip]
const COMMON_WORDS: &[&str] = &[
    "order", "orders", "product", "products", "item", "items", "payment", "card", "credit", "debit", "method", "purchase",
    "transaction", "webhook", "out", "in", "to", "on", "for", "of", "its", "back", "price", "link", "account", "accounts",
    "soon", "package", "parcel", "place", "today", "tomorrow", "low", "position", "status", "shipping", "go", "did", "not", "able", "proces", "up",
    "being", "app", "bank", "banking", "w", "email", "entry", "lieferung", "auf", "weg", "wird", "heute", "morgen", "bereit", "zur", "ready",
    "pickup", "collection", "log", "session", "closed", "lost", "selected", "en", "cours", "de", "livraison", "reparto", "viaggio",
    "camino", "route",
];

/// The entry of a phrase in the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meaning {
    pub(crate) kind: CardKind,
    pub(crate) strength: Strength,
    /// The minimum and maximum fillers of the phrase in the table. A weak phrase matches only with a number
    /// of fillers in this range.
    pub(crate) fillers: (usize, usize),
}

/// The phrases by their normalized form, and the words that suggest a heading.
struct PhraseTable {
    phrases: HashMap<PhraseKey, Meaning>,
    /// Normalized, with the other spellings of the same words.
    key_words: HashSet<ArrayString<MAX_WORD>>,
    /// The lengths of the key words for each first byte, one bit for each length.
    key_lengths: [u32; 128],
}

static TABLE: LazyLock<PhraseTable> = LazyLock::new(|| {
    let mut table = PhraseTable { phrases: HashMap::new(), key_words: HashSet::new(), key_lengths: [0; 128] };
    for (kind, strength, subjects, outcomes) in PHRASES {
        for (subject, outcome) in
            subjects.iter().flat_map(|subject| outcomes.iter().map(move |o| (subject, o)))
        {
            table.add(*kind, *strength, &format!("{subject} {outcome}"));
        }
    }
    let synonyms = SYNONYMS.iter().filter(|(_, to)| table.key_words.contains(*to));
    let spellings: Vec<_> = synonyms.filter_map(|(from, _)| ArrayString::from(from).ok()).collect();
    table.key_words.extend(spellings);
    for word in &table.key_words {
        let first = word.bytes().next().unwrap_or_default();
        // Doubled letters make a word longer than its normalized form.
        for length in word.len()..=word.len() + 3 {
            table.key_lengths[usize::from(first & 0x7f)] |= length_bit(length);
        }
    }
    table
});

impl PhraseTable {
    fn add(&mut self, kind: CardKind, strength: Strength, phrase: &str) {
        let words: Vec<Word<'_>> = phrase.split_whitespace().filter_map(Word::new).collect();
        let count = count_fillers(&words);
        // A notice named by several words is as clear as a phrase that names an order.
        let is_clear_notice = matches!(kind, CardKind::Notice(_)) && words.len() - count > 1;
        let strength = if is_clear_notice { Strong } else { strength };
        let meaning = Meaning { kind, strength, fillers: (count, count) };
        // If several rows have the phrase, the first one decides.
        let known = self.phrases.entry(phrase_key(&words)).or_insert(meaning);
        known.fillers = (known.fillers.0.min(count), known.fillers.1.max(count));
        let own = words.iter().filter(|word| !word.is_filler && !COMMON_WORDS.contains(&word.raw));
        self.key_words.extend(own.map(|word| word.normal));
    }
}

/// A bit for the length of a word.
const fn length_bit(length: usize) -> u32 {
    if length < 32 { 1 << length } else { 0 }
}

/// Looks up some words in the table.
pub(crate) fn find(words: &[Word<'_>]) -> Option<Meaning> {
    let meaning = TABLE.phrases.get(&phrase_key(words))?;
    // `Complete your order` is a request; `Order complete` is a report.
    if meaning.kind == Success && words.first().is_some_and(|first| first.normal.as_str() == "complete") {
        return None;
    }
    let (least, most) = meaning.fillers;
    (meaning.strength > Weak || (least..=most).contains(&count_fillers(words))).then_some(*meaning)
}

/// Whether a line contains a word that suggests a heading, and no URL before it. This quick check spares most
/// lines the search for phrases.
pub(crate) fn has_key_word(line: &str) -> bool {
    let table = &*TABLE;
    let is_word_byte = |byte: u8| byte.is_ascii_alphanumeric() || !byte.is_ascii();
    let mut start = None;
    for (at, byte) in line.bytes().chain([b' ']).enumerate() {
        // `couldn't` is one word.
        match (start, is_word_byte(byte) || (byte == b'\'' && start.is_some())) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                start = None;
                if byte == b':' && line.get(at..).is_some_and(|rest| rest.starts_with("://")) {
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
        && collapse(word).is_some_and(|word| table.key_words.contains(&word))
}
