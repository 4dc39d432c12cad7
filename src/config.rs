//! The configuration: its sections, and how a file and the environment become one.
//!
//! Pure: the text of the file and the variables are passed in, and so is the way to read a
//! secret's file. A value is taken from the first of these that has it:
//!
//! 1. the variable `ROMS__SECTION__KEY`, or the file that `ROMS__SECTION__KEY_FILE` names,
//! 2. the configuration file,
//! 3. `config.example.toml`, which is built in and holds every default.
//!
//! All that is wrong is reported at once, each with its place. No report holds a value that may
//! be a secret.

mod bind;
mod database_url;
mod discord;
mod error;
mod file;
mod key;
mod log;
mod orders;
mod settings;

use std::{io, path::Path};

use core::net::SocketAddr;

pub use database_url::DatabaseUrl;
pub use discord::{Channel, Discord, Token, Trust};
pub use error::{ConfigError, Origin, Problem};
pub use log::{Log, LogFilter, LogFormat};
pub use orders::{NumberMissing, Orders};

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
    /// How orders are read.
    pub orders: Orders,
    /// What is logged, and how.
    pub log: Log,
}

/// Where the orders are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// The database.
    pub url: DatabaseUrl,
}

/// The HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Address and port to listen on; a loopback address.
    pub bind: SocketAddr,
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

        let url = settings.read(&key::DATABASE_URL, str::parse);
        let bind = settings.read(&key::HTTP_BIND, bind::from_text);
        let timezone = settings.read(&key::ORDERS_TIMEZONE, orders::timezone_from_text);
        let currency = settings.read(&key::ORDERS_CURRENCY, orders::currency_from_text);
        let number_missing = settings.read(&key::ORDERS_NUMBER_MISSING, str::parse);
        let filter = settings.read(&key::LOG_FILTER, str::parse);
        let format = settings.read(&key::LOG_FORMAT, str::parse);

        settings.into_result(|| {
            Some(Self {
                database: Database { url: url? },
                http: Http { bind: bind? },
                orders: Orders { timezone: timezone?, currency: currency?, number_missing: number_missing? },
                log: Log { filter: filter?, format: format? },
            })
        })
    }

    /// The configuration in force, as a file would hold it. Passwords are masked.
    #[must_use]
    pub fn to_masked_toml(&self) -> String {
        let shown = |key: &key::Key| match *key {
            key::DATABASE_URL => self.database.url.to_string(),
            key::HTTP_BIND => self.http.bind.to_string(),
            key::ORDERS_TIMEZONE => self.orders.timezone.to_string(),
            key::ORDERS_CURRENCY => self.orders.currency.code().to_owned(),
            key::ORDERS_NUMBER_MISSING => self.orders.number_missing.to_string(),
            key::LOG_FILTER => self.log.filter.to_string(),
            key::LOG_FORMAT => self.log.format.to_string(),
            _ => String::new(),
        };
        file::write(key::ALL.iter().map(|key| (key, shown(key))))
    }
}
