//! `roms replay` on the command line.

use roms::clock;
use roms::store::{LogEntry, Store};

use crate::cli::{err, out};
use crate::support::home::Home;
use crate::support::pipeline::rejected;
use crate::support::program::Program;
use crate::watching::program::run;

/// Inserts log rows, as an older release that rejected the messages did.
pub(crate) async fn insert_logs(home: &Home, rows: Vec<LogEntry>) {
    let store = Store::open(&home.url()).await.unwrap();
    let batch = store.begin().await.unwrap();
    batch.save_logs(rows).await.unwrap();
    batch.commit().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn it_replays_rejected_messages_and_prints_the_counts() {
    let home = Home::new();
    let rows = vec![rejected("Order Number\nA-1\n", 0), rejected("hello", 1)];
    insert_logs(&home, rows).await;
    let counts = |created, rejected| {
        format!(
            "{} messages read again: {created} orders created, 0 updated, 0 unchanged, 0 cards that are not \
             orders, {rejected} that could not be read\n",
            created + rejected
        )
    };

    let dry = run(&home, &["replay", "--dry-run"]).await;
    assert_eq!(dry.status.code(), Some(0), "{}", err(&dry));
    assert_eq!(out(&dry), format!("Dry run; nothing was stored.\n{}", counts(1, 1)));
    let done = run(&home, &["replay"]).await;
    assert_eq!((done.status.code(), out(&done)), (Some(0), counts(1, 1)), "{}", err(&done));
    assert_eq!(err(&done), "100 %  2 messages\n");
    let again = run(&home, &["replay"]).await;
    assert_eq!(out(&again), counts(0, 1));
    let all = run(&home, &["replay", "--outcome", "all", "--since", "2026-01-31"]).await;
    assert!(
        out(&all).starts_with("2 messages read again: 0 orders created, 0 updated, 1 unchanged"),
        "{}",
        out(&all)
    );
    let later = run(&home, &["replay", "--outcome", "all", "--since", "2026-02-01"]).await;
    assert!(out(&later).starts_with("0 messages read again"), "{}", out(&later));

    // On Kiritimati 1 February begins at 10:00 UTC the day before, two hours before the messages.
    let config = home.path().join("config.toml");
    std::fs::write(config, "[orders]\ntimezone = \"Pacific/Kiritimati\"\n").unwrap();
    for date in ["2026-02-01", "1 February 2026"] {
        let there = run(&home, &["replay", "--outcome", "all", "--since", date]).await;
        assert!(out(&there).starts_with("2 messages read again"), "{}", out(&there));
    }

    let refused = run(&home, &["replay", "--outcome", "duplicate"]).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        err(&refused).contains("rejected, ignored, unchanged, updated, created, all"),
        "{}",
        err(&refused)
    );
    let refused = run(&home, &["replay", "--since", "yesterday"]).await;
    assert!(err(&refused).contains("expected a date such as 2026-01-31"), "{}", err(&refused));
}

#[tokio::test]
async fn it_works_while_roms_serves() {
    let program = Program::start().await;
    // With today's date: the program deletes the payload of rows that are too old.
    let now = clock::now();
    let row =
        |at| LogEntry { sent_at: now, created_at: now, ..rejected(&format!("Order Number\nA-{at}\n"), 0) };
    insert_logs(program.home(), (0..200).map(row).collect()).await;

    let posting = async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for at in 0..100 {
            let url = format!("{}/api/v2/webhooks/orders", program.url);
            let body = format!("Order Number\nA-{}\nProduct\nThing\n", at * 2);
            let reply = client.post(url).body(body).send().await.unwrap();
            assert_eq!(reply.status(), 200);
        }
    };
    let ((), replayed) = tokio::join!(posting, run(program.home(), &["replay"]));

    assert_eq!(replayed.status.code(), Some(0), "{}", err(&replayed));
    assert!(out(&replayed).starts_with("200 messages read again"), "{}", out(&replayed));
    let mut sql = program.sql().await;
    assert_eq!(sql.count("orders").await, 200);
    assert_eq!(sql.value("SELECT count(*) FROM orders WHERE product = 'Thing'").await, 100);
    assert_eq!(sql.value("SELECT count(*) FROM order_events WHERE event_type = 'created'").await, 200);
    assert_eq!(sql.value("SELECT count(*) FROM webhook_logs WHERE outcome = 'rejected'").await, 0);
    program.signal("TERM");
    assert_eq!(program.end().await.code, Some(0));
}
