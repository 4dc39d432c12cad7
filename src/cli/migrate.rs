//! `roms migrate`: updates the database to this release, then exits.

use crate::{
    config::Config,
    store::{Options, SchemaChange, Store},
    telemetry,
};

pub(crate) async fn run(config: &Config) -> anyhow::Result<()> {
    telemetry::init(&config.log)?;
    let url = &config.database.url;
    let store = Store::open_with(url, Options::of(config)).await?;
    match store.schema_change() {
        SchemaChange::Created => {
            tracing::info!("there was no database of ROMS at {url}; created a new, empty one");
        }
        SchemaChange::Updated => tracing::info!("updated the schema of {url} to this release"),
        SchemaChange::None => tracing::info!("the schema of {url} is up to date"),
    }
    store.close().await?;
    Ok(())
}
