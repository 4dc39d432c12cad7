//! Generates embeds from labels, headings and markup, and checks how they are flattened and parsed.

use crate::card::message::{Embed, Field, Part};
use crate::card::parse::ParsedCard;
use crate::card::parse::labels::Column;
use crate::card::parse::markup;
use crate::card::parse::text_form::{self, Line};
use arbitrary::Arbitrary;

use crate::{check_cards, check_reading, message_of, parse_card};

/// Pieces of labels, headings and markup.
#[rustfmt::skip]
const PIECES: [&str; 64] = [
    "Product", "Price", "Order Number", "Email", "Notes", "Shipping Address", "Status", "shipped", "Reason",
    "Fraud Status", "Profile", "Payment", "Account", "Image", "Tracking Number", "Product (2)", "Price - 1",
    "Order", "Quantity", "Total", "Successful Checkout | S", "Order Cancelled", "Checkout Failed - no", "Error",
    "Test", "Restock", "Declined", "N/A", ": ", ":", "\\", "`", "```", "|", "||", "**", "*", "_", "__", "~~",
    "[", "](", "](https://x.y)", ")", "<", ">", "<:a:1>", "> ", "#", "# ", "- ", "• 2x ", " - ", "\n", "\r\n",
    "\u{200b}", "\u{202e}", "\0", "&amp;", "$1,299.99", "€49,99", "A-1", "a@b.c", "😀",
];

/// A piece of text.
#[derive(Arbitrary, Debug)]
enum Piece {
    Listed(u8),
    Letter(char),
    Other(String),
}

/// The parts of a generated embed. Without a description, each field must keep its place.
#[derive(Arbitrary, Debug)]
pub struct Made {
    author: Vec<Piece>,
    title: Option<Vec<Piece>>,
    description: Option<Vec<Piece>>,
    fields: Vec<(Vec<Piece>, Vec<Piece>)>,
    footer: Option<Vec<Piece>>,
}

impl Made {
    /// Flattens and parses the embed, and checks that every field keeps its name and its lines.
    ///
    /// # Panics
    /// If a check fails.
    pub fn check(&self) {
        let embed = self.embed();
        let size = size_of(&embed);
        let cards = check_cards(&message_of(Part::Embed(embed.clone())), size);
        for card in &cards {
            check_reading(card);
        }
        if embed.description.is_none() {
            check_fields(&embed, &cards);
        }
    }

    /// The embed. Its first field is the order number.
    fn embed(&self) -> Embed {
        let number = Field { name: "Order Number".to_owned(), value: "A-1".to_owned() };
        let fields = self.fields.iter().map(|(name, value)| Field { name: text(name), value: text(value) });
        Embed {
            author: Some(text(&self.author)),
            title: self.title.as_deref().map(text),
            description: self.description.as_deref().map(text),
            fields: [number].into_iter().chain(fields).collect(),
            footer: self.footer.as_deref().map(text),
            ..Embed::default()
        }
    }
}

fn text(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Listed(at) => text.push_str(PIECES[usize::from(*at) % PIECES.len()]),
            Piece::Letter(letter) => text.push(*letter),
            Piece::Other(other) => text.push_str(other),
        }
    }
    text
}

fn size_of(embed: &Embed) -> usize {
    let texts = [&embed.author, &embed.title, &embed.description, &embed.footer];
    let fields: usize = embed.fields.iter().map(|field| 8 + field.name.len() + field.value.len()).sum();
    fields + texts.into_iter().flatten().map(|text| 8 + text.len()).sum::<usize>()
}

/// Checks that no value becomes a label or a heading, and that none is lost.
fn check_fields(embed: &Embed, cards: &[String]) {
    let [card] = cards else { panic!("{} cards: {cards:?}", cards.len()) };
    let footer = embed.footer.iter().map(|value| ("Footer", value.as_str()));
    let fields = embed.fields.iter().map(|field| (field.name.as_str(), field.value.as_str())).chain(footer);
    let mut expected = Vec::new();
    for (name, value) in fields.filter(|(name, value)| is_named(name, value)) {
        let values = value.lines().filter(|line| !markup::plain(line.trim()).text.is_empty()).count();
        expected.push((name, values.max(1)));
    }
    let mut found = Vec::new();
    let mut is_field = true;
    for row in text_form::rows(&card) {
        match row.line {
            Line::Label(_, Some(_)) => panic!("{:?} is a label with a value", row.raw),
            // Under these labels, `flatten` writes the parts of an embed that are not fields.
            Line::Label(label, None) if matches!(label.column, Column::Author | Column::Title) => {
                is_field = false
            }
            Line::Label(..) | Line::UnknownLabel(_) => {
                is_field = true;
                found.push(0);
            }
            Line::Heading(_) => assert!(found.is_empty(), "{:?} is a heading", row.raw),
            Line::Text | Line::Escaped(_) => {
                if let Some(lines) = found.last_mut().filter(|_| is_field) {
                    *lines += 1;
                }
            }
        }
    }
    let lines: Vec<usize> = expected.iter().map(|(_, lines)| *lines).collect();
    assert_eq!(found, lines, "each field keeps its lines: {expected:?}\n{}", card);
    match parse_card(&card) {
        Some(ParsedCard::Order { patch, .. }) => assert_eq!(patch.number.as_str(), "A-1", "{}", card),
        Some(ParsedCard::NoOrder(_) | ParsedCard::IfKnown { .. }) => {}
        other => panic!("{other:?}: {}", card),
    }
}

/// Whether a field has a name. The value of a field without a name may be its label.
fn is_named(name: &str, value: &str) -> bool {
    let name: Vec<&str> = name.split_whitespace().collect();
    !markup::plain(&name.join(" ")).text.is_empty() || text_form::is_label(&markup::plain(value).text)
}
