//! Parses a text as it is and in its text form, which must give the same result. For a file of `tests/fixtures/cards` the
//! text is that of its cards.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roms_fuzz::card::flatten::flatten;
use roms_fuzz::card::message::Part;
use roms_fuzz::{check_cards, check_reading, message, message_of, parse_card, payload};

fuzz_target!(|bytes: &[u8]| {
    let payload = payload(bytes);
    let text = if payload.starts_with('{') { flatten(&message(&payload)).join("\n\n") } else { payload };
    // `flatten` removes NUL characters before it looks for labels.
    let text = text.replace('\0', "");
    check_reading(&text);
    let cards = check_cards(&message_of(Part::Text(text.clone())), text.len());
    if let [card] = cards.as_slice() {
        assert_eq!(parse_card(card), parse_card(&text), "a card reads as the text it was");
    }
});
