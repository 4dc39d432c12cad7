//! Problems in a configuration, and where they are.

use std::fmt;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// An environment variable.
    Variable(String),
    /// A place in a file. Line and column count from 1, columns in characters.
    File {
        /// The file's name.
        name: String,
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::File { name, line, column } => write!(f, "{name}:{line}:{column}"),
        }
    }
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where.
    pub origin: Origin,
    /// The problem and its remedy. Never holds a value that may be a secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

/// Everything that is wrong with a configuration, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// The hint after an unknown name: the known one it was likely meant for, otherwise all known ones.
pub(crate) fn hint<S: AsRef<str>>(unknown: &str, known: &[S]) -> String {
    let names = known.iter().map(AsRef::as_ref);
    let nearest = names
        .clone()
        .map(|name| (strsim::osa_distance(&unknown.to_lowercase(), &name.to_lowercase()), name))
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, name)| *edits <= name.chars().count() / 3);
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!("known here: {}", names.collect::<Vec<_>>().join(", ")),
    }
}
