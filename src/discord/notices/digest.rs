//! Notices gathered into one message.

use std::collections::BTreeMap;
use std::fmt;

use super::{Notice, Place};
use crate::card::outcome::RejectionCode;
use crate::discord::rest::LONGEST_POST;

/// Most links.
const LINKS: usize = 10;

/// Most sentences.
const SENTENCES: usize = 3;

/// Most characters of a sentence, and of a reason.
const LONGEST: usize = 110;

/// A link has at most 32 characters and three ids of at most 19 digits.
const LONGEST_LINK: usize = 32 + 3 * 19 + 2;

// All of it fits into one message, some words and counts of the digest's own included.
const _: () = assert!(
    LINKS * (LONGEST_LINK + 1) + (SENTENCES + RejectionCode::ALL.len()) * LONGEST + 60 <= LONGEST_POST
);

/// Notices that become one message. What it keeps is bounded, however many come.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    unread: usize,
    /// By code: how many, and what the first of them says.
    reasons: BTreeMap<&'static str, (usize, String)>,
    links: Vec<Place>,
    sentences: Vec<String>,
    /// Sentences for which there is no place, and notices of any kind that nobody took.
    missed: usize,
}

impl Digest {
    pub(crate) fn add(&mut self, notice: Notice) {
        match notice {
            Notice::Unread(place, why) => {
                self.unread += 1;
                let (count, _) = self.reasons.entry(why.code.as_str()).or_insert((0, why.detail));
                *count += 1;
                if self.links.len() < LINKS && !self.links.contains(&place) {
                    self.links.push(place);
                }
            }
            Notice::Plain(sentence) if self.sentences.len() < SENTENCES => self.sentences.push(sentence),
            Notice::Plain(_) => self.missed += 1,
        }
    }

    /// So many more there were.
    pub(crate) fn miss(&mut self, count: usize) {
        self.missed += count;
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sentence in &self.sentences {
            writeln!(f, "{}", cut(sentence, LONGEST - 1))?;
        }
        match self.unread {
            0 => {}
            1 => writeln!(f, "A card could not be read:")?,
            many => writeln!(f, "{many} cards could not be read:")?,
        }
        for (count, detail) in self.reasons.values() {
            writeln!(f, "- {count} × {}", cut(detail, LONGEST - 15))?;
        }
        for Place { guild, channel, message } in &self.links {
            writeln!(f, "https://discord.com/channels/{guild}/{channel}/{message}")?;
        }
        let more = self.unread.saturating_sub(self.links.len()) + self.missed;
        if more > 0 { write!(f, "and {more} more") } else { Ok(()) }
    }
}

/// At most so many characters of a text.
fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, Notice, Place};
    use crate::card::outcome::{Rejection, RejectionCode};
    use crate::discord::rest::LONGEST_POST;

    #[test]
    fn a_burst_becomes_one_message_that_fits() {
        let mut digest = Digest::default();
        for (number, code) in (0..).zip(RejectionCode::ALL.into_iter().cycle().take(5_000)) {
            let place = Place { guild: i64::MAX, channel: i64::MAX, message: i64::MAX - number };
            digest.add(Notice::Unread(place, Rejection { code, detail: "ä".repeat(500) }));
            digest.add(Notice::Plain("ö".repeat(500)));
        }
        digest.miss(7);
        let text = digest.to_string();
        assert!(text.chars().count() <= LONGEST_POST, "{}", text.chars().count());
        assert!(text.contains("5000 cards could not be read:"), "{text}");
        assert_eq!(text.matches("https://discord.com/channels/").count(), 10);
        assert!(text.ends_with("and 9994 more"), "{text}");
    }

    #[test]
    fn one_card_is_told_in_three_lines() {
        let mut digest = Digest::default();
        let why = Rejection { code: RejectionCode::NotAnOrder, detail: "it says nothing".to_owned() };
        digest.add(Notice::Unread(Place { guild: 1, channel: 2, message: 3 }, why));
        assert_eq!(
            digest.to_string(),
            "A card could not be read:\n- 1 × it says nothing\nhttps://discord.com/channels/1/2/3\n"
        );
    }
}
