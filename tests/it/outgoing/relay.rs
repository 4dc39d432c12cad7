//! Cards that arrived by a URL token are passed on to its Discord webhook, each once.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use roms::card::message::Message;
use roms::config::Webhooks;
use roms::feed::Feed;
use roms::http::order_json;
use roms::ingest::Ingest;
use roms::outbox::{self, Outbox};
use roms::store::{Delivery, DeliveryFilter, NewToken, Options, Store};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{card, timing};
use crate::support::app::{App, ORDERS, soon, until_ok};
use crate::support::discord::Discord;
use crate::support::edge::Log;
use crate::support::home::Home;
use crate::support::program::Program;
use crate::support::receiver::{Answer, Received, Receiver, closed_port};

/// The receivers of the tests are on this machine.
const SETTINGS: Webhooks = Webhooks { allow_private: true, max_age: TimeDelta::days(1) };

/// The pipeline and the outbox, without HTTP.
struct Relay {
    store: Store,
    ingest: Ingest,
    outbox: Outbox,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    home: Home,
}

impl Relay {
    async fn start(home: Home, timing: outbox::Timing) -> Self {
        let config = home.config("");
        let store = Store::open_with(&config.database.url, Options::of(&config)).await.unwrap();
        let (outbox, stop) = (Outbox::new(SETTINGS), CancellationToken::new());
        let (ingest, writer) =
            Ingest::start_sending(store.clone(), Feed::new(1), config.orders, outbox.clone());
        let sending = outbox::run(store.clone(), outbox.clone(), timing, order_json, stop.clone());
        Self { store, ingest, outbox, stop, tasks: vec![writer, tokio::spawn(sending)], home }
    }

    /// Creates a URL token that passes its cards on to this address.
    async fn token(&self, name: &str, url: &str) -> i64 {
        let new = NewToken {
            relay_url: Some(url.parse().unwrap()),
            ..NewToken::url(name.parse().unwrap(), "cli".to_owned())
        };
        self.store.create_token(new, Utc::now()).await.unwrap().id
    }

    async fn post(&self, token: Option<i64>, body: &str) {
        let message = Message { token, ..Message::from_payload(body, ORDERS, Utc::now()) };
        soon(self.ingest.submit(message)).await.unwrap();
    }

    async fn deliveries(&self) -> Vec<Delivery> {
        let mut deliveries = self.store.deliveries(&DeliveryFilter::default(), 100).await.unwrap();
        deliveries.reverse();
        deliveries
    }

    async fn until_states(&self, states: &[&str]) -> Vec<Delivery> {
        let ask = async || {
            let deliveries = self.deliveries().await;
            let found: Vec<_> = deliveries.iter().map(|delivery| delivery.state.as_str()).collect();
            if found == states { Ok(deliveries) } else { Err(deliveries) }
        };
        until_ok(&format!("{states:?}"), ask).await
    }

    /// Ends without recording anything more, as a crash does.
    async fn crash(self) -> Home {
        self.tasks.iter().for_each(JoinHandle::abort);
        for task in self.tasks {
            assert!(task.await.unwrap_err().is_cancelled());
        }
        self.store.close().await.unwrap();
        self.home
    }

    async fn end(self) {
        self.stop.cancel();
        self.ingest.close();
        for task in self.tasks {
            soon(task).await.unwrap();
        }
    }
}

const PATH: &str = "/api/webhooks/12/hook-secret";

/// A relay with one token, and the receiver that stands for Discord.
async fn relay() -> (Relay, Receiver, i64) {
    let (relay, receiver) = (Relay::start(Home::new(), timing().outbox).await, Receiver::start().await);
    let token = relay.token("refract", &receiver.url(PATH)).await;
    (relay, receiver, token)
}

fn contents(received: &[Received]) -> Vec<String> {
    let content = |request: &Received| request.json()["content"].as_str().unwrap_or_default().to_owned();
    received.iter().map(content).collect()
}

#[tokio::test]
async fn a_card_appears_in_discord_as_it_was_posted() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let relay = Relay::start(Home::new(), timing().outbox).await;
    let token = relay.token("refract", &hook.url()).await;
    let embed = json!({"username": "Bot", "embeds": [{"title": "Successful Checkout | Target",
        "fields": [{"name": "Order Number", "value": "T-1"}]}]});
    relay.post(Some(token), &embed.to_string()).await;
    relay.post(Some(token), &card("A-1")).await;
    relay.post(Some(token), r#"{"order_number": "F-1", "store": "Target"}"#).await;
    relay.post(None, &card("NOT-RELAYED")).await;
    let sent = relay.until_states(&["delivered"; 3]).await;
    let messages = channel.messages();
    let ids: Vec<i64> =
        messages.iter().map(|message| message["id"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(sent.iter().filter_map(|delivery| delivery.message_id).collect::<Vec<i64>>(), ids);
    assert_eq!(messages[0]["embeds"][0]["title"], "Successful Checkout | Target");
    assert_eq!(messages[0]["author"]["username"], "Bot");
    assert_eq!(messages[1]["content"], card("A-1"));
    assert!(messages[2]["content"].as_str().unwrap().contains("F-1"), "{}", messages[2]);
    relay.end().await;
}

#[tokio::test]
async fn a_repetition_by_the_sender_and_a_replay_are_not_passed_on() {
    let (relay, receiver, token) = relay().await;
    relay.post(Some(token), &card("A-1")).await;
    relay.post(Some(token), &card("A-1")).await;
    let filter = roms::ingest::ReplayFilter::default();
    soon(relay.ingest.replay(&filter, false, "cli", |_| ())).await.unwrap();
    relay.post(Some(token), "Card declined").await;
    relay.until_states(&["delivered"; 2]).await;
    assert_eq!(contents(&receiver.received()), [card("A-1").as_str(), "Card declined"]);
    assert_eq!(receiver.received()[0].path, format!("{PATH}?wait=true"));
    relay.end().await;
}

#[tokio::test]
async fn cards_wait_in_their_order_while_discord_is_down() {
    let (address, socket) = closed_port();
    let relay = Relay::start(Home::new(), timing().outbox).await;
    let token = relay.token("refract", &format!("http://{address}{PATH}")).await;
    for number in ["A-1", "A-2", "A-3"] {
        relay.post(Some(token), &card(number)).await;
    }
    until_ok("the first card was tried", async || match relay.deliveries().await {
        tried if tried[0].error.is_some() => Ok(()),
        tried => Err(tried),
    })
    .await;
    assert_eq!(relay.deliveries().await[1].attempts, 0, "one card at a time");
    let receiver = Receiver::open(socket);
    relay.until_states(&["delivered"; 3]).await;
    assert_eq!(contents(&receiver.received()), ["A-1", "A-2", "A-3"].map(card));
    relay.end().await;
}

#[tokio::test]
async fn discords_rate_limits_are_obeyed_and_not_counted_as_failures() {
    let (relay, receiver, token) = relay().await;
    let limited = |body: &str| Answer::Status(429, Vec::new(), body.to_owned());
    // More refusals than the schedule has attempts.
    receiver.answers((0..4).map(|_| limited(r#"{"message": "slow", "retry_after": 0.2, "global": false}"#)));
    let used_up =
        vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset-after", "0.7".to_owned())];
    receiver.answers([Answer::Status(200, used_up, r#"{"id": "77"}"#.to_owned())]);
    let began = Instant::now();
    relay.post(Some(token), &card("A-1")).await;
    let sent = relay.until_states(&["delivered"]).await;
    assert!(began.elapsed() >= Duration::from_millis(800), "{:?}", began.elapsed());
    assert_eq!((sent[0].message_id, sent[0].attempts), (Some(77), 1));
    let began = Instant::now();
    relay.post(Some(token), &card("A-2")).await;
    relay.until_states(&["delivered"; 2]).await;
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(receiver.received().len(), 6);
    relay.end().await;
}

#[tokio::test]
async fn a_global_limit_stops_every_relay_and_retry_after_may_be_a_header() {
    let (relay, receiver, token) = relay().await;
    let other = Receiver::start().await;
    let second = relay.token("other", &other.url(PATH)).await;
    receiver.answers([Answer::Status(429, Vec::new(), r#"{"retry_after": 0.8, "global": true}"#.to_owned())]);
    let began = Instant::now();
    relay.post(Some(token), &card("A-1")).await;
    until_ok("the limit is known", async || match relay.deliveries().await {
        limited if limited[0].status == Some(429) => Ok(()),
        limited => Err(limited),
    })
    .await;
    relay.post(Some(second), &card("A-2")).await;
    relay.until_states(&["delivered"; 2]).await;
    assert!(began.elapsed() >= Duration::from_millis(800), "{:?}", began.elapsed());
    other.answers([Answer::Status(429, vec![("retry-after", "1".to_owned())], "<html>".to_owned())]);
    let began = Instant::now();
    relay.post(Some(second), &card("A-3")).await;
    relay.until_states(&["delivered"; 3]).await;
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    relay.end().await;
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_left_alone_and_announced_once() {
    let (log, _guard) = Log::listen();
    let (relay, receiver, token) = relay().await;
    let mut notices = relay.outbox.notices();
    for (status, number) in [(404, "A-1"), (401, "B-1")] {
        let token = if status == 404 { token } else { relay.token("second", &receiver.url(PATH)).await };
        receiver.answers([Answer::status(status)]);
        relay.post(Some(token), &card(number)).await;
        let notice = soon(notices.recv()).await.unwrap();
        assert!(notice.contains(&format!("Discord answered {status}")), "{notice}");
        relay.post(Some(token), &card(&format!("{number}-2"))).await;
    }
    let dead = relay.until_states(&["dead"; 4]).await;
    assert_eq!(dead[1].error.as_deref(), Some("Discord has just refused this webhook"));
    assert_eq!(receiver.received().len(), 2, "one request for each webhook");
    assert!(notices.is_empty());
    assert!(!log.text().contains("hook-secret"), "{}", log.text());
    relay.end().await;
}

#[tokio::test]
async fn a_card_that_discord_rejects_does_not_stop_the_next_one() {
    let (relay, receiver, token) = relay().await;
    receiver.answers([Answer::Status(400, Vec::new(), r#"{"code": 50006}"#.to_owned())]);
    relay.post(Some(token), &card("A-1")).await;
    relay.post(Some(token), &card("A-2")).await;
    let sent = relay.until_states(&["dead", "delivered"]).await;
    assert_eq!(sent[0].answer.as_deref(), Some(r#"{"code": 50006}"#));
    relay.end().await;
}

#[tokio::test]
async fn a_card_without_an_answer_is_sent_once_more_and_never_a_third_time() {
    let mut timing = timing().outbox;
    timing.relay_timeout = Duration::from_secs(1);
    let (relay, receiver) = (Relay::start(Home::new(), timing).await, Receiver::start().await);
    let token = relay.token("refract", &receiver.url(PATH)).await;
    receiver.answers([Answer::Hold, Answer::Hold]);
    relay.post(Some(token), &card("A-1")).await;
    relay.post(Some(token), &card("A-2")).await;
    let sent = relay.until_states(&["dead", "delivered"]).await;
    assert!(sent[0].error.as_deref().unwrap().contains("no answer within"), "{sent:?}");
    assert_eq!(contents(&receiver.received()), ["A-1", "A-1", "A-2"].map(card));
    receiver.release();
    relay.end().await;
}

#[tokio::test]
async fn a_crash_repeats_at_most_the_card_that_was_on_its_way() {
    let (relay, receiver, token) = relay().await;
    relay.post(Some(token), &card("A-1")).await;
    relay.until_states(&["delivered"]).await;
    receiver.answers([Answer::Hold, Answer::Hold]);
    for number in ["A-2", "A-3", "A-4"] {
        relay.post(Some(token), &card(number)).await;
    }
    receiver.until(2).await;
    let home = relay.crash().await;
    let relay = Relay::start(home, timing().outbox).await;
    receiver.until(3).await;
    let home = relay.crash().await;
    let relay = Relay::start(home, timing().outbox).await;
    let sent = relay.until_states(&["delivered", "dead", "delivered", "delivered"]).await;
    assert!(sent[1].error.as_deref().unwrap().contains("may have arrived"), "{sent:?}");
    assert_eq!(contents(&receiver.received()), ["A-1", "A-2", "A-2", "A-3", "A-4"].map(card));
    receiver.release();
    relay.end().await;
}

#[tokio::test]
async fn an_orderly_stop_waits_for_the_answer() {
    let (relay, receiver, token) = relay().await;
    receiver.answers([Answer::Hold]);
    relay.post(Some(token), &card("A-1")).await;
    receiver.until(1).await;
    relay.stop.cancel();
    receiver.release();
    let Relay { store, tasks, ingest, .. } = relay;
    ingest.close();
    for task in tasks {
        soon(task).await.unwrap();
    }
    let sent = store.deliveries(&DeliveryFilter::default(), 1).await.unwrap();
    assert_eq!(sent[0].state.as_str(), "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_or_deletion_over_a_link_changes_the_message_in_discord() {
    let app = App::start_timed(Home::new(), "[webhooks]\nallow_private = true\n", timing()).await;
    let receiver = Receiver::start().await;
    let link = link(app.home(), &receiver);
    receiver.answers([Answer::Status(200, Vec::new(), r#"{"id": "77"}"#.to_owned())]);
    let sent = app
        .request(Method::POST, &format!("{link}?wait=true"), &[], json!({"content": card("A-1")}).to_string())
        .await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    receiver.until(1).await;
    let edited = json!({"content": card("A-1").replace("Thing", "Other")}).to_string();
    let path = format!("{link}/messages/{}", sent.json["id"].as_str().unwrap());
    assert_eq!(app.request(Method::PATCH, &path, &[], edited).await.status, 200);
    let received = receiver.until(2).await;
    assert_eq!(received[1].path, format!("{PATH}/messages/77"));
    assert!(contents(&received)[1].contains("Other"), "{received:?}");
    super::until_states(&app, &["delivered"; 2]).await;

    receiver.answers([Answer::status(503), Answer::status(204)]);
    assert_eq!(app.request(Method::DELETE, &path, &[], "").await.status, 204);
    super::until_states(&app, &["delivered"; 3]).await;
    let deletions = receiver.received().split_off(2);
    let path = format!("{PATH}/messages/77");
    assert_eq!(deletions.iter().map(|deletion| &deletion.path).collect::<Vec<_>>(), [&path; 2]);
    for deletion in deletions {
        assert_eq!(
            (&deletion.method, deletion.body.len(), deletion.header("content-type")),
            (&Method::DELETE, 0, "")
        );
    }
}

/// The path of a webhook link whose cards are passed on to this receiver.
fn link(home: &Home, receiver: &Receiver) -> String {
    let relay = receiver.url(PATH);
    let mut create = home.command(&["token", "create", "--name", "refract", "--url", "--relay-url", &relay]);
    let created = create.env("ROMS__WEBHOOKS__ALLOW_PRIVATE", "true").output().unwrap();
    let created = String::from_utf8(created.stdout).unwrap();
    let link = created.lines().find(|line| line.contains("/api/webhooks/")).unwrap();
    link.split_at(link.find("/api/webhooks/").unwrap()).1.to_owned()
}

#[tokio::test]
async fn cards_survive_a_killed_process_while_discord_is_down_and_appear_once() {
    let (address, socket) = closed_port();
    let home = Home::new();
    let reserved = Receiver::start().await;
    let path = link(&home, &reserved);
    let relay = format!("http://{address}{PATH}");
    home.sql().await.run(&format!("UPDATE tokens SET relay_url = '{relay}'")).await;
    let start = async |home: Home| {
        let mut serve = home.command(&[]);
        serve.env("ROMS__WEBHOOKS__ALLOW_PRIVATE", "true");
        Program::start_by(serve, home).await
    };
    let program = start(home).await;
    let client = reqwest::Client::new();
    for number in ["A-1", "A-2", "A-3"] {
        let body = json!({"content": card(number)}).to_string();
        let posted = client.post(format!("{}{path}", program.url)).body(body).send().await.unwrap();
        assert_eq!(posted.status(), 204);
    }
    program.signal("KILL");
    let receiver = Receiver::open(socket);
    let program = start(program.end().await.home).await;
    receiver.until(3).await;
    let mut sql = program.sql().await;
    until_ok("all are delivered", async || {
        let states = sql.values("SELECT state FROM outbox ORDER BY id").await;
        if json!(states) == json!([["delivered"], ["delivered"], ["delivered"]]) {
            Ok(())
        } else {
            Err(states)
        }
    })
    .await;
    assert_eq!(contents(&receiver.received()), ["A-1", "A-2", "A-3"].map(card));
    program.signal("TERM");
    let end = program.end().await;
    assert_eq!(end.code, Some(0));
    assert!(!end.log.contains("hook-secret"), "{}", end.log);
}
