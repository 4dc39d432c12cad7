//! Prints names and values in two columns.

use std::io::Write;

/// Writes one line per name and value, with the values aligned. Further lines of a value are indented to
/// its first one.
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
