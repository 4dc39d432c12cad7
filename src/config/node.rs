//! A value with its place, and how something is made of it.
//!
//! Readers report with [`Node::refuse`], which knows name and place. What they say never repeats a
//! value that may be a secret.

use std::{collections::BTreeMap, fmt};

use super::{Origin, Problem, key::Key};

/// What a reader makes of a value, or all that is wrong with it.
pub(crate) type Read<T> = Result<T, Vec<Problem>>;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Its name in reports: `http.bind`. Elements of a list have that of the list.
    pub(crate) path: String,
    pub(crate) origin: Origin,
    pub(crate) value: Value,
}

/// A value as it was given.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A text of a file.
    Text(String),
    /// The text of a variable, which stands for a value of any kind.
    Variable(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Node>),
    Table(Table),
    /// Anything else, by the name of its kind.
    Other(&'static str),
}

/// The values of a section, by name.
pub(crate) type Table = BTreeMap<String, Node>;

impl Node {
    /// Says what is wrong with this value.
    pub(crate) fn refuse(&self, expected: impl fmt::Display) -> Vec<Problem> {
        vec![Problem { origin: self.origin.clone(), message: format!("{}: {expected}", self.path) }]
    }

    /// Says of which kind the value should be.
    pub(crate) fn refuse_kind(&self, expected: &str) -> Vec<Problem> {
        match &self.value {
            Value::Variable(_) => self.refuse(format_args!("expected {expected}")),
            other => self.refuse(format_args!("expected {expected}, not {}", other.kind())),
        }
    }

    /// What `read` makes of a text. It says in its error what is expected.
    pub(crate) fn text<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Read<T> {
        match &self.value {
            Value::Text(text) | Value::Variable(text) => read(text).map_err(|expected| self.refuse(expected)),
            _ => Err(self.refuse_kind("a text in quotes")),
        }
    }

    /// `None` for an empty text, else what `read` makes of the value.
    pub(crate) fn optional<T>(&self, read: impl FnOnce(&Self) -> Read<T>) -> Read<Option<T>> {
        match &self.value {
            Value::Text(text) | Value::Variable(text) if text.trim().is_empty() => Ok(None),
            _ => read(self).map(Some),
        }
    }

    /// True or false.
    pub(crate) fn boolean(&self) -> Read<bool> {
        match &self.value {
            Value::Boolean(value) => Ok(*value),
            Value::Variable(text) if text == "true" => Ok(true),
            Value::Variable(text) if text == "false" => Ok(false),
            _ => Err(self.refuse_kind("true or false, without quotes")),
        }
    }

    /// A whole number from 0 to `most`.
    pub(crate) fn whole_number(&self, most: u32) -> Read<u32> {
        let number = match &self.value {
            Value::Integer(number) => u32::try_from(*number).ok(),
            Value::Variable(text) => text.parse().ok(),
            _ => return Err(self.refuse_kind("a whole number, without quotes")),
        };
        let number = number.filter(|number| *number <= most);
        number.ok_or_else(|| self.refuse(format_args!("expected a whole number from 0 to {most}")))
    }

    /// A list, or the parts of a variable between its commas.
    pub(crate) fn list<T>(&self, read: impl Fn(&Self) -> Read<T>) -> Read<Vec<T>> {
        match &self.value {
            Value::List(items) => collect(items.iter().map(read)),
            Value::Variable(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                collect(
                    parts.map(|part| read(&Self { value: Value::Variable(part.to_owned()), ..self.clone() })),
                )
            }
            _ => Err(self.refuse_kind("a list in brackets")),
        }
    }

    /// What `make` makes of the fields of a table, when nothing was wrong with them.
    pub(crate) fn table<T>(&self, make: impl FnOnce(&mut Fields<'_>) -> Option<T>) -> Read<T> {
        let Value::Table(table) = &self.value else { return Err(self.refuse_kind("a table")) };
        let mut fields = Fields { node: self, table, problems: Vec::new() };
        match make(&mut fields) {
            Some(value) if fields.problems.is_empty() => Ok(value),
            _ => Err(fields.problems),
        }
    }
}

/// Reads the fields of a table one by one, and keeps what is wrong with them.
pub(crate) struct Fields<'a> {
    node: &'a Node,
    table: &'a Table,
    problems: Vec<Problem>,
}

impl Fields<'_> {
    /// The value of a field that must be there; `None` where that is a problem.
    pub(crate) fn required<T>(&mut self, key: &Key, read: impl FnOnce(&Node) -> Read<T>) -> Option<T> {
        let Some(node) = self.table.get(key.name) else {
            self.problems.extend(self.node.refuse(format_args!("`{}` is missing", key.name)));
            return None;
        };
        self.keep(read(node))
    }

    /// The value of a field, or what it is without; `None` where that is a problem.
    pub(crate) fn or<T>(&mut self, default: T, key: &Key, read: impl FnOnce(&Node) -> Read<T>) -> Option<T> {
        let read = self.table.get(key.name).map_or(Ok(default), read);
        self.keep(read)
    }

    fn keep<T>(&mut self, read: Read<T>) -> Option<T> {
        read.map_err(|problems| self.problems.extend(problems)).ok()
    }
}

impl Value {
    /// What TOML calls it.
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Variable(_) => "string",
            Self::Integer(_) => "integer",
            Self::Boolean(_) => "boolean",
            Self::List(_) => "array",
            Self::Table(_) => "table",
            Self::Other(kind) => kind,
        }
    }
}

/// All values, or all problems.
fn collect<T>(items: impl Iterator<Item = Read<T>>) -> Read<Vec<T>> {
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Ok(value) => values.push(value),
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}
