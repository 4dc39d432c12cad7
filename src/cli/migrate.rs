//! `roms migrate`: updates the database to this release, then exits.

use crate::{
    config::Config,
    store::{Options, Store},
    telemetry,
};

pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    telemetry::init(&config.log)?;
    Store::open_with(&config.database.url, Options::of(config)).await?.close().await?;
    tracing::info!("the schema of {} is up to date", config.database.url);
    Ok(())
}
