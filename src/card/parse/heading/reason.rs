//! Tells whether the words of a failure say why it failed.

use arrayvec::ArrayVec;

use super::words::{MAX_WORDS, Word, join};

/// Words of a failure that give no reason.
const VAGUE_WORDS: &[&str] = &[
    "failed",
    "failure",
    "unsucesful",
    "eror",
    "unable",
    "incomplete",
    "blocked",
    "declined",
    "denied",
    "rejected",
    "refused",
];
/// Words of a failure that only name the thing that failed.
const CHECKOUT_WORDS: &[&str] = &["checkout", "order", "purchase"];

/// Whether a text says that a checkout failed, but not why: `Failed`.
pub(crate) fn is_vague(text: &str) -> bool {
    text.split_whitespace().filter_map(Word::new).all(|word| {
        VAGUE_WORDS.contains(&word.normal.as_str()) || CHECKOUT_WORDS.contains(&word.normal.as_str())
    })
}

/// The words of a failure, if they give a reason: `Card declined`, but not `Checkout failed`.
pub(crate) fn reason_in(words: &[Word<'_>]) -> Option<String> {
    let said: ArrayVec<Word<'_>, MAX_WORDS> = words.iter().filter(|word| !word.is_filler).copied().collect();
    let is_in = |list: &[&str], word: &Word<'_>| list.contains(&word.normal.as_str());
    let gives_none = said.iter().any(|word| is_in(CHECKOUT_WORDS, word))
        || said.iter().all(|word| is_in(VAGUE_WORDS, word));
    let text = join(&said);
    let mut chars = text.trim_matches(|c: char| !c.is_alphanumeric()).chars();
    let first = chars.next().filter(|_| !gives_none)?;
    Some(first.to_uppercase().chain(chars).collect())
}
