//! The layers of a configuration, from which each key is read by its own reader.

use std::{collections::BTreeMap, io, path::Path};

use super::{
    ConfigError, EXAMPLE, File, Origin, Problem, file,
    key::{self, Key},
    node::{Node, Read, Table, Value},
};

/// Everything that was given, and everything found wrong with it so far.
pub(crate) struct Settings<R> {
    variables: BTreeMap<String, String>,
    /// The file, then the defaults: the first that has a key counts.
    layers: [Table; 2],
    read_secret: R,
    problems: Vec<Problem>,
}

impl<R: Fn(&Path) -> io::Result<String>> Settings<R> {
    /// Takes the layers in. Unknown keys and variables are problems from here on.
    pub(crate) fn new(
        file: Option<File<'_>>,
        env: impl IntoIterator<Item = (String, String)>,
        read_secret: R,
    ) -> Self {
        let (given, mut problems) = file.map(file::read).unwrap_or_default();
        let (defaults, broken) = file::read(File { name: "config.example.toml", text: EXAMPLE });
        problems.extend(broken);

        let variables: BTreeMap<_, _> =
            env.into_iter().filter(|(name, _)| name.starts_with(key::PREFIX)).collect();
        problems.extend(variables.keys().filter_map(|name| unknown_variable(name)));

        Self { variables, layers: [given, defaults], read_secret, problems }
    }

    /// The value that `read` makes of a key's, or `None` where that is a problem.
    pub(crate) fn read<T>(&mut self, key: &Key, read: impl FnOnce(&Node) -> Read<T>) -> Option<T> {
        let value = self.node(key).and_then(|node| {
            let node = node.ok_or_else(|| {
                let origin = Origin::Variable(key.variable().unwrap_or_default());
                vec![Problem { origin, message: format!("{} has no default and must be given", key.path()) }]
            })?;
            read(&node)
        });
        self.keep(value)
    }

    /// The values that `read` makes of a repeated section's: none where there is no such section.
    pub(crate) fn read_repeated<T>(
        &mut self,
        key: &Key,
        read: impl FnOnce(&Node) -> Read<Vec<T>>,
    ) -> Option<Vec<T>> {
        let values = self.node(key).and_then(|node| node.as_ref().map_or(Ok(Vec::new()), read));
        self.keep(values)
    }

    /// What `make` makes, when nothing was wrong.
    pub(crate) fn into_result<T>(self, make: impl FnOnce() -> Option<T>) -> Result<T, ConfigError> {
        match make() {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(ConfigError { problems: self.problems }),
        }
    }

    fn keep<T>(&mut self, value: Read<T>) -> Option<T> {
        value.map_err(|problems| self.problems.extend(problems)).ok()
    }

    /// What the first layer that has the key holds.
    fn node(&self, key: &Key) -> Read<Option<Node>> {
        if let Some(found) = self.text_in_environment(key) {
            let (text, origin) = found.map_err(|problem| vec![problem])?;
            return Ok(Some(Node { path: key.path(), origin, value: Value::Variable(text) }));
        }
        let in_layer = |layer: &Table| match &layer.get(key.section)?.value {
            Value::Table(section) => section.get(key.name).cloned(),
            _ => None,
        };
        Ok(self.layers.iter().find_map(in_layer))
    }

    fn text_in_environment(&self, key: &Key) -> Option<Result<(String, Origin), Problem>> {
        let value = key.variable().and_then(|variable| self.variables.get_key_value(&variable));
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
        message: match key::repeated_section_of(name) {
            Some(section) => format!("{} can stand in the configuration file only", key::header(&section)),
            None => format!("no such setting; {}", key::hint(name, &known)),
        },
    })
}
