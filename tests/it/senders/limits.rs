//! Limits for clients and tokens, slow senders, and thousands of idle connections.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, interval};

use super::{Link, card, post};
use crate::support::app::{App, ORDERS, Reply, soon, until};
use crate::support::home::Home;
use crate::support::program::Program;

/// A ROMS that accepts one request a second, and ten at once, behind a proxy on this machine.
const TIGHT: &str = "[http]\nrate_limit = 1\ntrusted_proxies = [\"127.0.0.1\"]\n";

async fn from(app: &App, client: &str, path: &str) -> Reply {
    app.request(Method::GET, path, &[("x-forwarded-for", client)], "").await
}

#[tokio::test]
async fn each_client_has_its_limit_whatever_addresses_it_makes_up() {
    let app = App::start_with(TIGHT).await;
    let mut statuses = Vec::new();
    for forged in 0..14 {
        statuses
            .push(from(&app, &format!("198.51.100.{forged}, 203.0.113.9"), "/api/v2/orders").await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 4, "{statuses:?}");
    let refused = from(&app, "203.0.113.9", "/nothing").await;
    assert_eq!((refused.status, &refused.json["code"]), (429, &json!("rate_limited")), "{}", refused.text);
    assert_eq!(refused.header("retry-after"), "1");
    assert!(!refused.header("x-request-id").is_empty());
    assert_eq!(from(&app, "203.0.113.10", "/api/v2/orders").await.status, 200);
    // This machine has no limit.
    for _ in 0..14 {
        assert_eq!(app.get("/health/live").await.status, 200);
    }
    until("the refusals are recorded", async || {
        let refused =
            "SELECT peer FROM access_log WHERE event = 'refused' AND detail LIKE 'rate_limited GET %'";
        app.sql().await.values(refused).await.contains(&vec![json!("203.0.113.9")])
    })
    .await;
}

#[tokio::test]
async fn a_client_that_no_trusted_proxy_names_cannot_choose_its_address() {
    let app = App::start_with("[http]\nrate_limit = 1\n").await;
    for _ in 0..14 {
        assert_eq!(from(&app, "203.0.113.9", "/api/v2/orders").await.status, 200, "the header is ignored");
    }
}

#[tokio::test]
async fn each_token_has_its_limit_and_discord_senders_are_told_how_long_to_wait() {
    let home = Home::new();
    let (link, other) = (Link::create(&home, "refract").await, Link::create(&home, "other").await);
    let app = App::start_in(home, "[http]\nrate_limit = 1\n").await;
    let mut replies = Vec::new();
    for _ in 0..14 {
        replies.push(app.get(&link.discord("")).await);
    }
    let refused = replies.iter().filter(|reply| reply.status == 429).collect::<Vec<_>>();
    assert!((3..=4).contains(&refused.len()), "{replies:?}");
    let body = &refused[0].json;
    assert_eq!((&body["message"], &body["global"]), (&json!("You are being rate limited."), &json!(false)));
    let wait = body["retry_after"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&wait), "{body}");
    assert_eq!(refused[0].header("retry-after"), "1");
    let v2 = post(&app, &link.v2(), "Order Number\nA-1\n").await;
    assert_eq!((v2.status, &v2.json["code"]), (429, &json!("rate_limited")), "{}", v2.text);
    assert_eq!(post(&app, &other.v2(), "Order Number\nA-1\n").await.status, 200);
}

#[tokio::test]
async fn a_drop_of_a_thousand_cards_at_once_is_never_refused_by_default() {
    let home = Home::new();
    let link = Link::create(&home, "refract").await;
    let app = App::start_in(home, "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n").await;
    let (path, client) = (link.discord(""), [("x-forwarded-for", "203.0.113.9")]);
    let send = async |number: usize| {
        let body = card(&format!("A-{number}"), &[]).to_string();
        app.request(Method::POST, &path, &client, body).await.status
    };
    for hundred in 0..10 {
        let statuses = join_all((0..100).map(|number| send(hundred * 100 + number))).await;
        assert!(statuses.iter().all(|status| *status == 204), "{statuses:?}");
    }
    assert_eq!(app.sql().await.count("orders").await, 1000);
}

#[tokio::test]
async fn a_slow_head_is_cut_after_ten_seconds_and_a_slow_body_after_thirty() {
    let app = App::start().await;
    let started = Instant::now();
    let connect = async || TcpStream::connect(app.address).await.unwrap();
    let trickle = async |mut stream: TcpStream, head: &str| {
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut answer, mut second) = (Vec::new(), interval(Duration::from_secs(1)));
        loop {
            tokio::select! {
                read = stream.read_buf(&mut answer) => if !matches!(read, Ok(1..)) { break },
                // The server may have closed its side.
                _ = second.tick() => drop(stream.write_all(b"x").await),
            }
        }
        (started.elapsed().as_secs(), String::from_utf8_lossy(&answer).into_owned())
    };
    let slow_body = format!(
        "POST {ORDERS} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 9999\r\n\r\n"
    );
    let ((head, _), (body, answer)) = soon(async {
        tokio::join!(
            trickle(connect().await, "GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: "),
            trickle(connect().await, &slow_body)
        )
    })
    .await;
    assert!((9..20).contains(&head), "the head was cut after {head} s");
    assert!((29..40).contains(&body), "the body was cut after {body} s");
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("incomplete"), "{answer}");
    assert_eq!(app.sql().await.value("SELECT code FROM webhook_logs").await, "incomplete");
}

#[tokio::test]
async fn a_large_head_is_refused() {
    let app = App::start().await;
    let many = "x: y\r\n".repeat(200);
    let answer = app.raw(format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let large = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx-large: {}\r\n\r\n", "x".repeat(300_000));
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    let mut answer = Vec::new();
    // The server closes the connection before it has read everything, so the answer may be lost.
    drop(stream.write_all(large.as_bytes()).await);
    drop(soon(stream.read_to_end(&mut answer)).await);
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    let large = format!("/api/v2/orders?search={}", "x".repeat(40_000));
    assert_eq!(app.get(&large).await.status, 400, "the head is not too large, but the search is too long");
}

/// An address of this machine that is not a loopback address; `None` without a network.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // This sends nothing.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback())
}

#[tokio::test]
async fn one_address_has_a_limited_number_of_connections() {
    let Some(own) = own_address() else { return };
    let toml = "[http]\nconnection_limit = 3\n";
    let app = App::start_at(Home::new(), toml, SocketAddr::from(([0, 0, 0, 0], 0))).await;
    let port = app.address.port();
    let connect = async |ip: IpAddr| TcpStream::connect((ip, port)).await.unwrap();
    // Whether the server answers a request on this connection.
    let is_served = async |stream: &mut TcpStream| {
        let request = b"GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
        drop(stream.write_all(request).await);
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.is_ok() && answer == *b"HTTP/1.1 200"
    };
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = connect(own).await;
        assert!(soon(is_served(&mut stream)).await);
        open.push(stream);
    }
    assert!(!soon(is_served(&mut connect(own).await)).await, "the fourth connection is closed");
    // Others are served, such as a proxy on this machine.
    for _ in 0..5 {
        let mut stream = connect(IpAddr::from([127, 0, 0, 1])).await;
        assert!(soon(is_served(&mut stream)).await);
        open.push(stream);
    }
    open.remove(0);
    until("a connection is free", async || is_served(&mut connect(own).await).await).await;
}

#[tokio::test]
async fn a_websocket_counts_as_a_connection_of_its_address() {
    let Some(own) = own_address() else { return };
    let toml = "[http]\nconnection_limit = 2\n";
    let app = App::start_at(Home::new(), toml, SocketAddr::from(([0, 0, 0, 0], 0))).await;
    let port = app.address.port();
    let open = async || {
        let stream = TcpStream::connect((own, port)).await.unwrap();
        tokio_tungstenite::client_async("ws://127.0.0.1/ws", stream).await.ok()
    };
    let (Some((one, _)), Some(two)) = (soon(open()).await, soon(open()).await) else {
        panic!("two connections are permitted")
    };
    assert!(soon(open()).await.is_none(), "the third connection is closed");
    drop(one);
    until("a connection is free", async || open().await.is_some()).await;
    drop(two);
}

/// Large bodies that are in memory at the same time.
const LARGE_BODIES: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_beyond_the_limit_are_read_later_and_keep_no_card_out() {
    let home = Home::new();
    let link = Link::create(&home, "refract").await;
    let app = App::start_in(home, "").await;
    let (written, go_on) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let upload = |number: usize| {
        let (written, go_on) = (Arc::clone(&written), Arc::clone(&go_on));
        let (path, address) = (link.discord(""), app.address);
        let field = |name: &str, value: &str| {
            format!("--xYz\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n")
        };
        let file = field("name=\"files[0]\"; filename=\"a.png\"", &"x".repeat(9_000_000));
        let payload = field("name=\"payload_json\"", &card(&format!("L-{number}"), &[]).to_string());
        let tail = format!("{payload}--xYz--\r\n");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\
             content-type: multipart/form-data; boundary=xYz\r\n\r\n",
            file.len() + tail.len()
        );
        async move {
            let socket = TcpSocket::new_v4().unwrap();
            // The kernel must not take what ROMS does not read.
            socket.set_send_buffer_size(64 * 1024).unwrap();
            let mut stream = socket.connect(address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(file.as_bytes()).await.unwrap();
            written.fetch_add(1, Ordering::SeqCst);
            drop(go_on.acquire().await.unwrap());
            stream.write_all(tail.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        }
    };
    let uploads: Vec<_> = (0..LARGE_BODIES + 4).map(|number| tokio::spawn(upload(number))).collect();
    until("the first files arrive", async || written.load(Ordering::SeqCst) >= LARGE_BODIES).await;
    for number in 0..5 {
        let reply = post(&app, &link.discord(""), card(&format!("S-{number}"), &[]).to_string()).await;
        assert_eq!(reply.status, 204, "{}", reply.text);
    }
    assert_eq!(written.load(Ordering::SeqCst), LARGE_BODIES, "the others wait");
    go_on.add_permits(LARGE_BODIES + 4);
    for answer in join_all(uploads).await {
        let answer = answer.unwrap();
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    }
    assert_eq!(app.sql().await.count("orders").await, u64::try_from(LARGE_BODIES).unwrap() + 9);
}

/// Idle connections of the test below. Each one is a file here and one in the server.
const IDLE: usize = 10_000;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_do_not_keep_orders_out() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let files =
        usize::try_from(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let connections = IDLE.min(files.saturating_sub(1_000));

    let program = Program::start().await;
    let address = program.url.strip_prefix("http://").unwrap().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut idle = Vec::new();
    while idle.len() < connections {
        let some = (0..500).map(|_| TcpStream::connect(address.clone()));
        idle.extend(join_all(some).await.into_iter().map(Result::unwrap));
    }
    let url = format!("http://{address}{ORDERS}");
    for number in 0..20 {
        let started = Instant::now();
        let card = format!("Order Number\nA-{number}\n");
        let reply = soon(client.post(&url).body(card).send()).await.unwrap();
        assert_eq!(reply.status(), 200);
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
    assert_eq!(program.sql().await.count("orders").await, 20);
    drop(idle);
    program.signal("TERM");
    assert_eq!(program.end().await.code, Some(0));
}
