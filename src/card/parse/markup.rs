//! Removes Discord's markup from one line of text, and finds the link in it.

use std::borrow::Cow;

use unicode_properties::UnicodeEmoji;

/// A line without its markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plain {
    /// The text as people see it, trimmed.
    pub text: String,
    /// The first `http` or `https` link in it.
    pub link: Option<String>,
    /// The text of that link, if there is other text beside it: `Name` in `- [Name](link) - M`.
    pub link_text: Option<String>,
}

/// Texts that mean "no value".
const NO_VALUE: &[&str] = &["n/a", "na", "-", "–", "—", "none", "null", "_ _", "** **"];

/// Markers that may enclose a whole value, longest first.
const WRAPPERS: &[&str] = &["***", "**", "__", "~~", "*", "_"];

/// Discord's marks for headings, lists and quotes at the start of a line.
const BLOCK_MARKS: [char; 5] = ['#', '>', '•', '-', '*'];

/// Arrows, bullets and block marks in front of a label.
#[rustfmt::skip]
const LEADS: [char; 24] = [
    '#', '>', '•', '-', '–', '—', '·', '▪', '●', '◦', '▸', '►', '▶', '➤', '➜', '→', '»', '›', '├', '└', '│', '╰', '┃', '┗',
];

/// Removes spoilers, links, code ticks, bold, emoji codes, zero-width and control characters,
/// and decodes HTML entities once.
#[must_use]
pub fn plain(raw: &str) -> Plain {
    let (text, link) = without_markup(raw);
    let (link, link_text) = link.map_or((None, None), |link| (Some(link.target), link.text));
    Plain { text: text.into_owned(), link, link_text }
}

/// The text of [`plain`], borrowed if the line has no markup.
pub(crate) fn visible(raw: &str) -> Cow<'_, str> {
    without_markup(raw).0
}

/// A web link in a line.
struct Link {
    target: String,
    /// Its text, if there is other text beside it.
    text: Option<String>,
}

/// The text of a line, and the first web link in it.
fn without_markup(raw: &str) -> (Cow<'_, str>, Option<Link>) {
    let marks = marks_in(raw);
    let has = |mark| marks & mark != 0;
    let mut text = Cow::Borrowed(raw.trim());
    if marks == 0 {
        return (text, None);
    }
    if has(UNUSUAL) && raw.contains(is_invisible) {
        text = Cow::Owned(raw.chars().filter(|c| !is_invisible(*c)).collect());
    }
    if has(TICK) {
        text = Cow::Owned(without_ticks(&text));
    }
    if has(ANGLE) {
        text = slice(text, without_quotes);
    }
    // A spoiler around several lines opens on one line and closes on another.
    if has(BAR) && has_pair(&text, *b"||") {
        let revealed = without_pairs(&text, "||", |_, _, _| true);
        text = Cow::Owned(revealed.trim().trim_start_matches("||").trim_end_matches("||").to_owned());
    }
    let mut link = None;
    if has(BRACKET) && has_pair(&text, *b"](") {
        let (without, target) = without_links(&text);
        (text, link) = (Cow::Owned(without), target);
    }
    if has(WRAPPER) {
        for (pair, marker) in [(*b"**", "**"), (*b"__", "__")] {
            if has_pair(&text, pair) {
                text = Cow::Owned(without_pairs(&text, marker, is_bold));
            }
        }
        text = slice(text, without_wrappers);
    }
    if has(COLON) && (text.contains('<') || holds_emoji_name(&text)) {
        text = Cow::Owned(without_emoji_codes(&text));
    }
    if has(AMPERSAND) {
        // An entity may stand for a line break or for an invisible character.
        let decoded = html_escape::decode_html_entities(&text).replace(['\n', '\r'], " ");
        text = Cow::Owned(decoded.chars().filter(|c| !is_invisible(*c)).collect());
    }
    text = slice(text, str::trim);
    let link =
        link.or_else(|| is_web_link(&text).then(|| Link { target: text.clone().into_owned(), text: None }));
    (text, link)
}

/// The form in which labels and headings are compared: a line without markup, emoji and block marks.
#[must_use]
pub fn label_text(line: &str) -> Cow<'_, str> {
    let mut text = visible(line);
    if has_pair(&text, *b"<@") {
        text = Cow::Owned(without_mentions(&text));
    }
    if text.is_ascii() {
        return slice(text, without_block_marks);
    }
    let kept: String = text.chars().filter(|c| !is_emoji(*c)).map(plain_letter).collect();
    Cow::Owned(without_block_marks(&kept).to_owned())
}

/// Removes mentions of users and roles, with which bots begin a heading: `<@123456789012345678> Successful Checkout`.
fn without_mentions(text: &str) -> String {
    let is_mention = |word: &&str| word.starts_with("<@") && word.ends_with('>');
    text.split_whitespace().filter(|word| !is_mention(word)).collect::<Vec<_>>().join(" ")
}

pub(crate) fn without_block_marks(text: &str) -> &str {
    let mut kept = text.trim();
    if !kept.starts_with(BLOCK_MARKS) {
        return kept;
    }
    for mark in BLOCK_MARKS {
        while let Some(rest) = kept.strip_prefix(mark).filter(|rest| rest.starts_with([' ', '#', '>'])) {
            kept = rest.trim_start();
        }
    }
    kept
}

/// The letter or digit that looks like a mathematical alphanumeric symbol. Bots write bold headings with
/// these symbols.
fn plain_letter(c: char) -> char {
    let at = |first: char| u32::from(c) - u32::from(first);
    let letter = match c {
        '\u{1d400}'..='\u{1d6a3}' => match at('\u{1d400}') % 52 {
            upper @ 0..26 => char::from_u32(u32::from('A') + upper),
            lower => char::from_u32(u32::from('a') + lower - 26),
        },
        '\u{1d7ce}'..='\u{1d7ff}' => char::from_u32(u32::from('0') + at('\u{1d7ce}') % 10),
        _ => None,
    };
    letter.unwrap_or(c)
}

fn is_emoji(c: char) -> bool {
    !c.is_ascii() && (c.is_emoji_char() || matches!(c, '\u{fe0f}' | '\u{200d}' | '\u{20e3}'))
}

/// A set of kinds of markup, one bit for each. Most lines have no markup, so looking at each byte
/// once avoids a search for every kind.
type Marks = u8;

/// A code tick.
const TICK: Marks = 1;
/// A bar; two of them mark a spoiler.
const BAR: Marks = 1 << 1;
/// A bracket of a link.
const BRACKET: Marks = 1 << 2;
/// A character of a marker that may enclose a value.
const WRAPPER: Marks = 1 << 3;
/// An angle bracket of a quote or of a custom emoji.
const ANGLE: Marks = 1 << 4;
/// A colon, which emoji and links contain.
const COLON: Marks = 1 << 5;
/// The start of an HTML entity.
const AMPERSAND: Marks = 1 << 6;
/// Anything but visible ASCII and spaces.
const UNUSUAL: Marks = 1 << 7;

/// The kind of each byte.
const MARK_OF_BYTE: [Marks; 256] = {
    let mut marks = [UNUSUAL; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        marks[byte as usize] = match byte {
            b'`' => TICK,
            b'|' => BAR,
            b'[' | b']' => BRACKET,
            b'*' | b'_' | b'~' => WRAPPER,
            b'<' | b'>' => ANGLE,
            b':' => COLON,
            b'&' => AMPERSAND,
            _ => 0,
        };
        byte += 1;
    }
    marks
};

fn marks_in(line: &str) -> Marks {
    line.bytes().fold(0, |marks, byte| marks | MARK_OF_BYTE[usize::from(byte)])
}

/// Whether two ASCII characters stand side by side. In short texts this is faster than a substring search.
pub(crate) fn has_pair(text: &str, pair: [u8; 2]) -> bool {
    text.as_bytes().array_windows().any(|two| *two == pair)
}

/// Applies a function that returns part of its argument, and keeps a borrowed text borrowed.
pub(crate) fn slice(text: Cow<'_, str>, of: fn(&str) -> &str) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(of(text)),
        Cow::Owned(text) if of(&text).len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(of(&text).to_owned()),
    }
}

/// The content of a value that is a code block with a language.
pub(crate) fn without_fence(value: &str) -> &str {
    let inside = value.trim().strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let content = inside.and_then(|inside| inside.split_once('\n')).filter(|(language, _)| {
        !language.is_empty() && language.trim().bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    content.map_or(value, |(_, content)| content)
}

/// Removes code fences, and single ticks if their number is even.
fn without_ticks(text: &str) -> String {
    let text = text.replace("```", "");
    if text.matches('`').count().is_multiple_of(2) { text.replace('`', "") } else { text }
}

/// Whether a text without markup means "no value".
#[must_use]
pub fn is_no_value(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\u{200d}' | '\u{fe0f}'))
        || NO_VALUE.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether a character is invisible: control characters except tabs, zero-width and direction marks, and
/// blank letters. The zero-width joiner is kept because emoji are built with it.
fn is_invisible(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{feff}' | '\u{ad}' | '\u{61c}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{2800}' | '\u{3164}')
}

/// Whether a text is an `http` or `https` link. Other schemes may run code.
fn is_web_link(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

/// Removes the marks of a quoted message.
fn without_quotes(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = text.strip_prefix("> ").or_else(|| text.strip_prefix(">>> ")) {
        text = inner.trim_start();
    }
    text
}

/// Removes pairs of a marker for which `is_pair` accepts the text before, inside and behind; keeps others.
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

/// Whether stars or underscores mean bold or underlined. Inside a word they mask text (`j***e@g****.com`) or belong to a password.
fn is_bold(before: &str, inside: &str, behind: &str) -> bool {
    let is_edge = |c: char| c.is_whitespace() || c == '*';
    !inside.is_empty()
        && !before.ends_with(|c: char| c.is_alphanumeric() || c == '*')
        && !inside.starts_with(is_edge)
        && !inside.ends_with(is_edge)
        && (!behind.starts_with(|c: char| c.is_alphanumeric() || c == '*') || inside.ends_with(':'))
}

/// Removes all markers that enclose the whole text.
pub(crate) fn without_wrappers(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = WRAPPERS.iter().find_map(|marker| {
        let inner = text.strip_prefix(marker)?.strip_suffix(marker)?.trim();
        let mark = marker.chars().next()?;
        (!inner.is_empty() && !inner.starts_with(mark) && !inner.ends_with(mark)).then_some(inner)
    }) {
        text = inner;
    }
    text
}

/// Replaces each `[text](target)` by its text, and returns the first web link among the targets.
fn without_links(text: &str) -> (String, Option<Link>) {
    let mut out = String::with_capacity(text.len());
    let mut link = None;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("](") {
        // A target ends before the next link starts. This keeps the search linear.
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
            let is_alone = [lead, rest].iter().all(|beside| !beside.contains(char::is_alphanumeric));
            let text = (!is_alone).then(|| visible(label).into_owned());
            link = Some(Link { target: target.to_owned(), text });
        }
    }
    out.push_str(rest);
    (out, link)
}

/// Splits at the `[` that the end of the text closes, skipping brackets inside the label.
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

/// Splits at the `)` that closes a link's target, skipping parentheses inside the target.
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

/// Removes `<:name:1>` and `<a:name:1>` anywhere, and `:name:` as a word of its own, so that
/// `host:8000:user` is kept.
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

/// Whether the text has a `:name:` as a word of its own. Most texts have fewer than two colons.
fn holds_emoji_name(text: &str) -> bool {
    text.bytes().filter(|byte| *byte == b':').count() > 1 && text.split_whitespace().any(is_emoji_name)
}

fn is_custom_emoji(code: &str) -> bool {
    let mut parts = code.strip_prefix("a:").or_else(|| code.strip_prefix(':')).unwrap_or_default().split(':');
    matches!((parts.next(), parts.next(), parts.next()), (Some(name), Some(id), None)
        if !name.is_empty() && !id.is_empty() && id.chars().all(|c| c.is_ascii_digit()))
}

fn is_emoji_name(word: &str) -> bool {
    word.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).is_some_and(is_name_of_emoji)
}

fn is_name_of_emoji(name: &str) -> bool {
    name.chars().any(char::is_alphabetic)
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
}

/// A line without the emoji, arrows and block marks in front of it.
pub(crate) fn without_lead(line: &str) -> &str {
    let is_mark = |c: char| c.is_whitespace() || LEADS.contains(&c) || is_emoji(c);
    let mut line = line.trim_start_matches(is_mark);
    while let Some(rest) = without_emoji_code(line) {
        line = rest.trim_start_matches(is_mark);
    }
    line
}

/// The rest of a line that begins with `<:name:1>` or `:name: `.
pub(crate) fn without_emoji_code(line: &str) -> Option<&str> {
    if let Some((code, rest)) = line.strip_prefix('<').and_then(|line| line.split_once('>')) {
        return is_custom_emoji(code).then_some(rest);
    }
    let (name, rest) = line.strip_prefix(':')?.split_once(':')?;
    is_name_of_emoji(name).then_some(rest)
}
