//! `roms parse`: shows what would be stored of a message, and stores nothing.

use std::{fs, io, io::Write, path::Path};

use anyhow::Context;

use crate::config::Orders;

/// Reads the message in `file`, or on standard input for `-`.
///
/// # Errors
/// When the message cannot be read.
pub(super) fn run(file: &Path, orders: &Orders, out: &mut impl Write) -> anyhow::Result<()> {
    let payload = payload(file)?;
    writeln!(out, "{} bytes {orders:?}", payload.len())?;
    Ok(())
}

/// The payload as the webhook would take it: invalid UTF-8 replaced.
fn payload(file: &Path) -> anyhow::Result<String> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes).context("cannot read standard input")?;
        bytes
    } else {
        fs::read(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
