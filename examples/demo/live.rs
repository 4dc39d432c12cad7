//! A client of ROMS's WebSocket.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// An order as ROMS stored it.
#[derive(Debug)]
pub(crate) struct StoredOrder {
    pub(crate) number: String,
    status: String,
    price: f64,
    quantity: u64,
    total: f64,
    currency: String,
    store: String,
    product: String,
}

/// A connection to the WebSocket.
pub(crate) struct Live(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Live {
    /// Connects to the WebSocket.
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let (socket, _) = connect_async(format!("ws://{address}/ws")).await?;
        Ok(Self(socket))
    }

    /// Waits for the next changed order.
    pub(crate) async fn next(&mut self) -> Result<StoredOrder> {
        loop {
            let frame = self.0.next().await.context("ROMS closed the WebSocket")??;
            let Message::Text(text) = frame else { continue };
            let event: Value = serde_json::from_str(&text)?;
            if event["order"].is_object() {
                return Ok(StoredOrder::read(&event["order"]));
            }
        }
    }
}

impl StoredOrder {
    fn read(order: &Value) -> Self {
        let text = |key: &str| order[key].as_str().unwrap_or("?").to_owned();
        Self {
            number: text("order_number"),
            status: text("status"),
            price: order["price"].as_f64().unwrap_or_default(),
            quantity: order["quantity"].as_u64().unwrap_or_default(),
            total: order["total"].as_f64().unwrap_or_default(),
            currency: text("currency"),
            store: text("store"),
            product: text("product"),
        }
    }
}

impl std::fmt::Display for StoredOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { number, status, price, quantity, total, currency, store, product } = self;
        write!(
            f,
            "{number:<17}  {status:<9}  {price:>7.2} × {quantity} = {total:>7.2} {currency}  {product} | {store}"
        )
    }
}
