//! Before an upgrade changes an SQLite database, ROMS keeps a copy of it.

use std::fs;

use crate::cli::{err, out};
use crate::support::home::Home;
use crate::support::sql::Sql;

/// A database of an older release.
const DUMP: &str = include_str!("../../fixtures/previous_release.sql");

/// The names of the copies in the folder.
fn copies(home: &Home) -> Vec<String> {
    let entries =
        fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> =
        entries.filter(|name| name.contains(concat!(".before-", env!("CARGO_PKG_VERSION")))).collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_database_is_copied_before_an_upgrade_and_one_can_go_back() {
    let home = Home::sqlite();
    let migrations = "SELECT version FROM seaql_migrations ORDER BY version";
    home.sql().await.run(DUMP).await;
    let old = home.sql().await.values(migrations).await;
    let orders = home.sql().await.values("SELECT * FROM orders ORDER BY id").await;

    let migrate = home.command(&["migrate"]).output().unwrap();

    assert!(migrate.status.success(), "{}", err(&migrate));
    let copy = concat!("roms_v2.db.before-", env!("CARGO_PKG_VERSION"));
    assert_eq!(copies(&home), [copy]);
    assert!(err(&migrate).contains("updated the schema of sqlite://roms_v2.db"), "{}", err(&migrate));
    assert!(err(&migrate).contains("it was copied to roms_v2.db.before-"), "{}", err(&migrate));
    assert!(home.sql().await.values(migrations).await.len() > old.len());
    let mut kept = Sql::file(&home.path().join(copy)).await;
    assert_eq!(kept.values(migrations).await, old);
    assert_eq!(kept.values("SELECT * FROM orders ORDER BY id").await, orders);
    drop(kept);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = home.path().join(copy).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // A database without a missing migration is not copied.
    assert!(home.command(&["orders"]).output().unwrap().status.success());
    assert_eq!(copies(&home).len(), 1);

    // Back to the copy, and up again: the first copy stays.
    let restored = home.command(&["restore", copy]).output().unwrap();
    assert!(restored.status.success(), "{}{}", out(&restored), err(&restored));
    assert!(home.command(&["migrate"]).output().unwrap().status.success());
    assert_eq!(copies(&home), [copy.to_owned(), format!("{copy}-2")]);
}

#[tokio::test]
async fn a_new_database_is_not_copied() {
    let home = Home::sqlite();
    assert!(home.command(&["migrate"]).output().unwrap().status.success());
    assert_eq!(copies(&home), [""; 0]);
}
