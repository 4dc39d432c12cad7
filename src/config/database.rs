//! `[database]`: where the orders are stored.

use std::{fmt, path::Path, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

/// Where the orders are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The database.
    pub url: DatabaseUrl,
    /// Whether substring search has an index.
    pub search_index: bool,
    /// How many seconds to wait at the start for a database that cannot be used yet.
    pub wait: u64,
}

/// The address of a database. `Display` and `Debug` leave out user and password;
/// [`expose`](Self::expose) returns the whole address.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct DatabaseUrl {
    /// With user and password.
    address: String,
    /// Without them.
    masked: String,
}

const SQLITE: &str = "sqlite://";
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

const EXPECTED: &str = "expected sqlite://PATH, such as sqlite://roms_v2.db or sqlite:///var/lib/roms/roms.db, or \
                        postgres://USER:PASSWORD@HOST:PORT/DATABASE";
const EXPECTED_POSTGRES: &str = "expected postgres://USER:PASSWORD@HOST:PORT/DATABASE, with percent codes for \
                                 special characters in user and password, such as %40 for @, %2F for / and %23 for #";
/// Parameters that a PostgreSQL address may have after its `?`, each with its possible values, or with
/// none if any value is possible.
const PARAMETERS: [(&str, &[&str]); 7] = [
    ("sslmode", &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
    ("sslrootcert", &[]),
    ("sslcert", &[]),
    ("sslkey", &[]),
    ("application_name", &[]),
    ("options", &[]),
    // ROMS only uses the primary, whether or not the address says so.
    (SESSION_ATTRIBUTES, &["read-write", "primary"]),
];

/// The parameter with which an address of several hosts asks for the primary.
const SESSION_ATTRIBUTES: &str = "target_session_attrs";

/// One address for each of the hosts between `@` and `/`, which are separated by commas.
fn split_hosts(address: &str) -> Vec<String> {
    let Some((scheme, rest)) = address.split_once("://") else { return vec![address.to_owned()] };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    hosts.split(',').map(|host| format!("{scheme}://{user}{host}{path}")).collect()
}

/// An address without the parameter that the driver does not know.
fn without_session_attributes(address: &str) -> String {
    let Some((address, query)) = address.split_once('?') else { return address.to_owned() };
    let known: Vec<&str> = query
        .split('&')
        .filter(|pair| pair.split('=').next().is_some_and(|name| name != SESSION_ATTRIBUTES))
        .collect();
    if known.is_empty() { address.to_owned() } else { format!("{address}?{}", known.join("&")) }
}

impl DatabaseUrl {
    /// The whole address, possibly with a password. Never log it or put it into a reply.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.address
    }

    /// The addresses of the hosts of a PostgreSQL database, possibly with a password, each complete on its own.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        split_hosts(&self.address).iter().map(|address| without_session_attributes(address)).collect()
    }

    /// The file of an SQLite database; `None` for PostgreSQL. Percent codes are not decoded: the path is
    /// taken literally, as on the command line.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        self.address.strip_prefix(SQLITE).map(Path::new)
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    /// Errors do not repeat the text, which may hold a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let masked = if let Some(path) = text.strip_prefix(SQLITE) {
            check_sqlite(path)?;
            text.to_owned()
        } else if POSTGRES.iter().any(|scheme| text.starts_with(scheme)) {
            masked_postgres(text)?
        } else {
            return Err(format!("not a database that ROMS knows; {EXPECTED}"));
        };
        Ok(Self { address: text.to_owned(), masked })
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

fn check_sqlite(path: &str) -> Result<(), String> {
    if path.is_empty() || path.starts_with(":memory:") {
        return Err(format!("the orders must be kept in a file; {EXPECTED}"));
    }
    if path.split('/').next().is_some_and(|first| first.contains('@') && first.contains(':')) {
        return Err(format!("a file has no user and password; {EXPECTED}"));
    }
    if path.contains(['?', '#']) || path.contains(char::is_control) {
        return Err(format!("the path must not contain `?`, `#` or control characters; {EXPECTED}"));
    }
    Ok(())
}

/// Checks a PostgreSQL address and returns hosts and database, the part that may be shown.
fn masked_postgres(text: &str) -> Result<String, String> {
    let masked: Vec<String> =
        split_hosts(text).iter().map(|host| masked_host(host)).collect::<Result<_, _>>()?;
    let (database, mut hosts) = (masked.first().and_then(|host| host.rsplit_once('/')), Vec::new());
    for host in &masked {
        hosts.extend(host.rsplit_once('/').map(|(host, _)| host));
    }
    Ok(format!("postgres://{}/{}", hosts.join(","), database.map_or("", |(_, database)| database)))
}

/// `HOST:PORT/DATABASE` of an address with one host.
fn masked_host(text: &str) -> Result<String, String> {
    let url = Url::parse(text)
        .map_err(|_| format!("not the address of a PostgreSQL database; {EXPECTED_POSTGRES}"))?;
    if url.fragment().is_some() {
        return Err(format!("a PostgreSQL address has no `#`; {EXPECTED_POSTGRES}"));
    }
    let database = url.path().trim_start_matches('/');
    // A `/` in a password that is not percent-coded ends the host early: parts of the password then
    // count as host and path.
    if database.is_empty() || database.contains(['/', '@', ':']) {
        return Err(format!("the PostgreSQL address names no database; {EXPECTED_POSTGRES}"));
    }
    for (name, value) in url.query_pairs() {
        let Some((name, values)) = PARAMETERS.iter().find(|(known, _)| *known == name) else {
            let known = PARAMETERS.map(|(name, _)| name).join(", ");
            return Err(format!("after the `?` of a PostgreSQL address may stand only {known}"));
        };
        if !values.is_empty() && !values.contains(&&*value) {
            return Err(format!("{name} of a PostgreSQL address is one of {}", values.join(", ")));
        }
    }
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return Err(format!("the PostgreSQL address names no host; {EXPECTED_POSTGRES}"));
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{host}{port}/{database}"))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.masked, f)
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
