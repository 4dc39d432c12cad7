//! Restored databases: what they hold, what is kept, and when there is none.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use migration::{Migrator, MigratorTrait};
use roms::store::Store;

use super::{done, mode, names, refusal, roms};
use crate::support::{
    app::{ORDERS, until},
    home::Home,
    load::{Load, assert_holds, card},
    program::Program,
    sql::Sql,
};

/// A folder with a backup of the order OLD, and a database with OLD and NEW.
async fn with_backup() -> Home {
    let program = Program::start_in(Home::sqlite()).await;
    post(&program, "OLD").await;
    done(program.folder(), &["backup", "backup.db"]).await;
    post(&program, "NEW").await;
    program.signal("TERM");
    program.end().await.home
}

async fn post(program: &Program, number: &str) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let reply = client.post(format!("{}{ORDERS}", program.url)).body(card(number)).send().await.unwrap();
    assert_eq!(reply.status(), 200);
}

async fn orders(file: &Path) -> Vec<String> {
    let rows = Sql::file(file).await.values("SELECT order_number FROM orders ORDER BY id").await;
    rows.into_iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

/// The databases that were kept in a folder.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let is_kept = |name: &String| name.starts_with("roms_v2.db.before-restore-");
    names(folder).into_iter().filter(is_kept).map(|name| folder.join(name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_serves_and_holds_what_was_acknowledged_before_the_backup() {
    let program = Program::start_in(Home::sqlite()).await;
    let load = Load::start(&program.url, "S", 8);
    load.until_more(100).await;
    let before = load.seen().acknowledged;
    done(program.folder(), &["backup", "backup.db"]).await;
    load.until_more(100).await;
    program.signal("KILL");
    let after = load.end().await.acknowledged;
    let folder = program.end().await.home;

    let said = done(folder.path(), &["restore", "backup.db"]).await;

    let database = folder.path().join("roms_v2.db");
    assert_eq!((mode(&database), mode(&kept(folder.path())[0])), (0o600, 0o600));
    assert!(said.contains(kept(folder.path())[0].to_str().unwrap()), "{said}");
    let kept_file = kept(folder.path()).remove(0);
    assert_eq!(names(folder.path()).len(), 3, "no side files are left: {:?}", names(folder.path()));
    let program = Program::start_in(folder).await;
    let restored = assert_holds(&mut program.sql().await, &before).await;
    post(&program, "NEXT").await;
    assert_eq!(program.sql().await.count("orders").await, restored as u64 + 1);
    // The one before is whole, although it was killed with its log beside it.
    assert_holds(&mut Sql::file(&kept_file).await, &after).await;
}

#[tokio::test]
async fn the_log_of_the_old_database_is_not_applied_to_the_restored_one() {
    let folder = with_backup().await;
    let program = Program::start_in(folder).await;
    post(&program, "LATEST").await;
    program.signal("KILL");
    let folder = program.end().await.home;
    let wal = folder.path().join("roms_v2.db-wal");
    assert!(fs::metadata(&wal).unwrap().len() > 0, "the order is in the log");

    done(folder.path(), &["restore", "backup.db"]).await;

    assert!(!wal.exists());
    assert_eq!(orders(&folder.path().join("roms_v2.db")).await, ["OLD"]);
    assert_eq!(orders(&kept(folder.path())[0]).await, ["OLD", "NEW", "LATEST"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_use_is_left_alone() {
    let folder = with_backup().await;
    let program = Program::start_in(folder).await;
    let line = refusal(program.folder(), &["restore", "backup.db"]).await;
    assert!(line.contains("roms_v2.db is in use; stop roms"), "{line}");
    post(&program, "MORE").await;
    program.signal("TERM");
    let folder = program.end().await.home;

    // A program that only reads the database uses it, too.
    let database = folder.path().join("roms_v2.db");
    let mut sql = Sql::file(&database).await;
    sql.run("BEGIN").await;
    sql.count("orders").await;
    let line = refusal(folder.path(), &["restore", "backup.db"]).await;
    assert!(line.contains("in use"), "{line}");
    sql.run("COMMIT").await;
    drop(sql);
    assert_eq!(orders(&database).await, ["OLD", "NEW", "MORE"]);
    assert!(kept(folder.path()).is_empty());
}

#[tokio::test]
async fn an_unusable_backup_is_refused_and_the_database_left_alone() {
    let folder = with_backup().await;
    let path = |name: &str| folder.path().join(name);
    fs::write(path("notes.txt"), "no database, but long enough to look at. ".repeat(100)).unwrap();
    Sql::file(&path("cakes.db")).await.run("CREATE TABLE cakes (id)").await;
    fs::copy(path("backup.db"), path("later.db")).unwrap();
    let later = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)";
    Sql::file(&path("later.db")).await.run(later).await;
    let mut torn = fs::read(path("backup.db")).unwrap();
    let middle = torn.len() / 2;
    torn[middle..middle + 5000].fill(0xff);
    fs::write(path("torn.db"), &torn).unwrap();
    fs::write(path("short.db"), &torn[..middle]).unwrap();
    let before = names(folder.path());
    for (name, said) in [
        ("missing.db", "there is no database at missing.db"),
        ("notes.txt", "notes.txt is not an SQLite database"),
        ("cakes.db", "cakes.db is not a ROMS database"),
        ("later.db", "newer release of roms"),
        ("torn.db", "torn.db is damaged"),
        ("short.db", "short.db is damaged"),
        ("roms_v2.db", "roms_v2.db is the database itself, not a backup; name a file that `roms backup` has"),
    ] {
        let line = refusal(folder.path(), &["restore", name]).await;
        assert!(line.contains(said), "{name}: {line}");
    }
    assert_eq!(orders(&path("roms_v2.db")).await, ["OLD", "NEW"]);
    assert_eq!(names(folder.path()), before, "nothing is left behind");
}

#[tokio::test]
async fn a_backup_of_an_older_schema_is_brought_up_to_date_at_the_next_start() {
    let folder = Home::sqlite();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("old.db").display());
    let old = sea_orm::Database::connect(url).await.unwrap();
    Migrator::up(&old, Some(3)).await.unwrap();
    old.close().await.unwrap();

    done(folder.path(), &["restore", "old.db"]).await;

    let program = Program::start_in(folder).await;
    post(&program, "A-1").await;
    assert_eq!(program.sql().await.count("channel_cursors").await, 0);
}

#[tokio::test]
async fn a_restore_without_a_database_creates_one() {
    let folder = with_backup().await;
    let database = folder.path().join("roms_v2.db");
    fs::remove_file(&database).unwrap();
    // Left over from it; not of the restored database.
    fs::write(folder.path().join("roms_v2.db-wal"), "stale").unwrap();

    let said = done(folder.path(), &["restore", "backup.db"]).await;

    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(mode(&database), 0o600);
    assert!(!folder.path().join("roms_v2.db-wal").exists());
    assert_eq!(fs::read_to_string(&kept(folder.path())[0]).unwrap(), "stale", "nothing is destroyed");
    assert_eq!(orders(&database).await, ["OLD"]);
}

#[tokio::test]
async fn a_database_that_is_damaged_is_replaced_and_kept() {
    let folder = with_backup().await;
    let database = folder.path().join("roms_v2.db");
    let garbage = "no database any more. ".repeat(1000);
    fs::write(&database, &garbage).unwrap();

    done(folder.path(), &["restore", "backup.db"]).await;

    assert_eq!(orders(&database).await, ["OLD"]);
    assert_eq!(fs::read_to_string(&kept(folder.path())[0]).unwrap(), garbage);
}

#[tokio::test]
async fn each_command_names_restore_if_the_database_is_damaged() {
    let folder = with_backup().await;
    let database = folder.path().join("roms_v2.db");
    let whole = fs::read(&database).unwrap();
    let mut damaged = whole.clone();
    damaged[4096..].fill(0xff);
    // The last pages only: a command may start, and a backup reads everything.
    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[middle..].fill(0xff);
    let garbage = "no database any more. ".repeat(1000).into_bytes();
    for (bytes, commands) in [
        (&damaged, &[&["orders"][..], &["migrate"], &[], &["backup", "new.db"]][..]),
        (&torn, &[&["backup", "new.db"]]),
        (&garbage, &[&["orders"], &[], &["backup", "new.db"]]),
    ] {
        for command in commands {
            fs::write(&database, bytes).unwrap();
            let output = roms(folder.path(), command).await;
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
            let hint = "stop ROMS and put a backup in its place with `roms restore FILE`";
            assert!(
                said.trim_end().ends_with(hint) || said.contains(&format!("{hint}, or")),
                "{command:?}: {said}"
            );
            assert!(!folder.path().join("new.db").exists());
        }
        done(folder.path(), &["restore", "backup.db"]).await;
        assert_eq!(orders(&database).await, ["OLD"]);
        for kept in kept(folder.path()) {
            fs::remove_file(kept).unwrap();
        }
    }
}

#[tokio::test]
async fn a_restore_through_a_link_replaces_its_target() {
    let folder = with_backup().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let (link, database) = (folder.path().join("roms_v2.db"), elsewhere.path().join("real.db"));
    fs::copy(&link, &database).unwrap();
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&database, &link).unwrap();
    let before = fs::metadata(&database).unwrap().ino();

    done(folder.path(), &["restore", "backup.db"]).await;

    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(orders(&database).await, ["OLD"]);
    assert_ne!(fs::metadata(&database).unwrap().ino(), before);
    assert_eq!(names(elsewhere.path()).len(), 2);
}

/// How often this process has a file open.
#[cfg(target_os = "linux")]
fn open_files(path: &Path) -> usize {
    let files = fs::read_dir("/proc/self/fd").unwrap();
    files.filter(|file| fs::read_link(file.as_ref().unwrap().path()).is_ok_and(|open| open == path)).count()
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_process_that_opens_the_database_during_a_restore_serves_the_restored_one() {
    let folder = with_backup().await;
    let database = folder.path().join("roms_v2.db");
    // As a restore does it: everybody else waits, and then finds another file under the name.
    let mut sql = Sql::file(&database).await;
    sql.run("PRAGMA journal_mode = DELETE").await;
    sql.run("BEGIN EXCLUSIVE").await;
    let opening = tokio::spawn({
        let url = folder.url();
        async move { Store::open(&url).await.unwrap() }
    });
    // One file is this test's, and one belongs to the check for a database of the old system: while a connection of
    // the same process holds a lock, SQLite closes no other file of the database. The third one is the store's own.
    until("the store has opened the old file, too", async || open_files(&database) == 3).await;
    fs::rename(folder.path().join("backup.db"), &database).unwrap();
    drop(sql);

    let store = opening.await.unwrap();
    let found = store.count_orders(&roms::store::OrderFilter::default()).await.unwrap();
    assert_eq!(found.count, 1);
    let lock = store.begin().await.unwrap();
    lock.commit().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(orders(&database).await, ["OLD"]);
}
