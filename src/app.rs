//! The program put together: database, pipeline, HTTP, Discord; and taken apart again in order.

mod relay;
mod upkeep;
mod watch;

use std::{io, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::{
    net::{TcpListener, TcpSocket},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::discord::Timing;
use crate::feed::Feed;
use crate::http::{self, AppState};
use crate::ingest::Ingest;
use crate::status::StatusBoard;
use crate::store::{Options, Store};

/// How many changes a live listener may fall behind.
const FEED_CAPACITY: usize = 1024;
/// How long the writer may take for what was accepted, after the server has ended.
const DRAIN_TIME: Duration = Duration::from_millis(1500);

/// Serves until `stop` is cancelled. Then what was accepted is finished, within ten seconds.
///
/// # Errors
/// When the database or the address cannot be used, or accepted messages could not be written.
pub async fn serve(config: Config, stop: CancellationToken) -> Result<()> {
    tracing::info!("ROMS {} starting", env!("CARGO_PKG_VERSION"));
    let listener = bind(config.http.bind)?;
    let store = Store::open_with(&config.database.url, Options::of(&config)).await?;
    tracing::info!("Database: {} ({})", store.engine(), config.database.url);
    let address = listener.local_addr().context("the listening socket has no address")?;
    if let Some(discord) = config.discord() {
        tracing::info!("Discord: watching {} channels", discord.channels.len());
    } else {
        tracing::info!("Discord: no token configured, HTTP alone");
    }
    tracing::info!("Server running on http://{address}: cards to /api/v2/webhooks/orders, pages at /docs");
    run(listener, store, &config, Timing::default(), stop).await
}

/// Serves on a listener that is bound, with a database that is open.
///
/// # Errors
/// When Discord is required and refuses the bot, or accepted messages could not be written in
/// time.
pub async fn run(
    listener: TcpListener,
    store: Store,
    config: &Config,
    timing: Timing,
    stop: CancellationToken,
) -> Result<()> {
    let feed = Feed::new(FEED_CAPACITY);
    let stop = stop.child_token();
    let others = store.listen().await?;
    let (ingest, mut writer) = Ingest::start(store.clone(), feed.clone(), config.orders.clone());
    let board = StatusBoard::default();
    let state = AppState::new(ingest.clone(), store.clone(), feed.clone(), config.orders.timezone)
        .with_hosts(&config.http.hosts);
    let state = if config.discord().is_some() { state.with_discord(board.clone()) } else { state };
    // On the heap: all that the edges hold makes a large future.
    let edges = Box::pin(async {
        tokio::join!(
            http::serve(listener, state, stop.child_token()),
            watch::run(config, ingest.clone(), store.clone(), board, timing, &stop),
            relay::run(others, store.clone(), feed, stop.clone()),
            upkeep::run(store.clone(), config.retention, stop.child_token()),
        )
    });
    let ((), watched, (), ()) = tokio::select! {
        ended = edges => ended,
        // The writer ends before it is told to only by a panic; nothing can be stored any more.
        _ = &mut writer => bail!("the writer broke off; see the log"),
    };
    ingest.close();
    match timeout(DRAIN_TIME, writer).await {
        Ok(ended) => ended.context("the writer broke off")?,
        Err(_) => bail!("the database did not take all accepted messages in time"),
    }
    store.close().await?;
    tracing::info!("stopped; everything that was accepted is stored");
    watched
}

/// Brings the database to the schema of this release.
///
/// # Errors
/// When the database cannot be used.
pub async fn migrate(config: Config) -> Result<()> {
    Store::open_with(&config.database.url, Options::of(&config)).await?.close().await?;
    tracing::info!("the schema of {} is up to date", config.database.url);
    Ok(())
}

/// Connections that may wait to be accepted, as far as the system allows. Beyond these it drops
/// what comes, and a client tries again after one second, three, seven and so on.
const BACKLOG: u32 = 4096;

fn bind(address: SocketAddr) -> Result<TcpListener> {
    listen(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "{address} is in use: is another roms running? Stop it, or give [http] bind another port"
        ),
        _ => anyhow::anyhow!("cannot listen on {address}: {error}"),
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port that a process has just left is free; elsewhere this would mean to share it.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
