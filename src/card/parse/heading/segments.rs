//! Splits a heading into the parts between bars, dashes, colons and brackets.

use arrayvec::ArrayVec;

/// Maximum segments of a heading; the rest is ignored.
const MAX_SEGMENTS: usize = 8;

/// The separator between a segment of a heading and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    Start,
    Bar,
    Dash,
    Colon,
    Comma,
    Bracket,
    Exclamation,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) separator: Separator,
    pub(crate) text: &'a str,
    /// The rest of the line from this segment on.
    pub(crate) rest: &'a str,
}

pub(crate) type Segments<'a> = ArrayVec<Segment<'a>, MAX_SEGMENTS>;

/// The segments of a line that contain a letter or a digit.
pub(crate) fn split(line: &str) -> Segments<'_> {
    let mut segments = ArrayVec::new();
    let (mut separator, mut start) = (Separator::Start, 0);
    let mut previous = ' ';
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let is_spaced = chars.peek().is_none_or(|(_, next)| next.is_whitespace());
        let found = match c {
            '|' | '│' | '•' | '·' | '»' | '➜' | '→' => Some(Separator::Bar),
            '/' if is_spaced && previous.is_whitespace() => Some(Separator::Bar),
            '-' | '–' | '—' if is_spaced && previous.is_whitespace() => Some(Separator::Dash),
            ':' | '：' if is_spaced => Some(Separator::Colon),
            ',' if is_spaced => Some(Separator::Comma),
            '!' if is_spaced => Some(Separator::Exclamation),
            '(' | '[' => Some(Separator::Bracket),
            ')' | ']' => Some(Separator::Dash),
            _ => None,
        };
        previous = c;
        let Some(found) = found else { continue };
        push(&mut segments, separator, line, start, at);
        (separator, start) = (found, at + c.len_utf8());
    }
    push(&mut segments, separator, line, start, line.len());
    segments
}

fn push<'a>(segments: &mut Segments<'a>, separator: Separator, line: &'a str, start: usize, end: usize) {
    let text = line.get(start..end).unwrap_or_default().trim();
    if text.contains(char::is_alphanumeric) && !segments.is_full() {
        segments.push(Segment { separator, text, rest: line.get(start..).unwrap_or_default().trim() });
    }
}
