//! Normalizes the words of a heading so that phrases can be compared.

use std::sync::LazyLock;

use arrayvec::{ArrayString, ArrayVec};

use crate::card::parse::word_table::WordTable;

/// Maximum bytes of a normalized word of a phrase.
pub(crate) const MAX_WORD: usize = 24;
/// Maximum words of a phrase with its fillers. A longer segment is prose.
pub(crate) const MAX_WORDS: usize = 10;
/// Maximum bytes of the key of a phrase.
const MAX_KEY: usize = 96;

/// A phrase's words without fillers, sorted.
pub(crate) type PhraseKey = ArrayString<MAX_KEY>;

/// Different forms of the same word, and one form for all; with doubled letters written once.
#[rustfmt::skip]
pub(crate) const SYNONYMS: &[(&str, &str)] = &[
    ("suces", "sucesful"), ("sucesfuly", "sucesful"), ("suceded", "sucesful"), ("suceful", "sucesful"), ("sucefuly", "sucesful"),
    ("sucsesful", "sucesful"), ("sucsesfuly", "sucesful"), ("unsuces", "unsucesful"), ("unsucesfuly", "unsucesful"),
    ("chekout", "checkout"), ("checkou", "checkout"), ("chekcout", "checkout"), ("checkoud", "checkout"), ("checkot", "checkout"), ("checkut", "checkout"), ("checkuot", "checkout"),
    ("fail", "failed"), ("faild", "failed"), ("decline", "declined"), ("declind", "declined"), ("delcined", "declined"),
    ("confirmd", "confirmed"), ("confirmation", "confirmed"),
    ("deliverd", "delivered"), ("recieved", "received"),
    ("cancel", "canceled"), ("canceld", "canceled"), ("cancled", "canceled"), ("cancelation", "canceled"),
    ("3d", "3ds"), ("queueit", "queue"),
    // German
    ("bestelung", "order"), ("kauf", "purchase"), ("zahlung", "payment"), ("konto", "account"), ("warteschlange", "queue"),
    ("erfolgreich", "sucesful"), ("erfolgreicher", "sucesful"), ("erfolgreiche", "sucesful"), ("bestätigt", "confirmed"),
    ("bestaetigt", "confirmed"), ("aufgegeben", "placed"), ("abgeschlosen", "completed"), ("eingegangen", "received"),
    ("fehlgeschlagen", "failed"), ("gescheitert", "failed"), ("abgelehnt", "declined"), ("storniert", "canceled"),
    ("stornierung", "canceled"), ("versendet", "shiped"), ("versandt", "shiped"), ("verschickt", "shiped"),
    ("unterwegs", "shiped"), ("zugestelt", "delivered"), ("geliefert", "delivered"), ("erstatet", "refunded"),
    ("paket", "package"), ("sendung", "shipment"), ("auftrag", "order"), ("angekomen", "arrived"), ("eingetrofen", "arrived"),
    ("versendung", "shipment"), ("abgeholt", "delivered"), ("ausgeliefert", "delivered"), ("losgeschickt", "shiped"),
    // French
    ("comande", "order"), ("colis", "package"), ("paiement", "payment"), ("réusie", "sucesful"), ("réusi", "sucesful"),
    ("confirmée", "confirmed"), ("confirmé", "confirmed"), ("pasée", "placed"), ("expédiée", "shiped"), ("expédié", "shiped"),
    ("envoyée", "shiped"), ("envoyé", "shiped"), ("livrée", "delivered"), ("livré", "delivered"), ("anulée", "canceled"),
    ("anulé", "canceled"), ("remboursée", "refunded"), ("remboursé", "refunded"), ("refusé", "declined"), ("échoué", "failed"),
    // Spanish
    ("pedido", "order"), ("compra", "purchase"), ("paquete", "package"), ("pago", "payment"), ("exitosa", "sucesful"),
    ("exitoso", "sucesful"), ("confirmado", "confirmed"), ("confirmada", "confirmed"), ("realizado", "placed"),
    ("enviado", "shiped"), ("entregado", "delivered"), ("cancelado", "canceled"), ("anulado", "canceled"),
    ("rembolsado", "refunded"), ("rechazado", "declined"), ("fallido", "failed"),
    // Italian
    ("ordine", "order"), ("acquisto", "purchase"), ("paco", "package"), ("pagamento", "payment"), ("confermato", "confirmed"),
    ("efetuato", "placed"), ("spedito", "shiped"), ("consegnato", "delivered"), ("anulato", "canceled"),
    ("rimborsato", "refunded"), ("rifiutato", "declined"), ("falito", "failed"), ("riuscito", "sucesful"),
    ("erstelt", "created"), ("zusamenfasung", "sumary"), ("tägliche", "daily"), ("ausverkauft", "unavailable"),
];

/// Words that do not change the meaning of a phrase: `Your order has been placed`. Doubled letters are written once.
const FILLERS: &[&str] = &[
    "your", "the", "a", "an", "was", "were", "is", "are", "has", "have", "had", "ben", "be", "just", "you",
    "we", "it", "got", "my", "that", "now", "please", "secure", "this", "deine", "dein", "ihre", "ihr",
    "eine", "wurde", "ist", "dem", "votre", "ta", "été", "est", "tu", "su", "ha", "sido", "il", "tuo", "suo",
    "è", "stato",
];

/// The meaning of a word that is in one of the lists above.
#[derive(Clone, Copy)]
enum Known {
    Synonym(&'static str),
    Filler,
}

static KNOWN: LazyLock<WordTable<Known>> = LazyLock::new(|| {
    let synonyms = SYNONYMS.iter().map(|(from, to)| (*from, Known::Synonym(to)));
    WordTable::new(synonyms.chain(FILLERS.iter().map(|word| (*word, Known::Filler))))
});

/// Words that turn a success into a failure: `Order could not be placed`.
const NEGATIONS: &[&str] = &["no", "not", "never", "cannot", "could", "couldnt", "cant", "wasnt", "unable"];
/// Other words that are never part of a name beside a phrase: `If Order Confirmed`.
const NOT_NAMES: &[&str] = &["non", "without", "if", "until", "when", "how"];

/// A word of a heading.
#[derive(Clone, Copy)]
pub(crate) struct Word<'a> {
    pub(crate) raw: &'a str,
    /// The word in lower case, without punctuation, with doubled letters written once and one form for
    /// synonyms. `Succesfully` and `success` thus become the same word.
    pub(crate) normal: ArrayString<MAX_WORD>,
    pub(crate) is_filler: bool,
}

impl<'a> Word<'a> {
    /// `None` if the word is too long for a phrase.
    pub(crate) fn new(raw: &'a str) -> Option<Self> {
        let collapsed = collapse(raw)?;
        let (normal, is_filler) = match KNOWN.find(&collapsed) {
            Some((_, Known::Synonym(of))) => (ArrayString::from(of).unwrap_or(collapsed), false),
            Some((_, Known::Filler)) => (collapsed, true),
            None => (collapsed, false),
        };
        Some(Self { raw, normal, is_filler })
    }

    pub(crate) fn is_negation(&self) -> bool {
        NEGATIONS.contains(&self.normal.as_str())
    }

    /// Whether the word can be part of the name of a bot or a store.
    pub(crate) fn is_name(&self) -> bool {
        let starts_name = |c: char| c.is_uppercase() || c.is_ascii_digit();
        let is_version =
            self.raw.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        (self.raw.starts_with(starts_name) || is_version)
            && !self.is_negation()
            && !NOT_NAMES.contains(&self.normal.as_str())
    }

    /// Whether the word is an order number: behind `#`, or with at least four digits.
    pub(crate) fn is_number(&self) -> bool {
        let digits = self.raw.bytes().filter(u8::is_ascii_digit).count();
        digits > 3 || (digits > 0 && self.raw.starts_with('#'))
    }
}

/// A word in lower case, without punctuation, with doubled letters written once.
pub(crate) fn collapse(word: &str) -> Option<ArrayString<MAX_WORD>> {
    let mut out = ArrayString::new();
    let mut last = ' ';
    let mut push = |c: char| {
        if c == last && !c.is_ascii_digit() {
            return Some(());
        }
        last = c;
        out.try_push(c).ok()
    };
    for c in word.chars() {
        if c.is_ascii() {
            if c.is_ascii_alphanumeric() || c == '@' {
                push(c.to_ascii_lowercase())?;
            }
        } else if c.is_alphanumeric() {
            c.to_lowercase().try_for_each(&mut push)?;
        }
    }
    Some(out)
}

pub(crate) fn count_fillers(words: &[Word<'_>]) -> usize {
    words.iter().filter(|word| word.is_filler).count()
}

/// The key of a phrase in the table: its words without fillers, sorted.
pub(crate) fn phrase_key(words: &[Word<'_>]) -> PhraseKey {
    let mut sorted: ArrayVec<&str, MAX_WORDS> = ArrayVec::new();
    let meaningful = words.iter().filter(|word| !word.is_filler && !word.normal.is_empty());
    sorted.extend(meaningful.map(|word| word.normal.as_str()).take(MAX_WORDS));
    sorted.sort_unstable();
    let mut key = PhraseKey::new();
    for word in sorted {
        // A key that is too long is in no table.
        if key.try_push_str(word).is_err() || key.try_push(' ').is_err() {
            break;
        }
    }
    key
}

/// Whether some words can be the name of a bot or a store.
pub(crate) fn is_name(words: &[Word<'_>]) -> bool {
    words.iter().all(Word::is_name)
}

pub(crate) fn join(words: &[Word<'_>]) -> String {
    words.iter().map(|word| word.raw).collect::<Vec<_>>().join(" ")
}
