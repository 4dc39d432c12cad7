//! Reads a file of cards, one below the other, as checkout bots write them.

use chrono::DateTime;

use super::rows::card_patch;
use super::{Field, FileError, ImportFile, Kind, MAX_ROWS, Reading, Row, RowKey};
use crate::card::flatten::split_cards;
use crate::card::parse::heading::Certainty;
use crate::card::parse::text_form::{self, Line};

/// Lines of a file that are looked at for a card.
const SAMPLE: usize = 200;
/// Characters of a card without a number that a report shows.
const MAX_SHOWN: usize = 60;

/// Whether a text has a heading of a card on a line of its own, and below it a label.
pub(crate) fn holds_cards(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().take(SAMPLE).collect();
    let sample = lines.join("\n");
    let rows = text_form::rows(&sample);
    let is_heading =
        |line: &Line<'_>| matches!(line, Line::Heading(heading) if heading.certainty == Certainty::Exact);
    let below = rows.iter().skip_while(|row| !is_heading(&row.line));
    below.into_iter().any(|row| matches!(row.line, Line::Label(..)))
}

/// The cards of a text, each as a row. A row's line is the line of its card's beginning.
pub(crate) fn read(text: &str, reading: &Reading) -> Result<ImportFile, FileError> {
    let mut rows = Vec::new();
    let mut line = 1_usize;
    let mut rest = text;
    for card in split_cards(text) {
        if rows.len() == MAX_ROWS {
            return Err(FileError::TooManyRows);
        }
        // Cards follow each other in the text; only the lines between them are skipped.
        let first = card.lines().next().unwrap_or_default();
        if let Some((before, _)) = rest.split_once(first) {
            line += before.matches('\n').count();
            rest = rest.get(before.len()..).unwrap_or_default();
        }
        rows.push(row(u32::try_from(line).unwrap_or(u32::MAX), &card, reading));
        line += 1;
        rest = rest.split_once('\n').map_or("", |(_, below)| below);
    }
    if rows.is_empty() {
        return Err(FileError::Empty);
    }
    Ok(ImportFile { kind: Kind::Cards, columns: Vec::new(), rows })
}

fn row(line: u32, card: &str, reading: &Reading) -> Row {
    match card_patch(card, DateTime::UNIX_EPOCH, reading) {
        Ok(read) => Row {
            line,
            key: RowKey::Number(read.patch.number),
            values: vec![(Field::Details, card.to_owned())],
            problem: None,
        },
        Err(reason) => {
            let shown: String = card.lines().next().unwrap_or_default().chars().take(MAX_SHOWN).collect();
            Row::bad(line, &shown, reason)
        }
    }
}
