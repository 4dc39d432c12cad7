//! Prints text in columns.

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

/// Writes rows of single-line cells, with the columns aligned.
pub(crate) fn write_rows<const N: usize>(out: &mut impl Write, rows: &[[String; N]]) -> anyhow::Result<()> {
    let width =
        |column: &usize| rows.iter().map(|row| row[*column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..N).map(|column| width(&column)).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Text without control characters, which could change what the terminal shows. Line breaks and tabs stay.
pub(crate) fn without_controls(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}
