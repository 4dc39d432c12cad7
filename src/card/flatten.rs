//! Flattens a message to text forms, one for each card: label/value lines as Refract writes them.
//!
//! [`crate::card::parse::text_form`] defines the grammar. Values keep their markup; the parser removes it.

use std::borrow::Cow;

use super::message::{Embed, Message, Part};
use super::parse::bots::bot_uses_color;
use super::parse::heading::Certainty;
use super::parse::markup;
use super::parse::text_form::{self, Line, Row};
use super::parse::values::only_mention;

/// The value of an empty field.
const NO_VALUE: &str = "N/A";

/// The text forms of a message's cards, in the order of the message.
///
/// People and bots greet in the text beside embeds, so that text is a card only if it holds a label. If it
/// is only a heading, it becomes the heading of the next embed that has none.
#[must_use]
pub fn flatten(message: &Message) -> Vec<String> {
    // NUL characters go first: without them a line may be a label or a fence.
    let parts: Cow<'_, [Part]> = if message.parts.iter().any(Part::has_nul) {
        message.parts.iter().cloned().map(Part::without_nul).collect()
    } else {
        Cow::Borrowed(&message.parts)
    };
    let has_embeds = parts.iter().any(|part| matches!(part, Part::Embed(_)));
    let mut cards = Vec::new();
    let (mut loose_heading, mut mention) = (None, None);
    for part in parts.iter() {
        match part {
            Part::Text(text) if has_embeds => {
                cards.extend(split_cards(text).filter(|text| has_label(text)));
                loose_heading = heading_line(text).filter(|_| !has_label(text));
                mention = only_mention(text);
            }
            Part::Text(text) => cards.extend(split_cards(text)),
            Part::Embed(embed) => {
                let (author, title) = (
                    HeadingLines::split(embed.author.as_deref()),
                    HeadingLines::split(embed.title.as_deref()),
                );
                let (head, fields) = (head_text(embed, [&author, &title]), fields_text(embed));
                let lacks_heading =
                    || heading_line(&head).is_none() && (has_label(&head) || has_label(&fields));
                let heading = loose_heading.take().filter(|_| lacks_heading());
                let head_cards = split_cards(&(heading.unwrap_or_default() + &head)).collect();
                cards.extend(append_fields(
                    head_cards,
                    &(fields + &other_parts_text(embed, &author.rest, &title.rest, mention)),
                ));
            }
        }
    }
    cards
}

/// The heading line of a text, with a line break.
fn heading_line(text: &str) -> Option<String> {
    let rows = text_form::rows(text);
    rows.iter().find(|row| matches!(row.line, Line::Heading(_))).map(|row| format!("{}\n", row.raw))
}

fn has_label(text: &str) -> bool {
    text_form::rows(text).iter().any(|row| matches!(row.line, Line::Label(..)))
}

/// Splits a text into cards: a strong heading after labels starts a new card.
pub(crate) fn split_cards(text: &str) -> impl Iterator<Item = String> {
    let text = text_form::trim(text);
    if !text.contains('\n') && !text.starts_with("```") && text_form::labels_on_line(text).is_none() {
        // Most embeds have one heading and no description.
        return Some(text.to_owned()).filter(|card| !card.is_empty()).into_iter().chain(Vec::new());
    }
    let mut cards = vec![String::new()];
    let mut has_labels = false;
    for Row { raw, line } in text_form::rows(text) {
        match line {
            Line::Heading(heading) if has_labels && heading.certainty == Certainty::Exact => {
                cards.push(String::new());
                has_labels = false;
            }
            Line::Label(..) => has_labels = true,
            _ => {}
        }
        if let Some(card) = cards.last_mut() {
            card.push_str(raw);
            card.push('\n');
        }
    }
    cards.retain_mut(|card| {
        *card = card.trim().to_owned();
        !card.is_empty()
    });
    None.into_iter().chain(cards)
}

/// Appends an embed's fields to the last card of its head. A field never starts a card.
fn append_fields(mut cards: Vec<String>, fields: &str) -> Vec<String> {
    let fields = fields.trim_end();
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

/// The lines of an author or a title: those that are headings, and the others.
struct HeadingLines<'a> {
    headings: Vec<&'a str>,
    rest: Vec<&'a str>,
}

impl<'a> HeadingLines<'a> {
    fn split(part: Option<&'a str>) -> Self {
        let lines = part.unwrap_or_default().lines().map(text_form::trim).filter(|line| !line.is_empty());
        let (headings, rest) = lines.partition(|line| matches!(text_form::classify(line), Line::Heading(_)));
        Self { headings, rest }
    }
}

/// The headings in author and title, and the description.
fn head_text(embed: &Embed, parts: [&HeadingLines<'_>; 2]) -> String {
    let mut text = String::new();
    for line in parts.into_iter().flat_map(|part| &part.headings) {
        push_line(&mut text, line, false);
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
    text
}

/// The other parts of an embed, under labels of the label table.
fn other_parts_text(embed: &Embed, author: &[&str], title: &[&str], mention: Option<&str>) -> String {
    let mut text = String::new();
    // Only some bots state the outcome by the color.
    let uses_color = embed.footer.as_deref().is_some_and(bot_uses_color);
    let color = embed.color.filter(|_| uses_color).map(|color| format!("#{color:06X}"));
    let joined = |lines: &[&str]| (!lines.is_empty()).then(|| lines.join("\n"));
    let (author, title, mention) = (joined(author), joined(title), mention.map(str::to_owned));
    let rest = [
        ("Embed Author", author.as_ref()),
        ("Embed Mention", mention.as_ref()),
        ("Embed Title", title.as_ref()),
        ("Embed Color", color.as_ref()),
        ("Link", embed.url.as_ref()),
        ("Image", embed.image.as_ref()),
        ("Timestamp", embed.timestamp.as_ref()),
        ("Footer", embed.footer.as_ref()),
    ];
    for (label, value) in rest {
        if let Some(value) = value {
            push_line(&mut text, label, false);
            push_value(&mut text, value);
        }
    }
    text
}

/// Writes a field. An empty value is written as `N/A`, or the label would take the next line as its value.
/// A field without a name is a spacer, unless its value is a label: some bots put a link there.
fn push_field(text: &mut String, name: &str, value: &str) {
    let name = collapse_spaces(name);
    let plain_name = markup::visible(&name);
    let label = if plain_name.is_empty() { markup::visible(value) } else { Cow::Borrowed(&*name) };
    let is_label = text_form::is_label(&label);
    if plain_name.is_empty() && !is_label {
        return;
    }
    if is_label {
        // Write the label without its markup: code ticks in front of it would open a code block, and a colon in front
        // of it would make an emoji together with the colon behind it.
        push_line(text, markup::label_text(&label).trim_start_matches([':', ' ']), false);
    } else {
        push_line(text, &text_form::unknown_label(&plain_name), false);
    }
    push_value(text, value);
}

/// Writes the lines of a value, so that none of them is read as anything else.
fn push_value(text: &mut String, value: &str) {
    let value = markup::without_fence(value);
    let mut lines =
        value.lines().map(text_form::trim).filter(|line| !markup::visible(line).is_empty()).peekable();
    if lines.peek().is_none() {
        push_line(text, NO_VALUE, false);
    }
    for (at, line) in lines.enumerate() {
        push_line(text, line, at > 0 || text_form::needs_escape(line));
    }
}

/// Replaces each run of white space by one space.
fn collapse_spaces(text: &str) -> Cow<'_, str> {
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
