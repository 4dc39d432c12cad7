//! Opening a database: concurrently, and with a schema that is too new.

use futures_util::future::join_all;
use roms::store::Store;

use crate::support::{
    app::App,
    home::{self, Home},
    sql::Sql,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_may_open_an_empty_database_at_once() {
    // Each opening makes a few connections, and a server needs more time for them than a file.
    let rounds = if home::server().is_some() { 5 } else { 25 };
    for round in 0..rounds {
        let home = Home::new();
        let url = home.url();
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
        let home = Home::new();
        let both = [0, 1].map(|_| home.command(&["migrate"]).spawn().unwrap());
        for process in both {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success(), "round {round}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[tokio::test]
async fn the_file_of_another_program_is_refused_and_left_alone() {
    let home = Home::sqlite();
    let mut sql = Sql::file(&home.database()).await;
    sql.run("CREATE TABLE foo (bar)").await;
    let refused = Store::open(&home.url()).await.unwrap_err().to_string();
    assert!(
        refused.ends_with("is the database of another program: set database.url to another file"),
        "{refused}"
    );
    let tables = sql.rows("SELECT name FROM sqlite_master").await;
    assert_eq!((tables.len(), &tables[0]["name"]), (1, &serde_json::json!("foo")));
    // An empty database is not that of another program.
    sql.run("DROP TABLE foo").await;
    Store::open(&home.url()).await.unwrap().close().await.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let home = Home::new();
    let url = home.url();
    Store::open(&url).await.unwrap().close().await.unwrap();
    let mut sql = home.sql().await;
    sql.run("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)").await;
    let schema = sql.either(
        "SELECT * FROM sqlite_master ORDER BY name",
        "SELECT relname::text, relkind::text, relnatts::int FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
    );
    let before = sql.rows(schema).await;

    let error = Store::open(&url).await.unwrap_err().to_string();

    assert!(error.contains("newer release of roms") && error.contains("m9999_future"), "{error}");
    assert_eq!(sql.rows(schema).await, before);
}

#[tokio::test]
async fn a_reopened_database_has_the_same_orders() {
    let app = App::start().await;
    app.stored(&["Order Number\nA-1\n"]).await;
    let home = app.stop().await;
    let again = App::start_in(home, "").await;
    assert_eq!(again.get("/api/v2/orders").await.json["total"], 1);
}
