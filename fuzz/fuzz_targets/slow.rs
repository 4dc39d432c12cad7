//! A piece of text a great many times over: what takes longer than a piece each time is slow.
//!
//! Run it with `-timeout=3`: what is linear takes less than a tenth of that.

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
        Position::Description => message_of(Part::Embed(Embed { description: Some(text), ..Embed::default() })),
        Position::Fields => embed(vec![field(before, piece); count / 2]),
    };
    for card in flatten(&message) {
        // Only how long it takes is of interest.
        drop(parse_card(&card));
    }
});
