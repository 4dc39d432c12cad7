//! `roms serve`: runs ROMS until it is stopped.

use crate::{app, config::Config, shutdown, telemetry};

pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    telemetry::init(&config.log)?;
    app::serve(config, shutdown::on_signals()?).await
}
