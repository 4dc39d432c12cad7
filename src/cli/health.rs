//! `roms health`: asks a running ROMS for its health, for checks of containers and services.

use std::io::Write;
use std::time::Duration;

use anyhow::{anyhow, bail};
use reqwest::Client;
use serde_json::Value;

use super::{CommandError, send_sample::server_url};
use crate::config::Config;

/// A check that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Address of the running ROMS [default: `[http] bind` of the configuration].
    #[arg(long, value_name = "URL", value_parser = server_url)]
    url: Option<String>,
}

impl Arguments {
    /// Prints one line. It is an error if ROMS does not answer, or accepts no orders.
    pub(crate) async fn run(
        self,
        config: impl FnOnce() -> Result<Config, CommandError>,
        out: &mut impl Write,
    ) -> Result<(), CommandError> {
        let base = match self.url {
            Some(url) => url,
            None => format!("http://{}", config()?.http.bind),
        };
        Ok(check(&base, out).await?)
    }
}

async fn check(base: &str, out: &mut impl Write) -> anyhow::Result<()> {
    // A proxy from the environment would look for the loopback address on its own machine.
    let client = Client::builder().no_proxy().timeout(TIMEOUT).build()?;
    let answer = client.get(format!("{base}/health")).send().await;
    let answer = answer.map_err(|error| {
        let reason = if error.is_timeout() { "timed out" } else { "nothing answers" };
        anyhow!("no answer from {base}: {reason}")
    })?;
    let code = answer.status();
    let health: Value = answer.json().await.unwrap_or_default();
    let Some(status) = health["status"].as_str() else {
        bail!("{base} does not answer like ROMS: {code}");
    };
    if !code.is_success() {
        match health["checks"]["database"]["cause"].as_str() {
            Some(cause) => bail!("{status}: {cause}"),
            None => bail!("{status}"),
        }
    }
    writeln!(out, "{status}")?;
    Ok(())
}
