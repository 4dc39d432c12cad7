//! Formats text for Discord. Text that comes from a card is shown literally: no markup, link or mention
//! in it has an effect.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use url::Url;

use crate::card::outcome::Receipt;
use crate::order::{Amount, Carrier, Order, Status, format_amount};
use crate::redact::credentials;

/// Ends a text that was truncated.
const ELLIPSIS: char = '…';
/// The length of an unreadable text that an error repeats to the caller.
pub(crate) const MAX_ECHO: usize = 120;

/// Removes credentials from a text, and escapes everything that Discord would render as formatting, a
/// link or a mention.
pub(crate) fn escape_markdown(text: &str) -> String {
    let text = credentials(text);
    let mut escaped = String::with_capacity(text.len());
    let mut previous = '\n';
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let starts_line = previous == '\n';
        let is_markup = matches!(c, '\\' | '*' | '_' | '~' | '`' | '|' | '[' | ']' | '(' | ')' | '<' | '>')
            || (starts_line && matches!(c, '#' | '-' | '+'))
            // Discord links a bare URL.
            || (c == '/' && previous == ':');
        if is_markup {
            escaped.push('\\');
        }
        escaped.push(c);
        // Other mentions need a bracket, which is escaped above. An e-mail address must stay as it is,
        // so that it can be copied.
        if c == '@' && ["everyone", "here"].iter().any(|all| chars.as_str().starts_with(all)) {
            escaped.push('\u{200b}');
        }
        previous = c;
    }
    escaped
}

/// [`escape_markdown`], on one line.
pub(crate) fn escape_line(text: &str) -> String {
    escape_markdown(&one_line(text))
}

/// Escapes several texts, one per line.
pub(crate) fn escape_lines(texts: &[String]) -> String {
    texts.iter().map(|text| escape_line(text)).collect::<Vec<_>>().join("\n")
}

/// Removes credentials and line breaks from a text. For places where Discord renders no markup: labels of
/// selects and choices, author lines, footers.
pub(crate) fn plain_line(text: &str) -> String {
    one_line(&credentials(text))
}

/// The person behind a change: `discord:` and a user id, or another name. Discord shows the user's name, and the
/// mention does not ping.
pub(crate) fn person(actor: &str) -> String {
    actor.strip_prefix("discord:").map_or_else(|| code(actor), |user| format!("<@{user}>"))
}

/// A code span, which is easy to copy and renders no markup.
pub(crate) fn code(text: &str) -> String {
    code_within(text, usize::MAX)
}

/// A code span of at most `max` UTF-16 units. Truncates the text, never the closing backtick.
pub(crate) fn code_within(text: &str, max: usize) -> String {
    format!("`{}`", truncate(&plain_line(text).replace('`', "ˋ"), max.saturating_sub(2)))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Shortens a text to `max` UTF-16 units, the unit of Discord's limits. A shortened text ends in an
/// ellipsis. Never splits a character.
pub(crate) fn truncate(text: &str, max: usize) -> String {
    if utf16_len(text) <= max {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.len_utf16();
        if used > max {
            break;
        }
        kept.push(c);
    }
    // A backslash at the end would escape the ellipsis and become visible.
    let whole = kept.trim_end_matches('\\').trim_end().len();
    kept.truncate(whole);
    kept.push(ELLIPSIS);
    kept
}

/// The length of a text in UTF-16 units.
pub(crate) fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// An amount with its currency, as `1,299.99 USD`.
pub(crate) fn money(amount: Amount, order: &Order) -> String {
    match order.fields.currency {
        Some(currency) => format!("{} {}", format_amount(amount.to_decimal()), currency.code()),
        None => format_amount(amount.to_decimal()),
    }
}

/// A time that each reader sees in their own time zone, followed by how long ago it is.
pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    let seconds = at.timestamp();
    format!("<t:{seconds}:f> (<t:{seconds}:R>)")
}

/// How long ago a time is.
pub(crate) fn relative_time(at: DateTime<Utc>) -> String {
    format!("<t:{}:R>", at.timestamp())
}

/// A tracking number, with a link if its format identifies the carrier.
pub(crate) fn tracking_link(number: &str) -> String {
    match Carrier::of(number) {
        Some(carrier) => {
            format!("[{}]({}) ({})", escape_line(number), carrier.tracking_url(number), carrier.as_str())
        }
        None => escape_line(number),
    }
}

/// Discord's limit for a URL in an embed.
const MAX_URL: usize = 2048;

/// A URL that Discord accepts: HTTP or HTTPS, not too long, without credentials. Discord rejects a whole
/// message if one URL in it is invalid.
pub(crate) fn web_link(text: &str) -> Option<String> {
    let link = Url::parse(text).ok()?;
    let is_plain = link.username().is_empty() && link.password().is_none();
    let fits = matches!(link.scheme(), "http" | "https") && link.has_host() && is_plain;
    Some(String::from(link)).filter(|link| fits && link.chars().count() <= MAX_URL)
}

/// The colour of a status, as RGB.
pub(crate) const fn status_colour(status: Option<Status>) -> u32 {
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

/// The emoji of a status in lists.
pub(crate) const fn status_emoji(status: Option<Status>) -> &'static str {
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

/// A count with commas between thousands.
pub(crate) fn format_count(count: u64) -> String {
    let amount = format_amount(Decimal::from(count));
    amount.split('.').next().unwrap_or_default().to_owned()
}

/// A count with the noun that fits it: `1 order`, `2 orders`.
pub(crate) fn pluralize(count: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", format_count(count), if count == 1 { singular } else { plural })
}

/// The outcome of each card of a message: `created, rejected`.
pub(crate) fn outcome_names(receipt: &Receipt) -> String {
    let names: Vec<&str> = receipt.cards.iter().map(|card| card.outcome.as_str()).collect();
    if names.is_empty() { "no card found".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::{escape_markdown, format_amount, pluralize, truncate, utf16_len, web_link};

    #[test]
    fn markup_links_and_mentions_are_escaped() {
        for (text, expected) in [
            ("*a* _b_ ~~c~~ `d` ||e||", r"\*a\* \_b\_ \~\~c\~\~ \`d\` \|\|e\|\|"),
            ("[x](javascript:alert(1))", r"\[x\]\(javascript:alert\(1\)\)"),
            ("@everyone <@1> <#2>", "@\u{200b}everyone \\<@1\\> \\<#2\\>"),
            ("@here ann@example.test", "@\u{200b}here ann@example.test"),
            ("# big\n- dot", "\\# big\n\\- dot"),
            ("https://evil.example", r"https:\//evil.example"),
            ("a - b #1", "a - b #1"),
        ] {
            assert_eq!(escape_markdown(text), expected);
        }
    }

    #[test]
    fn a_truncated_text_ends_in_an_ellipsis_and_splits_no_character() {
        assert_eq!(truncate("abc", 3), "abc");
        assert_eq!(truncate("abcd", 3), "ab…");
        assert_eq!(truncate("a😀😀", 3), "a…");
        assert_eq!(truncate(r"ab\*c", 4), "ab…");
        assert!(utf16_len(&truncate(&"😀".repeat(100), 101)) <= 101);
    }

    #[test]
    fn only_links_that_discord_accepts_are_kept() {
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
    fn amounts_have_commas_and_cents() {
        for (hundredths, expected) in
            [(0, "0.00"), (129_999, "1,299.99"), (-5, "-0.05"), (100_000_000, "1,000,000.00")]
        {
            assert_eq!(format_amount(Decimal::new(hundredths, 2)), expected);
        }
        assert_eq!(pluralize(1, "order", "orders"), "1 order");
        assert_eq!(pluralize(12_345, "order", "orders"), "12,345 orders");
    }
}
