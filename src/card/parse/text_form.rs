//! Parses the text form of a card: classifies each line, and assigns values to labels.
//!
//! `flatten` writes this form and people paste it. Its grammar:
//!
//! - A heading says what happened, for example `Successful Checkout | Target`.
//! - A line that is in the label table is a label. `Label: value` is a label with its value.
//! - A line that is bold as a whole is a label that the table does not know, unless the label before it has
//!   no value yet. `**\Name**` is such a label whatever its name.
//! - A heading without a store after a label for states or reasons is the value of that label.
//! - A line that starts with a backslash is a value, without the backslash, whatever it says.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::collections::HashMap;

use super::heading::{self, Heading};
use super::item_line;
use super::labels::{self, Column, Label};
use super::markup::{self, Plain};
use crate::redact::credentials;

/// One line of a text form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The line, trimmed.
    pub raw: &'a str,
    /// Its kind.
    pub line: Line<'a>,
}

/// The kind of a line in a text form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Starts a card.
    Heading(Heading),
    /// A label of the table, and the value on the same line.
    Label(Label, Option<&'a str>),
    /// A label that the table does not know, without markup.
    UnknownLabel(String),
    /// Anything else.
    Text,
    /// A value, even if it looks like a label or a heading.
    Escaped(&'a str),
}

/// The lines of a text form, grouped by label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextForm {
    /// The first heading. A clearer one after it may replace it: see `Heading::refine`.
    pub heading: Option<Heading>,
    /// Other lines before the first label.
    pub intro: Vec<Plain>,
    /// The lines before the first label that mention a user.
    pub mentions: String,
    /// Labels of the table with their values, in order.
    pub known: Vec<LabelledValue>,
    /// Other labels with their values, in order.
    pub unknown: Vec<(String, String)>,
}

/// A label of the table and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledValue {
    /// The label.
    pub label: Label,
    /// The lines of the value that are not empty.
    pub lines: Vec<Plain>,
}

/// A longer line is prose and not a heading, in bytes.
const MAX_HEADING: usize = 200;
/// The marks between a label in bold and its value.
const VALUE_MARKS: [&str; 7] = ["- ", "– ", "— ", "| ", "-> ", "• ", "・"];
/// The marks between several labels on one line.
const LABEL_MARKS: [&str; 5] = [" | ", " • ", " · ", " / ", ", "];
/// A longer line, in bytes, is not searched for bold labels, because the search scans the rest of the line at
/// each label.
const MAX_LABELS: usize = 1000;
/// A longer line is not a label, in bytes.
const MAX_LABEL: usize = 80;
/// A label that the table does not know has at most this many words. More are prose.
const MAX_LABEL_WORDS: usize = 6;

/// Reads the lines of a text, except blank lines and code fences. Reading the remaining lines again gives
/// the same result.
#[must_use]
pub fn rows(text: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut raw_lines = text.lines().map(trim).peekable();
    while let Some(raw) = raw_lines.next() {
        if raw.is_empty() || is_fence(raw, raw_lines.peek().copied()) {
            continue;
        }
        let raw = fence_word(raw).unwrap_or(raw);
        if let Some(labels) = labels_on_line(raw) {
            rows.extend(labels);
            continue;
        }
        let line = match classify(raw) {
            Line::Heading(heading) if heading.store.is_none() && expects_phrase(&rows) => Line::Text,
            line => line,
        };
        rows.push(Row { raw, line });
    }
    rows
}

/// The labels of a line that holds several, each with its value: `Store: Target | Product: Kettle`.
pub(crate) fn labels_on_line(line: &str) -> Option<Vec<Row<'_>>> {
    // Few lines have one of the marks, and one pass over the bytes is faster than a search for each mark.
    let may_hold = |byte: u8| matches!(byte, b'|' | b'/' | b',') || !byte.is_ascii();
    if line.starts_with('\\') || !(line.starts_with("**") || line.bytes().any(may_hold)) {
        return None;
    }
    let row = |raw| {
        let (label, value) = inline_label(raw)?;
        Some(Row { raw, line: Line::Label(label, Some(value)) })
    };
    let marked = LABEL_MARKS.iter().filter(|mark| line.contains(*mark));
    let mut split = marked.map(|mark| line.split(mark).map(trim).map(row).collect());
    split.find_map(|rows| rows).or_else(|| bold_labels(line)?.into_iter().map(row).collect())
}

/// The parts of a line that begin with a bold label: `**Store:** Target **Product:** Kettle`.
fn bold_labels(line: &str) -> Option<Vec<&str>> {
    let may_hold = line.starts_with("**") && line.len() <= MAX_LABELS;
    let (mut parts, mut rest) = (Vec::new(), may_hold.then_some(line)?);
    let starts = |at: usize| line.get(at..).is_some_and(|rest| inline_label(rest).is_some());
    let cuts = line.match_indices(" **").map(|(at, _)| at + 1).filter(|at| starts(*at));
    for cut in cuts.collect::<Vec<_>>().into_iter().rev() {
        let (before, part) = rest.split_at_checked(cut)?;
        parts.push(part.trim());
        rest = before;
    }
    parts.push(rest.trim());
    parts.reverse();
    (parts.len() > 1).then_some(parts)
}

/// Whether the previous label has no value yet and takes phrases such as `Order Shipped`.
fn expects_phrase(rows: &[Row<'_>]) -> bool {
    matches!(rows.last(), Some(Row { line: Line::Label(label, None), .. }) if label.takes_phrase())
}

/// Removes white space, byte order marks and NUL characters at both ends of a line.
#[must_use]
pub fn trim(line: &str) -> &str {
    line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\0'))
}

/// Classifies a line on its own, without its neighbours.
#[must_use]
pub fn classify(line: &str) -> Line<'_> {
    if let Some(value) = line.strip_prefix('\\') {
        return Line::Escaped(value);
    }
    if let Some(name) = line.strip_prefix("**\\").and_then(|rest| rest.strip_suffix("**")) {
        return Line::UnknownLabel(name.to_owned());
    }
    if line.len() <= MAX_HEADING {
        let text = markup::label_text(line);
        if line.len() <= MAX_LABEL
            && let Some(label) = labels::find_plain(&text)
        {
            return Line::Label(label, None);
        }
        if let Some(heading) = heading::parse(&text) {
            // `Reason: Card declined` explains the heading before it.
            return match inline_label(line).filter(|(label, _)| label.takes_phrase()) {
                Some((label, value)) => Line::Label(label, Some(value)),
                None => Line::Heading(heading),
            };
        }
    }
    if let Some((label, value)) = inline_label(line) {
        return Line::Label(label, Some(value));
    }
    match bold_line(line) {
        Some(name) => Line::UnknownLabel(name),
        None => Line::Text,
    }
}

/// `Label: value`, `**Label:** value`, `**Label** value`, `[Label] value`, `| Label | value |`, `Label -> value` or
/// `Label - value`.
fn inline_label(line: &str) -> Option<(Label, &str)> {
    let line = markup::without_lead(line);
    let marked = ["**", "__", "`"].into_iter().find_map(|mark| line.strip_prefix(mark)?.split_once(mark));
    marked
        .and_then(with_known_label)
        .or_else(|| line.strip_prefix('[')?.split_once("] ").and_then(with_known_label))
        .or_else(|| table_cells(line).and_then(with_known_label))
        .or_else(|| {
            line.split_once([':', '：']).and_then(with_known_label).filter(|found| !is_login(line, found))
        })
        .or_else(|| {
            let has_arrow = markup::has_pair(line, *b"->");
            has_arrow.then(|| line.split_once(" -> ").and_then(with_known_label))?
        })
        // A dash is less clear than a colon: prose may begin with an everyday label.
        .or_else(|| split_at_dash(line).and_then(with_known_label).filter(|(label, _)| !label.weak))
}

/// Whether a line that begins like a label is a proxy with its login: `user:password@192.0.2.1:8000`.
fn is_login(line: &str, (label, _): &(Label, &str)) -> bool {
    label.column != Column::Proxy
        && !line.contains(char::is_whitespace)
        && matches!(credentials(line), Cow::Owned(_))
}

/// The two cells of a row of a Markdown table: `| Site | Target |`.
fn table_cells(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.strip_prefix('|')?.strip_suffix('|')?.split_once('|')?;
    (!name.is_empty() && !value.contains('|')).then_some((name.trim(), value.trim()))
}

/// Splits a line at the first dash or arrow between spaces.
fn split_at_dash(line: &str) -> Option<(&str, &str)> {
    let is_dash =
        |c: char| matches!(c, '-' | '–' | '—' | '»' | '→' | '=' | '➜' | '➤' | '➔' | '⇒' | '›' | '►' | '▸');
    let (name, rest) = line.split_once(is_dash)?;
    (name.ends_with(' ') && rest.starts_with(' ')).then_some((name, rest))
}

fn with_known_label<'a>((name, value): (&'a str, &'a str)) -> Option<(Label, &'a str)> {
    let value = value.trim_start_matches([':', '：', '»', '→', '›', ' ']).trim();
    let value = VALUE_MARKS.iter().find_map(|mark| value.strip_prefix(mark)).unwrap_or(value).trim();
    // The most frequent colon is that of a URL.
    if value.is_empty() || value.starts_with("//") || name.len() > MAX_LABEL {
        return None;
    }
    Some((labels::find(name)?, value))
}

/// The text of a line that is bold as a whole and not a link.
fn bold_line(line: &str) -> Option<String> {
    let inside = line.strip_prefix("**")?.trim_end_matches(':').strip_suffix("**")?;
    let inside = inside.trim().trim_end_matches(':').trim();
    (!inside.is_empty() && !inside.contains("**"))
        .then(|| markup::plain(inside))
        .filter(|name| !name.text.is_empty() && name.link.is_none())
        .map(|name| name.text)
}

/// Whether a line only opens or closes a code block. A language after the ticks belongs to the fence,
/// unless the block closes at once: then the word is its content.
fn is_fence(line: &str, next: Option<&str>) -> bool {
    line == "```" || (fence_word(line).is_some() && next.is_some_and(|next| next != "```"))
}

/// The only word after the ticks of a fence, which may be a language.
fn fence_word(line: &str) -> Option<&str> {
    let word = line.strip_prefix("```")?;
    (!word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic())).then_some(word)
}

/// Whether `flatten` must put a backslash in front of a line so that it stays a value.
#[must_use]
pub fn needs_escape(line: &str) -> bool {
    let line = trim(line);
    line.starts_with("```") || !matches!(classify(line), Line::Text)
}

/// Whether a field name is in the label table.
#[must_use]
pub fn is_label(name: &str) -> bool {
    matches!(classify(name.trim()), Line::Label(_, None))
}

/// The line that states a label which the table does not know.
#[must_use]
pub fn unknown_label(name: &str) -> String {
    let name = name.trim_end_matches([':', ' ']);
    let line = format!("**{name}**");
    if matches!(classify(&line), Line::UnknownLabel(read) if read == name) {
        line
    } else {
        format!("**\\{name}**")
    }
}

/// Which label the next line belongs to.
enum Open {
    /// None yet: the line is part of the intro.
    Intro,
    Known,
    Unknown,
    /// The previous line may be a label that the table does not know. The next line decides.
    Undecided(String),
}

/// Groups the lines of a text form by label.
#[must_use]
pub fn parse(text: &str) -> TextForm {
    let rows = rows(text);
    // Lazy, because few cards need it.
    let last_with_value = LazyCell::new(|| last_with_value(&rows));
    let mut form = TextForm::default();
    let mut open = Open::Intro;
    let mut is_label_bulleted = false;
    for (at, Row { raw, line }) in rows.iter().enumerate() {
        open = match line {
            Line::Heading(heading) if matches!(open, Open::Intro) => {
                match &mut form.heading {
                    Some(first) => first.refine(heading),
                    none => *none = Some(heading.clone()),
                }
                form.note_mention(raw);
                Open::Intro
            }
            // The same label follows later with a value, so this one is a value itself.
            Line::Label(label, _)
                if form.awaits_value(&open)
                    && last_with_value.get(label.name).is_some_and(|last| *last > at) =>
            {
                form.push_value(open, raw)
            }
            Line::Label(label, value) => {
                is_label_bulleted = raw.starts_with(['-', '•']);
                form.known.push(LabelledValue { label: *label, lines: Vec::new() });
                value.map_or(Open::Known, |value| form.push_value(Open::Known, value))
            }
            Line::UnknownLabel(name)
                if !form.awaits_value(&open) && labels::named_in_label(name).is_some() =>
            {
                let label = Label { column: Column::NamedItem, name: "product", item: 0, weak: false };
                let name = Plain { text: name.clone(), ..Plain::default() };
                form.known.push(LabelledValue { label, lines: vec![name] });
                Open::Known
            }
            Line::UnknownLabel(name) if !form.awaits_value(&open) => {
                form.unknown.push((name.clone(), String::new()));
                Open::Unknown
            }
            Line::Escaped(value) => form.push_line(open, value),
            Line::UnknownLabel(_) | Line::Text | Line::Heading(_) => {
                // The value of a label in a nested list has a bullet, too.
                let has_bullet = is_label_bulleted && form.awaits_value(&open);
                let bullet = if has_bullet { raw.strip_prefix(['-', '•']) } else { None };
                form.push_value(open, bullet.map_or(raw, str::trim_start))
            }
        };
    }
    form
}

impl TextForm {
    /// Whether the previous label is a known one and has no value yet.
    fn awaits_value(&self, open: &Open) -> bool {
        matches!(open, Open::Known) && self.known.last().is_some_and(|entry| entry.lines.is_empty())
    }

    /// Adds a line without a label to the entry before it, or to the unclaimed lines if that entry is
    /// complete. Returns what is open after this line.
    fn push_value(&mut self, open: Open, line: &str) -> Open {
        let takes_line = self.known.last().is_some_and(|entry| {
            let continues_list = entry.label.column == Column::Product
                && [line, entry.lines.last().map_or("", |line| &line.text)]
                    .iter()
                    .all(|line| item_line::starts_with_count(line) || item_line::has_bullet(line));
            entry.lines.is_empty() || entry.label.takes_lines() || continues_list
        });
        match open {
            Open::Known if !takes_line => self.push_unclaimed(None, line),
            Open::Undecided(name) => self.push_unclaimed(Some(name), line),
            // A bullet before the first label is a product.
            Open::Intro
                if !line.starts_with('•')
                    && let Some(pair) = name_and_value(&markup::plain(line)) =>
            {
                self.unknown.push(pair);
                Open::Intro
            }
            open => self.push_line(open, line),
        }
    }

    /// Handles a line that no label of the table takes.
    fn push_unclaimed(&mut self, undecided: Option<String>, line: &str) -> Open {
        let plain = markup::plain(line);
        let is_ignored = self.known.last().is_some_and(|entry| entry.label.column == Column::Ignored);
        // The link of an ignored value may stand on the next line, and a link is never the name of a label.
        if plain.text.contains("://") && (is_ignored || (undecided.is_none() && plain.link.is_some())) {
            return Open::Known;
        }
        if let Some(pair) = name_and_value(&plain) {
            self.unknown.push(pair);
            return Open::Known;
        }
        match undecided {
            Some(name) => {
                self.unknown.push((name, plain.text));
                Open::Known
            }
            None => Open::Undecided(plain.text),
        }
    }

    fn note_mention(&mut self, line: &str) {
        if markup::has_pair(line, *b"<@") {
            self.mentions.push_str(line);
        }
    }

    /// Adds a line to the open label, even if it looks like a label or a heading.
    fn push_line(&mut self, open: Open, line: &str) -> Open {
        let plain = markup::plain(line);
        match open {
            Open::Intro => {
                self.note_mention(line);
                self.intro.push(plain);
            }
            Open::Known | Open::Undecided(_) => {
                if let Some(entry) = self.known.last_mut() {
                    entry.lines.push(plain);
                }
            }
            Open::Unknown => {
                if let Some((_, value)) = self.unknown.last_mut() {
                    if !value.is_empty() {
                        value.push('\n');
                    }
                    value.push_str(&plain.text);
                }
            }
        }
        open
    }
}

/// `Name: value`, if it is not a link.
fn name_and_value(line: &Plain) -> Option<(String, String)> {
    let (name, value) = line.text.split_once(": ")?;
    let name = name.trim_start_matches(['•', '-', ' ']).trim();
    let is_prose = name.contains(". ") || name.split_whitespace().count() > MAX_LABEL_WORDS;
    (line.link.is_none() && !name.is_empty() && !is_prose).then(|| (name.to_owned(), value.trim().to_owned()))
}

/// The last row of each label that has a value.
fn last_with_value(rows: &[Row<'_>]) -> HashMap<&'static str, usize> {
    let mut last = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        let value_follows = || rows.get(at + 1).is_some_and(|next| !matches!(next.line, Line::Label(..)));
        if let Line::Label(label, value) = row.line
            && (value.is_some() || value_follows())
        {
            last.insert(label.name, at);
        }
    }
    last
}
