//! A sender posts orders over one connection without pauses, and reconnects when the connection breaks.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout_at};

/// The answers that one sender, or all of them, received.
#[derive(Default)]
pub(crate) struct Answers {
    /// The latency of each accepted order.
    pub(crate) accepted: Vec<Duration>,
    /// The number of answers with 503.
    pub(crate) refused: usize,
    /// The longest time until a 503, connecting included.
    pub(crate) slowest_refusal: Duration,
    /// The number of requests that ended without an answer.
    pub(crate) broken: usize,
}

impl Answers {
    /// Adds the answers of another sender.
    pub(crate) fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.refused += other.refused;
        self.slowest_refusal = self.slowest_refusal.max(other.slowest_refusal);
        self.broken += other.broken;
    }
}

/// Sends one order after the other until `end`.
pub(crate) async fn send(to: SocketAddr, prefix: String, end: Instant) -> Answers {
    let mut answers = Answers::default();
    let mut connection = None;
    for at in 0.. {
        let body = format!(
            "Successful Checkout | Best Buy US\nProduct\nSTARLINK - Mini Kit\nPrice\n$299.99\nOrder Number\n{prefix}{at}\n\
             Email\nsomeone@example.com\nProfile\nProfile 1\n"
        );
        let request = format!(
            "POST /api/v2/webhooks/orders HTTP/1.1\r\nHost: {to}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let began = Instant::now();
        // The request that is still open at the end does not count.
        let Ok(answer) = timeout_at(end.into(), ask(&mut connection, to, &request)).await else {
            return answers;
        };
        match answer {
            Some(200) => answers.accepted.push(began.elapsed()),
            Some(503) => {
                answers.refused += 1;
                answers.slowest_refusal = answers.slowest_refusal.max(began.elapsed());
            }
            _ => {
                answers.broken += 1;
                connection = None;
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
    answers
}

/// Sends a request and returns the status, or `None` if the connection broke.
async fn ask(connection: &mut Option<TcpStream>, to: SocketAddr, request: &str) -> Option<u16> {
    if connection.is_none() {
        *connection = Some(TcpStream::connect(to).await.ok()?);
    }
    let stream = connection.as_mut()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::with_capacity(1024);
    let head = loop {
        if stream.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
        let Some(end) = answer.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(answer.get(..end)?).to_lowercase();
        if answer.len() >= end + 4 + header(&head, "content-length")?.parse::<usize>().ok()? {
            break head;
        }
    };
    if header(&head, "connection") == Some("close") {
        *connection = None;
    }
    head.split(' ').nth(1)?.parse().ok()
}

/// The value of a header in a lower-case response head.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.filter(|(header, _)| *header == name).map(|(_, value)| value).next()
}
