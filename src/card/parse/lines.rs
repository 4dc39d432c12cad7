//! The lines of a text form: which are labels, headlines and values.
//!
//! The grammar of the text form, which `flatten` writes and people paste:
//!
//! - a line that opens a card is a headline;
//! - a line that is in the label table is a label, and `Label: value` is both;
//! - a line that is bold as a whole is an unknown label, unless a label waits for its value; behind
//!   a backslash inside the stars it is one whatever it says;
//! - a headline without a store behind a label for states or reasons is the value of that label;
//! - a line behind a backslash is a value, less the backslash, whatever it says.

use std::borrow::Cow;

use unicode_properties::UnicodeEmoji;

use super::headline;
use super::headline::Headline;
use super::labels;
use super::labels::Label;
use super::markup;

/// One line of a text form: as it stands, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The line, trimmed.
    pub raw: &'a str,
    /// What it is.
    pub line: Line<'a>,
}

/// What a line of a text form is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Opens a card.
    Headline(Headline),
    /// A label of the table, and the value that stands on the same line.
    Label(Label, Option<&'a str>),
    /// A label that the table does not know, as people see it.
    Unknown(String),
    /// Anything else.
    Text,
    /// A value for sure.
    Escaped(&'a str),
}

/// What Discord shows as a heading, a list or a quote, at the beginning of a line.
const SIGNS: [char; 5] = ['#', '>', '•', '-', '*'];
/// Longer lines are no headlines: they are prose.
const LONGEST_HEADLINE: usize = 200;
/// Longer lines are no labels.
const LONGEST_LABEL: usize = 80;

/// Reads the lines of a text, blank ones and code fences left out. The lines that are left read the
/// same again.
#[must_use]
pub fn read(text: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut raw = text.lines().map(trimmed).peekable();
    while let Some(line) = raw.next() {
        if line.is_empty() || is_fence(line, raw.peek().copied()) {
            continue;
        }
        let line = language(line).unwrap_or(line);
        let kind = match classify(line) {
            Line::Headline(headline) if headline.store.is_none() && awaits_phrase(&rows) => Line::Text,
            kind => kind,
        };
        rows.push(Row { raw: line, line: kind });
    }
    rows
}

/// A line without what is not seen at its ends: white space, and the mark of a text's byte order.
#[must_use]
pub fn trimmed(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Whether the label before has no value yet and is one whose values speak like headlines.
fn awaits_phrase(rows: &[Row<'_>]) -> bool {
    matches!(rows.last(), Some(Row { line: Line::Label(label, None), .. }) if label.takes_phrase())
}

/// Whether `flatten` must put a backslash before a line so that it stays a value.
#[must_use]
pub fn needs_escape(line: &str) -> bool {
    let line = trimmed(line);
    line.starts_with("```") || !matches!(classify(line), Line::Text)
}

/// Whether a field name is in the label table.
#[must_use]
pub fn is_label(name: &str) -> bool {
    matches!(classify(name.trim()), Line::Label(_, None))
}

/// The line that is a label of this name, which the table does not know.
#[must_use]
pub fn unknown_label(name: &str) -> String {
    let name = name.trim_end_matches([':', ' ']);
    let line = format!("**{name}**");
    if matches!(classify(&line), Line::Unknown(read) if read == name) {
        line
    } else {
        format!("**\\{name}**")
    }
}

/// What a single line is.
#[must_use]
pub fn classify(line: &str) -> Line<'_> {
    if let Some(value) = line.strip_prefix('\\') {
        return Line::Escaped(value);
    }
    if let Some(name) = line.strip_prefix("**\\").and_then(|rest| rest.strip_suffix("**")) {
        return Line::Unknown(name.to_owned());
    }
    if line.len() <= LONGEST_HEADLINE {
        let seen = visible(line);
        if let Some(headline) = headline::read(&seen) {
            return Line::Headline(headline);
        }
        if line.len() <= LONGEST_LABEL
            && let Some(label) = labels::named(&seen)
        {
            return Line::Label(label, None);
        }
    }
    if let Some((label, value)) = inline(line) {
        return Line::Label(label, Some(value));
    }
    match bold(line) {
        Some(name) => Line::Unknown(name),
        None => Line::Text,
    }
}

/// `Label: value` on one line, also `**Label:** value` and `**Label** value`.
fn inline(line: &str) -> Option<(Label, &str)> {
    let line = line.trim_start_matches(['#', '>', '•', '-', ' ']);
    let marked = ["**", "__", "`"].into_iter().find_map(|mark| line.strip_prefix(mark)?.split_once(mark));
    marked.and_then(labelled).or_else(|| line.split_once([':', '：']).and_then(labelled))
}

fn labelled<'a>((name, value): (&'a str, &'a str)) -> Option<(Label, &'a str)> {
    let value = value.trim_start_matches([':', '：', ' ']).trim();
    if value.is_empty() || name.len() > LONGEST_LABEL {
        return None;
    }
    Some((labels::find(name)?, value))
}

/// The inside of a line that is bold as a whole and no link.
fn bold(line: &str) -> Option<String> {
    let inside = line.strip_prefix("**")?.trim_end_matches(':').strip_suffix("**")?;
    let inside = inside.trim().trim_end_matches(':').trim();
    (!inside.is_empty() && !inside.contains("**"))
        .then(|| markup::plain(inside))
        .filter(|name| !name.text.is_empty() && name.link.is_none())
        .map(|name| name.text)
}

/// A line that only opens or closes a code block; a language behind the ticks goes with it,
/// unless the block closes at once and so has nothing else in it.
fn is_fence(line: &str, next: Option<&str>) -> bool {
    line == "```" || (language(line).is_some() && next.is_some_and(|next| next != "```"))
}

/// What may be the language of a code block: the only word behind its ticks.
fn language(line: &str) -> Option<&str> {
    let word = line.strip_prefix("```")?;
    (!word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic())).then_some(word)
}

/// A line as people see it: without markup, emoji, and the signs of headings, lists and quotes.
#[must_use]
pub fn visible(line: &str) -> Cow<'_, str> {
    let (text, _) = markup::shown(line);
    if text.is_ascii() {
        return markup::part(text, without_signs);
    }
    let kept: String = text.chars().filter(|c| !is_emoji(*c)).collect();
    Cow::Owned(without_signs(&kept).to_owned())
}

fn without_signs(text: &str) -> &str {
    let mut kept = text.trim();
    if !kept.starts_with(SIGNS) {
        return kept;
    }
    for sign in SIGNS {
        while let Some(rest) = kept.strip_prefix(sign).filter(|rest| rest.starts_with([' ', '#', '>'])) {
            kept = rest.trim_start();
        }
    }
    kept
}

fn is_emoji(c: char) -> bool {
    !c.is_ascii() && (c.is_emoji_char() || matches!(c, '\u{fe0f}' | '\u{200d}' | '\u{20e3}'))
}
