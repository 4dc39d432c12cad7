//! Decodes, flattens and parses bytes as the payload of an HTTP request.

#![no_main]

use libfuzzer_sys::fuzz_target;
use roms_fuzz::{check_cards, check_reading, message, payload};

fuzz_target!(|bytes: &[u8]| {
    let payload = payload(bytes);
    for card in check_cards(&message(&payload), payload.len()) {
        check_reading(&card);
    }
});
