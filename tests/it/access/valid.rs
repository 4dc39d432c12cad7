//! How long a token works, and for which connections.

use chrono::TimeDelta;
use futures_util::StreamExt;
use reqwest::Method;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::{HeaderValue, StatusCode},
    },
};

use super::{LOCKED, create, create_for, get, locked, revoke};
use crate::support::{
    app::{App, ORDERS, soon, until},
    home::Home,
};

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Opens a WebSocket with this header. Returns the selected protocol too.
async fn listen(
    app: &App,
    header: (&'static str, &str),
) -> Result<(Socket, Option<HeaderValue>), StatusCode> {
    let mut request = format!("ws://{}/ws", app.address).into_client_request().unwrap();
    request.headers_mut().insert(header.0, HeaderValue::from_str(header.1).unwrap());
    match connect_async(request).await {
        Ok((socket, response)) => Ok((socket, response.headers().get("sec-websocket-protocol").cloned())),
        Err(Error::Http(refused)) => Err(refused.status()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_new_token_works_at_once_and_a_revoked_one_stops_working() {
    let (app, _) = locked("").await;
    let token = create(app.home(), "read").await;
    assert_eq!(get(&app, &token, "/api/v2/orders").await.status, 200);
    revoke(app.home(), "read").await;
    until("it is refused", async || get(&app, &token, "/api/v2/orders").await.status == 401).await;
}

#[tokio::test]
async fn a_token_expires_and_its_socket_is_closed() {
    let (app, _) = locked("").await;
    let token = create_for(app.home(), "read", Some(TimeDelta::seconds(2))).await;
    let (mut socket, _) = listen(&app, ("authorization", &format!("Bearer {token}"))).await.unwrap();
    let frame = loop {
        match soon(socket.next()).await.unwrap().unwrap() {
            Message::Close(frame) => break frame.unwrap(),
            other => assert!(other.is_text(), "{other:?}"),
        }
    };
    assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1008, "the token is no longer valid"));
    assert_eq!(get(&app, &token, "/api/v2/orders").await.status, 401);
}

#[tokio::test]
async fn a_socket_is_authenticated_at_the_handshake_by_header_or_protocol() {
    let (app, admin) = locked("").await;
    let reader = create(app.home(), "read").await;
    let ingest = create(app.home(), "ingest").await;
    let refused = |result: Result<(Socket, _), StatusCode>| result.err().map(|status| status.as_u16());
    assert_eq!(refused(listen(&app, ("x-none", "")).await), Some(401));
    assert_eq!(refused(listen(&app, ("authorization", &format!("Bearer {ingest}"))).await), Some(403));
    assert_eq!(refused(listen(&app, ("sec-websocket-protocol", "roms")).await), Some(401));
    assert!(listen(&app, ("authorization", &format!("Bearer {admin}"))).await.is_ok());
    let (mut socket, protocol) =
        listen(&app, ("sec-websocket-protocol", &format!("roms, {reader}"))).await.unwrap();
    assert_eq!(protocol.unwrap(), "roms", "the answer does not repeat the token");
    assert!(soon(socket.next()).await.unwrap().unwrap().is_text());
    // The protocol counts only in a handshake.
    let header = [("sec-websocket-protocol", &*reader)];
    assert_eq!(app.request(Method::GET, "/api/v2/orders", &header, "").await.status, 401);
}

/// Two servers on one PostgreSQL database, or on one SQLite file, follow the same tokens.
#[tokio::test]
async fn every_process_follows_a_revocation() {
    let home = Home::new();
    let admin = create(&home, "admin").await;
    let first = App::start_in(home, LOCKED).await;
    let config = first.home().config(LOCKED);
    let store = roms::store::Store::open(&config.database.url).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let stopped = stop.clone();
    let second = tokio::spawn(async move {
        roms::app::run(listener, store, &config, roms::discord::Timing::default(), stopped).await
    });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async || {
        let request = client.post(format!("http://{address}{ORDERS}")).bearer_auth(&admin).body("hello");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(ask().await, 400, "it is not an order, but it is read");
    revoke(first.home(), "admin").await;
    until("the second process refuses it", async || ask().await == 401).await;
    until("the first process refuses it", async || get(&first, &admin, "/").await.status == 401).await;
    stop.cancel();
    soon(second).await.unwrap().unwrap();
}
