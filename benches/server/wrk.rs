//! The load: wrk, with a script that gives each request an order number of its own.

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

/// What wrk saw.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Seen {
    pub(crate) answers: u64,
    micros: u64,
    failed: u64,
    /// Half of the answers took no longer, in microseconds.
    pub(crate) p50: f64,
    /// 99 of 100 answers took no longer, in microseconds.
    pub(crate) p99: f64,
}

impl Seen {
    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52")]
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / Duration::from_micros(self.micros).as_secs_f64()
    }
}

/// Fails with what to do where wrk is missing.
pub(crate) fn look_for() -> Result<()> {
    match Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status() {
        Err(error) if error.kind() == ErrorKind::NotFound => bail!(MISSING),
        looked => Ok(looked.map(drop)?),
    }
}

/// Posts `body`, which has `@NUMBER@` for its order number, over so many connections.
pub(crate) fn post(
    to: SocketAddr,
    body: &str,
    connections: usize,
    time: Duration,
    folder: &Path,
) -> Result<Seen> {
    let file = folder.join("body");
    fs::write(&file, body)?;
    let ran = Command::new("wrk")
        .args(["--threads", "1", "--timeout", "10s", "--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", time.as_secs()), "--script", SCRIPT])
        .arg(format!("http://{to}/api/v2/webhooks/orders"))
        .arg("--")
        .arg(&file)
        .arg("LOAD")
        .output()
        .context(MISSING)?;
    let said = String::from_utf8_lossy(&ran.stdout);
    let result = said.lines().find_map(|line| line.strip_prefix("RESULT "));
    let result = result.with_context(|| format!("wrk: {said}{}", String::from_utf8_lossy(&ran.stderr)))?;
    let seen: Seen = serde_json::from_str(result)?;
    ensure!(seen.failed == 0, "{} of {} requests failed", seen.failed, seen.answers);
    Ok(seen)
}
