//! Gathers what a configuration is made of: the file, the environment, the secrets' files.

use std::{env, fs, path::Path};

use anyhow::Context;

use crate::config::{Config, File};

/// Read when no file is named and the working directory has one.
const USUAL_FILE: &str = "config.toml";

/// The configuration in force.
///
/// # Errors
/// When the file cannot be read, or anything in the configuration is wrong.
pub(crate) fn config(named: Option<&Path>) -> anyhow::Result<Config> {
    let path = named.or_else(usual_file);
    let name = path.map(|path| path.display().to_string()).unwrap_or_default();
    let text = path.map(fs::read_to_string).transpose();
    let text = text.with_context(|| format!("cannot read the configuration file {name}"))?;

    let file = text.as_deref().map(|text| File { name: &name, text });
    Ok(Config::load(file, environment(), |path| fs::read_to_string(path))?)
}

/// `config.toml`, unless it is surely missing: one that cannot be looked at is an error to report.
fn usual_file<'a>() -> Option<&'a Path> {
    let path = Path::new(USUAL_FILE);
    path.try_exists().unwrap_or(true).then_some(path)
}

/// The variables of this process. A name or value that is no Unicode gets replacement characters,
/// so that it is refused by name where it is one of ours.
fn environment() -> impl Iterator<Item = (String, String)> {
    env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}
