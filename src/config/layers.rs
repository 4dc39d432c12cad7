//! Merges the layers of a configuration, and turns what serde refuses into problems with a place.
//!
//! The layers are TOML tables whose values carry a span, which serde's errors repeat. A span inside the
//! file gives line and column. Each environment variable has a span of its own past the end of the file.

use std::{collections::BTreeMap, io, ops::Range, path::Path};

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue, Deserializer, Error},
};

use super::{Config, ConfigError, Discord, EXAMPLE, File, Origin, Problem, error::hint, sign_in};

/// Keys that can also be read from a file, which the variable `…_FILE` names.
const SECRETS: [(&str, &str); 4] =
    [("database", "url"), ("discord", "token"), ("http", "webhook_secret"), ("sign_in", "client_secret")];
/// The section that can be repeated, and has no variables.
const REPEATED: &str = "discord.channels";
/// The span of a section that only variables have keys of.
const NOWHERE: Range<usize> = usize::MAX..usize::MAX;

/// The layers, and the problems found in them so far.
pub(crate) struct Layers<'a> {
    file: File<'a>,
    /// The variables in use. The span of each is its index plus the length of the file plus 1.
    variables: Vec<String>,
    /// `config.example.toml`.
    defaults: DeTable<'a>,
    /// The file, with the environment variables over it.
    given: DeTable<'a>,
    problems: Vec<Problem>,
}

impl<'a> Layers<'a> {
    pub(crate) fn new(
        file: File<'a>,
        env: &'a BTreeMap<String, String>,
        read_secret: impl Fn(&Path) -> io::Result<String>,
    ) -> Self {
        let (defaults, _) = DeTable::parse_recoverable(EXAMPLE);
        let (given, errors) = DeTable::parse_recoverable(file.text);
        let given = if errors.is_empty() { given.into_inner() } else { DeTable::new() };
        let mut layers = Self {
            file,
            variables: Vec::new(),
            defaults: defaults.into_inner(),
            given,
            problems: Vec::new(),
        };
        for error in errors {
            // Only the message: the full report quotes the line, which may hold a secret.
            let message = format!("this is not valid TOML: {}", error.message());
            layers.report(&error.span().unwrap_or_default(), message);
        }
        layers.read_secret_files(&read_secret);
        layers.add_environment(env, read_secret);
        layers
    }

    /// Reads the merged layers. Whatever serde refuses is reported and removed; then the rest is read
    /// again, until nothing is refused. This finds all problems.
    pub(crate) fn into_config(mut self) -> Result<Config, ConfigError> {
        let config = loop {
            let mut merged = self.defaults.clone();
            overlay(&mut merged, self.given.clone());
            let error = match Config::deserialize(Deserializer::from(Spanned::new(0..0, merged))) {
                Ok(config) => break Some(config),
                Err(error) => error,
            };
            let removed = error.span().and_then(|span| remove(&mut self.given, &span));
            let go_on = removed.is_some();
            self.report_refused(&error, removed.unwrap_or_default());
            if !go_on {
                break None;
            }
        };
        if let Some(config) = config
            && self.problems.is_empty()
        {
            self.check_channels(&config.discord);
            if config.http.require_signature && config.http.webhook_secret.is_none() {
                let message = "http.require_signature needs a `webhook_secret`; without one ROMS cannot check a signature";
                self.report(&(0..0), message.to_owned());
            }
            if let Some(message) = sign_in::problem(&config) {
                self.report(&(0..0), message);
            }
            if self.problems.is_empty() {
                return Ok(config);
            }
        }
        self.problems.sort();
        Err(ConfigError { problems: self.problems })
    }

    /// Replaces each `…_file` of the file, such as `token_file`, by the secret that the named file holds. Its path is
    /// relative to the configuration file.
    fn read_secret_files(&mut self, read_secret: impl Fn(&Path) -> io::Result<String>) {
        for (section, key) in SECRETS {
            let Some(DeValue::Table(keys)) = self.given.get_mut(section).map(Spanned::get_mut) else {
                continue;
            };
            let Some(path) = keys.remove(format!("{key}_file").as_str()) else { continue };
            let span = path.span();
            let read = match path.get_ref() {
                DeValue::String(_) if keys.contains_key(key) => {
                    Err(format!("{section}.{key} is set as well; remove one of the two"))
                }
                DeValue::String(path) => {
                    let folder = Path::new(self.file.name).parent().unwrap_or(Path::new(""));
                    read_secret(&folder.join(&**path))
                        .map_err(|error| format!("cannot read the file it names: {error}"))
                }
                _ => Err("expected the name of a file in quotes".to_owned()),
            };
            match read {
                Ok(text) => {
                    let key = Spanned::new(span.clone(), key.into());
                    keys.insert(key, Spanned::new(span, secret(&text)));
                }
                Err(message) => self.report(&span, format!("{section}.{key}_file: {message}")),
            }
        }
    }

    /// Puts the environment variables over the file. The example file names all keys and their types.
    fn add_environment(
        &mut self,
        env: &'a BTreeMap<String, String>,
        read_secret: impl Fn(&Path) -> io::Result<String>,
    ) {
        let mut known = Vec::new();
        let mut layer = DeTable::new();
        for (section, keys) in self.defaults.clone() {
            let mut values = DeTable::new();
            for (key, default) in keys.get_ref().as_table().into_iter().flatten() {
                let name = format!("ROMS__{section}__{key}").to_uppercase();
                let file_name = format!("{name}_FILE");
                known.push(name.clone());
                let mut file = None;
                if SECRETS.contains(&(section.get_ref(), key.get_ref())) {
                    known.push(file_name.clone());
                    file = env.get(&file_name);
                }
                let span = self.span_of_variable(if file.is_some() { &file_name } else { &name });
                let value = match (env.get(&name), file) {
                    (None, None) => continue,
                    (Some(text), None) => Ok(typed(text, default.get_ref(), &span)),
                    (None, Some(path)) => match read_secret(Path::new(path)) {
                        Ok(text) => Ok(secret(&text)),
                        Err(error) => Err(format!("cannot read the file it names: {error}")),
                    },
                    (Some(_), Some(_)) => Err(format!("{name} is set as well; unset one of the two")),
                };
                match value {
                    Ok(value) => {
                        let key = Spanned::new(span.clone(), key.get_ref().clone());
                        values.insert(key, Spanned::new(span, value));
                    }
                    Err(message) => self.report(&span, message),
                }
            }
            let section = Spanned::new(NOWHERE, section.into_inner());
            layer.insert(section, Spanned::new(NOWHERE, DeValue::Table(values)));
        }
        overlay(&mut self.given, layer);
        for name in env.keys().filter(|name| !known.contains(name)) {
            if let Some(message) = unknown_variable(name, &known) {
                let span = self.span_of_variable(name);
                self.report(&span, message);
            }
        }
    }

    fn span_of_variable(&mut self, name: &str) -> Range<usize> {
        self.variables.push(name.to_owned());
        let at = self.file.text.len() + self.variables.len();
        at..at
    }

    fn origin(&self, span: &Range<usize>) -> Origin {
        let text = self.file.text;
        if let Some(variable) = span.start.checked_sub(text.len() + 1) {
            return Origin::Variable(self.variables.get(variable).cloned().unwrap_or_default());
        }
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Origin::File {
            name: self.file.name.to_owned(),
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }

    fn report(&mut self, span: &Range<usize>, message: String) {
        let origin = self.origin(span);
        self.problems.push(Problem { origin, message });
    }

    /// Reports an error of serde in plain words, and without the refused value.
    fn report_refused(&mut self, error: &Error, removed: Removed) {
        let (span, message) = (error.span().unwrap_or_default(), error.message());
        let Removed { path, key } = removed;
        // serde quotes the unknown name first, then the known ones.
        if message.starts_with("unknown field ") {
            let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
            let (unknown, known) = names.split_first().unwrap_or((&"", &[]));
            let hint = hint(unknown, known);
            let message = match path.rsplit_once('.') {
                Some((section, _)) => format!("unknown key `{unknown}` in {}; {hint}", header(section)),
                None => format!("unknown section [{unknown}]; {hint}"),
            };
            return self.report(&span, message);
        }
        let wrong_type =
            message.strip_prefix("invalid type: ").and_then(|rest| rest.rsplit_once(", expected "));
        let Some((found, expected)) = wrong_type else {
            let message = match message.strip_prefix("unknown variant ") {
                Some(variant) => variant.replacen(", expected", " is unknown; expected", 1),
                None => message.to_owned(),
            };
            return self.report(&span, format!("{path}: {message}"));
        };
        if expected.starts_with("struct ") || path == REPEATED {
            let header = header(&path);
            return self.report(&key, format!("`{path}` is a section: write {header} on a line of its own"));
        }
        let expected = match expected {
            "a string" => "a text in quotes",
            "a boolean" => "true or false, without quotes",
            "a sequence" => "a list in brackets",
            "i64" => "a whole number, without quotes",
            other => other,
        };
        // `found` is the kind and then the value: string "hunter2".
        let kind = found.split([' ', '`']).next().unwrap_or_default();
        self.report(
            &span,
            match self.origin(&span) {
                Origin::Variable(_) => format!("{path}: expected {expected}"),
                Origin::File { .. } => format!("{path}: expected {expected}, not {kind}"),
            },
        );
    }

    /// Checks the channels against each other and against the guilds, which serde cannot.
    fn check_channels(&mut self, discord: &Discord) {
        let sections = self.given.get("discord").and_then(|discord| discord.get_ref().get("channels"));
        let spans: Vec<_> = match sections.map(Spanned::get_ref) {
            Some(DeValue::Array(sections)) => sections.iter().map(Spanned::span).collect(),
            _ => return,
        };
        for (at, (channel, span)) in discord.channels.iter().zip(spans).enumerate() {
            let message = if channel.id == 0 {
                "`id` is missing".to_owned()
            } else if discord.channels.iter().take(at).any(|other| other.id == channel.id) {
                format!("{} is listed twice", channel.id)
            } else if discord.guilds.is_empty() && at == 0 {
                "a channel is watched only if its guild is listed: set `guilds` under [discord] to the ids of your \
                 guilds"
                    .to_owned()
            } else {
                continue;
            };
            self.report(&span, format!("{REPEATED}: {message}"));
        }
    }
}

/// The secret in the text of a file. Editors end a file with a line break, which is not part of the secret.
fn secret<'a>(text: &str) -> DeValue<'a> {
    DeValue::String(text.trim_end_matches(['\r', '\n']).to_owned().into())
}

/// Puts the keys of one table over those of another, section by section.
fn overlay<'a>(below: &mut DeTable<'a>, above: DeTable<'a>) {
    for (name, section) in above {
        let (span, section) = (section.span(), section.into_inner());
        match (below.get_mut(name.get_ref().as_ref()).map(Spanned::get_mut), section) {
            (Some(DeValue::Table(below)), DeValue::Table(above)) => below.extend(above),
            // The file has a value in place of a section. It is reported later.
            (Some(_), DeValue::Table(_)) => {}
            (_, section) => drop(below.insert(name, Spanned::new(span, section))),
        }
    }
}

/// The text of a variable in the type of the key's default. A text that does not fit stays a text, which
/// serde then refuses.
fn typed<'a>(text: &'a str, default: &DeValue<'_>, span: &Range<usize>) -> DeValue<'a> {
    let value = match default {
        DeValue::Array(_) => {
            let mut list = DeArray::new();
            for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
                list.push(Spanned::new(span.clone(), DeValue::String(item.into())));
            }
            Some(DeValue::Array(list))
        }
        DeValue::Boolean(_) => text.parse().ok().map(DeValue::Boolean),
        DeValue::Integer(_) => DeValue::parse(text).ok().map(Spanned::into_inner).filter(DeValue::is_integer),
        _ => None,
    };
    value.unwrap_or_else(|| DeValue::String(text.into()))
}

/// The problem with a variable that belongs to no key; `None` if it belongs to another program.
fn unknown_variable(name: &str, known: &[String]) -> Option<String> {
    let letters = |name: &str| name.replace('_', "");
    if !name.starts_with("ROMS_") {
        None
    } else if let Some(meant) = known.iter().find(|known| letters(known) == letters(name)) {
        Some(format!("no such setting; section and key are separated by two underscores: `{meant}`"))
    } else if name.starts_with("ROMS__DISCORD__CHANNELS") {
        Some(format!("{} can only be set in the configuration file", header(REPEATED)))
    } else {
        name.starts_with("ROMS__").then(|| format!("no such setting; {}", hint(name, known)))
    }
}

/// How a section begins in a file.
fn header(section: &str) -> String {
    if section == REPEATED { format!("[[{section}]]") } else { format!("[{section}]") }
}

/// A value that was removed from a table.
#[derive(Default)]
struct Removed {
    /// Its keys, joined by dots. An element of a list has the path of the list.
    path: String,
    /// The place of its key.
    key: Range<usize>,
}

/// Removes the value that has this span, or whose key has it.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<Removed> {
    let own = table.iter().find(|(key, value)| key.span() == *span || value.span() == *span);
    if let Some(key) = own.map(|(key, _)| key.clone()) {
        table.remove(&key);
        return Some(Removed { path: key.to_string(), key: key.span() });
    }
    let within = |key: &Spanned<_>, Removed { path, key: place }| Removed {
        path: format!("{key}.{path}"),
        key: place,
    };
    table.iter_mut().find_map(|(key, value)| match value.get_mut() {
        DeValue::Table(inner) => remove(inner, span).map(|removed| within(key, removed)),
        DeValue::Array(items) if items.iter().any(|item| item.span() == *span) => {
            let mut others = DeArray::new();
            items.iter().filter(|item| item.span() != *span).for_each(|item| others.push(item.clone()));
            *items = others;
            Some(Removed { path: key.to_string(), key: key.span() })
        }
        DeValue::Array(items) => items.iter_mut().find_map(|item| match item.get_mut() {
            DeValue::Table(inner) => remove(inner, span).map(|removed| within(key, removed)),
            _ => None,
        }),
        _ => None,
    })
}
