//! Looks up words regardless of case and spacing.

use std::borrow::Cow;
use std::collections::HashMap;

use arrayvec::ArrayString;

/// Maximum length of a table entry, in bytes.
const MAX_ENTRY: usize = 32;

/// A table of folded words and their meanings.
pub(crate) struct WordTable<T> {
    words: HashMap<&'static str, T>,
    /// The lengths of the words for each first byte, one bit for each length. Most texts need no lookup.
    lengths: [u64; 256],
}

impl<T: Copy> WordTable<T> {
    pub(crate) fn new(words: impl Iterator<Item = (&'static str, T)>) -> Self {
        let words: HashMap<_, _> = words.collect();
        let mut lengths = [0; 256];
        for word in words.keys() {
            debug_assert!(word.len() <= MAX_ENTRY, "{word} is too long");
            lengths[first_byte(word)] |= 1 << word.len();
        }
        Self { words, lengths }
    }

    /// The entry that equals a text, and its meaning. A text that is longer than every entry, as most lines
    /// of a card are, is folded only up to that length.
    pub(crate) fn find(&self, text: &str) -> Option<(&'static str, T)> {
        if text.is_ascii() && !self.has_length(first_byte(text.trim_ascii_start()), folded_length(text)) {
            return None;
        }
        let mut folded = ArrayString::<MAX_ENTRY>::new();
        for word in lower_words(text) {
            if !folded.is_empty() {
                folded.try_push(' ').ok()?;
            }
            folded.try_push_str(&word).ok()?;
        }
        folded.make_ascii_lowercase();
        if !self.has_length(first_byte(&folded), folded.len()) {
            return None;
        }
        self.words.get_key_value(folded.as_str()).map(|(word, meaning)| (*word, *meaning))
    }

    /// Whether an entry has this first byte and this length.
    fn has_length(&self, first: usize, length: usize) -> bool {
        length <= MAX_ENTRY && self.lengths[first] & (1 << length) != 0
    }
}

/// The first byte of a text, in lower case.
fn first_byte(text: &str) -> usize {
    text.bytes().next().map_or(0, |byte| usize::from(byte.to_ascii_lowercase()))
}

/// The length of an ASCII text after folding.
fn folded_length(text: &str) -> usize {
    let (mut length, mut was_space) = (0, true);
    for byte in text.trim_ascii_end().bytes() {
        let is_space = byte.is_ascii_whitespace();
        length += usize::from(!(is_space && was_space));
        was_space = is_space;
    }
    length
}

/// A text in lower case, with runs of white space as one space.
#[must_use]
pub(crate) fn fold(text: &str) -> String {
    let mut folded = lower_words(text).collect::<Vec<_>>().join(" ");
    folded.make_ascii_lowercase();
    folded
}

/// The words of a text. Non-ASCII words are in lower case; the caller lowers ASCII in one pass.
fn lower_words(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.split_whitespace()
        .map(|word| if word.is_ascii() { Cow::Borrowed(word) } else { Cow::Owned(word.to_lowercase()) })
}
