//! A PostgreSQL server that is gone for a while, in every way in which a network and a server can
//! go: nothing acknowledged is lost, nothing is stored twice. `just test-postgres` runs these.

use futures_util::future::join_all;
use roms::ingest::SubmitError;
use roms::store::Store;
use serde_json::json;

use crate::durable::end;
use crate::failover::until_ready;
use crate::support::{
    app::{App, Reply, soon, until, until_ok},
    bot::{Bot, card as discord_card, timing},
    discord::Discord,
    edge::Log,
    home::Home,
    pipeline::{Pipeline, discord_message},
    program::Program,
    proxy::{Network, Proxy},
    sql::Sql,
};

/// Ends every session of ROMS.
const END_SESSIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                            WHERE application_name = 'roms' AND datname = current_database()";

fn card(number: &str) -> String {
    format!("Order Number\n{number}\nPrice\n$9.99\n")
}

fn is_unavailable(reply: &Reply) -> bool {
    let header = reply.header("retry-after") == "5";
    (reply.status, &reply.json["code"], header) == (503, &json!("storage_unavailable"), true)
}

/// ROMS behind a network that the test can break.
async fn behind_a_proxy() -> (App, Proxy) {
    let mut home = Home::postgres();
    let proxy = home.behind_a_proxy().await;
    (App::start_in(home, "").await, proxy)
}

/// Posts until the order is stored, as a patient sender does. Returns the outcome.
async fn insist(app: &App, body: &str) -> String {
    until_ok("the order is stored", async || {
        let reply = app.post(body.to_owned()).await;
        if reply.status == 200 {
            return Ok(reply.json["outcome"].as_str().unwrap().to_owned());
        }
        assert!(is_unavailable(&reply), "{}", reply.text);
        Err(reply.text)
    })
    .await
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_session_that_the_server_ends_in_a_transaction_costs_one_503() {
    let app = App::start_in(Home::postgres(), "").await;
    // It has started when it answers. Without its sessions it would not start.
    assert_eq!(app.get("/health").await.status, 200);
    let mut sql = app.sql().await;
    sql.lock().await;
    let ended = async {
        let mut other = app.sql().await;
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        until_ok("a session waits", async || if other.value(waiting).await == 0 { Err(0) } else { Ok(()) })
            .await;
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'roms' \
                   AND datname = current_database()";
        assert!(other.value(end).await.as_i64() > Some(1));
    };
    let (reply, ()) = tokio::join!(app.post(card("A-1")), ended);
    assert!(is_unavailable(&reply), "{}", reply.text);
    assert!(!reply.text.contains("administrator"), "{}", reply.text);
    sql.unlock().await;
    assert_eq!(insist(&app, &card("A-1")).await, "created");
    assert_eq!(app.get("/health").await.json["status"], "healthy");
    assert_eq!((sql.count("orders").await, sql.count("webhook_logs").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn sessions_that_the_server_ends_during_the_start_only_delay_it() {
    let home = Home::postgres();
    let mut sql = home.sql().await;
    let sessions = "SELECT count(*) FROM pg_stat_activity \
                    WHERE application_name = 'roms' AND datname = current_database()";
    let interrupt = async {
        // Each time a little later, so that every stage of the start is interrupted.
        for age in 1..12 {
            let mut seen = 0;
            until_ok("the start has come so far", async || {
                seen += usize::from(sql.value(sessions).await != 0);
                if seen < age { Err(seen) } else { Ok(()) }
            })
            .await;
            sql.run(END_SESSIONS).await;
        }
    };
    let (program, ()) = tokio::join!(Program::start_in(home), interrupt);
    until_ready(&program, 200).await;
    assert!(program.start_lines.iter().any(|line| line.contains("waiting up to 30 s for the database: ")));
    end(program).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_idle_session_that_ended_costs_nothing() {
    let app = App::start_in(Home::postgres(), "").await;
    app.stored(&[&card("A-1")]).await;
    let mut sql = app.sql().await;
    sql.run(END_SESSIONS).await;
    app.stored(&[&card("A-2")]).await;
    assert_eq!(app.get("/api/v2/orders").await.json["total"], 2);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn while_the_server_is_gone_orders_are_refused_and_nothing_is_lost() {
    let (log, _listening) = Log::listen();
    let (app, proxy) = behind_a_proxy().await;
    app.stored(&[&card("A-0")]).await;
    proxy.set(Network::Cut);
    let cards: Vec<String> = (1..=20).map(|at| card(&format!("A-{at}"))).collect();
    for reply in join_all(cards.iter().map(|card| app.post(card.clone()))).await {
        assert!(is_unavailable(&reply), "{}", reply.text);
    }
    let health = app.get("/health").await;
    assert_eq!((health.status, &health.json["status"]), (503, &json!("unhealthy")));
    let database = &health.json["checks"]["database"];
    let cause = database["cause"].as_str().unwrap_or_default();
    assert!(
        database["since"].is_string() && cause.starts_with("the database cannot be used: "),
        "{database}"
    );
    let list = app.get("/api/v2/orders").await;
    assert!(is_unavailable(&list), "{}", list.text);

    proxy.set(Network::Healthy);
    for card in &cards {
        assert_eq!(insist(&app, card).await, "created");
    }
    assert_eq!(app.get("/health").await.json["status"], "healthy");
    assert_eq!(app.get("/api/v2/orders").await.json["total"], 21);
    until("the end of the outage is logged", async || log.count("the database accepts messages again") > 0)
        .await;
    for line in ["the database does not accept messages", "the database accepts messages again"] {
        assert_eq!(log.count(line), 1, "{}", log.text());
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_silent_network_is_given_up() {
    let (app, proxy) = behind_a_proxy().await;
    app.stored(&[&card("A-0")]).await;
    proxy.set(Network::Frozen);
    let reply = soon(app.post(card("A-1"))).await;
    assert!(is_unavailable(&reply), "{}", reply.text);
    proxy.set(Network::Healthy);
    assert_eq!(insist(&app, &card("A-1")).await, "created");
    soon(app.stop()).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn roms_stops_while_the_network_is_silent() {
    let (app, proxy) = behind_a_proxy().await;
    app.stored(&[&card("A-0")]).await;
    proxy.set(Network::Frozen);
    drop(soon(app.stop()).await);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_commit_whose_answer_was_lost_is_not_stored_twice() {
    let (app, proxy) = behind_a_proxy().await;
    proxy.set(Network::DropsCommitReplies);
    let reply = app.post(card("A-1")).await;
    assert!(is_unavailable(&reply), "{}", reply.text);
    proxy.set(Network::Healthy);
    // The order is stored, but the sender does not know and tries again.
    assert_eq!(insist(&app, &card("A-1")).await, "duplicate");
    let mut sql = app.sql().await;
    assert_eq!((sql.count("orders").await, sql.count("order_events").await), (1, 1));
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn cards_that_are_posted_while_the_server_is_gone_are_stored_once_it_is_back() {
    let (log, _listening) = Log::listen();
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let mut home = Home::postgres();
    let direct = home.url();
    let proxy = home.behind_a_proxy().await;
    let mut bot = Bot::configured_in(home, &discord, &[&channel], "").await.run(timing()).await;
    discord.until_ready().await;
    hook.post(discord_card("BEFORE-1", "$1.00"));
    bot.until_order("BEFORE-1", |_| true).await;
    for network in [Network::Cut, Network::DropsCommitReplies] {
        proxy.set(network);
        let (failed, back) = ("the database does not accept messages", "the database accepts messages again");
        let before = log.count(failed);
        assert_eq!(log.count(back), before, "{}", log.text());
        for at in 0..40 {
            hook.post(discord_card(&format!("{network:?}-{at}"), "$1.00"));
        }
        until("the outage is logged", async || log.count(failed) > before).await;
        proxy.set(Network::Healthy);
        let store = Store::open(&direct).await.unwrap();
        for at in 0..40 {
            let number = format!("{network:?}-{at}");
            until("the card is stored", async || store.order(&number).await.unwrap().is_some()).await;
            let order = store.order(&number).await.unwrap().unwrap();
            assert_eq!(store.events(order.id, 0, 100).await.unwrap().len(), 1, "{number}");
        }
        store.close().await.unwrap();
        until("the end of the outage is logged", async || log.count(back) > before).await;
    }
    assert_eq!(bot.orders().await, 81);
    bot.stop().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn messages_that_are_already_stored_do_not_end_an_outage() {
    let pipeline = Pipeline::start().await;
    let mut sql = pipeline.sql().await;
    pipeline.discord(1, &card("A-1"), 0).await;
    // A server that has become a replica still reads. The first message is stored already and needs no write.
    become_read_only(&mut sql, true).await;
    for id in [2, 1, 2, 1] {
        let sent = pipeline.ingest.submit(discord_message(id, &card(&format!("A-{id}")), 0));
        assert_eq!(soon(sent).await, Err(SubmitError::Storage), "{id}");
        assert!(pipeline.ingest.is_failing());
    }
    become_read_only(&mut sql, false).await;
    until("the outage ends without a message", async || !pipeline.ingest.is_failing()).await;
    pipeline.discord(1, &card("A-1"), 0).await;
    pipeline.discord(2, &card("A-2"), 0).await;
    assert_eq!((sql.count("orders").await, sql.count("webhook_logs").await), (2, 2));
    pipeline.end().await;
}

async fn become_read_only(sql: &mut Sql, wanted: bool) {
    sql.run(&format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {wanted}', \
         current_database()); END $$"
    ))
    .await;
    sql.run(END_SESSIONS).await;
}
