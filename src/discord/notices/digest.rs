//! Combines notices into the text of one message.

use std::collections::BTreeMap;
use std::fmt;

use super::Notice;
use crate::card::decode::discord::MessageRef;
use crate::card::outcome::RejectionCode;
use crate::discord::rest::MAX_MESSAGE_CHARS;

const MAX_LINKS: usize = 10;

const MAX_SENTENCES: usize = 3;

/// Most characters of a line: a sentence, or a reason.
const MAX_LINE_CHARS: usize = 110;

/// How many reasons only HTTP requests have: those of refused requests, and an empty message to a webhook link.
const REASONS_OF_HTTP: usize = RejectionCode::REFUSED_REQUESTS.len() + 1;

/// Reasons in one digest: each that a Discord message can be rejected for.
const MAX_REASONS: usize = RejectionCode::ALL.len() - REASONS_OF_HTTP;

/// 32 characters of a link are fixed, and its three ids have at most 19 digits each.
const MAX_LINK_CHARS: usize = 32 + 3 * 19 + 2;

// Everything fits into one message, with 60 characters for the fixed words and counts.
const _: () = assert!(
    MAX_LINKS * (MAX_LINK_CHARS + 1) + (MAX_SENTENCES + MAX_REASONS) * MAX_LINE_CHARS + 60
        <= MAX_MESSAGE_CHARS
);

/// Notices that become one message. Its size is bounded, however many notices are added.
#[derive(Debug, Default)]
pub(crate) struct Digest {
    rejected: usize,
    /// By code: how many cards, and the reason of the first one.
    reasons: BTreeMap<&'static str, (usize, String)>,
    links: Vec<MessageRef>,
    sentences: Vec<String>,
    /// Sentences beyond the limit, and notices of any kind that were dropped.
    dropped: usize,
}

impl Digest {
    pub(crate) fn add(&mut self, notice: Notice) {
        match notice {
            Notice::Rejected(link, reason) => {
                self.rejected += 1;
                let (count, _) = self.reasons.entry(reason.code.as_str()).or_insert((0, reason.detail));
                *count += 1;
                if self.links.len() < MAX_LINKS && !self.links.contains(&link) {
                    self.links.push(link);
                }
            }
            Notice::Text(sentence) if self.sentences.len() < MAX_SENTENCES => self.sentences.push(sentence),
            Notice::Text(_) => self.dropped += 1,
        }
    }

    /// Counts notices that were dropped before they reached this digest.
    pub(crate) fn add_dropped(&mut self, count: usize) {
        self.dropped += count;
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sentence in &self.sentences {
            writeln!(f, "{}", truncate(sentence, MAX_LINE_CHARS - 1))?;
        }
        match self.rejected {
            0 => {}
            1 => writeln!(f, "A card could not be read:")?,
            count => writeln!(f, "{count} cards could not be read:")?,
        }
        for (count, detail) in self.reasons.values() {
            writeln!(f, "- {count} × {}", truncate(detail, MAX_LINE_CHARS - 15))?;
        }
        for link in &self.links {
            writeln!(f, "{}", link.url())?;
        }
        let more = self.rejected.saturating_sub(self.links.len()) + self.dropped;
        if more > 0 { write!(f, "and {more} more") } else { Ok(()) }
    }
}

/// Truncates a text to `max_chars` characters, with an ellipsis as the last one.
fn truncate(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max_chars - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, Notice};
    use crate::card::decode::discord::{ChannelRef, MessageRef};
    use crate::card::outcome::{Rejection, RejectionCode};
    use crate::discord::rest::MAX_MESSAGE_CHARS;

    #[test]
    fn many_notices_fit_into_one_message() {
        let mut digest = Digest::default();
        let codes = RejectionCode::ALL.into_iter().filter(|code| !code.is_refused_request());
        for (number, code) in (0..).zip(codes.cycle().take(5_000)) {
            let link = MessageRef {
                channel: ChannelRef { guild: i64::MAX, channel: i64::MAX },
                message: i64::MAX - number,
            };
            digest.add(Notice::Rejected(link, Rejection { code, detail: "ä".repeat(500) }));
            digest.add(Notice::Text("ö".repeat(500)));
        }
        digest.add_dropped(7);
        let text = digest.to_string();
        assert!(text.chars().count() <= MAX_MESSAGE_CHARS, "{}", text.chars().count());
        assert!(text.contains("5000 cards could not be read:"), "{text}");
        assert_eq!(text.matches("https://discord.com/channels/").count(), 10);
        assert!(text.ends_with("and 9994 more"), "{text}");
    }

    #[test]
    fn one_rejected_card_takes_three_lines() {
        let mut digest = Digest::default();
        let why = Rejection { code: RejectionCode::NotAnOrder, detail: "it says nothing".to_owned() };
        digest.add(Notice::Rejected(
            MessageRef { channel: ChannelRef { guild: 1, channel: 2 }, message: 3 },
            why,
        ));
        assert_eq!(
            digest.to_string(),
            "A card could not be read:\n- 1 × it says nothing\nhttps://discord.com/channels/1/2/3\n"
        );
    }
}
