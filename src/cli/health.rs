//! `roms health`: asks a running ROMS for its health, for checks of containers and services.

use std::io::Write;
use std::time::Duration;

use anyhow::{anyhow, bail};
use reqwest::Client;
use serde_json::Value;

use super::CommandError;
use super::server::{Server, ServerUrl};
use crate::config::Config;

/// A check that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: Server,
}

impl Arguments {
    /// Prints one line. It is an error if ROMS does not answer, or accepts no orders.
    pub(crate) async fn run(
        self,
        config: impl FnOnce() -> Result<Config, CommandError>,
        out: &mut impl Write,
    ) -> Result<(), CommandError> {
        let (base, client) = self.server.connect(config, TIMEOUT)?;
        Ok(check(&base, &client, out).await?)
    }
}

async fn check(base: &ServerUrl, client: &Client, out: &mut impl Write) -> anyhow::Result<()> {
    let answer = client.get(base.of("/health")).send().await;
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
