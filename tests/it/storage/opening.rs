//! Opening: together, and what is refused.

use futures_util::future::join_all;
use roms::store::Store;

use crate::support::{app::config, program::command, sql::Sql};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_may_open_an_empty_database_at_once() {
    for round in 0..25 {
        let folder = tempfile::tempdir().unwrap();
        let url = config(&folder.path().join("roms.db"), "").database.url;
        let opens = (0..4).map(|_| {
            let url = url.clone();
            tokio::spawn(async move { Store::open(&url).await })
        });
        for opened in join_all(opens).await {
            let store = opened.unwrap().unwrap_or_else(|error| panic!("round {round}: {error}"));
            store.ping().await.unwrap();
        }
    }
}

#[test]
fn two_processes_may_migrate_an_empty_database_at_once() {
    for round in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let both = [0, 1].map(|_| command(folder.path(), &["migrate"]).spawn().unwrap());
        for process in both {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success(), "round {round}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[tokio::test]
async fn a_database_is_opened_again_with_all_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let url = config(&folder.path().join("a b%20c?.db".replace('?', "x").as_str()), "").database.url;
    for _ in 0..2 {
        Store::open(&url).await.unwrap().close().await.unwrap();
    }
    assert!(folder.path().join("a b%20cx.db").exists(), "a path is taken by the letter");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roms.db");
    let url = config(&path, "").database.url;
    Store::open(&url).await.unwrap().close().await.unwrap();
    let mut sql = Sql::open(&path).await;
    sql.run("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)").await;
    let before = sql.rows("SELECT * FROM sqlite_master ORDER BY name").await;

    let error = Store::open(&url).await.unwrap_err().to_string();

    assert!(error.contains("newer release of roms") && error.contains("m9999_future"), "{error}");
    assert_eq!(sql.rows("SELECT * FROM sqlite_master ORDER BY name").await, before);
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "Dear diary, this is no database at all. ".repeat(200);
    std::fs::write(&path, &text).unwrap();

    let error = Store::open(&config(&path, "").database.url).await.unwrap_err().to_string();

    assert!(error.contains("notes.txt is not an SQLite database"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_folder_that_takes_no_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for path in ["missing/roms.db", "file/roms.db", "."] {
        let path = folder.path().join(path);
        let error = Store::open(&config(&path, "").database.url).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot open the database file ") && !error.contains('\n'), "{error}");
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}
