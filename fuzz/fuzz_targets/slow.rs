//! Repeats a piece of text to 64 KiB, to find code that is slower than linear.
//!
//! Run it with `-timeout=3`. Linear code takes less than a tenth of that.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use roms_fuzz::card::flatten::flatten;
use roms_fuzz::card::message::{Embed, Field, Part};
use roms_fuzz::{message, message_of, parse_card};

/// A quarter of the largest body.
const SIZE: usize = 64 * 1024;

#[derive(Arbitrary, Debug)]
enum Position {
    Payload,
    Text,
    Field,
    Name,
    Description,
    Fields,
}

#[derive(Arbitrary, Debug)]
struct Repeated<'a> {
    position: Position,
    before: &'a str,
    piece: &'a str,
    behind: &'a str,
}

fuzz_target!(|repeated: Repeated<'_>| {
    let Repeated { position, before, piece, behind } = repeated;
    if piece.is_empty() {
        return;
    }
    let count = SIZE / (piece.len() + 1);
    let text = [before, &piece.repeat(count), behind].concat();
    let field = |name: &str, value: &str| Field { name: name.to_owned(), value: value.to_owned() };
    let embed = |fields| message_of(Part::Embed(Embed { fields, ..Embed::default() }));
    let message = match position {
        Position::Payload => message(&text),
        Position::Text => message_of(Part::Text(text)),
        Position::Field => embed(vec![field("Order Number", "A-1"), field(before, &text)]),
        Position::Name => embed(vec![field("Order Number", "A-1"), field(&text, before)]),
        Position::Description => {
            message_of(Part::Embed(Embed { description: Some(text), ..Embed::default() }))
        }
        Position::Fields => embed(vec![field(before, piece); count / 2]),
    };
    for card in flatten(&message) {
        // Only the time matters here.
        drop(parse_card(&card));
    }
});
