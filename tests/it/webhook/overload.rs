//! Requests beyond the limit are answered with 503; the others are served as usual.

use std::net::SocketAddr;

use roms::feed::Feed;
use roms::http::{AppState, Auth, serve_at_most};
use roms::ingest::Ingest;
use roms::store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::card;
use crate::access;
use crate::support::app::{ORDERS, soon, until};
use crate::support::home::Home;

/// A connection that stays open.
struct Client(TcpStream);

impl Client {
    /// The answer to a request; its connection may be closed afterwards.
    async fn ask(&mut self, method: &str, path: &str, body: &str) -> String {
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}");
        self.0.write_all(request.as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> String {
        let mut answer = Vec::new();
        // Every answer is one JSON object.
        while !answer.ends_with(b"}") {
            assert!(
                soon(self.0.read_buf(&mut answer)).await.unwrap() > 0,
                "{}",
                String::from_utf8_lossy(&answer)
            );
        }
        String::from_utf8(answer).unwrap()
    }

    async fn post(&mut self, number: &str) -> String {
        self.ask("POST", ORDERS, &card(number, "")).await
    }

    async fn is_closed(&mut self) -> bool {
        soon(self.0.read(&mut [0; 16])).await.unwrap() == 0
    }
}

/// A server that processes two requests at once.
struct Small {
    address: SocketAddr,
    ingest: Ingest,
    stop: CancellationToken,
    tasks: [JoinHandle<()>; 2],
}

impl Small {
    async fn start(home: &Home, toml: &str) -> Self {
        let config = home.config(toml);
        let store = Store::open(&config.database.url).await.unwrap();
        let feed = Feed::new(64);
        let (ingest, writer) = Ingest::start(store.clone(), feed.clone(), config.orders.clone());
        let auth = Auth::load(&config.http, &store).await.unwrap();
        let state = AppState::new(ingest.clone(), store, feed, config.orders.timezone);
        let state = state.with_access(&config.http, auth);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve_at_most(2, listener, state, stop.clone()));
        Self { address, ingest, stop, tasks: [server, writer] }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn stop(self) {
        self.stop.cancel();
        let [server, writer] = self.tasks;
        soon(server).await.unwrap();
        self.ingest.close();
        soon(writer).await.unwrap();
    }
}

#[tokio::test]
async fn slow_bodies_of_refused_requests_do_not_keep_others_out() {
    let home = Home::new();
    let token = access::create(&home, "ingest").await;
    let server = Small::start(&home, access::LOCKED).await;
    let mut slow = Vec::new();
    for _ in 0..10 {
        let mut client = server.connect().await;
        let head = format!("POST {ORDERS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n");
        client.0.write_all(head.as_bytes()).await.unwrap();
        slow.push(client);
    }
    let alive = server.connect().await.ask("GET", "/health/live", "").await;
    assert!(alive.contains("alive"), "{alive}");
    let card = card("A-1", "");
    let request = format!(
        "POST {ORDERS} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-length: {}\r\n\r\n{card}",
        card.len()
    );
    let mut sender = server.connect().await;
    sender.0.write_all(request.as_bytes()).await.unwrap();
    let answer = sender.answer().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // A slow client gets its answer too.
    slow[0].0.write_all(&[b'x'; 100]).await.unwrap();
    let answer = slow[0].answer().await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    drop((slow, sender));
    server.stop().await;
}

#[tokio::test]
async fn requests_beyond_the_limit_are_answered_with_busy() {
    let home = Home::new();
    let server = Small::start(&home, "").await;
    let connect = async || server.connect().await;

    let mut idle = Vec::new();
    for number in 0..20 {
        let mut client = connect().await;
        assert!(
            client.post(&format!("I-{number}")).await.starts_with("HTTP/1.1 200 "),
            "idle ones do not count"
        );
        idle.push(client);
    }
    let (mut first, mut second) = (connect().await, connect().await);
    let card = card("A-1", "");
    let head = format!("POST {ORDERS} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n", card.len());
    first.0.write_all(head.as_bytes()).await.unwrap();
    second.0.write_all(head.as_bytes()).await.unwrap();

    let busy = async || connect().await.post("A-3").await.to_lowercase();
    until("both requests are being read", async || busy().await.starts_with("http/1.1 503 ")).await;
    let mut third = connect().await;
    let answer = third.post("A-3").await.to_lowercase();
    assert!(answer.starts_with("http/1.1 503 ") && answer.contains("\"code\":\"busy\""), "{answer}");
    assert!(answer.contains("\r\nx-request-id: ") && answer.contains("\"request_id\":\""), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n") && answer.contains("connection: close\r\n"), "{answer}");
    assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
    assert!(third.is_closed().await, "the sender must not try again at once");
    let alive = connect().await.ask("GET", "/health/live", "").await;
    assert!(alive.starts_with("HTTP/1.1 200 ") && alive.contains("alive"), "{alive}");

    first.0.write_all(card.as_bytes()).await.unwrap();
    assert!(first.answer().await.starts_with("HTTP/1.1 200 "));
    assert!(connect().await.post("A-4").await.starts_with("HTTP/1.1 200 "), "there is room again");
    drop((second, idle));
    server.stop().await;
}
