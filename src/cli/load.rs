//! Loads the configuration from the file, the environment and the secret files.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::config::{Config, File};

/// Used if `--config` names no other file and this one exists.
const DEFAULT_FILE: &str = "config.toml";

/// Loads the configuration. `path` is the argument of `--config`.
pub(crate) fn config(path: Option<&Path>) -> anyhow::Result<Config> {
    let default = Path::new(DEFAULT_FILE);
    // A file that cannot be checked counts as present, so that the reason is reported.
    let path = path.or_else(|| default.try_exists().unwrap_or(true).then_some(default));
    let name = path.map(|path| path.display().to_string()).unwrap_or_default();
    let text = path.map(fs::read_to_string).transpose();
    let text = text.with_context(|| format!("cannot read the configuration file {name}"))?;

    let file = text.as_deref().map(|text| File { name: &name, text });
    Ok(Config::load(file, credentials().chain(environment()), |path| fs::read_to_string(path))?)
}

/// Secrets that systemd may hand over with `LoadCredential=`, and the variables that name their files.
const CREDENTIALS: [(&str, &str); 2] =
    [("discord-token", "ROMS__DISCORD__TOKEN_FILE"), ("database-url", "ROMS__DATABASE__URL_FILE")];

/// The files of the secrets that systemd hands over. An empty one counts as absent, so that the unit can name
/// secrets that an installation does not use.
fn credentials() -> impl Iterator<Item = (String, String)> {
    let folder = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    folder.into_iter().flat_map(|folder| {
        CREDENTIALS.into_iter().filter_map(move |(name, variable)| {
            let path = folder.join(name);
            let is_empty = |text: String| text.trim().is_empty();
            let present = path.exists() && !fs::read_to_string(&path).is_ok_and(is_empty);
            present.then(|| (variable.to_owned(), path.to_string_lossy().into_owned()))
        })
    })
}

/// The variables of this process. Invalid Unicode is replaced, so that a variable of ROMS with invalid
/// Unicode is refused by its name.
fn environment() -> impl Iterator<Item = (String, String)> {
    env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}
