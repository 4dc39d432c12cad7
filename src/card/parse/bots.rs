//! The names of checkout bots and stores, which tell bots from stores in headings and footers.

use super::heading::parse_outcome;
use super::values::is_host;

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
    ("wrath", "Wrath"),
    ("mekaio", "MEK"),
    ("mek", "MEK"),
    ("dragonaio", "Dragon"),
    ("dragon aio", "Dragon"),
    ("nsb", "NSB"),
    ("velox", "Velox"),
    ("estock", "Estock"),
    ("mangoaio", "Mango"),
    ("mango aio", "Mango"),
    ("tsb", "TSB"),
    ("prismaio", "Prism"),
    ("prism aio", "Prism"),
    ("prism", "Prism"),
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
    ("mekpreme", "MEKpreme"),
    ("trickle", "Trickle"),
];

/// Names of checkout bots that are everyday words, folded. Only a footer names such a bot: `Make Success`.
const BOTS_WITH_EVERYDAY_NAMES: &[(&str, &str)] =
    &[("make", "Make"), ("tools", "Tools"), ("aio bot", "AIO Bot"), ("aio", "AIO")];

/// Stores that a heading may name without a bar, folded.
#[rustfmt::skip]
const STORES: &[&str] = &[
    "adidas", "aldi", "amazon", "argos", "asos", "asda", "barnes & noble", "best buy", "bestbuy", "bjs", "boxlunch", "champs",
    "converse", "costco", "crunchyroll", "currys", "dick's", "disney", "ebay", "ebgames", "eb games", "finish line", "fnac",
    "foot locker", "footlocker", "game nerdz", "gamestop", "harrods", "hibbett", "home depot", "hot topic", "jd sports", "kith",
    "kohl's", "kohls", "lego", "lowe's", "lowes", "macy's", "macys", "media markt", "mediamarkt", "meijer", "micro center",
    "microcenter", "mattel", "nike", "newegg", "otto", "palace", "panini", "playstation", "pokemon center", "pokémon center",
    "pop mart", "popmart", "sam's club", "sams club", "samsclub", "saturn", "scheels", "shopify", "smyths", "snipes", "snkrs",
    "sony", "ssense", "staples", "stockx", "supreme", "target", "tesco", "ticketmaster", "topps", "toys r us", "ulta",
    "urban outfitters", "vans", "walgreens", "walmart", "yeezy supply", "zalando", "zotac",
];

/// How the names of many stores end: the country in which they sell.
const COUNTRIES: &[&str] =
    &["US", "USA", "CA", "UK", "EU", "DE", "FR", "IT", "ES", "NL", "AU", "JP", "SG", "MX"];

/// Bots that always write "Successful Checkout!" and state the outcome by the color of the embed, folded.
const BOTS_USING_COLOR: &[&str] = &["shikari"];

/// The bot that a footer names, and its version: the first word after the name that is digits and points,
/// without a leading `v`.
#[must_use]
pub(crate) fn bot(footer: &str) -> Option<(&'static str, Option<String>)> {
    let footer = strip_name(footer, "powered by").unwrap_or(footer).trim_start_matches([' ', '@']);
    let (rest, name) = find_bot(BOTS, footer)
        .or_else(|| find_bot(BOTS_WITH_EVERYDAY_NAMES, footer).filter(|(rest, _)| says_no_more(rest)))?;
    let version = rest
        .split_whitespace()
        .map(|word| word.trim_matches(['(', ')']).trim_start_matches(['v', 'V']))
        .find(|word| word.contains('.') && word.chars().all(|c| c.is_ascii_digit() || c == '.'));
    Some((name, version.map(str::to_owned)))
}

/// The rest of a footer behind the name of a bot at its start, and how the name is stored.
fn find_bot<'a>(bots: &[(&str, &'static str)], footer: &'a str) -> Option<(&'a str, &'static str)> {
    bots.iter().find_map(|(start, name)| Some((strip_name(footer, start)?, *name)))
}

/// Whether only an outcome, or a version and other notes, stands behind a name: ` Success`, ` v3`, ` | 12:00`.
fn says_no_more(rest: &str) -> bool {
    let rest = rest.trim();
    rest.is_empty()
        || rest.starts_with(|c: char| !c.is_alphabetic())
        || rest
            .strip_prefix(['v', 'V'])
            .is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
        || parse_outcome(rest).is_some()
}

/// The rest of a text after a name at its start, regardless of case.
fn strip_name<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(name.len())?;
    (start.eq_ignore_ascii_case(name) && !rest.starts_with(char::is_alphanumeric)).then_some(rest)
}

/// Whether a part of a heading names a bot and not a store: a known bot, a name that says so, or one with a
/// version, such as `CanadaComputers-V0.0.1`.
#[must_use]
pub(crate) fn is_bot_name(text: &str) -> bool {
    let is_version = |word: &str| {
        word.strip_prefix(['v', 'V']).is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_digit())
                && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
        })
    };
    let ends_with = |word: &str, end: &str| {
        word.len()
            .checked_sub(end.len())
            .and_then(|at| word.get(at..))
            .is_some_and(|w| w.eq_ignore_ascii_case(end))
    };
    let says_so = |word: &str| {
        ["cli", "tools", "monitor", "monitors", "aco"].iter().any(|name| word.eq_ignore_ascii_case(name))
            || ends_with(word, "aio")
            || ends_with(word, "bot")
    };
    text.split([' ', '-', '_']).any(|word| is_version(word) || says_so(word))
        || BOTS.iter().any(|(name, _)| strip_name(text, name).is_some())
}

/// Whether an author or a footer names a stock monitor.
#[must_use]
pub(crate) fn is_monitor_name(text: &str) -> bool {
    let is_monitor = |word: &str| {
        ["monitor", "monitors", "restock", "restocks"].iter().any(|name| word.eq_ignore_ascii_case(name))
    };
    text.split(|c: char| !c.is_alphanumeric()).any(is_monitor)
}

/// Whether a part of a heading surely names a store.
#[must_use]
pub(crate) fn is_store_name(text: &str) -> bool {
    let ends_in_country = || text.rsplit_once(' ').is_some_and(|(_, last)| COUNTRIES.contains(&last));
    STORES.iter().any(|store| strip_name(text, store).is_some()) || ends_in_country() || is_host(text)
}

/// Whether a text is the name of a known store and nothing else.
#[must_use]
pub(crate) fn is_known_store(text: &str) -> bool {
    STORES.iter().any(|store| store.eq_ignore_ascii_case(text))
}

/// Words beside the name of a store in a title that is no heading: `Walmart Checkout`. In lower case.
const TITLE_WORDS: [&str; 8] =
    ["checkout", "order", "purchase", "status", "update", "notification", "webhook", "result"];

/// The known store that a title names, with nothing but words such as `Checkout` and a bot's name beside it.
#[must_use]
pub(crate) fn store_in_title(title: &str) -> Option<String> {
    let is_title_word = |word: &&str| TITLE_WORDS.iter().any(|known| word.eq_ignore_ascii_case(known));
    let mut stores = title.split(['|', '-', '–', '—', ':', '•', '(', ')']).filter_map(|part| {
        let words = part.split_whitespace().filter(|word| word.contains(char::is_alphanumeric));
        let name = words.filter(|word| !is_title_word(word)).collect::<Vec<_>>().join(" ");
        Some(name).filter(|name| !name.is_empty() && !is_bot_name(name))
    });
    let store = stores.next().filter(|_| stores.next().is_none())?;
    let name =
        store.rsplit_once(' ').filter(|(_, last)| COUNTRIES.contains(last)).map_or(&*store, |(name, _)| name);
    is_known_store(name).then_some(store)
}

/// Whether the color of this bot's embeds states the outcome.
#[must_use]
pub(crate) fn bot_uses_color(footer: &str) -> bool {
    BOTS_USING_COLOR.iter().any(|name| strip_name(footer, name).is_some())
}
