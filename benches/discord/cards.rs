//! Cards to measure with: Refract's, each with a number of its own.

use serde_json::Value;

/// A card that a live bot wrote, less what tells who it was.
const CARD: &str = include_str!("../../tests/fixtures/cards/refract_success_target.json");
/// Its order number, which stands there twice.
const NUMBER: &str = "102000000000001";

/// So many webhook bodies whose order numbers begin with `prefix`.
pub(crate) fn numbered(prefix: &str, count: usize) -> impl Iterator<Item = Value> + use<> {
    let case: Value = serde_json::from_str(CARD).expect("the card is JSON");
    let body = serde_json::json!({"embeds": case["message"]["embeds"]}).to_string();
    let prefix = prefix.to_owned();
    (0..count).map(move |n| {
        let body = body.replace(NUMBER, &format!("{prefix}{n:06}"));
        serde_json::from_str(&body).expect("a number in it changes nothing")
    })
}
