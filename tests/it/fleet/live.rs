//! Live updates: the clients of each process hear of what any of them stores.

use serde_json::json;

use crate::live::{Stream, listen, next};
use crate::support::app::App;
use crate::support::home::Home;

/// The sessions that listen.
const LISTENING: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                         WHERE datname = current_database() AND query ILIKE 'LISTEN%'";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn every_client_hears_once_of_what_another_process_stores() {
    let home = Home::postgres();
    let again = home.with_same_database();
    let apps = [App::start_in(home, "").await, App::start_in(again, "").await];
    let mut clients = [listen(&apps[0]).await, listen(&apps[1]).await];
    for (at, app) in apps.iter().enumerate() {
        app.stored(&[&format!("Order Number\nA-{at}\nPrice\n$9.99\n")]).await;
        app.stored(&[&format!("Order Number\nA-{at}\nStatus\nshipped\n")]).await;
        for client in &mut clients {
            for (kind, status) in [("new_order", json!(null)), ("order_updated", json!("shipped"))] {
                let told = next(client).await;
                assert_eq!(
                    (&told["type"], &told["order"]["order_number"]),
                    (&json!(kind), &json!(format!("A-{at}")))
                );
                // A process that is notified by another one reads the order as it is by then.
                let shown = &told["order"]["status"];
                assert!(*shown == status || *shown == "shipped", "{told}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn clients_miss_nothing_while_notifications_are_lost() {
    let app = App::start_in(Home::postgres(), "").await;
    let mut client = listen(&app).await;
    let mut sql = app.sql().await;
    assert_eq!(sql.value(LISTENING).await, 1);
    let other = App::start_in(app.home().with_same_database(), "").await;
    other.stored(&["Order Number\nA-1\n"]).await;
    assert_eq!(next(&mut client).await["order"]["order_number"], "A-1");
    app.stored(&["Order Number\nA-2\n"]).await;
    assert_eq!(next(&mut client).await["order"]["order_number"], "A-2");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn a_client_that_moves_between_processes_receives_each_change_once_and_in_order() {
    const ORDERS: i64 = 150;
    let home = Home::postgres();
    let again = home.with_same_database();
    let apps = [App::start_in(home, "").await, App::start_in(again, "").await];
    let post = async |app: &App, name: &str| {
        for at in 0..ORDERS {
            app.stored(&[&format!("Order Number\n{name}-{at}\n")]).await;
        }
    };
    let read = async {
        let (mut ids, mut last) = (Vec::new(), 0);
        for turn in 0.. {
            let mut stream = Stream::open(&apps[turn % 2], "?since=0", Some(last)).await;
            // A few events of each connection, so that many connections begin while orders arrive.
            for _ in 0..7 {
                if ids.len() == usize::try_from(2 * ORDERS).unwrap() {
                    return ids;
                }
                last = stream.next().await.unwrap().id;
                ids.push(last);
            }
        }
        ids
    };
    let (ids, (), ()) = tokio::join!(read, post(&apps[0], "A"), post(&apps[1], "B"));
    let stored = apps[0].sql().await.rows("SELECT id FROM order_events ORDER BY id").await;
    let stored: Vec<i64> = stored.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, stored);
}
