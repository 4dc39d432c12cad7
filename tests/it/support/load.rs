//! Orders that arrive from several senders at once, and which of them were acknowledged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Client;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::app::{ORDERS, soon, until};
use super::sql::Sql;

/// Senders at work. Each sends one order after the other, one that is refused with 503 again, and
/// ends when its connection breaks.
pub(crate) struct Load {
    senders: Vec<JoinHandle<()>>,
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
}

/// What the senders have seen.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// Numbers of the orders that were answered with 200.
    pub(crate) acknowledged: Vec<String>,
    /// Codes of the answers with 503, each of which had a `Retry-After`.
    pub(crate) refused: Vec<String>,
    /// The longest wait for an answer.
    pub(crate) slowest: Duration,
}

impl Load {
    /// So many senders to the ROMS at this address. Order numbers begin with `prefix`.
    pub(crate) fn start(url: &str, prefix: &str, senders: usize) -> Self {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        let (seen, stop) = (Arc::default(), CancellationToken::new());
        let sender = |sender| {
            let sender = Sender {
                client: client.clone(),
                url: format!("{url}{ORDERS}"),
                prefix: format!("{prefix}{sender}-"),
                seen: Arc::clone(&seen),
                stop: stop.clone(),
            };
            tokio::spawn(sender.run())
        };
        Self { senders: (0..senders).map(sender).collect(), seen, stop }
    }

    /// What has been seen so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until so many more orders are acknowledged.
    pub(crate) async fn until_more(&self, orders: usize) {
        let before = self.seen().acknowledged.len();
        let enough = async || self.seen.lock().unwrap().acknowledged.len() >= before + orders;
        until("orders are acknowledged", enough).await;
    }

    /// Ends the senders, or waits until broken connections have, and tells what they saw.
    pub(crate) async fn end(self) -> Seen {
        self.stop.cancel();
        for ended in soon(join_all(self.senders)).await {
            ended.unwrap();
        }
        let seen = self.seen.lock().unwrap();
        seen.clone()
    }
}

struct Sender {
    client: Client,
    url: String,
    prefix: String,
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
}

impl Sender {
    async fn run(self) {
        for at in 0.. {
            let number = format!("{}{at}", self.prefix);
            while !self.stop.is_cancelled() {
                match self.send(&number).await {
                    Some(true) => break,
                    Some(false) => tokio::time::sleep(Duration::from_millis(50)).await,
                    None => return,
                }
            }
            if self.stop.is_cancelled() {
                return;
            }
        }
    }

    /// Whether the order was acknowledged; `None` where the connection broke.
    async fn send(&self, number: &str) -> Option<bool> {
        let sent = Instant::now();
        let reply = self.client.post(&self.url).body(card(number)).send().await.ok()?;
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        let text = reply.text().await.ok()?;
        let mut seen = self.seen.lock().unwrap();
        seen.slowest = seen.slowest.max(sent.elapsed());
        match status {
            200 => seen.acknowledged.push(number.to_owned()),
            503 => {
                assert!(headers.contains_key("retry-after"), "{text}");
                let body: serde_json::Value = serde_json::from_str(&text).unwrap();
                seen.refused.push(body["code"].as_str().unwrap().to_owned());
            }
            _ => panic!("{status}: {text}"),
        }
        Some(status == 200)
    }
}

/// A card.
pub(crate) fn card(number: &str) -> String {
    format!("Successful Checkout | Store\nProduct\nThing\nPrice\n$9.99\nOrder Number\n{number}\n")
}

/// Asserts that a database holds nothing but orders of one step, each of these among them, and
/// is sound. Gives how many orders there are.
pub(crate) async fn assert_holds(sql: &mut Sql, numbers: &[String]) -> usize {
    let orders = assert_holds_once(sql, numbers).await;
    assert_eq!(sql.count("order_events").await, orders as u64, "each order was created once");
    orders
}

/// Asserts that a database is sound and holds each of these orders once. Gives how many orders
/// there are.
pub(crate) async fn assert_holds_once(sql: &mut Sql, numbers: &[String]) -> usize {
    sql.assert_sound().await;
    let rows =
        "SELECT order_number, (SELECT count(*) FROM order_events WHERE order_id = orders.id) FROM orders";
    let stored = sql.values(rows).await;
    let stored: HashMap<&str, i64> =
        stored.iter().map(|row| (row[0].as_str().unwrap(), row[1].as_i64().unwrap())).collect();
    let missing: Vec<_> = numbers.iter().filter(|number| stored.get(number.as_str()) != Some(&1)).collect();
    assert!(missing.is_empty(), "{} of {} are missing or twice: {missing:?}", missing.len(), numbers.len());
    assert_eq!(stored.len() as u64, sql.count("orders").await);
    stored.len()
}
