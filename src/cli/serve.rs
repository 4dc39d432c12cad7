//! `roms serve`: runs ROMS until it is stopped.

use crate::{app, config::Config, shutdown, telemetry};

pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    telemetry::init(&config.log)?;
    // Boxed, because everything that ROMS does is inside.
    Box::pin(app::serve(config, shutdown::on_signals()?)).await
}
