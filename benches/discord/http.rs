//! An HTTP client that uses little processor time: it builds requests in advance, keeps connections open, and
//! reads only the needed part of an answer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The request that posts a card.
pub(crate) fn post(to: SocketAddr, body: &str) -> String {
    format!(
        "POST /api/v2/webhooks/orders HTTP/1.1\r\nHost: {to}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The request for a path.
pub(crate) fn get(from: SocketAddr, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {from}\r\n\r\n")
}

/// Sends all requests. Each connection takes the next one as soon as it has an answer.
pub(crate) async fn send_all(to: SocketAddr, requests: Vec<String>, connections: usize) -> Result<()> {
    let requests = Arc::new(Mutex::new(requests));
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        let requests = Arc::clone(&requests);
        senders.spawn(async move {
            let mut connection = Connection::open(to).await?;
            let next = || requests.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(request) = next() {
                connection.ask(&request).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended??;
    }
    Ok(())
}

/// A connection that stays open.
pub(crate) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(4096) })
    }

    /// The body of an answer, which must be a 200.
    pub(crate) async fn ask(&mut self, request: &str) -> Result<&[u8]> {
        self.stream.write_all(request.as_bytes()).await?;
        self.read.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.read).await? > 0, "the connection ended");
            let Some(head) = self.read.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
            let (body, length) = (head + 4, length(self.read.get(..head).unwrap_or_default())?);
            if self.read.len() >= body + length {
                return Ok(self.read.get(body..body + length).unwrap_or_default());
            }
        }
    }
}

fn length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    if !head.starts_with("HTTP/1.1 200") {
        bail!("ROMS answered {head}");
    }
    let lengths = head.lines().filter_map(|line| line.split_once(':'));
    let length =
        lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, it)| it).next();
    Ok(length.context("an answer without a length")?.trim().parse()?)
}
