//! The running ROMS to which a command sends requests.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fmt, fs};

use anyhow::{Context, anyhow};
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

use super::CommandError;
use crate::config::Config;
use crate::token::Secret;

/// The variable with the token.
const TOKEN_VARIABLE: &str = "ROMS_TOKEN";

#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    /// Address of the running ROMS [default: `[http] bind` of the configuration].
    #[arg(long, value_name = "URL", value_parser = server_url)]
    url: Option<ServerUrl>,
    /// File with the token, if this ROMS asks for one [default: the variable `ROMS_TOKEN`].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The address of a running ROMS. It may hold the password for a reverse proxy, so `Display` and `Debug` leave user and
/// password out.
#[derive(Clone)]
pub(crate) struct ServerUrl(Url);

impl ServerUrl {
    /// The whole address of a route, for the request.
    pub(crate) fn of(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        // An address with http:// always accepts both.
        shown.set_username("").and(shown.set_password(None)).map_err(|()| fmt::Error)?;
        f.write_str(shown.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Server {
    /// The address, and a client that sends the token with each request.
    pub(crate) fn connect(
        self,
        config: impl FnOnce() -> Result<Config, CommandError>,
        timeout: Duration,
    ) -> Result<(ServerUrl, Client), CommandError> {
        let token = token(self.token_file.as_deref()).map_err(CommandError::Usage)?;
        let url = match self.url {
            Some(url) => url,
            None => server_url(&format!("http://{}", config()?.http.bind)).map_err(anyhow::Error::msg)?,
        };
        let client = client(timeout, token.as_ref()).map_err(anyhow::Error::from)?;
        Ok((url, client))
    }
}

/// The token in a file, else in the environment. A token on the command line would be visible to every user of the
/// machine.
fn token(file: Option<&Path>) -> anyhow::Result<Option<Secret>> {
    let (text, place) = match (file, env::var(TOKEN_VARIABLE)) {
        (Some(file), _) => {
            let place = file.display().to_string();
            (fs::read_to_string(file).with_context(|| format!("cannot read {place}"))?, place)
        }
        (None, Ok(text)) if !text.trim().is_empty() => (text, TOKEN_VARIABLE.to_owned()),
        (None, _) => return Ok(None),
    };
    let token = Secret::parse(text.trim());
    token.map(Some).ok_or_else(|| anyhow!("{place} holds no token; `roms token create` makes one"))
}

/// A client for a ROMS on this machine or elsewhere, which sends this token.
pub(crate) fn client(timeout: Duration, token: Option<&Secret>) -> reqwest::Result<Client> {
    let mut headers = HeaderMap::new();
    let bearer = token.and_then(|token| HeaderValue::try_from(format!("Bearer {}", token.expose())).ok());
    if let Some(mut bearer) = bearer {
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    // A proxy from the environment would look for the loopback address on its own machine.
    Client::builder().no_proxy().timeout(timeout).default_headers(headers).build()
}

/// Checks `--url`.
fn server_url(text: &str) -> Result<ServerUrl, String> {
    match Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) => Ok(ServerUrl(url)),
        _ if !text.contains("://") => {
            // Leave user and password out.
            let (person, host) = text.rsplit_once('@').map_or(("", text), |(_, host)| ("***@", host));
            Err(format!("begin it with http://, as in http://{person}{host}"))
        }
        _ => Err("expected an address such as http://127.0.0.1:8001".to_owned()),
    }
}
