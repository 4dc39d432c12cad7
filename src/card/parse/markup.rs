//! Takes Discord's markup off a value: what people see, and the link behind it.
//!
//! Does not know labels or columns. Works on one line of text at a time.

mod signs;

use std::borrow::Cow;

/// A line of a value without its markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plain {
    /// What people see, trimmed.
    pub text: String,
    /// The first `http` or `https` link in it.
    pub link: Option<String>,
}

/// Words and signs that stand for "no value".
const NO_VALUE: &[&str] = &["n/a", "na", "-", "–", "—", "none", "null", "_ _", "** **"];

/// Markers that may enclose a whole value, longest first.
const WRAPPERS: &[&str] = &["***", "**", "__", "~~", "*", "_"];

/// Removes spoilers, links, code ticks, bold, emoji codes, zero-width and control characters,
/// and decodes HTML entities once.
#[must_use]
pub fn plain(raw: &str) -> Plain {
    let (text, link) = shown(raw);
    Plain { text: text.into_owned(), link }
}

/// As [`plain`]: what people see, which is a part of the line itself where it holds no markup, and
/// the link.
pub(crate) fn shown(raw: &str) -> (Cow<'_, str>, Option<String>) {
    let signs = signs::of(raw);
    let has = |sign| signs & sign != signs::NONE;
    let mut text = Cow::Borrowed(raw.trim());
    if signs == signs::NONE {
        return (text, None);
    }
    if has(signs::ODD) && raw.contains(is_invisible) {
        text = Cow::Owned(raw.chars().filter(|c| !is_invisible(*c)).collect());
    }
    if has(signs::TICK) {
        text = Cow::Owned(without_ticks(&text));
    }
    if has(signs::ANGLE) {
        text = part(text, without_quotes);
    }
    // A spoiler around several lines opens on one and closes on another.
    if has(signs::BAR) && has_pair(&text, *b"||") {
        let revealed = without_pairs(&text, "||", |_, _, _| true);
        text = Cow::Owned(revealed.trim().trim_start_matches("||").trim_end_matches("||").to_owned());
    }
    let mut link = None;
    if has(signs::BRACKET) && has_pair(&text, *b"](") {
        let (without, target) = without_links(&text);
        (text, link) = (Cow::Owned(without), target);
    }
    if has(signs::WRAPPER) {
        if has_pair(&text, *b"**") {
            text = Cow::Owned(without_pairs(&text, "**", is_bold));
        }
        text = part(text, without_wrappers);
    }
    if has(signs::COLON) && (text.contains('<') || holds_emoji_name(&text)) {
        text = Cow::Owned(without_emoji_codes(&text));
    }
    if has(signs::AMPERSAND) {
        // An entity may be a line break, or a sign that is never seen.
        let decoded = html_escape::decode_html_entities(&text).replace(['\n', '\r'], " ");
        text = Cow::Owned(decoded.chars().filter(|c| !is_invisible(*c)).collect());
    }
    text = part(text, str::trim);
    let link = link.or_else(|| is_web_link(&text).then(|| text.clone().into_owned()));
    (text, link)
}

/// Whether two signs stand side by side. In the short texts of cards this is faster than a search.
fn has_pair(text: &str, pair: [u8; 2]) -> bool {
    text.as_bytes().array_windows().any(|two| *two == pair)
}

/// A part of a text, which is borrowed where the text is.
pub(crate) fn part(text: Cow<'_, str>, of: fn(&str) -> &str) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(of(text)),
        Cow::Owned(text) if of(&text).len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(of(&text).to_owned()),
    }
}

/// Fences always go, single ticks where they come in pairs.
fn without_ticks(text: &str) -> String {
    let text = text.replace("```", "");
    if text.matches('`').count().is_multiple_of(2) { text.replace('`', "") } else { text }
}

/// Whether a plain text says that there is no value.
#[must_use]
pub fn is_no_value(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\u{200d}' | '\u{fe0f}'))
        || NO_VALUE.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether a character is never seen: controls but tabs, zero-width and direction marks, and the
/// letters that look like nothing. The zero-width joiner stays, emoji are made with it.
fn is_invisible(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{feff}' | '\u{ad}' | '\u{61c}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{2800}' | '\u{3164}')
}

/// Only links that a browser opens harmlessly.
fn is_web_link(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

/// Takes off the signs of a quoted message.
fn without_quotes(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = text.strip_prefix("> ").or_else(|| text.strip_prefix(">>> ")) {
        text = inner.trim_start();
    }
    text
}

/// Removes a marker where it opens and closes and `is_pair` of before, inside and behind agrees;
/// leaves any other.
fn without_pairs(text: &str, marker: &str, is_pair: impl Fn(&str, &str, &str) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(marker)
        && let Some((inside, behind)) = after.split_once(marker)
    {
        out.push_str(before);
        if is_pair(before, inside, behind) {
            out.push_str(inside);
            rest = behind;
        } else {
            out.push_str(marker);
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Whether stars are meant as bold: around words, and not in the middle of one, where they mask
/// (`j***e@g****.com`) or are a part of a password.
fn is_bold(before: &str, inside: &str, behind: &str) -> bool {
    let is_edge = |c: char| c.is_whitespace() || c == '*';
    !inside.is_empty()
        && !before.ends_with(|c: char| c.is_alphanumeric() || c == '*')
        && !inside.starts_with(is_edge)
        && !inside.ends_with(is_edge)
        && (!behind.starts_with(|c: char| c.is_alphanumeric() || c == '*') || inside.ends_with(':'))
}

/// Takes off markers that enclose the whole text, as often as they do.
pub(crate) fn without_wrappers(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = WRAPPERS.iter().find_map(|marker| {
        let inner = text.strip_prefix(marker)?.strip_suffix(marker)?.trim();
        let sign = marker.chars().next()?;
        (!inner.is_empty() && !inner.starts_with(sign) && !inner.ends_with(sign)).then_some(inner)
    }) {
        text = inner;
    }
    text
}

/// Replaces each `[text](target)` by its text, and gives the first web link among the targets.
fn without_links(text: &str) -> (String, Option<String>) {
    let mut out = String::with_capacity(text.len());
    let mut link = None;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        // A target ends before the next link begins, which keeps the search short.
        let reach = after.split_once("](").map_or(after, |(reach, _)| reach);
        let (Some((lead, label)), Some((target, _))) = (split_at_open(before), split_at_close(reach)) else {
            out.push_str(before);
            out.push_str("](");
            rest = after;
            continue;
        };
        out.push_str(lead);
        out.push_str(label);
        rest = after.strip_prefix(target).and_then(|behind| behind.strip_prefix(')')).unwrap_or_default();
        let target = target.split_whitespace().next().unwrap_or_default();
        let target = target.trim_start_matches('<').trim_end_matches('>');
        if link.is_none() && is_web_link(target) {
            link = Some(target.to_owned());
        }
    }
    out.push_str(rest);
    (out, link)
}

/// Splits at the `[` that the end of the text closes, brackets inside the label counted.
fn split_at_open(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().rev() {
        match c {
            ']' => depth += 1,
            '[' if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            '[' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Splits at the `)` that closes a link's target, parentheses inside the target counted.
fn split_at_close(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Removes `<:name:1>` and `<a:name:1>` anywhere, and `:name:` where it stands alone, so that
/// `host:8000:user` is left as it is.
fn without_emoji_codes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let reach = after.split_once('<').map_or(after, |(reach, _)| reach);
        match reach.split_once('>') {
            Some((code, _)) if is_custom_emoji(code) => {
                rest =
                    after.strip_prefix(code).and_then(|behind| behind.strip_prefix('>')).unwrap_or_default();
            }
            Some((code, behind))
                if is_web_link(code) && out.trim().is_empty() && behind.trim().is_empty() =>
            {
                // Angle brackets around a link keep Discord from showing a preview.
                out.push_str(code);
                rest = "";
            }
            _ => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    if holds_emoji_name(&out) {
        out = out.split_whitespace().filter(|word| !is_emoji_name(word)).collect::<Vec<_>>().join(" ");
    }
    out
}

/// Whether a `:name:` stands alone. Most texts have no two colons.
fn holds_emoji_name(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b':').count() > 1 && text.split_whitespace().any(is_emoji_name)
}

fn is_custom_emoji(code: &str) -> bool {
    let mut parts = code.strip_prefix("a:").or_else(|| code.strip_prefix(':')).unwrap_or_default().split(':');
    matches!((parts.next(), parts.next(), parts.next()), (Some(name), Some(id), None)
        if !name.is_empty() && !id.is_empty() && id.chars().all(|c| c.is_ascii_digit()))
}

fn is_emoji_name(word: &str) -> bool {
    word.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).is_some_and(|name| {
        name.chars().any(char::is_alphabetic)
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
    })
}
