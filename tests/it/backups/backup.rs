//! Backups: what is in them, and what is left where none could be made.

use std::{fs, process::Command};

use super::{done, mode, names, refusal};
use crate::support::{
    app::{App, soon},
    disk,
    home::Home,
    load::{Load, assert_holds},
    program::Program,
    sql::Sql,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_holds_every_order_that_was_acknowledged_before_it_began() {
    let program = Program::start_in(Home::sqlite()).await;
    let folder = tempfile::tempdir().unwrap();
    let load = Load::start(&program.url, "S", 8);
    load.until_more(100).await;
    for name in ["first.db", "second.db"] {
        let before = load.seen().acknowledged;
        let file = folder.path().join(name);
        let said = done(program.folder(), &["backup", file.to_str().unwrap()]).await;

        assert_eq!(mode(&file), 0o600);
        let mut backup = Sql::file(&file).await;
        let orders = assert_holds(&mut backup, &before).await;
        assert!(said.contains(&format!(" {orders} orders, {orders} log rows")), "{said}");
        assert_eq!(
            backup.count("webhook_logs").await,
            orders as u64,
            "a message is in it whole or not at all"
        );
        load.until_more(100).await;
    }
    assert_eq!(names(folder.path()), ["first.db", "second.db"], "one file each, and nothing beside it");
    let seen = load.end().await;
    assert!(seen.refused.is_empty(), "the backup does not block senders: {:?}", seen.refused);
    assert_holds(&mut program.sql().await, &seen.acknowledged).await;
}

#[tokio::test]
async fn an_existing_file_is_never_overwritten() {
    let app = App::start_in(Home::sqlite(), "").await;
    app.stored(&["Order Number\nA-1\n"]).await;
    let folder = app.stop().await;
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("link")).unwrap();
    for name in ["notes.txt", "link", "roms_v2.db", "."] {
        let line = refusal(folder.path(), &["backup", name]).await;
        assert!(line.contains(&format!("{name} already exists and is not overwritten")), "{line}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "mine");
    assert_eq!(names(folder.path()), ["link", "notes.txt", "roms_v2.db"]);
}

#[tokio::test]
async fn a_backup_without_a_database_creates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let line = refusal(folder.path(), &["backup", "copy.db"]).await;
    assert!(line.contains("there is no database at roms_v2.db"), "{line}");
    assert!(names(folder.path()).is_empty());

    Sql::file(&folder.path().join("roms_v2.db")).await.run("CREATE TABLE cakes (id)").await;
    let line = refusal(folder.path(), &["backup", "copy.db"]).await;
    assert!(line.starts_with("roms: roms_v2.db is "), "it names no temporary file: {line}");
    assert_eq!(names(folder.path()), ["roms_v2.db"]);
}

#[tokio::test]
async fn a_backup_of_a_server_names_the_tools_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), "[database]\nurl = \"postgres://roms@db.invalid/roms\"\n")
        .unwrap();
    for command in ["backup", "restore"] {
        let line = refusal(folder.path(), &[command, "copy.db"]).await;
        assert!(line.contains("pg_dump") && line.contains("pg_restore"), "{line}");
    }
    assert_eq!(names(folder.path()), ["config.toml"]);
}

#[tokio::test]
async fn the_error_names_a_folder_that_cannot_be_written_to() {
    let folder = tempfile::tempdir().unwrap();
    done(folder.path(), &["migrate"]).await;
    let line = refusal(folder.path(), &["backup", "missing/copy.db"]).await;
    assert!(line.contains("cannot write to the folder of missing/copy.db"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_nothing_behind() {
    let program = Program::start_in(Home::sqlite()).await;
    let load = Load::start(&program.url, "S", 8);
    load.until_more(300).await;
    load.end().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.db");

    let mut command = Command::new("sh");
    command
        .args(["-c", disk::RUN_WITH_FILE_LIMIT, "sh", "100", env!("CARGO_BIN_EXE_roms"), "backup"])
        .arg(&file);
    let output = command.current_dir(program.folder()).env_clear().output().unwrap();

    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert!(line.starts_with("roms: the database reports: ") && line.lines().count() == 1, "{line}");
    assert!(names(folder.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_or_stopped_backup_leaves_no_file() {
    let program = Program::start_in(Home::sqlite()).await;
    // Large enough to be hit on the way.
    program
        .sql()
        .await
        .run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) \
             INSERT INTO webhook_logs (source, endpoint, outcome, warnings, order_ids, payload, flattened, sent_at, \
             created_at) SELECT 'webhook', '/', 'ignored', '[]', '[]', hex(randomblob(500)), '', \
             '2026-01-31T00:00:00+00:00', '2026-01-31T00:00:00+00:00' FROM n",
        )
        .await;
    let folder = tempfile::tempdir().unwrap();
    for (signal, left) in [("TERM", 0), ("KILL", 1)] {
        let mut command = super::command(program.folder(), &["backup"]);
        let mut child = command.arg(folder.path().join("copy.db")).spawn().unwrap();
        let begun = async {
            while names(folder.path()).is_empty() {
                assert_eq!(child.try_wait().unwrap(), None, "it was done too soon");
                tokio::task::yield_now().await;
            }
        };
        soon(begun).await;
        let kill = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        assert!(!child.wait().unwrap().success());
        // After a kill, a folder that only its owner can enter stays.
        let names = names(folder.path());
        assert_eq!(names.len(), left, "{names:?}");
        assert!(
            names.iter().all(|name| name.starts_with(".roms-") && mode(&folder.path().join(name)) == 0o700)
        );
    }
    done(program.folder(), &["backup", folder.path().join("copy.db").to_str().unwrap()]).await;
}
