//! Lines put together: what stands before the first label, and each label with its value.

use std::cell::LazyCell;
use std::collections::HashMap;

use super::headline::Headline;
use super::labels::{Column, Label};
use super::lines;
use super::lines::{Line, Row};
use super::markup;
use super::markup::Plain;

/// A text form, put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// The headline that counts: the first strong one, else the first.
    pub headline: Option<Headline>,
    /// Other lines before the first label.
    pub preamble: Vec<Plain>,
    /// Labels of the table with their values, in order.
    pub known: Vec<Entry>,
    /// Other labels with their values, in order.
    pub unknown: Vec<(String, String)>,
}

/// A label of the table and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The label.
    pub label: Label,
    /// The lines of its value that say something; none where there is no value.
    pub lines: Vec<Plain>,
}

/// Whose value the next line is.
enum Open {
    Preamble,
    Known,
    Unknown,
    /// A line that may be a label the table does not know, until the next line tells.
    Maybe(String),
}

/// Puts the lines of a text form together.
#[must_use]
pub fn read(text: &str) -> Entries {
    let rows = lines::read(text);
    // Few cards need it.
    let valued = LazyCell::new(|| last_with_value(&rows));
    let mut entries = Entries::default();
    let mut open = Open::Preamble;
    for (at, Row { raw, line }) in rows.iter().enumerate() {
        open = match line {
            Line::Headline(headline) if matches!(open, Open::Preamble) => {
                let better = entries.headline.as_ref().is_none_or(|kept| headline.strong && !kept.strong);
                if better {
                    entries.headline = Some(headline.clone());
                }
                Open::Preamble
            }
            Line::Label(label, _)
                if entries.waits(&open) && valued.get(label.name).is_some_and(|last| *last > at) =>
            {
                entries.push_value(open, raw)
            }
            Line::Label(label, value) => {
                entries.known.push(Entry { label: *label, lines: Vec::new() });
                value.map_or(Open::Known, |value| entries.push_value(Open::Known, value))
            }
            Line::Unknown(name) if !entries.waits(&open) => {
                entries.unknown.push((name.clone(), String::new()));
                Open::Unknown
            }
            Line::Escaped(value) => entries.push_escaped(open, value),
            Line::Unknown(_) | Line::Text | Line::Headline(_) => entries.push_value(open, raw),
        };
    }
    entries
}

impl Entries {
    /// Whether the label before has no value yet.
    fn waits(&self, open: &Open) -> bool {
        matches!(open, Open::Known) && self.known.last().is_some_and(|entry| entry.lines.is_empty())
    }

    fn push_value(&mut self, open: Open, line: &str) -> Open {
        let takes =
            self.known.last().is_some_and(|entry| entry.lines.is_empty() || entry.label.takes_lines());
        match open {
            Open::Known if !takes => self.push_loose(None, line),
            Open::Maybe(name) => self.push_loose(Some(name), line),
            // A bullet there is a product.
            Open::Preamble
                if !line.starts_with('•')
                    && let Some(pair) = inline_pair(&markup::plain(line)) =>
            {
                self.unknown.push(pair);
                Open::Preamble
            }
            open => self.push_escaped(open, line),
        }
    }

    /// A line that no label of the table claims.
    fn push_loose(&mut self, before: Option<String>, line: &str) -> Open {
        let plain = markup::plain(line);
        let secret = self.known.last().is_some_and(|entry| entry.label.column == Column::Ignored);
        // What is left out may have its link on a further line; and a link is no label's name.
        if plain.text.contains("://") && (secret || (before.is_none() && plain.link.is_some())) {
            return Open::Known;
        }
        if let Some(pair) = inline_pair(&plain) {
            self.unknown.push(pair);
            return Open::Known;
        }
        match before {
            Some(name) => {
                self.unknown.push((name, plain.text));
                Open::Known
            }
            None => Open::Maybe(plain.text),
        }
    }

    /// A line that belongs to what is open, whatever it says.
    fn push_escaped(&mut self, open: Open, line: &str) -> Open {
        let plain = markup::plain(line);
        match open {
            Open::Preamble => self.preamble.push(plain),
            Open::Known | Open::Maybe(_) => {
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

/// `Name: value`, which is no link.
fn inline_pair(line: &Plain) -> Option<(String, String)> {
    let (name, value) = line.text.split_once(": ")?;
    let name = name.trim_start_matches(['•', '-', ' ']).trim();
    (line.link.is_none() && !name.is_empty()).then(|| (name.to_owned(), value.trim().to_owned()))
}

/// Where each label stands last with a value of its own.
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
