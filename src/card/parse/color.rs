//! The outcome that some bots state by the color of the embed alone.

use super::heading::CardKind;

/// The outcome that the color of an embed states: green is confirmed, orange on hold and red cancelled.
#[must_use]
pub(crate) fn outcome_of(rgb: u32) -> Option<CardKind> {
    let [_, red, green, blue] = rgb.to_be_bytes().map(i32::from);
    if red > green + 60 && red > blue + 60 {
        let is_red = green < 110 && green - blue < 60;
        Some(if is_red { CardKind::Cancelled } else { CardKind::Hold })
    } else {
        (green > red + 30 && green > blue).then_some(CardKind::Success)
    }
}
