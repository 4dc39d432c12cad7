//! Where the orders are kept.

use std::{fmt, path::Path, str::FromStr};

use url::Url;

/// The address of a database. Shown without user and password; [`Self::expose`] gives it whole.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    whole: String,
    shown: String,
}

const SQLITE: &str = "sqlite://";
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

/// What is expected where a text is none of it.
const KNOWN: &str = "expected sqlite://PATH, such as sqlite://roms_v2.db or sqlite:///var/lib/roms/roms.db, \
                     or postgres://USER:PASSWORD@HOST:PORT/DATABASE";
/// What a PostgreSQL address must look like.
const POSTGRES_FORM: &str = "expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, with percent codes for special \
                             characters in user and password, such as %40 for @, %2F for / and %23 for #";
/// Settings that may stand behind the `?` of a PostgreSQL address, with the values that are known
/// where they can be listed.
const PARAMETERS: [(&str, &[&str]); 6] = [
    ("sslmode", &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
    ("sslrootcert", &[]),
    ("sslcert", &[]),
    ("sslkey", &[]),
    ("application_name", &[]),
    ("options", &[]),
];

impl DatabaseUrl {
    /// The whole address, with a password where it has one: never for a log or a reply.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.whole
    }

    /// The file of an SQLite database; `None` for PostgreSQL. Every character stands for itself:
    /// there are no percent codes, as in a path on the command line.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        self.whole.strip_prefix(SQLITE).map(Path::new)
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    /// Errors repeat nothing of the text, which may hold a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let shown = if let Some(path) = text.strip_prefix(SQLITE) {
            check_sqlite(path)?;
            text.to_owned()
        } else if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) {
            shown_postgres(text)?
        } else {
            return Err(format!("no database that ROMS knows; {KNOWN}"));
        };
        Ok(Self { whole: text.to_owned(), shown })
    }
}

fn check_sqlite(path: &str) -> Result<(), String> {
    if path.is_empty() || path.starts_with(":memory:") {
        return Err(format!("the orders must be kept in a file; {KNOWN}"));
    }
    if path.split('/').next().is_some_and(|first| first.contains('@') && first.contains(':')) {
        return Err(format!("a file has no user and password; {KNOWN}"));
    }
    if path.contains(['?', '#']) || path.contains(char::is_control) {
        return Err(format!("a path without `?`, `#` and control characters; {KNOWN}"));
    }
    Ok(())
}

/// What may be shown of a PostgreSQL address that can be used: host and database.
fn shown_postgres(text: &str) -> Result<String, String> {
    let url =
        Url::parse(text).map_err(|_| format!("no address of a PostgreSQL database; {POSTGRES_FORM}"))?;
    if url.fragment().is_some() {
        return Err(format!("a PostgreSQL address has no `#`; {POSTGRES_FORM}"));
    }
    let database = url.path().trim_start_matches('/');
    // A password with a slash in it, which is no percent code, makes host and path of its parts.
    if database.is_empty() || database.contains(['/', '@', ':']) {
        return Err(format!("the PostgreSQL address names no database; {POSTGRES_FORM}"));
    }
    for (name, value) in url.query_pairs() {
        let Some((name, values)) = PARAMETERS.iter().find(|(known, _)| *known == name) else {
            let known = PARAMETERS.map(|(name, _)| name).join(", ");
            return Err(format!("behind the `?` of a PostgreSQL address may stand only {known}"));
        };
        if !values.is_empty() && !values.contains(&&*value) {
            return Err(format!("{name} of a PostgreSQL address is one of {}", values.join(", ")));
        }
    }
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err(format!("the PostgreSQL address names no host; {POSTGRES_FORM}"));
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("postgres://{host}{port}/{database}"))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown)
    }
}
