//! How commands show names and values.

use std::io::Write;

/// Writes one line for each name and value, the values below each other, further lines of a value
/// below its first.
///
/// # Errors
/// When `out` takes no more.
pub(crate) fn write_aligned(
    out: &mut impl Write,
    lines: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<()> {
    let lines: Vec<_> = lines.into_iter().collect();
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let margin = format!("\n   {:width$}  ", "");
    for (name, value) in lines {
        writeln!(out, "   {name:width$}  {}", value.replace('\n', &margin))?;
    }
    Ok(())
}
