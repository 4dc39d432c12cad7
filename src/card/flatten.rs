//! A message as text forms, one for each card: Refract's label/value lines.
//!
//! The grammar of the text form is told in [`crate::card::parse::lines`]. Markup is left in values:
//! the parser takes it off.

use std::borrow::Cow;

use super::message::{Embed, Message, Part};
use super::parse::lines;
use super::parse::lines::{Line, Row};
use super::parse::markup;

/// What stands for the value of an empty field.
const NO_VALUE: &str = "N/A";

/// The text forms of a message's cards, in the order of the message. Text beside embeds counts only where it holds a label:
/// people and bots greet there; a headline alone is that of the next embed, where it has none.
#[must_use]
pub fn flatten(message: &Message) -> Vec<String> {
    let has_embeds = message.parts.iter().any(|part| matches!(part, Part::Embed(_)));
    let mut cards = Vec::new();
    let mut heading = None;
    for part in &message.parts {
        match part {
            Part::Text(text) if has_embeds => {
                cards.extend(split(text).filter(|text| holds_label(text)));
                heading = headline(text).filter(|_| !holds_label(text));
            }
            Part::Text(text) => cards.extend(split(text)),
            Part::Embed(embed) => {
                let (head, fields) = (head_text(embed), fields_text(embed));
                let is_headless =
                    || headline(&head).is_none() && (holds_label(&head) || holds_label(&fields));
                let heading = heading.take().filter(|_| is_headless());
                cards.extend(with_fields(split(&(heading.unwrap_or_default() + &head)), &fields));
            }
        }
    }
    cards
}

/// The line of a text that opens a card, with its end.
fn headline(text: &str) -> Option<String> {
    let rows = lines::read(text);
    rows.iter().find(|row| matches!(row.line, Line::Headline(_))).map(|row| format!("{}\n", row.raw))
}

fn holds_label(text: &str) -> bool {
    lines::read(text).iter().any(|row| matches!(row.line, Line::Label(..)))
}

/// Splits a text where a headline follows a card that has labels already.
fn split(text: &str) -> impl Iterator<Item = String> {
    let mut cards = vec![String::new()];
    let mut labelled = false;
    for Row { raw, line } in lines::read(text) {
        match line {
            Line::Headline(headline) if labelled && headline.strong => {
                cards.push(String::new());
                labelled = false;
            }
            Line::Label(..) => labelled = true,
            _ => {}
        }
        if let Some(card) = cards.last_mut() {
            card.push_str(raw);
            card.push('\n');
        }
    }
    cards.into_iter().map(|card| card.trim().to_owned()).filter(|card| !card.is_empty())
}

/// Fields belong to the last card of their embed: whatever they say, they open none.
fn with_fields(cards: impl Iterator<Item = String>, fields: &str) -> Vec<String> {
    let mut cards: Vec<String> = cards.collect();
    match cards.last_mut() {
        Some(card) if !fields.is_empty() => {
            card.push('\n');
            card.push_str(fields);
        }
        None if !fields.is_empty() => cards.push(fields.to_owned()),
        _ => {}
    }
    cards
}

/// What stands above the fields of an embed.
fn head_text(embed: &Embed) -> String {
    let mut text = String::new();
    for heading in [&embed.author, &embed.title].into_iter().flatten() {
        push_heading(&mut text, heading);
    }
    if let Some(description) = &embed.description {
        text.push_str(description.trim());
        text.push('\n');
    }
    text
}

fn fields_text(embed: &Embed) -> String {
    let mut text = String::new();
    for field in &embed.fields {
        push_field(&mut text, &field.name, &field.value);
    }
    // What has no field of its own gets a label that the table knows.
    let rest = [
        ("Link", &embed.url),
        ("Image", &embed.image),
        ("Timestamp", &embed.timestamp),
        ("Footer", &embed.footer),
    ];
    for (label, value) in rest {
        if let Some(value) = value {
            push_field(&mut text, label, value);
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// An author or title is a headline or prose, never a label.
fn push_heading(text: &mut String, heading: &str) {
    for line in heading.lines().map(lines::trimmed).filter(|line| !line.is_empty()) {
        let escape = !matches!(lines::classify(line), Line::Headline(_) | Line::Text);
        push_line(text, line, escape);
    }
}

/// A field without a value says so, lest its label took the next line for one. A nameless field
/// is a spacer, unless it is the link that bots put there.
fn push_field(text: &mut String, name: &str, value: &str) {
    let name = on_one_line(name);
    let seen = markup::shown(&name).0;
    let shown = if seen.is_empty() { markup::shown(value).0 } else { Cow::Borrowed(&*name) };
    let is_label = lines::is_label(&shown);
    if seen.is_empty() && !is_label {
        return;
    }
    if is_label {
        // As it is seen: with ticks before it, it would read as the opening of a code block.
        push_line(text, &lines::visible(&shown), false);
    } else {
        push_line(text, &lines::unknown_label(&seen), false);
    }
    let mut values =
        value.lines().map(lines::trimmed).filter(|line| !markup::shown(line).0.is_empty()).peekable();
    if values.peek().is_none() {
        push_line(text, NO_VALUE, false);
    }
    for (at, line) in values.enumerate() {
        push_line(text, line, at > 0 || lines::needs_escape(line));
    }
}

/// A text with each run of white space as one space.
fn on_one_line(text: &str) -> Cow<'_, str> {
    if text.split(' ').all(|word| !word.is_empty() && !word.contains(char::is_whitespace)) {
        return Cow::Borrowed(text);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ").into()
}

fn push_line(text: &mut String, line: &str, escape: bool) {
    if escape {
        text.push('\\');
    }
    text.push_str(line);
    text.push('\n');
}
