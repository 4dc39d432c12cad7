//! Chooses the part of a text to look up in the search index. Pure.
//!
//! A long text has many trigrams, each with its list of orders, and reading the lists that contain
//! nearly every order costs the most. A few rare characters find nearly as few orders, which are then
//! checked for the whole text.

use std::collections::HashMap;

use super::WINDOW;

/// The part of [`WINDOW`] characters that is likely the rarest, judging by a sample of texts. The text
/// must be longer than that.
pub(crate) fn rarest(text: &str, sample: &[String]) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut known = HashMap::<&[char], usize>::new();
    let frequency = |trigram: &'_ [char]| -> usize {
        let trigram: String = trigram.iter().collect();
        sample.iter().filter(|text| text.contains(&trigram)).count()
    };
    let mut counts = Vec::with_capacity(characters.len());
    for trigram in characters.windows(3) {
        let count = *known.entry(trigram).or_insert_with(|| frequency(trigram));
        counts.push(count);
    }
    let parts = characters.windows(WINDOW).zip(counts.windows(WINDOW - 2));
    let rarest = parts.min_by_key(|(_, counts)| counts.iter().sum::<usize>());
    rarest.map_or_else(|| text.to_owned(), |(part, _)| part.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::rarest;

    #[test]
    fn the_part_that_the_fewest_texts_contain_is_chosen() {
        let sample: Vec<String> = (0..50).map(|n| format!("cats{n:05}@icloud.example\nbby01-8071")).collect();
        assert_eq!(rarest("cats16001@icloud.example", &sample), "ts160");
        assert_eq!(rarest("bby01-8071zz", &sample), "071zz");
    }

    #[test]
    fn without_a_sample_any_part_is_chosen() {
        assert_eq!(rarest("größe 46", &[]), "größe");
    }
}
