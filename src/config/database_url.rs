//! Where the orders are kept.

use std::{fmt, path::Path, str::FromStr};

/// The address of a database. Shown without its password; [`Self::expose`] gives it whole.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

const SQLITE: &str = "sqlite://";

impl DatabaseUrl {
    /// The whole address, with a password where it has one: never for a log or a reply.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The file of an SQLite database. Every character stands for itself: there are no percent
    /// codes, as in a path on the command line.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        self.0.strip_prefix(SQLITE).map(Path::new)
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    /// Errors repeat nothing of the text, which may hold a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let known = "expected sqlite://PATH, such as sqlite://roms_v2.db or sqlite:///var/lib/roms/roms.db";
        if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(format!("PostgreSQL comes with a later release; for now, {known}"));
        }
        let Some(path) = text.strip_prefix(SQLITE) else {
            return Err(format!("no database that ROMS knows; {known}"));
        };
        if path.is_empty() || path.starts_with(":memory:") {
            return Err(format!("the orders must be kept in a file; {known}"));
        }
        if path.contains(['?', '#']) || path.contains(char::is_control) {
            return Err(format!("a path without `?`, `#` and control characters; {known}"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", masked(&self.0))
    }
}

/// The address with `***` for the password in `scheme://user:password@host`, if any. A file's
/// path has none.
fn masked(url: &str) -> String {
    let parts = url
        .split_once("://")
        .filter(|(scheme, _)| *scheme != "sqlite")
        .and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)));
    match parts {
        Some((scheme, (credentials, host))) => {
            let user = credentials.split_once(':').map_or(credentials, |(user, _)| user);
            format!("{scheme}://{user}:***@{host}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_password_is_masked_whatever_it_holds() {
        assert_eq!(masked("postgres://roms:p:a@ss/w@db:5432/roms"), "postgres://roms:***@db:5432/roms");
    }

    #[test]
    fn a_path_stays_as_it_is() {
        assert_eq!(masked("sqlite://a:b@c.db"), "sqlite://a:b@c.db");
    }
}
