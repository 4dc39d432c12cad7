//! Every key there is: one table, which tells known from unknown and open from secret.

/// A key of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// The section it stands in.
    pub(super) section: &'static str,
    /// Its name there.
    pub(super) name: &'static str,
    /// Whether the value may be a secret: it may then come from a file of its own, and no report
    /// repeats any of it.
    pub(super) secret: bool,
}

pub(super) const DATABASE_URL: Key = Key::secret("database", "url");
pub(super) const HTTP_BIND: Key = Key::open("http", "bind");
pub(super) const ORDERS_TIMEZONE: Key = Key::open("orders", "timezone");
pub(super) const ORDERS_CURRENCY: Key = Key::open("orders", "currency");
pub(super) const ORDERS_NUMBER_MISSING: Key = Key::open("orders", "number_missing");
pub(super) const LOG_FILTER: Key = Key::open("log", "filter");
pub(super) const LOG_FORMAT: Key = Key::open("log", "format");

/// All keys, in the order of the example file.
pub(super) const ALL: [Key; 7] = [
    DATABASE_URL,
    HTTP_BIND,
    ORDERS_TIMEZONE,
    ORDERS_CURRENCY,
    ORDERS_NUMBER_MISSING,
    LOG_FILTER,
    LOG_FORMAT,
];

/// What every variable of ours begins with.
pub(super) const PREFIX: &str = "ROMS__";

impl Key {
    const fn open(section: &'static str, name: &'static str) -> Self {
        Self { section, name, secret: false }
    }

    const fn secret(section: &'static str, name: &'static str) -> Self {
        Self { section, name, secret: true }
    }

    /// The name in reports: `http.bind`.
    pub(super) fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The variable that holds the value.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}__{}", self.section, self.name).to_uppercase()
    }

    /// The variable that names the file with the value, for a secret.
    pub(super) fn file_variable(&self) -> Option<String> {
        self.secret.then(|| self.variable() + "_FILE")
    }
}

/// The names of the sections, each once.
pub(super) fn sections() -> Vec<&'static str> {
    let mut names: Vec<_> = ALL.iter().map(|key| key.section).collect();
    names.dedup();
    names
}

/// The names of the keys of a section.
pub(super) fn names_in(section: &str) -> Vec<&'static str> {
    ALL.iter().filter(|key| key.section == section).map(|key| key.name).collect()
}

/// All variables that are ours.
pub(super) fn variables() -> Vec<String> {
    ALL.iter().flat_map(|key| [Some(key.variable()), key.file_variable()]).flatten().collect()
}

/// A hint after an unknown name: the known one it was likely meant for, else all of them.
pub(super) fn hint<S: AsRef<str>>(unknown: &str, known: &[S]) -> String {
    let nearest = known
        .iter()
        .map(AsRef::as_ref)
        .map(|name| (edits(&unknown.to_lowercase(), &name.to_lowercase()), name))
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, name)| *edits <= name.chars().count() / 3);
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!("known here: {}", known.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")),
    }
}

/// How many letters to insert, delete, replace or swap with their neighbour to make `b` of `a`:
/// the optimal string alignment distance.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
