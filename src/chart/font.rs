//! The embedded fonts: which characters they have, and how wide a text is.

use std::sync::Arc;

use any_ascii::any_ascii_char;
use resvg::usvg::fontdb::{Database, Source};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use unicode_properties::UnicodeEmoji;

use super::ChartError;

/// The family name of both fonts.
pub(crate) const FAMILY: &str = "DejaVu Sans Condensed";

const REGULAR: &[u8] = include_bytes!("../../assets/fonts/DejaVuSansCondensed.ttf");
const BOLD: &[u8] = include_bytes!("../../assets/fonts/DejaVuSansCondensed-Bold.ttf");

/// Only this many characters of a label are read; no chart has room for more.
const MAX_LABEL: usize = 200;
const ELLIPSIS: &str = "…";
/// Replaces a label without any printable character.
const UNPRINTABLE: &str = "?";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Regular,
    Bold,
}

/// Where a text that is too wide is shortened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    End,
    Middle,
}

pub(crate) struct Fonts {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Fonts {
    pub(crate) fn load() -> Result<Self, ChartError> {
        let font = |bytes| FontRef::new(bytes).map_err(|_| ChartError::Font);
        Ok(Self { regular: font(REGULAR)?, bold: font(BOLD)? })
    }

    /// The embedded fonts for the renderer, without the fonts of the machine.
    pub(crate) fn database() -> Database {
        let mut database = Database::new();
        for font in [REGULAR, BOLD] {
            database.load_font_source(Source::Binary(Arc::new(font)));
        }
        database
    }

    /// A text on one line that the fonts can draw. Emoji are left out; other missing characters are
    /// transliterated to Latin letters.
    pub(crate) fn printable(&self, text: &str) -> String {
        let text: String = text.chars().take(MAX_LABEL).collect();
        let printable = self.transliterate(&text, |c| !c.is_emoji_char());
        // A label of emoji alone shows their names.
        let printable = if printable.is_empty() { self.transliterate(&text, |_| true) } else { printable };
        if printable.is_empty() { UNPRINTABLE.to_owned() } else { printable }
    }

    fn transliterate(&self, text: &str, is_kept: impl Fn(char) -> bool) -> String {
        let mut printable = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_whitespace() {
                printable.push(' ');
            } else if c.is_control() {
                // XML does not allow control characters, although the fonts have some.
            } else if self.has(c) {
                printable.push(c);
            } else if is_kept(c) {
                printable.push_str(any_ascii_char(c));
            }
        }
        printable.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The printable text, shortened to fit into `room` pixels.
    pub(crate) fn fit(&self, text: &str, size: f32, weight: Weight, room: f32, cut: Cut) -> String {
        let text = self.printable(text);
        if self.width(&text, size, weight) <= room {
            return text;
        }
        let room = room - self.width(ELLIPSIS, size, weight);
        let tail_room = match cut {
            Cut::End => 0.0,
            Cut::Middle => room / 2.0,
        };
        let tail: String = self.take_fitting(text.chars().rev(), size, weight, tail_room);
        let tail: String = tail.chars().rev().collect();
        let head = self.take_fitting(text.chars(), size, weight, room - self.width(&tail, size, weight));
        format!("{}{ELLIPSIS}{}", head.trim_end(), tail.trim_start())
    }

    /// The leading characters that fit.
    fn take_fitting(&self, text: impl Iterator<Item = char>, size: f32, weight: Weight, room: f32) -> String {
        let mut used = 0.0;
        text.take_while(|c| {
            used += self.advance(*c, size, weight);
            used <= room
        })
        .collect()
    }

    /// The width of a printable text in pixels, without kerning.
    pub(crate) fn width(&self, text: &str, size: f32, weight: Weight) -> f32 {
        text.chars().map(|c| self.advance(c, size, weight)).sum()
    }

    fn advance(&self, c: char, size: f32, weight: Weight) -> f32 {
        let font = match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        };
        let metrics = font.glyph_metrics(Size::new(size), LocationRef::default());
        font.charmap().map(c).and_then(|glyph| metrics.advance_width(glyph)).unwrap_or_default()
    }

    fn has(&self, c: char) -> bool {
        [&self.regular, &self.bold].into_iter().all(|font| font.charmap().map(c).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, Fonts, Weight};

    #[test]
    fn labels_are_reduced_to_printable_characters() {
        let fonts = Fonts::load().unwrap();
        for (text, expected) in [
            ("Kopfhörer – 512 GB €", "Kopfhörer – 512 GB €"),
            ("Cafe\u{301} Ελλάς Москва", "Cafe\u{301} Ελλάς Москва"),
            ("🔥 Pokémon\t🇺🇸  Box 👩‍👩‍👧", "Pokémon Box"),
            ("東京 Best", "DongJing Best"),
            ("ポケモン", "pokemon"),
            ("שלום", "slvm"),
            ("🔥", ":fire:"),
            ("a\u{200b}b\u{0}c\u{202e}d\u{e000}", "abcd"),
            ("\u{200b}", "?"),
            ("", "?"),
        ] {
            assert_eq!(fonts.printable(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_label_that_is_too_wide_ends_in_an_ellipsis() {
        let fonts = Fonts::load().unwrap();
        let long = "Scarlet & Violet ".repeat(1000);
        let cut = fonts.fit(&long, 28.0, Weight::Regular, 300.0, Cut::End);
        assert!(cut.ends_with('…') && cut.starts_with("Scarlet & Viol"), "{cut}");
        let width = fonts.width(&cut, 28.0, Weight::Regular);
        assert!((240.0..=300.0).contains(&width), "{width}");
        assert_eq!(fonts.fit("short", 28.0, Weight::Bold, 300.0, Cut::End), "short");
        assert_eq!(fonts.fit("short", 28.0, Weight::Bold, 0.0, Cut::End), "…");
    }
}
