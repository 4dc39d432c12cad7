//! Live updates: the clients of each process hear of what any of them stores.

use futures_util::StreamExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

use crate::live::{listen, next};
use crate::support::app::{App, soon};
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
async fn clients_are_sent_away_where_something_may_have_been_missed() {
    let app = App::start_in(Home::postgres(), "").await;
    let mut client = listen(&app).await;
    let mut sql = app.sql().await;
    assert_eq!(sql.value(LISTENING).await, 1);
    let Some(Ok(Message::Close(Some(close)))) = soon(client.next()).await else { panic!("no goodbye") };
    assert_eq!(close.code, CloseCode::Again, "{}", close.reason);

    // It listens again: who comes back hears of everything.
    let other = App::start_in(app.home().with_same_database(), "").await;
    let mut client = listen(&app).await;
    other.stored(&["Order Number\nA-1\n"]).await;
    assert_eq!(next(&mut client).await["order"]["order_number"], "A-1");
}
