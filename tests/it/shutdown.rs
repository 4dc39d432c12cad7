//! How the program stops: after one signal, after two, and after kill -9.
#![cfg(unix)]

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use reqwest::Client;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    app::{ORDERS, soon, until},
    home::Home,
    program::{Program, in_folder},
};

fn card(number: &str) -> String {
    format!("Successful Checkout | Store\nProduct\nThing\nOrder Number\n{number}\n")
}

/// A request that has been sent only in part.
struct HalfSent {
    stream: TcpStream,
    rest: String,
}

impl HalfSent {
    async fn begin(program: &Program, at: usize) -> Self {
        let address = program.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let card = card(&format!("A-{at}"));
        let (first, rest) = card.split_at(20);
        let head =
            format!("POST {ORDERS} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n", card.len());
        stream.write_all(format!("{head}{first}").as_bytes()).await.unwrap();
        Self { stream, rest: rest.to_owned() }
    }

    async fn finish(mut self) -> String {
        self.stream.write_all(self.rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(self.stream.read_to_string(&mut answer)).await.unwrap();
        answer
    }
}

/// An orderly stop must end within this time.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

async fn stops_in_order(signal: &str) {
    let mut program = Program::start().await;
    let requests = join_all((0..20).map(|at| HalfSent::begin(&program, at))).await;

    let mut idle = TcpStream::connect(program.url.strip_prefix("http://").unwrap()).await.unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 1024];
    assert!(soon(idle.read(&mut answer)).await.unwrap() > 0);

    program.signal(signal);
    program.line_with("a second signal stops at once").await;
    // From now on ROMS waits only for requests that have begun; it closes idle connections.
    assert_eq!(soon(idle.read(&mut answer)).await.unwrap(), 0);

    for answer in join_all(requests.into_iter().map(HalfSent::finish)).await {
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("\"outcome\":\"created\""), "{answer}");
    }
    let end = program.end_within(STOP_DEADLINE).await;
    assert_eq!(end.code, Some(0), "{}", end.log);
    let mut sql = end.home.sql().await;
    assert_eq!((sql.count("orders").await, sql.count("webhook_logs").await), (20, 20));
}

#[tokio::test]
async fn sigterm_stores_what_was_accepted() {
    stops_in_order("TERM").await;
}

#[tokio::test]
async fn ctrl_c_stores_what_was_accepted() {
    stops_in_order("INT").await;
}

#[tokio::test]
async fn a_closed_terminal_stores_what_was_accepted() {
    stops_in_order("HUP").await;
}

/// `nohup roms` keeps running when its terminal is closed.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_closed_terminal_does_not_stop_a_program_that_ignores_sighup() {
    let home = Home::new();
    let roms = home.command(&[]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\""]).arg(roms.get_program());
    let mut shell = in_folder(shell, home.path());
    shell.envs(roms.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut program = Program::start_by(shell, home).await;

    program.signal("HUP");
    program.signal("TERM");

    program.line_with("asked to terminate").await;
    let end = program.end().await;
    assert_eq!(end.code, Some(0), "{}", end.log);
    assert!(!end.log.contains("terminal"), "{}", end.log);
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_delay_the_stop() {
    let program = Program::start().await;
    let request = HalfSent::begin(&program, 1).await;
    program.signal("TERM");
    let end = program.end_within(STOP_DEADLINE).await;
    assert_eq!(end.code, Some(0), "{}", end.log);
    drop(request);
    let mut sql = end.home.sql().await;
    assert_eq!(
        sql.value("SELECT code FROM webhook_logs").await,
        "incomplete",
        "the unfinished request leaves a log row"
    );
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    for (first, second, code) in
        [("TERM", "TERM", 143), ("INT", "INT", 130), ("TERM", "INT", 130), ("TERM", "HUP", 129)]
    {
        let mut program = Program::start().await;
        // An orderly end would wait for this request and exit with code 0.
        let request = HalfSent::begin(&program, 1).await;
        program.signal(first);
        program.line_with("a second signal stops at once").await;
        program.signal(second);
        let end = program.end().await;
        assert_eq!(end.code, Some(code), "{}", end.log);
        drop(request);
    }
}

#[tokio::test]
async fn after_kill_9_every_acknowledged_order_is_stored_once() {
    let program = Program::start().await;
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let streams: Vec<_> = (0..8)
        .map(|stream| {
            let (client, acknowledged) = (client.clone(), Arc::clone(&acknowledged));
            let url = format!("{}{ORDERS}", program.url);
            tokio::spawn(async move {
                let mut numbers = Vec::new();
                for at in 0.. {
                    let number = format!("S{stream}-{at}");
                    match client.post(&url).body(card(&number)).send().await {
                        Ok(reply) if reply.status() == 200 => numbers.push(number),
                        _ => break,
                    }
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                numbers
            })
        })
        .collect();
    until("orders flow", async || acknowledged.load(Ordering::Relaxed) >= 200).await;

    program.signal("KILL");

    let numbers: Vec<String> = soon(join_all(streams)).await.into_iter().flat_map(Result::unwrap).collect();
    let end = program.end().await;
    assert!(end.code.is_none() && numbers.len() >= 200, "{} {:?}", numbers.len(), end.code);

    let program = Program::start_in(end.home).await;
    let mut sql = program.sql().await;
    assert_eq!(sql.value(sql.either("PRAGMA integrity_check", "SELECT 'ok'")).await, "ok");
    let stored = sql.values("SELECT order_number, count(*) FROM orders GROUP BY 1").await;
    let stored: std::collections::HashMap<_, _> =
        stored.iter().map(|row| (row[0].as_str().unwrap(), row[1].as_i64().unwrap())).collect();
    for number in &numbers {
        assert_eq!(stored.get(number.as_str()), Some(&1), "{number} was acknowledged");
    }
    let orders = sql.count("orders").await;
    assert!(orders - numbers.len() as u64 <= 8, "at most one unacknowledged order per stream");
    assert_eq!((sql.count("order_events").await, sql.count("webhook_logs").await), (orders, orders));
    let reply = client.post(format!("{}{ORDERS}", program.url)).body(card("NEXT-1")).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    program.signal("TERM");
    assert_eq!(program.end().await.code, Some(0));
}
