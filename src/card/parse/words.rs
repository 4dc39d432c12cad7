//! Words that are compared folded: in lower case, with runs of spaces as one.

use std::borrow::Cow;
use std::collections::HashMap;

use arrayvec::ArrayString;

/// Longest word that a table may hold, folded, in bytes.
const LONGEST: usize = 32;

/// A table of words, folded, and what they mean.
pub(crate) struct Words<T>(HashMap<&'static str, T>);

impl<T: Copy> Words<T> {
    pub(crate) fn new(words: impl Iterator<Item = (&'static str, T)>) -> Self {
        Self(words.inspect(|(word, _)| debug_assert!(word.len() <= LONGEST, "{word} is too long")).collect())
    }

    /// The word that a text is, and what it means. Most lines of a card are longer than any word:
    /// they are told apart by their beginning.
    pub(crate) fn find(&self, text: &str) -> Option<(&'static str, T)> {
        let mut folded = ArrayString::<LONGEST>::new();
        for word in lower_words(text) {
            if !folded.is_empty() {
                folded.try_push(' ').ok()?;
            }
            folded.try_push_str(&word).ok()?;
        }
        folded.make_ascii_lowercase();
        self.0.get_key_value(folded.as_str()).map(|(word, meaning)| (*word, *meaning))
    }
}

/// A text folded.
#[must_use]
pub(crate) fn folded(text: &str) -> String {
    let mut folded = lower_words(text).collect::<Vec<_>>().join(" ");
    folded.make_ascii_lowercase();
    folded
}

/// The words of a text in lower case, but that ASCII ones are left for a later pass over all.
fn lower_words(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.split_whitespace()
        .map(|word| if word.is_ascii() { Cow::Borrowed(word) } else { Cow::Owned(word.to_lowercase()) })
}
