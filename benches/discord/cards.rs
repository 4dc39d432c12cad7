//! The cards of the measurements: a Refract card, each time with another order number.

use serde_json::Value;

/// A card of a real bot, without personal data.
const CARD: &str = include_str!("../../tests/fixtures/cards/refract_success_target.json");
/// The order number of the card, which contains it twice.
const NUMBER: &str = "102000000000001";

/// `count` webhook bodies whose order numbers begin with `prefix`.
pub(crate) fn numbered(prefix: &str, count: usize) -> impl Iterator<Item = Value> + use<> {
    let case: Value = serde_json::from_str(CARD).expect("the card is JSON");
    let body = serde_json::json!({"embeds": case["message"]["embeds"]}).to_string();
    let prefix = prefix.to_owned();
    (0..count).map(move |n| {
        let body = body.replace(NUMBER, &format!("{prefix}{n:06}"));
        serde_json::from_str(&body).expect("a number in it changes nothing")
    })
}
