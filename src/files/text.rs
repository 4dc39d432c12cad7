//! Reads a text file with the cards of checkout bots, one below the other.

use chrono::DateTime;

use super::rows::card_patch;
use super::{Field, FileError, ImportFile, Kind, MAX_ROWS, Reading, Row, RowKey};
use crate::card::flatten::split_cards;
use crate::card::parse::heading::Certainty;
use crate::card::parse::text_form::{self, Line};

/// Lines to search for a card.
const SAMPLE: usize = 200;
/// Maximum characters of a report's text for a card without an order number.
const MAX_SHOWN: usize = 60;

/// Whether a text holds cards: a heading on a line of its own, and a label below it.
pub(crate) fn holds_cards(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().take(SAMPLE).collect();
    let sample = lines.join("\n");
    let rows = text_form::rows(&sample);
    let is_heading =
        |line: &Line<'_>| matches!(line, Line::Heading(heading) if heading.certainty == Certainty::Exact);
    let below = rows.iter().skip_while(|row| !is_heading(&row.line));
    below.into_iter().any(|row| matches!(row.line, Line::Label(..)))
}

/// Splits a text into cards, one row for each. The row's line is the first line of the card.
pub(crate) fn read(text: &str, reading: &Reading) -> Result<ImportFile, FileError> {
    let mut rows = Vec::new();
    let mut line = 1_usize;
    let mut rest = text;
    for card in split_cards(text) {
        if rows.len() == MAX_ROWS {
            return Err(FileError::TooManyRows);
        }
        // Search from the end of the previous card: the same first line may occur in several cards.
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
