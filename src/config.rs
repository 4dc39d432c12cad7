//! The configuration: its sections, and how a file and the environment become one.
//!
//! Pure: the text of the file and the variables are passed in, and so is the way to read a
//! secret's file. A value is taken from the first of these that has it:
//!
//! 1. the variable `ROMS__SECTION__KEY`, or the file that `ROMS__SECTION__KEY_FILE` names; a list
//!    is then a text with commas, and sections of sections have no variables,
//! 2. the configuration file,
//! 3. `config.example.toml`, which is built in and holds every default.
//!
//! All that is wrong is reported at once, each with its place. No report holds a value that may
//! be a secret.

mod access;
mod bind;
mod database_url;
mod discord;
mod error;
mod file;
mod hosts;
mod id;
mod key;
mod log;
mod node;
mod orders;
mod retention;
mod settings;
mod show;

use std::{io, path::Path};

use core::net::SocketAddr;

pub use access::{Access, Level};
pub use database_url::DatabaseUrl;
pub use discord::{Channel, Discord, Token, Trust};
pub use error::{ConfigError, Origin, Problem};
pub use log::{Log, LogFilter, LogFormat};
pub use orders::{NumberMissing, Orders};
pub use retention::Retention;

use node::Node;
use settings::Settings;

/// The default configuration, every key explained.
pub const EXAMPLE: &str = include_str!("../config.example.toml");

/// Everything that can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the orders are kept.
    pub database: Database,
    /// The HTTP API.
    pub http: Http,
    /// The connection to Discord; `None` without a token.
    pub discord: Option<Discord>,
    /// Who may use the commands in Discord.
    pub access: Access,
    /// How orders are read.
    pub orders: Orders,
    /// How long raw messages are kept.
    pub retention: Retention,
    /// What is logged, and how.
    pub log: Log,
}

/// Where the orders are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// The database.
    pub url: DatabaseUrl,
    /// Whether substring search has an index.
    pub search_index: bool,
}

/// The HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Address and port to listen on; a loopback address.
    pub bind: SocketAddr,
    /// Names, in lower case, under which a proxy on this machine hands requests on.
    pub hosts: Vec<String>,
}

/// A configuration file that has been read.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its name, for reports.
    pub name: &'a str,
    /// What it holds.
    pub text: &'a str,
}

impl Config {
    /// The configuration that `file` and the variables in `env` make together.
    ///
    /// Variables that do not begin with `ROMS__` are passed over. `read_secret` reads a file that
    /// a `…_FILE` variable names.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(
        file: Option<File<'_>>,
        env: impl IntoIterator<Item = (String, String)>,
        read_secret: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Self, ConfigError> {
        let mut settings = Settings::new(file, env, read_secret);

        let url = settings.read(&key::DATABASE_URL, |node| node.text(str::parse));
        let search_index = settings.read(&key::DATABASE_SEARCH_INDEX, Node::boolean);
        let bind = settings.read(&key::HTTP_BIND, |node| node.text(bind::from_text));
        let hosts = settings.read(&key::HTTP_HOSTS, |node| node.list(|node| node.text(hosts::from_text)));
        let discord = discord::read(&mut settings);
        let access = access::read(&mut settings);
        let timezone = settings.read(&key::ORDERS_TIMEZONE, |node| node.text(orders::timezone_from_text));
        let currency = settings.read(&key::ORDERS_CURRENCY, |node| node.text(orders::currency_from_text));
        let number_missing = settings.read(&key::ORDERS_NUMBER_MISSING, |node| node.text(str::parse));
        let raw = settings.read(&key::RETENTION_RAW_DAYS, retention::days);
        let filter = settings.read(&key::LOG_FILTER, |node| node.text(str::parse));
        let format = settings.read(&key::LOG_FORMAT, |node| node.text(str::parse));

        settings.into_result(|| {
            Some(Self {
                database: Database { url: url?, search_index: search_index? },
                http: Http { bind: bind?, hosts: hosts? },
                discord,
                access: access?,
                orders: Orders { timezone: timezone?, currency: currency?, number_missing: number_missing? },
                retention: Retention { raw: raw? },
                log: Log { filter: filter?, format: format? },
            })
        })
    }
}
