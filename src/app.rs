//! app (stub).
use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Serves until `stop` is cancelled (stub).
///
/// # Errors
/// When the database or the address cannot be used.
pub async fn serve(config: Config, stop: CancellationToken) -> Result<()> {
    tracing::info!(bind = %config.http.bind, "stub");
    stop.cancelled().await;
    Ok(())
}

/// Brings the database to the schema of this release (stub).
///
/// # Errors
/// When the database cannot be used.
#[expect(clippy::unused_async, reason = "stub")]
pub async fn migrate(config: Config) -> Result<()> {
    tracing::info!(database = %config.database.url, "stub");
    Ok(())
}
