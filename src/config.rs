//! The configuration: one struct per section, read from a file and environment variables.
//!
//! Pure: the caller passes in the text of the file, the variables and a function that reads a secret
//! file. Each key is taken from the first of these layers that has it:
//!
//! 1. the variable `ROMS__SECTION__KEY`, or for a secret the file named by `ROMS__SECTION__KEY_FILE`;
//!    a list is separated by commas there, and `[[discord.channels]]` has no variables,
//! 2. the configuration file,
//! 3. `config.example.toml`, which is built in and holds every default.
//!
//! All problems are reported at once, each with its place. No report repeats a value that may be a
//! secret.
//!
//! A new key takes two changes: a line in `config.example.toml` and a field in its section's struct.

#![expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference to `serialize_with` functions"
)]

mod access;
mod database;
mod discord;
mod error;
mod http;
mod layers;
mod log;
mod metrics;
mod orders;
mod page;
mod retention;
mod sign_in;
mod snowflake;
mod webhooks;

use std::{fmt, io, path::Path};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use access::{Access, Level};
pub use database::{Database, DatabaseUrl};
pub use discord::{Channel, Discord, Token, Trust};
pub use error::{ConfigError, Origin, Problem};
pub use http::Http;
pub use log::{Log, LogFilter, LogFormat};
pub use metrics::Metrics;
pub use orders::{NumberMissing, Orders};
pub use page::Page;
pub use retention::Retention;
pub use sign_in::{CALLBACK, ClientSecret, SignIn};
pub use webhooks::Webhooks;

use layers::Layers;

/// The default configuration, with every key explained.
pub const EXAMPLE: &str = include_str!("../config.example.toml");

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the orders are stored.
    pub database: Database,
    /// The HTTP API.
    pub http: Http,
    /// The connection to Discord. It is used only if it has a token; see [`Config::discord`].
    pub discord: Discord,
    /// The access levels for the commands in Discord and for the web page.
    pub access: Access,
    /// Signing in to the web page with Discord. It is used only if it has a client id.
    pub sign_in: SignIn,
    /// The web page.
    pub page: Page,
    /// How orders are read.
    pub orders: Orders,
    /// Outgoing webhooks.
    pub webhooks: Webhooks,
    /// How long raw messages are kept.
    pub retention: Retention,
    /// The log: which events, and in which format.
    pub log: Log,
    /// Metrics for Prometheus.
    pub metrics: Metrics,
}

/// A configuration file that has been read.
#[derive(Clone, Copy, Debug, Default)]
pub struct File<'a> {
    /// Its name, for reports.
    pub name: &'a str,
    /// Its content.
    pub text: &'a str,
}

impl Config {
    /// Combines `file` and the environment variables in `env`.
    ///
    /// Variables of other programs are ignored. `read_secret` reads a file that a `…_FILE` variable
    /// names.
    ///
    /// # Errors
    /// Lists all problems at once.
    pub fn load(
        file: Option<File<'_>>,
        env: impl IntoIterator<Item = (String, String)>,
        read_secret: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Self, ConfigError> {
        let env = env.into_iter().collect();
        let mut config = Layers::new(file.unwrap_or_default(), &env, read_secret).into_config()?;
        for channel in &mut config.discord.channels {
            if channel.name.trim().is_empty() {
                channel.name = channel.id.to_string();
            }
        }
        Ok(config)
    }

    /// The connection to Discord, if a token is configured.
    #[must_use]
    pub fn discord(&self) -> Option<&Discord> {
        (!self.discord.token.expose().is_empty()).then_some(&self.discord)
    }

    /// The configuration in force, in the format of the file. Passwords and tokens are masked.
    ///
    /// # Errors
    /// Never in practice: every value has a TOML form.
    pub fn to_masked_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }
}

/// Reads a text by a function that says in its error what is expected.
///
/// The error is made inside the visitor: only there does `toml` know the place of an element of a list.
pub(crate) fn text<'de, D, T>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    struct Visitor<P>(P);

    impl<T, P: FnOnce(&str) -> Result<T, String>> de::Visitor<'_> for Visitor<P> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text in quotes")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Visitor(parse))
}

/// Serializes `Some` as its text and `None` as an empty text, the file's way to leave a key unset.
pub(crate) fn text_or_empty<T: fmt::Display, S: Serializer>(
    value: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_str(""),
    }
}
