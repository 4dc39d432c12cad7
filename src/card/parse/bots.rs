//! Names of checkout bots and stores, to tell them apart in headings and footers.

use super::word_table::fold;

/// Names of checkout bots, folded, and how they are stored. The footer of a card starts with one.
const BOTS: &[(&str, &str)] = &[
    ("prism technologies", "Refract"),
    ("refract", "Refract"),
    ("stellara_io", "Stellar"),
    ("stellar", "Stellar"),
    ("shikari", "Shikari"),
    ("venetiacli", "Venetia"),
    ("venetia", "Venetia"),
    ("polar aio", "Polar AIO"),
    ("hayhaaio", "HayhaAIO"),
    ("hayha", "HayhaAIO"),
    ("hiddenaio", "HiddenAIO"),
    ("cyberaio", "CyberAIO"),
    ("cybersole", "CyberAIO"),
    ("alpineaio", "AlpineAIO"),
    ("alpine", "AlpineAIO"),
    ("dashe", "Dashe"),
    ("zyn", "Zyn"),
    ("valor", "Valor"),
    ("swft", "Swft"),
    ("nexar", "Nexar"),
    ("enven", "Enven"),
    ("kodai", "Kodai"),
    ("balkobot", "Balkobot"),
    ("ganesh", "Ganesh"),
    ("splashforce", "Splashforce"),
    ("fleek", "Fleek"),
    ("soleaio", "SoleAIO"),
    ("taranissnkrs", "TaranisSNKRS"),
    ("cloud-structure", "Cloud-Structure"),
    ("nebula", "Nebula"),
    ("phantom bot", "Phantom Bot"),
    ("j1m's bot", "J1m's Bot"),
    ("sniped", "Sniped"),
];

/// Stores that a heading may name without a bar, folded.
const STORES: &[&str] = &[
    "amazon",
    "target",
    "walmart",
    "best buy",
    "bestbuy",
    "costco",
    "gamestop",
    "pokemon center",
    "pokémon center",
    "sam's club",
    "samsclub",
    "newegg",
    "microcenter",
    "micro center",
    "barnes & noble",
    "ebay",
    "nike",
    "snkrs",
    "footlocker",
    "foot locker",
    "supreme",
    "shopify",
    "topps",
    "crunchyroll",
    "macy's",
    "kohl's",
    "home depot",
    "lowe's",
];

/// The bot that a footer names, and its version: the first word after the name that is digits and points,
/// without a leading `v`.
#[must_use]
pub(crate) fn bot(footer: &str) -> Option<(&'static str, Option<String>)> {
    let footer = fold(footer);
    let footer = footer.trim_start_matches("powered by ").trim_start_matches('@');
    let (rest, name) = BOTS.iter().find_map(|(start, name)| Some((strip_word(footer, start)?, *name)))?;
    let version = rest
        .split_whitespace()
        .map(|word| word.trim_matches(['(', ')']).trim_start_matches('v'))
        .find(|word| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.'));
    Some((name, version.map(str::to_owned)))
}

/// The rest of a text after a word at its start.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.strip_prefix(word).filter(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// Whether a part of a heading names a bot and not a store: a known bot, a name that says so, or one with a
/// version, such as `CanadaComputers-V0.0.1`.
#[must_use]
pub(crate) fn is_bot_name(text: &str) -> bool {
    let text = fold(text);
    let has_version = text.split([' ', '-', '_']).any(|word| {
        word.strip_prefix('v').is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_digit())
                && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
        })
    });
    let says_so = text.split([' ', '-', '_']).any(|word| {
        matches!(word, "bot" | "cli" | "tools" | "monitor" | "monitors")
            || word.ends_with("aio")
            || word.ends_with("bot")
    });
    has_version || says_so || BOTS.iter().any(|(name, _)| strip_word(&text, name).is_some())
}

/// Whether a part of a heading surely names a store.
#[must_use]
pub(crate) fn is_store_name(text: &str) -> bool {
    let text = fold(text);
    STORES.iter().any(|store| strip_word(&text, store).is_some())
}

/// Whether the color of this bot's embeds states the outcome: it always writes "Successful Checkout!".
#[must_use]
pub(crate) fn bot_uses_color(footer: &str) -> bool {
    bot(footer).is_some_and(|(name, _)| name == "Shikari")
}
