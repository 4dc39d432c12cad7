//! Sends orders from several connections at once and remembers which of them ROMS acknowledged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Client;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::app::{ORDERS, soon, until};
use super::sql::Sql;

/// Running senders. Each sends one order after the other, repeats an order that was refused with 503,
/// and ends when its connection breaks.
pub(crate) struct Load {
    senders: Vec<JoinHandle<()>>,
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
}

/// The answers that the senders received.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// The numbers of the orders that were answered with 200.
    pub(crate) acknowledged: Vec<String>,
    /// The error codes of the answers with 503. Each of them had a `Retry-After`.
    pub(crate) refused: Vec<String>,
}

impl Load {
    /// Starts this number of senders to the ROMS at `url`. Order numbers begin with `prefix`.
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

    /// The answers so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until this number of further orders is acknowledged.
    pub(crate) async fn until_more(&self, orders: usize) {
        let before = self.seen().acknowledged.len();
        let enough = async || self.seen.lock().unwrap().acknowledged.len() >= before + orders;
        until("orders are acknowledged", enough).await;
    }

    /// Stops the senders, waits for them, and returns the answers that they received.
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
                    // Like a real sender, wait before sending a refused order again.
                    Some(false) => tokio::time::sleep(Duration::from_millis(50)).await,
                    None => return,
                }
            }
            if self.stop.is_cancelled() {
                return;
            }
        }
    }

    /// Whether the order was acknowledged, or `None` if the connection broke.
    async fn send(&self, number: &str) -> Option<bool> {
        let reply = self.client.post(&self.url).body(card(number)).send().await.ok()?;
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        let text = reply.text().await.ok()?;
        let mut seen = self.seen.lock().unwrap();
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

/// A card with this order number, as text.
pub(crate) fn card(number: &str) -> String {
    format!("Successful Checkout | Store\nProduct\nThing\nPrice\n$9.99\nOrder Number\n{number}\n")
}

/// Asserts that a database is sound, holds each of these orders once, and that every order in it has
/// one event. Returns the number of orders.
pub(crate) async fn assert_holds(sql: &mut Sql, numbers: &[String]) -> usize {
    let orders = assert_holds_once(sql, numbers).await;
    assert_eq!(sql.count("order_events").await, orders as u64, "each order was created once");
    orders
}

/// Asserts that a database is sound and holds each of these orders once, with one event. Returns the
/// number of orders.
pub(crate) async fn assert_holds_once(sql: &mut Sql, numbers: &[String]) -> usize {
    sql.assert_sound().await;
    let rows =
        "SELECT order_number, (SELECT count(*) FROM order_events WHERE order_id = orders.id) FROM orders";
    let stored = sql.values(rows).await;
    let stored: HashMap<&str, i64> =
        stored.iter().map(|row| (row[0].as_str().unwrap(), row[1].as_i64().unwrap())).collect();
    let missing: Vec<_> = numbers.iter().filter(|number| stored.get(number.as_str()) != Some(&1)).collect();
    assert!(
        missing.is_empty(),
        "{} of {} are missing or have other than one event: {missing:?}",
        missing.len(),
        numbers.len()
    );
    assert_eq!(stored.len() as u64, sql.count("orders").await);
    stored.len()
}
