//! ROMS behind pgbouncer keeps its promises without any setting of the pooler. `just test-postgres` runs these.
#![cfg(unix)]

use serde_json::json;
use url::Url;

use crate::durable::{Posts, end};
use crate::fleet::{TAKEOVER_DEADLINE, leads, like, start, until_it_leads};
use crate::live::{listen, next};
use crate::support::app::{App, until_ok};
use crate::support::cluster::Cluster;
use crate::support::home::Home;
use crate::support::load::{Load, assert_holds};
use crate::support::pgbouncer::Pgbouncer;
use crate::support::program::Program;

/// As Debian installs it: a session of the server belongs to a client until the client leaves.
const SESSION: &str = "";
/// A session of the server belongs to a client for one transaction. Few sessions and a changing choice among them let
/// nothing hold by chance.
const TRANSACTION: &str = "pool_mode = transaction\ndefault_pool_size = 3\nserver_round_robin = 1";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn no_acknowledged_order_is_lost_with_a_server_that_prefers_to_lose_some() {
    for mode in [SESSION, TRANSACTION] {
        // This server acknowledges a commit before it is on disk, unless the transaction asks for more.
        let cluster = Cluster::start_with("-c synchronous_commit=off -c wal_writer_delay=10s");
        let (_pgbouncer, home) = Pgbouncer::in_front_of(&cluster.home(), mode);
        let mut program = Program::start_in(home).await;
        let load = Load::start(&program.url, "P", 8);
        load.until_more(100).await;
        for _ in 0..2 {
            cluster.stop("immediate");
            cluster.start_again();
            load.until_more(50).await;
        }
        let seen = load.end().await;
        assert_holds(&mut cluster.home().sql().await, &seen.acknowledged).await;
        program.line_with("the database accepts messages again").await;
        end(program).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn each_transaction_has_the_settings_of_roms() {
    for mode in [SESSION, TRANSACTION] {
        let server = Home::postgres();
        let (_pgbouncer, home) = Pgbouncer::in_front_of(&server, mode);
        let app = App::start_in(home, "").await;
        let mut sql = server.sql().await;
        sql.run(
            "CREATE TABLE seen (name text, value text); \
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO seen SELECT name, current_setting(name) FROM unnest(ARRAY['lock_timeout', \
             'statement_timeout', 'idle_in_transaction_session_timeout', 'TimeZone']) AS name; RETURN NEW; END $$; \
             CREATE TRIGGER note BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note()",
        )
        .await;
        for order in 0..5 {
            app.stored(&[&format!("Order Number\nA-{order}\n")]).await;
        }
        let seen = sql.values("SELECT DISTINCT name, value FROM seen ORDER BY name").await;
        assert_eq!(
            json!(seen),
            json!([
                ["TimeZone", "UTC"],
                ["idle_in_transaction_session_timeout", "2s"],
                ["lock_timeout", "5s"],
                ["statement_timeout", "30s"]
            ])
        );
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn the_clients_of_each_process_hear_once_of_every_order() {
    for mode in [SESSION, TRANSACTION] {
        let server = Home::postgres();
        let (_pgbouncer, home) = Pgbouncer::in_front_of(&server, mode);
        let again = home.with_same_database();
        let apps = [App::start_in(home, "").await, App::start_in(again, "").await];
        let mut clients = [listen(&apps[0]).await, listen(&apps[1]).await];
        for (at, app) in apps.iter().enumerate() {
            app.stored(&[&format!("Order Number\nA-{at}\nPrice\n$9.99\n")]).await;
            for client in &mut clients {
                let told = next(client).await;
                assert_eq!(
                    (&told["type"], &told["order"]["order_number"]),
                    (&json!("new_order"), &json!(format!("A-{at}")))
                );
            }
        }
        for app in apps {
            app.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn a_killed_leader_is_replaced_behind_a_pooler() {
    let server = Home::postgres();
    let (_pgbouncer, home) = Pgbouncer::in_front_of(&server, TRANSACTION);
    let (mut posts, home) = Posts::in_home(home).await;
    let other = like(&home);
    let mut programs = start(home, vec![other], &posts.discord).await;
    assert!(leads(&programs[0]).await && !leads(&programs[1]).await);
    posts.post(10);
    let mut sql = server.sql().await;
    posts.until_stored(&mut sql).await;
    let killed = programs.remove(0);
    killed.signal("KILL");
    posts.post(10);
    let led = until_ok("the other leads", async || leads(&programs[0]).await.then_some(()).ok_or("standby"));
    tokio::time::timeout(TAKEOVER_DEADLINE, led).await.expect("it takes over before the deadline");
    until_it_leads(&programs[0]).await;
    posts.until_stored(&mut sql).await;
    assert_holds(&mut sql, &posts.numbers).await;
    assert_eq!(killed.end().await.code, None);
    end(programs.remove(0)).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_wrong_password_or_database_ends_a_start_behind_a_pooler_at_once() {
    let (_pgbouncer, home) = Pgbouncer::in_front_of(&Home::postgres(), SESSION);
    let wrong = |change: fn(&mut Url)| {
        let mut url: Url = home.url().expose().parse().unwrap();
        change(&mut url);
        let output = Home::at(url.as_str()).command(&[]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let wrong_password = wrong(|url| url.set_password(Some("hunter2")).unwrap());
    let wrong_database = wrong(|url| url.set_path("/missing"));
    for (log, reason) in [
        (wrong_password, "it refuses the password of database.url"),
        (wrong_database, "it has no such database"),
    ] {
        assert!(log.contains(reason) && !log.contains("waiting"), "{log}");
    }
}
