//! `roms check-config`: prints the configuration in force. Loading it has already checked it.

use std::io::Write;

use crate::config::Config;

pub(crate) fn run(config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
    write!(out, "{}", config.to_masked_toml()?)?;
    if config.discord().is_none() {
        writeln!(out, "\n# Discord is not used: no token is configured.")?;
    }
    Ok(())
}
