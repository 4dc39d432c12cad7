//! Texts for people in Discord: what comes from a card is shown as it is and does nothing.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use url::Url;

use crate::order::{Amount, Carrier, Order, Status};
use crate::redact::credentials;

/// Marks where a text was cut.
const ELLIPSIS: char = '…';

/// A text of a card, safe to show: without credentials, and with nothing in it that Discord would make
/// bold, a link or a mention.
#[must_use]
pub(crate) fn shown(text: &str) -> String {
    let text = credentials(text);
    let mut safe = String::with_capacity(text.len());
    let mut before = '\n';
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let starts_line = before == '\n';
        let marks = matches!(c, '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '(' | ')' | '<' | '>')
            || (starts_line && matches!(c, '#' | '-' | '+'))
            // A link that Discord would find by itself.
            || (c == '/' && before == ':');
        if marks {
            safe.push('\\');
        }
        safe.push(c);
        // Nothing else with this sign is a mention without a bracket, and an address must stay one that
        // can be copied.
        if c == '@' && ["everyone", "here"].iter().any(|all| chars.as_str().starts_with(all)) {
            safe.push('\u{200b}');
        }
        before = c;
    }
    safe
}

/// The same on one line.
#[must_use]
pub(crate) fn shown_line(text: &str) -> String {
    shown(&one_line(text))
}

/// A text of a card where Discord reads no markup: labels of selects, choices, author lines.
#[must_use]
pub(crate) fn plain_line(text: &str) -> String {
    one_line(&credentials(text))
}

/// A text of a card to be copied: in a code span, in which only a backtick means something.
#[must_use]
pub(crate) fn code(text: &str) -> String {
    code_within(text, usize::MAX)
}

/// The same in at most so many UTF-16 units: what is cut is the text, not the end of its span.
#[must_use]
pub(crate) fn code_within(text: &str, most: usize) -> String {
    format!("`{}`", cut(&plain_line(text).replace('`', "ˋ"), most.saturating_sub(2)))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most so many UTF-16 units, which is how Discord's clients count; what is longer ends in an
/// ellipsis. Never splits a character.
#[must_use]
pub(crate) fn cut(text: &str, most: usize) -> String {
    if units(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.len_utf16();
        if used > most {
            break;
        }
        kept.push(c);
    }
    // A backslash at the end would escape the ellipsis, and show.
    let whole = kept.trim_end_matches('\\').trim_end().len();
    kept.truncate(whole);
    kept.push(ELLIPSIS);
    kept
}

/// The length of a text in UTF-16 units.
#[must_use]
pub(crate) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// An amount with its currency, as `1,299.99 USD`.
#[must_use]
pub(crate) fn money(amount: Amount, order: &Order) -> String {
    match order.fields.currency {
        Some(currency) => format!("{} {}", grouped(amount.to_decimal()), currency.code()),
        None => grouped(amount.to_decimal()),
    }
}

/// A decimal with two places and commas between thousands.
#[must_use]
pub(crate) fn grouped(amount: Decimal) -> String {
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

/// A moment that each reader sees in their own time zone, with how long ago it is.
#[must_use]
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    let seconds = at.timestamp();
    format!("<t:{seconds}:f> (<t:{seconds}:R>)")
}

/// How long ago it was.
#[must_use]
pub(crate) fn ago(at: DateTime<Utc>) -> String {
    format!("<t:{}:R>", at.timestamp())
}

/// A parcel number, linked where its shape tells the carrier.
#[must_use]
pub(crate) fn tracking(number: &str) -> String {
    match Carrier::of(number) {
        Some(carrier) => {
            format!("[{}]({}) ({})", shown_line(number), carrier.tracking_url(number), carrier.as_str())
        }
        None => shown_line(number),
    }
}

/// Longest link that Discord takes in an embed.
const LONGEST_LINK: usize = 2048;

/// A link of a card as Discord takes it: to the web, whole, and without credentials. Discord refuses
/// all of a message for one link that is not.
#[must_use]
pub(crate) fn web_link(text: &str) -> Option<String> {
    let link = Url::parse(text).ok()?;
    let is_plain = link.username().is_empty() && link.password().is_none();
    let fits = matches!(link.scheme(), "http" | "https") && link.has_host() && is_plain;
    Some(String::from(link)).filter(|link| fits && link.chars().count() <= LONGEST_LINK)
}

/// The colour that stands for a status, as RGB.
#[must_use]
pub(crate) const fn colour(status: Option<Status>) -> u32 {
    match status {
        Some(Status::Verified) => 0x0023_A55A,
        Some(Status::Delivered) => 0x0010_B981,
        Some(Status::Shipped) => 0x0034_98DB,
        Some(Status::Processing) => 0x009B_59B6,
        Some(Status::Pending) => 0x00F0_B232,
        Some(Status::Unverified) | None => 0x0080_848E,
        Some(Status::Cancelled) => 0x00DA_373C,
        Some(Status::Refunded) => 0x00E6_7E22,
    }
}

/// The sign that stands for a status in lists.
#[must_use]
pub(crate) const fn sign(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Verified) => "🟢",
        Some(Status::Delivered) => "📦",
        Some(Status::Shipped) => "🚚",
        Some(Status::Processing) => "🟣",
        Some(Status::Pending) => "🟡",
        Some(Status::Unverified) | None => "⚪",
        Some(Status::Cancelled) => "🔴",
        Some(Status::Refunded) => "🟠",
    }
}

/// A count and the word for what is counted.
#[must_use]
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    let grouped = grouped(Decimal::from(count));
    let whole = grouped.split('.').next().unwrap_or_default();
    format!("{whole} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::{counted, cut, grouped, shown, units, web_link};

    #[test]
    fn nothing_in_a_text_is_markup_a_link_or_a_mention() {
        for (text, expected) in [
            ("*a* _b_ ~~c~~ `d` ||e||", r"\*a\* \_b\_ \~\~c\~\~ \`d\` \|\|e\|\|"),
            ("[x](javascript:alert(1))", r"\[x\]\(javascript:alert\(1\)\)"),
            ("@everyone <@1> <#2>", "@\u{200b}everyone \\<@1\\> \\<#2\\>"),
            ("@here ann@example.test", "@\u{200b}here ann@example.test"),
            ("# big\n- dot", "\\# big\n\\- dot"),
            ("https://evil.example", r"https:\//evil.example"),
            ("a - b #1", "a - b #1"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn a_cut_ends_in_an_ellipsis_and_splits_no_character() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("a😀😀", 3), "a…");
        assert_eq!(cut(r"ab\*c", 4), "ab…");
        assert!(units(&cut(&"😀".repeat(100), 101)) <= 101);
    }

    #[test]
    fn a_link_is_one_that_discord_takes() {
        assert_eq!(
            web_link("https://example.test/a b?c=<d>").as_deref(),
            Some("https://example.test/a%20b?c=%3Cd%3E")
        );
        for refused in
            ["https://", "https://[x", "javascript:alert(1)", "https://user:pass@example.test/", "x.test", ""]
        {
            assert_eq!(web_link(refused), None, "{refused}");
        }
    }

    #[test]
    fn amounts_have_thousands_and_cents() {
        for (hundredths, expected) in
            [(0, "0.00"), (129_999, "1,299.99"), (-5, "-0.05"), (100_000_000, "1,000,000.00")]
        {
            assert_eq!(grouped(Decimal::new(hundredths, 2)), expected);
        }
        assert_eq!(counted(1, "order", "orders"), "1 order");
        assert_eq!(counted(12_345, "order", "orders"), "12,345 orders");
    }
}
