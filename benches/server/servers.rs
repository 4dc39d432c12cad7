//! The servers that this program itself runs: (b), with one message per transaction, and (d), which only
//! answers.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::body::Bytes;
use axum::routing::{get, post};
use axum::{Json, Router};
use roms::config::{Config, Orders};
use roms::feed::Feed;
use roms::http::{self, AppState};
use roms::ingest::{Bounds, Ingest};
use roms::store::Store;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Opens the database and returns it with the default settings for orders.
pub(crate) async fn open(url: String) -> Result<(Store, Orders)> {
    let config = Config::load(None, [("ROMS__DATABASE__URL".to_owned(), url)], |_| Ok(String::new()))?;
    Ok((Store::open(&config.database.url).await?, config.orders))
}

/// (b) Runs ROMS's HTTP server with one message per transaction.
pub(crate) async fn single_commits(address: SocketAddr, database: String) -> Result<()> {
    let (store, orders) = open(database).await?;
    let timezone = orders.timezone;
    let feed = Feed::new(1024);
    let bounds = Bounds { batch: 1, ..Bounds::default() };
    let (ingest, _writer) = Ingest::start_with(store.clone(), feed.clone(), orders, bounds);
    let listener = TcpListener::bind(address).await?;
    http::serve(listener, AppState::new(ingest, store, feed, timezone), CancellationToken::new()).await;
    Ok(())
}

/// (d) Runs a server that answers as if it had stored the body.
pub(crate) async fn answer_only(address: SocketAddr) -> Result<()> {
    let answer = async |body: Bytes| {
        let size = body.len();
        Json(
            json!({"success": true, "message": "Order received and processed successfully", "order_id": size,
            "order_number": "A-1", "outcome": "created", "log_id": size, "orders": []}),
        )
    };
    let router = Router::new()
        .route("/api/v2/webhooks/test", get(async || "ok"))
        .route("/api/v2/webhooks/orders", post(answer));
    axum::serve(TcpListener::bind(address).await?, router).await.context("the server ended")
}
