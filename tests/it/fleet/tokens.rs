//! A token that is revoked or expires stops working within a second in every process, also for open streams.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::StreamExt;
use reqwest::Client;
use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest};

use crate::access::{create, create_for};
use crate::support::app::soon;
use crate::support::home::Home;
use crate::support::program::Program;

const LIMIT: Duration = Duration::from_secs(1);

/// A process that asks for tokens.
async fn locked(home: Home) -> Program {
    let mut serve = home.command(&[]);
    serve.env("ROMS__HTTP__REQUIRE_AUTH", "true");
    Program::start_by(serve, home).await
}

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// Listens to one process with a WebSocket and an event stream, and returns when both have ended and requests are
/// refused.
async fn until_refused(url: &str, token: &str) -> Instant {
    let mut request = format!("{}/ws", url.replace("http://", "ws://")).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    let get =
        async |path: &str| client().get(format!("{url}{path}")).bearer_auth(token).send().await.unwrap();
    let mut stream = get("/api/v2/events").await;
    assert_eq!(stream.status(), 200);
    let socket_end = async { while let Some(Ok(_)) = socket.next().await {} };
    let stream_end = async { while let Ok(Some(_)) = stream.chunk().await {} };
    let refused = async { while get("/api/v2/orders").await.status() != 401 {} };
    soon(async { tokio::join!(socket_end, stream_end, refused) }).await;
    Instant::now()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn a_revoked_or_expired_token_ends_in_every_process_within_a_second() {
    let home = Home::postgres();
    create(&home, "admin").await;
    let revoked = create(&home, "read").await;
    let programs = [locked(home.with_same_database()).await, locked(home.with_same_database()).await];
    let [first, second] = programs.each_ref().map(|program| program.url.clone());
    // Another process revokes it.
    let revoke = async {
        let mut listening = home.command(&["token", "revoke", "read"]);
        // Both streams are open long before the command has started.
        let output = tokio::task::spawn_blocking(move || listening.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{output:?}");
        Instant::now()
    };
    let (at_first, at_second, revoked_at) =
        tokio::join!(until_refused(&first, &revoked), until_refused(&second, &revoked), revoke);
    for ended in [at_first, at_second] {
        let took = ended.saturating_duration_since(revoked_at);
        assert!(took < LIMIT, "{took:?} after the revocation");
    }

    let lifetime = Duration::from_secs(3);
    let created = Instant::now();
    let expiring = create_for(&home, "read:pii", Some(TimeDelta::seconds(3))).await;
    let (at_first, at_second) =
        tokio::join!(until_refused(&first, &expiring), until_refused(&second, &expiring));
    for ended in [at_first, at_second] {
        let took = ended.saturating_duration_since(created);
        assert!(took > lifetime / 2 && took < lifetime + LIMIT * 2, "{took:?} after the creation");
    }
    for program in programs {
        program.signal("TERM");
        assert_eq!(program.end().await.code, Some(0));
    }
}
