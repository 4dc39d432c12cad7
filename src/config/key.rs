//! Every key there is: one table, which tells known from unknown and open from secret.

use strsim::osa_distance;

/// A key of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The section it stands in; dots lead to a section in a section.
    pub(crate) section: &'static str,
    /// Its name there.
    pub(crate) name: &'static str,
    /// What it may hold, and from where.
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A value, of the file or of a variable.
    Open,
    /// A value that may be a secret: it may also come from a file of its own, and no report
    /// repeats any of it.
    Secret,
    /// A section that may stand in the file any number of times: `[[section.name]]`.
    Repeated,
    /// A value in a repeated section; variables have no name for it.
    InFile,
}

pub(crate) const DATABASE_URL: Key = Key::new("database", "url", Kind::Secret);
pub(crate) const DATABASE_SEARCH_INDEX: Key = Key::new("database", "search_index", Kind::Open);
pub(crate) const HTTP_BIND: Key = Key::new("http", "bind", Kind::Open);
pub(crate) const HTTP_HOSTS: Key = Key::new("http", "hosts", Kind::Open);
pub(crate) const DISCORD_TOKEN: Key = Key::new("discord", "token", Kind::Secret);
pub(crate) const DISCORD_API_URL: Key = Key::new("discord", "api_url", Kind::Open);
pub(crate) const DISCORD_GUILDS: Key = Key::new("discord", "guilds", Kind::Open);
pub(crate) const DISCORD_REQUIRED: Key = Key::new("discord", "required", Kind::Open);
pub(crate) const DISCORD_NOTICE_CHANNEL: Key = Key::new("discord", "notice_channel", Kind::Open);
pub(crate) const DISCORD_CHANNELS: Key = Key::new("discord", "channels", Kind::Repeated);
pub(crate) const CHANNEL_ID: Key = Key::new("discord.channels", "id", Kind::InFile);
pub(crate) const CHANNEL_NAME: Key = Key::new("discord.channels", "name", Kind::InFile);
pub(crate) const CHANNEL_TRUST: Key = Key::new("discord.channels", "trust", Kind::InFile);
pub(crate) const CHANNEL_REACT: Key = Key::new("discord.channels", "react", Kind::InFile);
pub(crate) const CHANNEL_HISTORY: Key = Key::new("discord.channels", "history", Kind::InFile);
pub(crate) const CHANNEL_FORWARDED: Key = Key::new("discord.channels", "forwarded", Kind::InFile);
pub(crate) const TRUST_WEBHOOKS: Key = Key::new("discord.channels.trust", "webhooks", Kind::InFile);
pub(crate) const TRUST_APPLICATIONS: Key = Key::new("discord.channels.trust", "applications", Kind::InFile);
pub(crate) const TRUST_AUTHORS: Key = Key::new("discord.channels.trust", "authors", Kind::InFile);
pub(crate) const ACCESS_VIEWER: Key = Key::new("access", "viewer", Kind::Open);
pub(crate) const ACCESS_MANAGER: Key = Key::new("access", "manager", Kind::Open);
pub(crate) const ACCESS_ADMIN: Key = Key::new("access", "admin", Kind::Open);
pub(crate) const ORDERS_TIMEZONE: Key = Key::new("orders", "timezone", Kind::Open);
pub(crate) const ORDERS_CURRENCY: Key = Key::new("orders", "currency", Kind::Open);
pub(crate) const ORDERS_NUMBER_MISSING: Key = Key::new("orders", "number_missing", Kind::Open);
pub(crate) const RETENTION_RAW_DAYS: Key = Key::new("retention", "raw_days", Kind::Open);
pub(crate) const LOG_FILTER: Key = Key::new("log", "filter", Kind::Open);
pub(crate) const LOG_FORMAT: Key = Key::new("log", "format", Kind::Open);

/// All keys, in the order of the example file.
const ALL: &[Key] = &[
    DATABASE_URL,
    DATABASE_SEARCH_INDEX,
    HTTP_BIND,
    HTTP_HOSTS,
    DISCORD_TOKEN,
    DISCORD_API_URL,
    DISCORD_GUILDS,
    DISCORD_REQUIRED,
    DISCORD_NOTICE_CHANNEL,
    DISCORD_CHANNELS,
    CHANNEL_ID,
    CHANNEL_NAME,
    CHANNEL_TRUST,
    CHANNEL_REACT,
    CHANNEL_HISTORY,
    CHANNEL_FORWARDED,
    TRUST_WEBHOOKS,
    TRUST_APPLICATIONS,
    TRUST_AUTHORS,
    ACCESS_VIEWER,
    ACCESS_MANAGER,
    ACCESS_ADMIN,
    ORDERS_TIMEZONE,
    ORDERS_CURRENCY,
    ORDERS_NUMBER_MISSING,
    RETENTION_RAW_DAYS,
    LOG_FILTER,
    LOG_FORMAT,
];

/// What every variable of ours begins with.
pub(crate) const PREFIX: &str = "ROMS__";

impl Key {
    const fn new(section: &'static str, name: &'static str, kind: Kind) -> Self {
        Self { section, name, kind }
    }

    /// The name in reports: `http.bind`.
    pub(crate) fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The variable that holds the value, where one can.
    pub(crate) fn variable(&self) -> Option<String> {
        matches!(self.kind, Kind::Open | Kind::Secret).then(|| variable(&self.path()))
    }

    /// The variable that names the file with the value, for a secret.
    pub(crate) fn file_variable(&self) -> Option<String> {
        (self.kind == Kind::Secret).then(|| variable(&self.path()) + "_FILE")
    }
}

fn variable(path: &str) -> String {
    PREFIX.to_owned() + &path.replace('.', "__").to_uppercase()
}

/// Whether a section is at this place: `http`, `discord.channels`.
pub(crate) fn is_section(path: &str) -> bool {
    ALL.iter().any(|key| key.section == path)
}

/// Whether the section at this place may stand in the file any number of times.
pub(crate) fn is_repeated(path: &str) -> bool {
    ALL.iter().any(|key| key.kind == Kind::Repeated && key.path() == path)
}

/// How a section begins in a file.
pub(crate) fn header(section: &str) -> String {
    if is_repeated(section) { format!("[[{section}]]") } else { format!("[{section}]") }
}

/// What may stand in a section, each name once; in the section without a name, the sections.
pub(crate) fn names_in(section: &str) -> Vec<&'static str> {
    if section.is_empty() {
        let mut names: Vec<_> =
            ALL.iter().map(|key| key.section).filter(|name| !name.contains('.')).collect();
        names.dedup();
        return names;
    }
    ALL.iter().filter(|key| key.section == section).map(|key| key.name).collect()
}

/// All variables that are ours.
pub(crate) fn variables() -> Vec<String> {
    ALL.iter().flat_map(|key| [key.variable(), key.file_variable()]).flatten().collect()
}

/// The repeated section that somebody meant a variable for, if any.
pub(crate) fn repeated_section_of(name: &str) -> Option<String> {
    let mut sections = ALL.iter().filter(|key| key.kind == Kind::Repeated).map(Key::path);
    sections.find(|section| name.starts_with(&variable(section)))
}

/// A hint after an unknown name: the known one it was likely meant for, else all of them.
pub(crate) fn hint<S: AsRef<str>>(unknown: &str, known: &[S]) -> String {
    let nearest = known
        .iter()
        .map(AsRef::as_ref)
        .map(|name| (osa_distance(&unknown.to_lowercase(), &name.to_lowercase()), name))
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, name)| *edits <= name.chars().count() / 3);
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!("known here: {}", known.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")),
    }
}
