//! One process sends what all of them have put into the outbox, and another takes over when it is gone.

use std::collections::BTreeMap;

use crate::support::app::until_ok;
use crate::support::home::Home;
use crate::support::program::Program;
use crate::support::receiver::Receiver;

/// How often each order has arrived.
fn arrived(receiver: &Receiver) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in receiver.received() {
        let number = request.json()["data"]["order"]["order_number"].as_str().unwrap_or_default().to_owned();
        *counts.entry(number).or_default() += 1;
    }
    counts
}

async fn post(program: &Program, number: &str) {
    let url = format!("{}/api/v2/webhooks/orders", program.url);
    let body = format!("Successful Checkout | Store\nProduct\nThing\nOrder Number\n{number}\n");
    let posted = reqwest::Client::new().post(url).body(body).send().await.unwrap();
    assert!(posted.status().is_success(), "{posted:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn events_of_all_processes_are_sent_once_and_another_one_takes_over() {
    let (home, receiver) = (Home::postgres(), Receiver::start().await);
    let url = receiver.url("/");
    let arguments = ["webhook", "create", "--name", "n8n", "--url", &url, "--allow-private"];
    let created = home.command(&arguments).output().unwrap();
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    let other = home.with_same_database();
    let programs = [Program::start_in(home).await, Program::start_in(other).await];
    let mut expected = BTreeMap::new();
    let until_arrived = async |expected: &BTreeMap<String, usize>| {
        until_ok("each order arrives once", async || {
            let arrived = arrived(&receiver);
            if arrived == *expected { Ok(()) } else { Err(arrived) }
        })
        .await;
    };
    for count in 0..10 {
        for (program, name) in programs.iter().zip(["A", "B"]) {
            let number = format!("{name}-{count}");
            post(program, &number).await;
            expected.insert(number, 1);
        }
    }
    until_arrived(&expected).await;

    let mut sql = programs[0].sql().await;
    let before = sql.values("SELECT holder, epoch FROM leader WHERE id = 2").await;
    assert_eq!(before.len(), 1);
    // Both are killed, one after the other; the first one is started again before the second one is killed.
    let [first, second] = programs;
    first.signal("KILL");
    post(&second, "AFTER-1").await;
    expected.insert("AFTER-1".to_owned(), 1);
    until_arrived(&expected).await;
    let home = first.end().await.home;
    let first = Program::start_in(home).await;
    second.signal("KILL");
    post(&first, "AFTER-2").await;
    expected.insert("AFTER-2".to_owned(), 1);
    until_arrived(&expected).await;
    second.end().await;
    let after = sql.values("SELECT epoch FROM leader WHERE id = 2").await;
    assert!(after[0][0].as_i64() > before[0][1].as_i64(), "{after:?}");
    first.signal("TERM");
    assert_eq!(first.end().await.code, Some(0));
}
