//! Which part of a text to look up. Pure.
//!
//! The index has a list of orders for each three letters. A text of many letters means many lists,
//! and going through those that nearly every order is in costs the most; a few rare letters find
//! nearly as few orders, which are then looked at.

use std::collections::HashMap;

use super::WINDOW;

/// The part that is likely the rarest, as a sample of texts tells. The text has more characters
/// than a part.
pub(crate) fn rarest(text: &str, sample: &[String]) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut known = HashMap::<&[char], usize>::new();
    let frequency = |three: &'_ [char]| -> usize {
        let text: String = three.iter().collect();
        sample.iter().filter(|sampled| sampled.contains(&text)).count()
    };
    let mut counts = Vec::with_capacity(letters.len());
    for three in letters.windows(3) {
        let count = *known.entry(three).or_insert_with(|| frequency(three));
        counts.push(count);
    }
    let parts = letters.windows(WINDOW).zip(counts.windows(WINDOW - 2));
    let rarest = parts.min_by_key(|(_, counts)| counts.iter().sum::<usize>());
    rarest.map_or_else(|| text.to_owned(), |(part, _)| part.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::rarest;

    #[test]
    fn the_part_that_the_fewest_texts_hold_is_chosen() {
        let sample: Vec<String> = (0..50).map(|n| format!("cats{n:05}@icloud.example\nbby01-8071")).collect();
        assert_eq!(rarest("cats16001@icloud.example", &sample), "ts160");
        assert_eq!(rarest("bby01-8071zz", &sample), "071zz");
    }

    #[test]
    fn without_a_sample_any_part_will_do() {
        assert_eq!(rarest("größe 46", &[]), "größe");
    }
}
