//! A client of the live updates that uses little processor time: it only looks for the order numbers in what arrives.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

/// An order number is this text and the time at which its order was sent, in microseconds.
pub(crate) const NUMBER: &str = "LIVE-";
/// The longest number behind [`NUMBER`].
const MAX_DIGITS: usize = 12;
/// The resolution of the latencies.
const BUCKET: Duration = Duration::from_micros(500);
/// Latencies of ten seconds and more share a bucket.
const BUCKETS: usize = 20_000;
/// A slow client reads this much at once, ten times a second.
const SLOW_READ: usize = 2048;

/// The kind of connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    WebSocket,
    EventStream,
}

/// The latencies of all deliveries.
pub(crate) struct Latencies {
    began: Instant,
    counts: Vec<AtomicU32>,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), counts: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect() }
    }

    /// The number of an order that is sent now.
    pub(crate) fn number(&self) -> String {
        format!("{NUMBER}{}", self.began.elapsed().as_micros())
    }

    fn arrived(&self, digits: &[u8]) -> Option<()> {
        let sent: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let latency = self.began.elapsed().saturating_sub(Duration::from_micros(sent));
        let bucket = usize::try_from(latency.as_micros() / BUCKET.as_micros()).ok()?;
        self.counts.get(bucket.min(BUCKETS - 1))?.fetch_add(1, Ordering::Relaxed);
        Some(())
    }

    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(count.load(Ordering::Relaxed))).sum()
    }

    /// The latency that this share of the deliveries did not exceed.
    pub(crate) fn percentile(&self, percent: u64) -> Duration {
        let mut left = (self.count() * percent).div_ceil(100);
        let bucket = self.counts.iter().position(|count| {
            left = left.saturating_sub(u64::from(count.load(Ordering::Relaxed)));
            left == 0
        });
        BUCKET * u32::try_from(bucket.unwrap_or(BUCKETS) + 1).unwrap_or(u32::MAX)
    }
}

/// Connects and waits for the first message.
pub(crate) async fn connect(
    kind: Kind,
    to: SocketAddr,
    token: &str,
    receive_buffer: Option<u32>,
) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(size) = receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    let mut stream = socket.connect(to).await?;
    let (path, headers) = match kind {
        Kind::WebSocket => (
            "/ws",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        ),
        Kind::EventStream => ("/api/v2/events", ""),
    };
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nAuthorization: Bearer {token}\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut read = Vec::new();
    while memmem::find(&read, b"connection_confirmed").is_none() {
        ensure!(stream.read_buf(&mut read).await? > 0, "refused: {}", String::from_utf8_lossy(&read));
    }
    Ok(stream)
}

/// Reads until the connection ends or `orders` have arrived, and records when each one arrived.
pub(crate) async fn listen(mut stream: TcpStream, latencies: &Latencies, orders: usize) -> Result<()> {
    let finder = memmem::Finder::new(NUMBER);
    let (mut read, mut arrived) = (Vec::with_capacity(64 * 1024), 0);
    while arrived < orders {
        ensure!(stream.read_buf(&mut read).await? > 0, "ROMS ended a connection after {arrived} orders");
        let mut from = 0;
        while let Some(rest) = read.get(from..)
            && let Some(at) = finder.find(rest)
        {
            let digits = rest.get(at + NUMBER.len()..).context("a number has an end")?;
            let Some(length) = digits.iter().take(MAX_DIGITS + 1).position(|c| !c.is_ascii_digit()) else {
                break;
            };
            latencies.arrived(digits.get(..length).unwrap_or_default()).context("a number")?;
            arrived += 1;
            from += at + NUMBER.len() + length;
        }
        // A number may continue in the next read.
        let keep = from.max(read.len().saturating_sub(NUMBER.len() + MAX_DIGITS + 1));
        read.drain(..keep);
    }
    Ok(())
}

/// Reads slowly for a time, and then everything to the end. Returns the last bytes, which say why ROMS ended it.
pub(crate) async fn listen_slowly(mut stream: TcpStream, time: Duration) -> Result<String> {
    let (end, mut buffer) = (Instant::now() + time, vec![0; SLOW_READ]);
    while Instant::now() < end {
        if stream.read(&mut buffer).await? == 0 {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let mut rest = Vec::new();
    // ROMS closes the connection at the latest a second after it has said why.
    drop(timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await);
    let last = rest.get(rest.len().saturating_sub(400)..).unwrap_or_default();
    Ok(String::from_utf8_lossy(last).into_owned())
}
