//! The database of the old Python system: ROMS recognizes it, leaves it alone and takes it over.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::cli::{err, out};
use crate::support::app::until;
use crate::support::{home::Home, sql::Sql};

/// The old schema, with rows as the old system wrote them.
const LEGACY: &str = include_str!("../fixtures/legacy.sql");

/// An old database in the folder of a home.
async fn old_database(home: &Home) -> PathBuf {
    let path = home.path().join("old.db");
    Sql::file(&path).await.run(LEGACY).await;
    path
}

fn import(home: &Home, arguments: &[&str]) -> Output {
    let arguments: Vec<_> = ["import-legacy", "old.db"].iter().chain(arguments).copied().collect();
    let output = home.command(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    output
}

/// Everything in the tables that an import fills.
async fn contents(home: &Home) -> Vec<Vec<Vec<Value>>> {
    let mut sql = home.sql().await;
    let mut tables = Vec::new();
    for table in ["orders", "order_items", "order_events", "webhook_logs", "order_sums"] {
        tables.push(sql.values(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3")).await);
    }
    tables
}

async fn order(home: &Home, columns: &str, number: &str) -> Vec<Value> {
    let sql = format!("SELECT {columns} FROM orders WHERE order_number = '{number}'");
    let mut rows = home.sql().await.values(&sql).await;
    assert_eq!(rows.len(), 1, "{number}");
    rows.remove(0)
}

/// The names and bytes of the files in a folder.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn roms_leaves_an_old_database_alone_and_says_what_to_do() {
    let home = Home::sqlite();
    Sql::file(&home.path().join("roms_v2.db")).await.run(LEGACY).await;
    let before = files(home.path());

    for command in [&[][..], &["migrate"], &["orders"], &["import-legacy", "roms_v2.db"]] {
        let output = home.command(command).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(
            err(&output).ends_with(
                "roms_v2.db is the database of the old Python system, which ROMS leaves as it is: set database.url to \
                 another file, such as sqlite://roms.db, and run `roms import-legacy roms_v2.db` to take the orders over\n"
            ),
            "{}",
            err(&output)
        );
        assert!(files(home.path()) == before, "{command:?} changes the folder");
    }

    let mut elsewhere = home.command(&["import-legacy", "roms_v2.db"]);
    let output = elsewhere.env("ROMS__DATABASE__URL", "sqlite://roms.db").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(fs::read(home.path().join("roms_v2.db")).unwrap(), before[0].1);
}

#[tokio::test]
async fn an_old_database_whose_tables_are_in_its_write_ahead_log_is_recognized_and_read() {
    let home = Home::sqlite();
    let source = tempfile::tempdir().unwrap();
    let path = source.path().join("live.db");
    let mut sql = Sql::file(&path).await;
    sql.run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").await;
    sql.run(LEGACY).await;
    // Closing the last connection would move the log into the file.
    for (from, to) in [("live.db", "roms_v2.db"), ("live.db-wal", "roms_v2.db-wal")] {
        fs::copy(source.path().join(from), home.path().join(to)).unwrap();
    }
    drop(sql);
    let before = files(home.path());

    let output = home.command(&["orders"]).output().unwrap();
    assert!(err(&output).contains("is the database of the old Python system"), "{}", err(&output));
    assert!(files(home.path()) == before);

    let mut import = home.command(&["import-legacy", "roms_v2.db"]);
    let output = import.env("ROMS__DATABASE__URL", "sqlite://roms.db").output().unwrap();
    assert!(out(&output).contains("6 orders came over"), "{}{}", out(&output), err(&output));
    let old = |files: Vec<(String, Vec<u8>)>| {
        files.into_iter().filter(|(name, _)| name.starts_with("roms_v2")).collect::<Vec<_>>()
    };
    assert!(old(files(home.path())) == before);
}

#[tokio::test]
async fn messages_are_read_again_and_the_table_adds_what_only_it_knows() {
    let home = Home::new();
    let old = old_database(&home).await;
    let before = fs::read(&old).unwrap();

    let report = out(&import(&home, &[]));

    assert_eq!(
        report,
        "Read 10 messages, 7 orders and 5 steps of history.\n\
         6 orders came over.\n\
         1 messages hold no order that can be read; they are in the webhook log.\n\
         3 orders repaired from their messages:\n\
         \x20 BBY01-001: status\n\
         \x20 BBY01-002: product, price, total, status, order_date\n\
         \x20 EMBED-1: status\n\
         4 orders found again that the old system had lost:\n\
         \x20 EMBED-2\n\
         \x20 LOST-CRLF\n\
         \x20 LOST-EMAIL\n\
         \x20 LOST-SPOILER\n\
         2 doubtful rows:\n\
         \x20 ODD-1: the source FAX is unknown; it becomes manual_upload; Unknown Product; the price 10.005 has more \
         than two decimals; read as 10.01; the total 10.005 has more than two decimals; read as 10.01; the status \
         LIMBO is not a status; use pending, processing, shipped, delivered, cancelled, refunded, verified, unverified\n\
         \x20 row 7: the order number is empty\n"
    );
    let columns = "product, price, total, status, notes, tracking_number, source";
    for (number, expected) in [
        ("BBY01-001", json!(["Thing 1", 10.01, 10.01, "verified", null, null, "webhook"])),
        ("BBY01-002", json!(["Thing 2", 10.02, 10.02, "shipped", null, "1Z999AA10123456784", "webhook"])),
        ("BBY01-003", json!(["Thing 3", 9.03, 9.03, "delivered", "Gift, do not open", null, "webhook"])),
        ("EMBED-2", json!(["Thing 8", 10.08, 10.08, "verified", null, null, "webhook"])),
        ("LOST-CRLF", json!(["Thing 4", 10.04, 10.04, "verified", null, null, "webhook"])),
        ("SHEET-1", json!(["Console", 499.99, 999.98, "shipped", null, null, "manual_upload"])),
        ("ODD-1", json!([null, 10.01, 10.01, null, null, null, "manual_upload"])),
    ] {
        assert_eq!(json!(order(&home, columns, number).await), expected, "{number}");
    }
    let sheet =
        order(&home, "quantity, commission, customer_name, worksheet_name, currency", "SHEET-1").await;
    assert_eq!(json!(sheet), json!([2, 25.5, "Ann Example", "December", "USD"]));
    let dates = order(&home, "order_date, created_at, newest_message_at", "BBY01-002").await;
    for (date, expected) in
        dates.iter().zip(["2026-01-05T10:01:00", "2026-01-05T10:01:00", "2026-01-07T09:00:00"])
    {
        let date = date.as_str().unwrap().replace(' ', "T");
        assert!(date.starts_with(expected), "{date}");
    }
    assert_eq!(fs::read(&old).unwrap(), before);
    home.sql().await.assert_sound().await;
}

#[tokio::test]
async fn the_old_history_is_kept_and_marked() {
    let home = Home::new();
    old_database(&home).await;
    import(&home, &[]);

    let steps = "SELECT changes, created_at FROM order_events WHERE event_type = 'legacy' AND order_id = \
                 (SELECT id FROM orders WHERE order_number = 'BBY01-002') ORDER BY id";
    let steps = home.sql().await.values(steps).await;

    assert_eq!(steps.len(), 2, "{steps:?}");
    let changes: Value = serde_json::from_str(steps[1][0].as_str().unwrap()).unwrap();
    let product = json!({"field": "product", "old": null, "new": "Unknown Product"});
    assert!(changes.as_array().unwrap().contains(&product), "{changes}");
    assert!(steps[1][1].as_str().unwrap().contains("09:00:00.035"), "{:?}", steps[1]);
    let shown = out(&home.command(&["order", "BBY01-002"]).output().unwrap());
    assert!(shown.contains("legacy (webhook)"), "{shown}");
}

#[tokio::test]
async fn a_second_import_and_a_replay_change_nothing() {
    let home = Home::new();
    old_database(&home).await;
    let report = out(&import(&home, &[]));
    let before = contents(&home).await;

    let again = out(&import(&home, &[]));
    assert_eq!(contents(&home).await, before);
    assert_eq!(
        again,
        format!(
            "Nothing is new: an earlier import took all of this over, and this one changed nothing. The report on the \
             whole file:\n{report}"
        )
    );

    let replay = home.command(&["replay", "--outcome", "all"]).output().unwrap();
    assert!(out(&replay).contains("0 orders created, 0 updated"), "{}{}", out(&replay), err(&replay));
    let after_replay = contents(&home).await;
    assert_eq!(after_replay[..3], before[..3]);
    import(&home, &[]);
    assert_eq!(contents(&home).await, after_replay);
}

#[tokio::test]
async fn a_dry_run_reports_the_same_and_writes_nothing() {
    let home = Home::new();
    old_database(&home).await;
    let before = files(home.path());

    let dry = out(&import(&home, &["--dry-run"]));

    assert!(files(home.path()) == before);
    if home.is_postgres() {
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(home.sql().await.value(tables).await, 0);
    }
    let real = out(&import(&home, &[]));
    assert_eq!(dry, format!("Dry run; nothing was stored.\n{real}"));
}

#[tokio::test]
async fn a_person_who_changed_an_order_in_roms_is_not_overruled_by_another_import() {
    let home = Home::new();
    old_database(&home).await;
    import(&home, &[]);
    let changed = "UPDATE orders SET price = 8.00, notes = NULL, cleared = 'notes', \
                   newest_message_at = '2026-02-01 00:00:00+00:00' WHERE order_number = 'BBY01-003'";
    home.sql().await.run(changed).await;

    let report = out(&import(&home, &[]));

    assert_eq!(json!(order(&home, "price, notes", "BBY01-003").await), json!([8.0, null]));
    assert!(report.contains("BBY01-003: the price was 9.03 in the old table; ROMS keeps 8.00"), "{report}");
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let home = Home::sqlite();
    Sql::file(&home.path().join("old.db")).await.run("CREATE TABLE songs (id INTEGER)").await;

    let output = home.command(&["import-legacy", "old.db"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        err(&output),
        "roms: old.db is not a database of the old Python system: it has no table `orders` of its form\n"
    );
    let missing = home.command(&["import-legacy", "gone.db"]).output().unwrap();
    assert_eq!(err(&missing), "roms: there is no database at gone.db\n");
}

#[tokio::test]
async fn an_import_that_was_killed_can_be_repeated() {
    const MESSAGES: u32 = 4000;
    let (whole, killed) = (Home::new(), Home::new());
    for home in [&whole, &killed] {
        let path = old_database(home).await;
        Sql::file(&path)
            .await
            .run(&format!(
                "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {MESSAGES}) \
                 INSERT INTO webhook_logs (endpoint, payload, created_at) SELECT '/api/v2/webhooks/orders', \
                 'Successful Checkout | Store' || char(10) || 'Product' || char(10) || 'Thing ' || n || char(10) || \
                 'Price' || char(10) || '$5.' || (n % 90 + 10) || char(10) || 'Order Number' || char(10) || \
                 '#MANY-' || n / 2, '2026-02-01 00:00:' || printf('%02d.%06d', n / 100, n) FROM n"
            ))
            .await;
    }
    import(&whole, &[]);

    let mut child = killed.command(&["import-legacy", "old.db"]).spawn().unwrap();
    until("some messages are imported", || async {
        let table = "SELECT 1 FROM sqlite_master WHERE name = 'order_sums'";
        let ready = "SELECT 1 FROM pg_tables WHERE tablename = 'order_sums'";
        if !killed.is_postgres() && !killed.database().exists() {
            return false;
        }
        let mut sql = killed.sql().await;
        let is_migrated = !sql.values(sql.either(table, ready)).await.is_empty();
        is_migrated && sql.count("webhook_logs").await > 500
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    let stored = killed.sql().await.count("webhook_logs").await;
    assert!(stored < u64::from(MESSAGES), "the import was over before it was killed");

    import(&killed, &[]);

    let orders = "SELECT order_number, product, price, total, status, order_date, newest_message_at FROM orders \
                  ORDER BY order_number";
    assert_eq!(killed.sql().await.values(orders).await, whole.sql().await.values(orders).await);
    for table in ["orders", "webhook_logs", "order_events"] {
        assert_eq!(killed.sql().await.count(table).await, whole.sql().await.count(table).await, "{table}");
    }
    killed.sql().await.assert_sound().await;
}
