//! The file format: TOML with sections, each value with its place.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    File, Origin, Problem, key,
    node::{Node, Table, Value},
};

/// The values of a file whose keys are known, and what is wrong with the rest.
///
/// Of a syntax error only the message is kept: TOML's own report repeats the line it stands on,
/// and with it a secret that somebody forgot to quote.
pub(crate) fn read(file: File<'_>) -> (Table, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(file.text);
    let mut reader = Reader { file, problems: Vec::new() };
    if errors.is_empty() {
        let values = reader.table("", table.into_inner());
        return (values, reader.problems);
    }
    for error in errors {
        reader.refuse(&error.span().unwrap_or_default(), format!("this is no TOML: {}", error.message()));
    }
    (Table::new(), reader.problems)
}

struct Reader<'a> {
    file: File<'a>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The values of the section at `path`; that of the whole file has an empty one.
    fn table(&mut self, path: &str, table: DeTable<'_>) -> Table {
        let known = key::names_in(path);
        let mut values = Table::new();
        for (name, value) in table {
            let at = name.span();
            let name = name.into_inner().into_owned();
            let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if !known.contains(&&*name) {
                let hint = key::hint(&name, &known);
                let message = match path {
                    "" => format!("unknown section [{name}]; {hint}"),
                    _ => format!("unknown key `{name}` in {}; {hint}", key::header(path)),
                };
                self.refuse(&at, message);
            } else if has_form_of(&inner, value.get_ref()) {
                let value = self.node(&inner, value);
                values.insert(name, value);
            } else {
                let header = key::header(&inner);
                self.refuse(&at, format!("`{inner}` is a section: write {header} on a line of its own"));
            }
        }
        values
    }

    fn node(&mut self, path: &str, value: Spanned<DeValue<'_>>) -> Node {
        let origin = self.origin(&value.span());
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Boolean(value) => Value::Boolean(value),
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
                .map_or(Value::Other("an integer of more than 64 bits"), Value::Integer),
            DeValue::Array(items) => {
                Value::List(items.into_iter().map(|item| self.node(path, item)).collect())
            }
            DeValue::Table(table) if key::is_section(path) => Value::Table(self.table(path, table)),
            other => Value::Other(other.type_str()),
        };
        Node { path: path.to_owned(), origin, value }
    }

    fn refuse(&mut self, at: &Range<usize>, message: String) {
        self.problems.push(Problem { origin: self.origin(at), message });
    }

    /// The place of the first byte of `span`.
    fn origin(&self, span: &Range<usize>) -> Origin {
        let text = self.file.text;
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Origin::File {
            name: self.file.name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// Whether a value can stand at `path`: a section only where one belongs. Keys take any form here;
/// their readers know which is right.
fn has_form_of(path: &str, value: &DeValue<'_>) -> bool {
    if key::is_repeated(path) {
        matches!(value, DeValue::Array(items) if items.iter().all(|item| item.get_ref().is_table()))
    } else {
        path.contains('.') || value.is_table()
    }
}
