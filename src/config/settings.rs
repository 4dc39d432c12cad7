//! The layers of a configuration, from which each key is read by its own reader.

use std::{collections::BTreeMap, io, path::Path};

use super::{
    ConfigError, EXAMPLE, File, Origin, Problem,
    file::{self, Entry, Value},
    key::{self, Key},
};

/// Everything that was given, and everything found wrong with it so far.
pub(super) struct Settings<R> {
    variables: BTreeMap<String, String>,
    /// Of the file, then of the defaults: the first entry of a key counts.
    entries: Vec<Entry>,
    read_secret: R,
    problems: Vec<Problem>,
}

impl<R: Fn(&Path) -> io::Result<String>> Settings<R> {
    /// Takes the layers in. Unknown keys and variables are problems from here on.
    pub(super) fn new(
        file: Option<File<'_>>,
        env: impl IntoIterator<Item = (String, String)>,
        read_secret: R,
    ) -> Self {
        let (mut entries, mut problems) = file.map(file::read).unwrap_or_default();
        let (defaults, broken) = file::read(File { name: "config.example.toml", text: EXAMPLE });
        entries.extend(defaults);
        problems.extend(broken);

        let variables: BTreeMap<_, _> =
            env.into_iter().filter(|(name, _)| name.starts_with(key::PREFIX)).collect();
        problems.extend(variables.keys().filter_map(|name| unknown_variable(name)));

        Self { variables, entries, read_secret, problems }
    }

    /// The value of a key, or `None` where that is a problem. `read` makes the value of its text
    /// and says in its error what is expected; where the key is secret, without any of the text.
    pub(super) fn read<T>(&mut self, key: &Key, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let value = self.text(key).and_then(|(text, origin)| {
            let refused = |expected| Problem { message: format!("{}: {expected}", key.path()), origin };
            read(&text).map_err(refused)
        });
        value.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// What `make` makes, when nothing was wrong.
    pub(super) fn into_result<T>(self, make: impl FnOnce() -> Option<T>) -> Result<T, ConfigError> {
        match make() {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(ConfigError { problems: self.problems }),
        }
    }

    fn text(&self, key: &Key) -> Result<(String, Origin), Problem> {
        if let Some(found) = self.text_in_environment(key) {
            return found;
        }
        let entry = self.entries.iter().find(|entry| entry.section == key.section && entry.name == key.name);
        match entry {
            Some(Entry { value: Value::Text(text), origin, .. }) => Ok((text.clone(), origin.clone())),
            Some(Entry { value: Value::Other(kind), origin, .. }) => Err(Problem {
                origin: origin.clone(),
                message: format!("{}: expected a text in quotes, not {kind}", key.path()),
            }),
            None => Err(Problem {
                origin: Origin::Variable(key.variable()),
                message: format!("{} has no default and must be given", key.path()),
            }),
        }
    }

    fn text_in_environment(&self, key: &Key) -> Option<Result<(String, Origin), Problem>> {
        let value = self.variables.get_key_value(&key.variable());
        let file = key.file_variable().and_then(|variable| self.variables.get_key_value(&variable));
        match (value, file) {
            (None, None) => None,
            (Some((name, text)), None) => Some(Ok((text.clone(), Origin::Variable(name.clone())))),
            (None, Some((name, path))) => Some(self.text_in_secret_file(name, path)),
            (Some((name, _)), Some((file_name, _))) => Some(Err(Problem {
                origin: Origin::Variable(file_name.clone()),
                message: format!("{name} is set as well; unset one of the two"),
            })),
        }
    }

    fn text_in_secret_file(&self, variable: &str, path: &str) -> Result<(String, Origin), Problem> {
        let origin = Origin::Variable(variable.to_owned());
        match (self.read_secret)(Path::new(path)) {
            // Editors end a file with a line break, which is no part of the secret.
            Ok(text) => Ok((text.trim_end_matches(['\r', '\n']).to_owned(), origin)),
            Err(error) => Err(Problem { origin, message: format!("cannot read the file it names: {error}") }),
        }
    }
}

fn unknown_variable(name: &str) -> Option<Problem> {
    let known = key::variables();
    let unknown = !known.iter().any(|variable| variable == name);
    unknown.then(|| Problem {
        origin: Origin::Variable(name.to_owned()),
        message: format!("no such setting; {}", key::hint(name, &known)),
    })
}
