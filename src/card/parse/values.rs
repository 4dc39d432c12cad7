//! Parses values other than text, money and dates: quantities, statuses, e-mail addresses and so on.

use super::heading;
use super::markup::label_text;
use super::word_table::fold;
use crate::order::Status;
use crate::redact;

/// A larger quantity is refused as an error.
pub(crate) const MAX_QUANTITY: u32 = 1_000_000;

/// Spellings of statuses, folded.
const STATUS_WORDS: &[(&str, Status)] = &[
    ("pending", Status::Pending),
    ("review hold", Status::Pending),
    ("on hold", Status::Pending),
    ("still placed", Status::Pending),
    ("processing", Status::Processing),
    ("in progress", Status::Processing),
    ("awaiting shipment", Status::Processing),
    ("awaiting fulfillment", Status::Processing),
    ("preparing", Status::Processing),
    ("preparing for shipment", Status::Processing),
    ("preparing to ship", Status::Processing),
    ("being prepared", Status::Processing),
    ("ready to ship", Status::Processing),
    ("order processing", Status::Processing),
    ("awaiting payment", Status::Pending),
    ("payment pending", Status::Pending),
    ("pre-ordered", Status::Verified),
    ("preordered", Status::Verified),
    ("dispatched", Status::Shipped),
    ("on the way", Status::Shipped),
    ("on its way", Status::Shipped),
    ("picked up", Status::Delivered),
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
    ("approved", Status::Verified),
    ("accepted", Status::Verified),
    ("secured", Status::Verified),
    ("in bearbeitung", Status::Processing),
    ("ausstehend", Status::Pending),
    ("in vorbereitung", Status::Processing),
    ("versendet", Status::Shipped),
    ("versandt", Status::Shipped),
    ("verschickt", Status::Shipped),
    ("unterwegs", Status::Shipped),
    ("in zustellung", Status::Shipped),
    ("wird zugestellt", Status::Shipped),
    ("geliefert", Status::Delivered),
    ("zugestellt", Status::Delivered),
    ("angekommen", Status::Delivered),
    ("storniert", Status::Cancelled),
    ("erstattet", Status::Refunded),
    ("bestätigt", Status::Verified),
    ("bezahlt", Status::Verified),
    ("completed", Status::Verified),
    ("confirmée", Status::Verified),
    ("confirmado", Status::Verified),
    ("confermato", Status::Verified),
    ("en préparation", Status::Processing),
    ("en proceso", Status::Processing),
    ("in lavorazione", Status::Processing),
    ("expédiée", Status::Shipped),
    ("expédié", Status::Shipped),
    ("enviado", Status::Shipped),
    ("spedito", Status::Shipped),
    ("livrée", Status::Delivered),
    ("livré", Status::Delivered),
    ("entregado", Status::Delivered),
    ("consegnato", Status::Delivered),
    ("annulée", Status::Cancelled),
    ("cancelado", Status::Cancelled),
    ("annullato", Status::Cancelled),
    ("remboursée", Status::Refunded),
    ("reembolsado", Status::Refunded),
    ("rimborsato", Status::Refunded),
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

/// Words after a quantity.
const UNITS: &[&str] = &[" units", " unit", " items", " item", " pieces", " pcs", " pc"];

/// Parses `2`, `2x`, `x2`, `(2)`, `2.0`, `2/2` or `2 units`, from 1 to 1,000,000.
#[must_use]
pub(crate) fn quantity(text: &str) -> Option<u32> {
    let text = fold(text).replace(',', "");
    let text = UNITS.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(&text);
    let text = text.trim_matches(['(', ')', 'x', '×', ' ']);
    // `2/2` and `2 of 2` are the units bought and the units wanted.
    let text =
        text.split_once('/').or_else(|| text.split_once(" of ")).map_or(text, |(bought, _)| bought.trim());
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
    let text = fold(label_text(&text.replace('_', " ")).trim_matches(['.', '!', ' ']));
    STATUS_WORDS.iter().find(|(word, _)| *word == text).map(|(_, status)| *status)
}

/// The former and the new status in `Confirmed → Cancelled`.
#[must_use]
pub(crate) fn around_arrow(text: &str) -> Option<(&str, &str)> {
    ["→", "->", "=>"].iter().find_map(|arrow| text.rsplit_once(arrow))
}

/// A status and the note behind it: `Cancelled: Item Demand`, `Cancelled (Item Demand)`.
#[must_use]
pub(crate) fn status_and_note(text: &str) -> Option<(Status, String)> {
    let text = label_text(text);
    let (word, note) = text.split_once([':', '(', '-', '–', '—', '|', ','])?;
    let note = note.trim_matches([' ', ':', '-', '–', '—', '|']);
    let note = if note.contains('(') { note } else { note.trim_end_matches(')') };
    Some((status(word)?, note.to_owned())).filter(|(_, note)| !note.is_empty())
}

/// Whether a text has the shape of an e-mail address.
#[must_use]
pub(crate) fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty()
            && !host.is_empty()
            && !host.contains('@')
            && !is_masked(text)
            && !text.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | ':'))
    })
}

/// Whether an address hides some of its characters: `sa****@example.com`.
#[must_use]
pub(crate) fn is_masked(text: &str) -> bool {
    text.contains('@') && (text.contains(['*', '•', '…']) || text.contains(".."))
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

/// Splits a profile that starts with a Discord user id into the id and the profile. Groups name the owner in
/// this way.
#[must_use]
pub(crate) fn owner_and_profile(text: &str) -> Option<(&str, &str)> {
    let (id, profile) = text
        .split_once([' ', '-', '|', '_', ':', '/'])
        .map(|(id, rest)| (id, rest.trim_start_matches(['-', '|', ':', '/', ' '])))?;
    (is_snowflake(id) && !profile.is_empty()).then_some((id, profile))
}

/// The id in a mention of a Discord user, such as `<@123456789012345678>`.
#[must_use]
pub(crate) fn mentioned_user(text: &str) -> Option<&str> {
    let id = text.trim().strip_prefix("<@")?.split_once('>')?.0.trim_start_matches('!');
    is_snowflake(id).then_some(id)
}

/// The id of the only user that a text mentions. It names the owner of the order.
#[must_use]
pub(crate) fn only_mention(text: &str) -> Option<&str> {
    let mut mentions = text.split("<@").skip(1).filter_map(|rest| {
        let id = rest.split_once('>')?.0.trim_start_matches('!');
        (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
    });
    let first = mentions.next()?;
    mentions.all(|other| other == first).then_some(first)
}

/// The mentioned user and the other words of a value: `Sam <@123456789012345678>`.
#[must_use]
pub(crate) fn mention_and_rest(text: &str) -> Option<(&str, String)> {
    let (before, rest) = text.split_once("<@")?;
    let id = rest.split_once('>')?.0.trim_start_matches('!');
    let rest = format!("{before}{}", rest.split_once('>')?.1);
    is_snowflake(id).then(|| (id, rest.trim().to_owned()))
}

/// The address in the forms of mails: `Sam <a@example.com>` and `mailto:a@example.com`.
#[must_use]
pub(crate) fn address_in_mail_form(text: &str) -> &str {
    let inside = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')).map(|(_, inside)| inside);
    let text = inside.unwrap_or(text);
    let address = text.strip_prefix("mailto:").unwrap_or(text);
    if is_email(address) { address } else { text }
}

/// Whether a text is an e-mail address beyond doubt.
fn is_full_address(text: &str) -> bool {
    is_email(text) && text.split_once('@').is_some_and(|(_, host)| is_host(host))
}

/// The profile and the e-mail address in a value that holds both: `Main | someone@example.com`.
#[must_use]
pub(crate) fn profile_and_email(text: &str) -> Option<(&str, &str)> {
    let around = |c: char| c.is_whitespace() || matches!(c, '|' | '/' | '(' | ')' | '-' | ',');
    let address =
        text.split_whitespace().map(|word| word.trim_matches(around)).find(|word| is_full_address(word))?;
    let (before, after) = text.split_once(address)?;
    let (before, after) = (before.trim_matches(around), after.trim_matches(around));
    (!before.is_empty() && after.is_empty()).then_some((before, address))
}

/// Whether a text is the id of a Discord user or of something else at Discord.
#[must_use]
pub(crate) fn is_snowflake(text: &str) -> bool {
    (17..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Placeholders that bots write if they have no order number, in lower case.
#[rustfmt::skip]
const NO_ORDER_NUMBER: &[&str] = &[
    "pending", "unknown", "tbd", "tba", "unavailable", "processing", "loading", "awaiting", "waiting", "undefined", "null",
    "none", "nil", "nan", "na", "n.a", "true", "false", "error", "failed", "success", "hidden", "redacted", "masked", "private",
    "empty", "missing", "email", "mail", "test", "sample", "example", "view", "open", "link", "here", "order", "number", "yes",
    "no", "confirmed", "soon", "n/a",
];

/// Whether a text stands in place of a value: `hidden`.
#[must_use]
pub(crate) fn is_placeholder(text: &str) -> bool {
    NO_ORDER_NUMBER.contains(&fold(text.trim_matches(|c: char| !c.is_alphanumeric())).as_str())
}

/// A value without a note such as `(View)` behind it.
#[must_use]
pub(crate) fn without_note(text: &str) -> &str {
    let split = text.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
    split.filter(|(_, note)| is_placeholder(note)).map_or(text, |(value, _)| value)
}

/// A whole number from 1 to 99 and nothing else.
#[must_use]
pub(crate) fn small_count(text: &str) -> Option<u8> {
    text.parse().ok().filter(|count| (1..100).contains(count))
}

/// Maximum words of an order number.
const MAX_NUMBER_WORDS: usize = 3;

/// Whether a value can be an order number. `has_mark` says that it followed a `#`. Links, notes such as
/// `View Order`, placeholders such as `undefined` or `0`, masked numbers and prose are refused.
#[must_use]
pub(crate) fn may_be_order_number(text: &str, has_mark: bool) -> bool {
    let core = fold(text.trim_matches(|c: char| !c.is_alphanumeric()));
    let digits = || text.bytes().filter(u8::is_ascii_digit);
    let is_zero = !core.contains(char::is_alphabetic) && digits().all(|digit| digit == b'0');
    let is_negative = text.starts_with('-') && core.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = digits().next().is_none()
        && (status(text).is_some()
            || heading::is_failure(text)
            || NO_ORDER_NUMBER.contains(&core.as_str())
            || (!has_mark && (core.contains(' ') || !core.contains(char::is_uppercase) && text == core)));
    !core.is_empty()
        && !text.contains("://")
        && !text.contains(['*', '•', '…'])
        && (digits().next().is_some() || core.is_ascii() || core.chars().count() > 1)
        && !is_zero
        && !is_negative
        && !is_word
        && text.split_whitespace().count() <= MAX_NUMBER_WORDS
}

/// An order number without the word in front of it: `Order #12345`, `No. 12345`.
#[must_use]
pub(crate) fn without_order_word(text: &str) -> &str {
    const NUMBER: [&str; 4] = ["no.", "nr.", "number", "id:"];
    let is_one_of = |word: &str, list: &[&str]| list.iter().any(|known| word.eq_ignore_ascii_case(known));
    let (word, rest) = text.split_once(' ').map_or(("", text), |(word, rest)| (word, rest.trim()));
    match rest.starts_with('#') {
        true if is_one_of(word, &["order"]) => rest,
        false if is_one_of(word, &NUMBER) && rest.contains(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    }
}

/// Whether an order number has the format of Amazon: `112-1234567-1234567`.
#[must_use]
pub(crate) fn is_amazon_number(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [3, 7, 7] && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a text is the name of a host, such as `shop.example.com`.
#[must_use]
pub(crate) fn is_host(text: &str) -> bool {
    let is_host_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    text.chars().all(is_host_char)
        && text.rsplit_once('.').is_some_and(|(name, end)| {
            !name.is_empty() && (2..=10).contains(&end.len()) && end.chars().all(|c| c.is_ascii_alphabetic())
        })
}

/// One spelling for each reason of a cancellation: `Policy - ITEM_DEMAND` and `item demand` are `Item Demand`.
#[must_use]
pub(crate) fn cancel_reason(text: &str) -> String {
    let is_kind =
        |text: &str| matches!(fold(text.trim()).as_str(), "policy" | "reason" | "cancelled" | "canceled");
    let reason = text.trim().trim_matches(['.', '!', '"', ' ']);
    // `Policy - Item Demand`, `POLICY_ITEM_DEMAND` and `Item Demand (Policy)`
    let reason = match (reason.split_once([':', '-', '–', '_']), reason.split_once(" (")) {
        (Some((kind, reason)), _) if is_kind(kind) => reason,
        (_, Some((reason, kind))) if is_kind(kind.trim_end_matches(')')) => reason,
        _ => reason,
    };
    let reason = reason.replace('_', " ");
    let capitalized = reason.split_whitespace().map(|word| {
        let mut chars = word.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        let rest = chars.as_str();
        // A short word in capitals is an abbreviation.
        let is_shouted = word.chars().count() > 3 && word.chars().all(|c| !c.is_lowercase());
        let rest = if is_shouted { rest.to_lowercase() } else { rest.to_owned() };
        first.collect::<String>() + &rest
    });
    capitalized.collect::<Vec<_>>().join(" ")
}

/// The host of a proxy, without user, password and port. `None` if the value names no host with a dot.
#[must_use]
pub(crate) fn proxy_host(proxy: &str) -> Option<String> {
    // A user or a password may look like a host.
    let proxy = redact::labelled("proxy", proxy);
    let host = proxy.split([' ', '|', ',', '`', '(', ')']).find_map(|word| {
        let address = word.split_once("://").map_or(word, |(_, rest)| rest);
        let address = address.split('/').next().unwrap_or_default();
        match address.rsplit_once('@') {
            // `user:pass@host:port`, or `host:port@user:pass`
            Some((before, after)) => {
                let is_login = after.rsplit_once(':').is_none_or(|(_, port)| !is_port(port));
                dotted_host(after).or_else(|| dotted_host(before).filter(|_| is_login))
            }
            None => dotted_host(address),
        }
    });
    host.map(str::to_lowercase)
}

/// The dotted host in `host`, `host:port`, `host:port:user:pass` or `user:pass:host:port`. A part without a
/// port after it may be a password.
fn dotted_host(address: &str) -> Option<&str> {
    let is_ip = |part: &str| {
        part.split('.').count() == 4 && part.split('.').all(|number| number.parse::<u8>().is_ok())
    };
    let mut parts = address.split(':').peekable();
    let is_only = !address.contains(':');
    while let Some(part) = parts.next() {
        let has_port = parts.peek().is_some_and(|next| is_port(next));
        if part.contains('.') && (is_only || has_port) && (is_ip(part) || is_host(part)) {
            return Some(part);
        }
    }
    None
}

fn is_port(text: &str) -> bool {
    (2..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The host in the link of a store: `https://www.target.com/` is `target.com`.
#[must_use]
pub(crate) fn host_of_store(text: &str) -> Option<&str> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let host = rest.split(['/', '?', '#']).next()?;
    (host.len() < text.len() && is_host(host)).then(|| host.strip_prefix("www.").unwrap_or(host))
}
