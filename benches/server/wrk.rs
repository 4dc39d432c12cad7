//! Runs wrk with a script that gives each request a new order number.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/server/load.lua");
const MISSING: &str = "wrk is not installed. Debian and Ubuntu: `apt-get install wrk`; macOS: `brew install wrk`; \
                       else https://github.com/wg/wrk";

/// The result of a run, printed by `load.lua`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct WrkResult {
    pub(crate) answers: u64,
    micros: u64,
    failed: u64,
    /// Median latency in microseconds.
    pub(crate) p50: f64,
    /// 99th percentile of the latency in microseconds.
    pub(crate) p99: f64,
}

impl WrkResult {
    /// Answers per second.
    #[expect(clippy::cast_precision_loss, reason = "the count is far below 2^52")]
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / Duration::from_micros(self.micros).as_secs_f64()
    }
}

/// Fails with installation advice if wrk is missing.
pub(crate) fn check_installed() -> Result<()> {
    match Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(MISSING),
        status => Ok(status.map(drop)?),
    }
}

/// Posts `body` over this number of connections, with a new number for each `@NUMBER@`.
pub(crate) fn post(
    to: SocketAddr,
    token: Option<&str>,
    body: &str,
    connections: usize,
    time: Duration,
    folder: &Path,
) -> Result<WrkResult> {
    let file = folder.join("body");
    fs::write(&file, body)?;
    let mut wrk = Command::new("wrk");
    if let Some(token) = token {
        wrk.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let output = wrk
        .args(["--threads", "1", "--timeout", "10s", "--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", time.as_secs()), "--script", SCRIPT])
        .arg(format!("http://{to}/api/v2/webhooks/orders"))
        .arg("--")
        .arg(&file)
        .arg("LOAD")
        .output()
        .context(MISSING)?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let line = stdout.lines().find_map(|line| line.strip_prefix("RESULT "));
    let line = line.with_context(|| format!("wrk: {stdout}{}", String::from_utf8_lossy(&output.stderr)))?;
    let result: WrkResult = serde_json::from_str(line)?;
    ensure!(result.failed == 0, "{} of {} requests failed", result.failed, result.answers);
    Ok(result)
}
