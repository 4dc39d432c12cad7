//! The file format: TOML with one level of sections, each value with its place.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    File, Origin, Problem,
    key::{self, Key},
};

/// One `key = value` of a file.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) section: String,
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// A value as it stands in the file.
#[derive(Debug)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// Anything else, by the name of its kind.
    Other(&'static str),
}

/// The entries of a file whose keys are known, and what is wrong with the rest.
///
/// Of a syntax error only the message is kept: TOML's own report repeats the line it stands on,
/// and with it a secret that somebody forgot to quote.
pub(super) fn read(file: File<'_>) -> (Vec<Entry>, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(file.text);
    if !errors.is_empty() {
        let problems = errors.iter().map(|error| Problem {
            origin: origin(file, &error.span().unwrap_or_default()),
            message: format!("this is no TOML: {}", error.message()),
        });
        return (Vec::new(), problems.collect());
    }

    let mut entries = Vec::new();
    let mut problems = Vec::new();
    for (section, content) in table.into_inner() {
        let at = origin(file, &section.span());
        let section = section.into_inner();
        match content.into_inner() {
            _ if !key::sections().contains(&&*section) => problems.push(Problem {
                message: format!("unknown section [{section}]; {}", key::hint(&section, &key::sections())),
                origin: at,
            }),
            DeValue::Table(keys) => read_section(file, &section, keys, &mut entries, &mut problems),
            _ => problems.push(Problem {
                message: format!("`{section}` is a section: write [{section}] on a line of its own"),
                origin: at,
            }),
        }
    }
    (entries, problems)
}

fn read_section(
    file: File<'_>,
    section: &str,
    keys: DeTable<'_>,
    entries: &mut Vec<Entry>,
    problems: &mut Vec<Problem>,
) {
    let known = key::names_in(section);
    for (name, value) in keys {
        if !known.contains(&&**name.get_ref()) {
            problems.push(Problem {
                origin: origin(file, &name.span()),
                message: format!(
                    "unknown key `{}` in [{section}]; {}",
                    name.get_ref(),
                    key::hint(name.get_ref(), &known)
                ),
            });
            continue;
        }
        entries.push(Entry {
            section: section.to_owned(),
            name: name.into_inner().into_owned(),
            origin: origin(file, &value.span()),
            value: read_value(value),
        });
    }
}

fn read_value(value: Spanned<DeValue<'_>>) -> Value {
    match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        other => Value::Other(other.type_str()),
    }
}

/// The place of the first byte of `span`.
fn origin(file: File<'_>, span: &Range<usize>) -> Origin {
    let before = file.text.get(..span.start).unwrap_or(file.text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Origin::File {
        name: file.name.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before.chars().count() - before.get(..line_start).unwrap_or_default().chars().count() + 1,
    }
}

/// A file with these values.
pub(super) fn write<'a>(values: impl Iterator<Item = (&'a Key, String)>) -> String {
    let mut lines = Vec::new();
    let mut section = "";
    for (key, value) in values {
        if key.section != section {
            // An empty line between sections.
            lines.extend((!section.is_empty()).then(String::new));
            section = key.section;
            lines.push(format!("[{section}]"));
        }
        lines.push(format!("{} = {}", key.name, quoted(&value)));
    }
    lines.join("\n") + "\n"
}

/// A basic string of TOML 1.0, <https://toml.io/en/v1.0.0#string>.
fn quoted(value: &str) -> String {
    let escaped = value.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
