//! The running ROMS to which a command sends requests.

use std::time::Duration;

use reqwest::Client;
use url::Url;

use super::CommandError;
use crate::config::Config;

#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    /// Address of the running ROMS [default: `[http] bind` of the configuration].
    #[arg(long, value_name = "URL", value_parser = server_url)]
    url: Option<String>,
}

impl Server {
    /// The address, without a slash at its end.
    pub(crate) fn url(
        self,
        config: impl FnOnce() -> Result<Config, CommandError>,
    ) -> Result<String, CommandError> {
        Ok(match self.url {
            Some(url) => url,
            None => format!("http://{}", config()?.http.bind),
        })
    }
}

/// A client for a ROMS on this machine or elsewhere.
pub(crate) fn client(timeout: Duration) -> reqwest::Result<Client> {
    // A proxy from the environment would look for the loopback address on its own machine.
    Client::builder().no_proxy().timeout(timeout).build()
}

/// Checks `--url`, and removes the slash at its end.
fn server_url(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url) if ["http", "https"].contains(&url.scheme()) => Ok(text.trim_end_matches('/').to_owned()),
        _ if !text.contains("://") => Err(format!("begin it with http://, as in http://{text}")),
        _ => Err("expected an address such as http://127.0.0.1:8001".to_owned()),
    }
}
