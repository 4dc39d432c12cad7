//! How the program starts: what it prints, what keeps it from starting, and commands that use a running ROMS.

use std::{
    io::Read,
    net::TcpListener,
    process::{Command, Output},
};

use roms::store::Store;
use serde_json::json;

use crate::support::{
    home::Home,
    program::{Program, command},
};
use crate::watching::program::run as run_roms;

/// Runs a command that fails with exit code 1, and returns its one line on standard error.
fn failure(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let log = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{log}");
    assert_eq!(stdout, b"", "errors do not go to standard output");
    let failures: Vec<&str> = log.lines().filter(|line| !line.contains(" INFO ")).collect();
    assert_eq!(failures.len(), 1, "more than one line:\n{log}");
    assert!(failures[0].starts_with("roms: "), "{log}");
    for word in ["backtrace", "panicked", "Error {", "SqlxError"] {
        assert!(!log.contains(word), "{log}");
    }
    failures[0].to_owned()
}

/// `roms serve` on a free port.
fn serve(home: &Home) -> Command {
    let mut command = home.command(&["serve"]);
    command.env("ROMS__HTTP__BIND", "127.0.0.1:0").env("RUST_BACKTRACE", "1");
    command
}

#[tokio::test]
async fn it_prints_four_lines_when_it_starts() {
    let program = Program::start_in(Home::sqlite()).await;
    let lines: Vec<String> = program
        .start_lines
        .iter()
        .map(|line| {
            line.split_once(" INFO ").unwrap_or_else(|| panic!("{line}")).1.replace(&program.url, "[url]")
        })
        .collect();
    assert_eq!(
        lines,
        [
            concat!("ROMS ", env!("CARGO_PKG_VERSION"), " starting"),
            "Database: SQLite (sqlite://roms_v2.db)",
            "Discord: no token configured; receiving cards over HTTP only",
            "Server running on [url]: cards to /api/v2/webhooks/orders, pages at /docs",
        ]
    );
}

#[test]
fn an_address_in_use_is_reported_in_one_line_and_creates_no_database() {
    let home = Home::sqlite();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = serve(&home);
    command.env("ROMS__HTTP__BIND", &address);
    let line = failure(command);
    assert!(line.contains(&format!("{address} is in use")), "{line}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_without_write_access_is_reported_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [["serve"], ["migrate"]] {
        let mut command = command(folder.path(), &arguments);
        command.env("ROMS__HTTP__BIND", "127.0.0.1:0").env("ROMS__DATABASE__URL", "sqlite://missing/roms.db");
        let line = failure(command);
        assert!(line.contains("cannot open the database file missing/roms.db: "), "{line}");
        assert!(line.contains("a folder that this user may write to"), "{line}");
    }
}

#[test]
fn a_file_that_is_not_a_database_is_reported_in_one_line() {
    let home = Home::sqlite();
    std::fs::write(home.path().join("roms_v2.db"), "no database, but long enough to look at. ".repeat(100))
        .unwrap();
    let line = failure(serve(&home));
    assert!(line.contains("roms_v2.db is not an SQLite database"), "{line}");
}

#[tokio::test]
async fn a_newer_schema_is_reported_in_one_line() {
    let home = Home::new();
    Store::open(&home.url()).await.unwrap().close().await.unwrap();
    home.sql()
        .await
        .run("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)")
        .await;
    for command in [serve(&home), home.command(&["migrate"])] {
        let line = failure(command);
        assert!(line.contains("newer release of roms"), "{line}");
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_reported_in_one_line() {
    let home = Home::new();
    let mut sql = home.sql().await;
    sql.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, cake TEXT)").await;
    let line = failure(serve(&home));
    assert!(line.contains("orders"), "{line}");
    assert_eq!(line.matches("already exists").count(), 1, "reported more than once: {line}");
    let tables = sql.either(
        "SELECT name FROM sqlite_master WHERE type = 'table'",
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
    );
    let tables = sql.values(tables).await;
    assert_eq!(json!(tables), json!([["orders"]]), "nothing is left behind");
}

#[tokio::test]
async fn migrate_creates_the_schema_and_exits() {
    let home = Home::new();
    let name = if home.is_postgres() { home.url().to_string() } else { "sqlite://roms_v2.db".to_owned() };
    for said in [
        format!("there was no database of ROMS at {name}; created a new, empty one"),
        format!("the schema of {name} is up to date"),
    ] {
        let output = home.command(&["migrate"]).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{log}");
        assert!(log.contains(&said), "{log}");
    }
    assert_eq!(home.sql().await.count("orders").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn send_sample_posts_the_guides_message_and_shows_what_was_stored() {
    let program = Program::start().await;
    let folder = tempfile::tempdir().unwrap();
    let sample = || command(folder.path(), &["send-sample", "--url", &program.url]).output().unwrap();

    let first = sample();
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    let text = String::from_utf8(first.stdout).unwrap();
    let words: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "Response: 200 OK",
        "Order Number BBY01-807102506907",
        "Outcome created",
        "Message Order received and processed successfully",
        "product STARLINK - Mini Kit AC Dual Band Wi-Fi System - White",
        "price 299.99",
        "total 299.99",
        "quantity 1",
        "email woozy_byes28@icloud.com",
        "profile Lennar #8-$48-@07",
        "proxy_list Wealth Resi | http://resi-edge-pool.wealthproxies.com:5959/",
        "status verified",
    ] {
        assert!(words.iter().any(|found| found == line), "{line} is missing in\n{text}");
    }
    let mut sql = program.sql().await;
    assert_eq!(sql.value("SELECT order_number FROM orders").await, "BBY01-807102506907");

    let second = sample();
    assert_eq!(second.status.code(), Some(0));
    assert!(String::from_utf8(second.stdout).unwrap().contains("duplicate"));
    assert_eq!((sql.count("orders").await, sql.count("order_events").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_lists_orders_and_order_shows_one_with_its_history() {
    let program = Program::start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for card in [
        "Successful Checkout | Best Buy US\nProduct\nMini Kit\nPrice\n$299.99\nQuantity\n2\nOrder Number\nA-1\n\
         Order Date\n2026-01-31\nProxy Details\nhttp://user:secret@1.2.3.4:80\nNotes\nfirst\u{1b}[2J\nsecond\n",
        "Order Number\nA-1\nStatus\nshipped\n",
        "Successful Checkout | Target\nProduct\nCards\nOrder Number\nB-2\nOrder Date\n2025-12-31\n",
    ] {
        let post = client.post(format!("{}/api/v2/webhooks/orders", program.url)).body(card);
        assert_eq!(post.send().await.unwrap().status(), 200);
    }
    let run = async |arguments: &[&str]| {
        let Output { status, stdout, stderr } = run_roms(program.home(), arguments).await;
        assert_eq!(status.code(), Some(0), "{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    };

    assert_eq!(
        run(&["orders"]).await,
        "NUMBER  DATE        STATUS    QTY  TOTAL       STORE        PRODUCT\n\
         B-2     2025-12-31  verified  1                Target       Cards\n\
         A-1     2026-01-31  shipped   2    599.98 USD  Best Buy US  Mini Kit\n"
    );
    for filter in [["--status", "shipped"], ["--since", "1 January 2026"], ["--search", "mini k"]] {
        let list = run(&[&["orders"], &filter[..]].concat()).await;
        assert!(list.contains("A-1") && !list.contains("B-2"), "{filter:?}: {list}");
    }
    assert!(run(&["orders", "--limit", "1"]).await.ends_with("There are older orders; --limit shows more\n"));
    assert_eq!(run(&["orders", "--search", "nothing"]).await, "No orders found\n");

    let order = run(&["order", "#a-1"]).await;
    let words: Vec<String> =
        order.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in ["Order A-1", "product Mini Kit", "total 599.98", "status: verified → shipped"] {
        assert!(words.iter().any(|found| found == line), "{line} is missing in\n{order}");
    }
    assert!(words.iter().any(|line| line.ends_with("created (webhook)")), "{order}");
    assert!(order.contains("***@1.2.3.4:80") && !order.contains("secret"), "{order}");
    assert!(!order.contains('\u{1b}'), "{order:?}");
    program.sql().await.add_events(1, 300).await;
    let long = run(&["order", "A-1"]).await;
    assert!(long.contains("Only the last 200 changes are shown\n"), "{long}");
    assert_eq!(long.matches("notes: step ").count(), 200);
    assert!(long.contains("notes: step 101\n") && long.ends_with("notes: step 300\n"), "{long}");
    let unknown = run_roms(program.home(), &["order", "C-3"]).await;
    assert_eq!(String::from_utf8(unknown.stderr).unwrap(), "roms: there is no order C-3\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_order_leaves_nothing_behind_and_can_be_posted_again() {
    let program = Program::start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let card =
        |number: &str| format!("Successful Checkout | Store\nProduct\nThing\nOrder Number\n{number}\n");
    let post = async |body: String| {
        let reply = client.post(format!("{}/api/v2/webhooks/orders", program.url)).body(body).send().await;
        let receipt: serde_json::Value = serde_json::from_str(&reply.unwrap().text().await.unwrap()).unwrap();
        receipt["outcome"].clone()
    };
    let mut sql = program.sql().await;
    assert_eq!(post(card("KEPT")).await, "created");
    let sums = "SELECT * FROM order_sums ORDER BY kind, name";
    let (kept, kept_sums) = (sql.rows("SELECT * FROM orders").await, sql.rows(sums).await);
    assert_eq!(post(card("TEST-1")).await, "created");
    assert_eq!(post(card("TEST-1")).await, "duplicate");
    assert_eq!(post("Order Number\nTEST-1\nStatus\nshipped\n".to_owned()).await, "updated");

    for (number, said) in [("test-1", "or with --yes"), ("nothing", "there is no order nothing")] {
        let unasked = run_roms(program.home(), &["orders", "delete", number]).await;
        assert_eq!(unasked.status.code(), Some(1));
        let refused = String::from_utf8(unasked.stderr).unwrap();
        assert!(refused.ends_with(&format!("{said}\n")), "{refused}");
    }
    let deleted = run_roms(program.home(), &["orders", "delete", "test-1", "--yes"]).await;
    assert_eq!(deleted.status.code(), Some(0), "{}", String::from_utf8_lossy(&deleted.stderr));

    assert_eq!(sql.rows("SELECT * FROM orders").await, kept);
    assert_eq!(sql.rows(sums).await, kept_sums);
    assert_eq!((sql.count("order_events").await, sql.count("webhook_logs").await), (1, 1));
    assert_eq!(post(card("TEST-1")).await, "created");
}

#[tokio::test(flavor = "multi_thread")]
async fn send_sample_posts_to_the_roms_of_its_configuration() {
    let program = Program::start().await;
    let folder = tempfile::tempdir().unwrap();
    let bind = program.url.strip_prefix("http://").unwrap();
    std::fs::write(folder.path().join("mine.toml"), format!("[http]\nbind = \"{bind}\"\n")).unwrap();
    let by_file = command(folder.path(), &["send-sample", "--config", "mine.toml"]);
    let mut by_variable = command(folder.path(), &["send-sample"]);
    by_variable.env("ROMS__HTTP__BIND", bind);

    for (mut command, outcome) in [(by_file, "created"), (by_variable, "duplicate")] {
        let Output { status, stdout, stderr } = command.output().unwrap();
        assert_eq!(status.code(), Some(0), "{}", String::from_utf8_lossy(&stderr));
        assert!(String::from_utf8(stdout).unwrap().contains(outcome));
    }
    assert_eq!(program.sql().await.count("orders").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_standard_output_is_not_an_error() {
    let program = Program::start().await;
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["send-sample", "--url", &program.url][..], &["check-config"]] {
        let mut child = command(folder.path(), arguments).spawn().unwrap();
        // Closed before anything is written, as `head -0` would.
        drop(child.stdout.take());
        let mut log = String::new();
        child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert_eq!((child.wait().unwrap().code(), log.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[tokio::test]
async fn parse_shows_what_would_be_stored() {
    let program = Program::start().await;
    let folder = tempfile::tempdir().unwrap();
    let card = r#"{"embeds":[{"title":"Successful Checkout | Best Buy US","fields":[
        {"name":"Order Number","value":"||#A-1||"},{"name":"Price","value":"$1,299.99"},
        {"name":"Quantity","value":"2x"},{"name":"Email","value":"a@b.example"}]}]}"#;
    std::fs::write(folder.path().join("card.json"), card).unwrap();

    let output = command(folder.path(), &["parse", "card.json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = String::from_utf8(output.stdout).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(format!("{}/api/v2/webhooks/orders", program.url)).body(card);
    assert_eq!(post.send().await.unwrap().status(), 200);
    let stored = program
        .sql()
        .await
        .rows("SELECT order_number, price, quantity, total, email, store, status FROM orders")
        .await;
    assert_eq!(
        json!(stored),
        json!([{"order_number": "A-1", "price": 1299.99, "quantity": 2, "total": 2599.98, "email": "a@b.example",
            "store": "Best Buy US", "status": "verified"}])
    );
    for (column, value) in &stored[0] {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let found = shown.lines().any(|line| {
            line.trim_start().strip_prefix(column.as_str()).is_some_and(|rest| rest.trim() == value)
        });
        assert!(found, "{column} {value} is missing in\n{shown}");
    }
}
