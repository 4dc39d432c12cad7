//! Builds the program from the configuration (database, pipeline, HTTP, Discord), runs it, and stops its
//! parts in order.

mod relay;
mod supervisor;
mod upkeep;
mod watch;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use futures_util::FutureExt;
use tokio::{
    net::{TcpListener, TcpSocket},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::discord::{self, sign_in::SignIn};
use crate::feed::Feed;
use crate::http::{self, AppState, Auth};
use crate::ingest::Ingest;
use crate::metrics::Metrics;
use crate::outbox::{self, Outbox};
use crate::sign_in;
use crate::status::StatusBoard;
use crate::store::{self, Options, Store, StoreError};

/// How many changes a live listener may be behind before it misses some.
const FEED_CAPACITY: usize = 1024;
/// How long the database may take to accept a first write, before ROMS answers requests.
const START_TIMEOUT: Duration = Duration::from_secs(2);
/// How long after the signal to stop the writer may store what was accepted.
const STOP_TIMEOUT: Duration = Duration::from_secs(8);
/// How long the writer has at least after the edges have stopped.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(1500);

/// Timeouts and intervals of the parts. Tests use shorter ones.
#[derive(Clone, Debug, Default)]
pub struct Timing {
    /// Those of the Discord edge.
    pub discord: discord::Timing,
    /// Those of the outbox.
    pub outbox: outbox::Timing,
    /// The intervals for sessions of people who signed in with Discord.
    pub sign_in: sign_in::Timing,
}

impl From<discord::Timing> for Timing {
    fn from(discord: discord::Timing) -> Self {
        Self { discord, ..Self::default() }
    }
}

/// Serves until `stop` is cancelled, then stores what was accepted, within ten seconds.
///
/// # Errors
/// When the database or the address cannot be used, or accepted messages could not be stored.
pub async fn serve(config: Config, stop: CancellationToken) -> Result<()> {
    tracing::info!("ROMS {} starting", env!("CARGO_PKG_VERSION"));
    let listener = bind(config.http.bind, "http")?;
    let opening = Box::pin(Store::open_with(&config.database.url, Options::of(&config)));
    let Some(store) = stop.run_until_cancelled(opening).await else { return Ok(()) };
    let store = store?;
    tracing::info!("Database: {} ({})", store.engine(), config.database.url);
    if let Some(discord) = config.discord() {
        tracing::info!("Discord: watching {} channels", discord.channels.len());
    } else {
        tracing::info!("Discord: no token configured; receiving cards over HTTP only");
    }
    run(listener, store, &config, Timing::default(), stop).await
}

/// Serves on a bound listener, with an open database.
///
/// # Errors
/// When Discord is required and refuses the bot, or accepted messages could not be stored in time.
pub async fn run(
    listener: TcpListener,
    store: Store,
    config: &Config,
    timing: impl Into<Timing>,
    stop: CancellationToken,
) -> Result<()> {
    let timing = timing.into();
    let feed = Feed::new(FEED_CAPACITY);
    let stop = stop.child_token();
    let sign_in =
        SignIn::new(config, &timing.discord)?.map(|sign_in| Arc::new(sign_in) as Arc<dyn sign_in::Discord>);
    let wait = Duration::from_secs(config.database.wait);
    let outbox = Outbox::new(config.webhooks);
    let reading = store::retry(wait, || async {
        outbox.refresh(&store).await?;
        Auth::load(&config.http, &store).await
    });
    let Some(auth) = stop.run_until_cancelled(reading).await else { return Ok(store.close().await?) };
    let auth = auth?.with_sign_in(sign_in, timing.sign_in);
    if auth.locks_everybody_out() {
        bail!(
            "every request needs a token, because [http] {}, but there is no token yet; create one with `roms token create \
             --name NAME --scope admin` and start ROMS again",
            if config.http.require_auth {
                "require_auth is true".to_owned()
            } else {
                format!("bind is {}, which other machines can reach", config.http.bind)
            }
        );
    }
    let _watch = store.watch_primary();
    let others = store.listen().await;
    if let Ok(newest) = store.last_event_id().await {
        feed.start_after(newest);
    }
    let metrics = if config.metrics.is_on() { Metrics::on()? } else { Metrics::default() };
    let metrics_listener = match config.metrics.bind {
        Some(address) => Some(bind_metrics(address)?),
        None => None,
    };
    let orders = config.orders.clone();
    let (ingest, mut writer) =
        Ingest::start_measured(store.clone(), feed.clone(), orders, outbox.clone(), metrics.clone());
    check_writes(&store, &ingest).await;
    let board = StatusBoard::default();
    let state = AppState::new(ingest.clone(), store.clone(), feed.clone(), config.orders.timezone)
        .with_access(&config.http, auth)
        .with_pictures(config.page.pictures)
        .with_metrics(metrics, config.metrics.enabled, metrics_listener);
    let state = if config.discord().is_some() { state.with_discord(board.clone()) } else { state };
    let address = listener.local_addr().context("the listening socket has no address")?;
    tracing::info!("Server running on http://{address}: cards to /api/v2/webhooks/orders, pages at /docs");
    // Boxed, because the edges together make a large future.
    let edges = Box::pin(async {
        tokio::join!(
            http::serve(listener, state, stop.child_token()),
            watch::run(config, ingest.clone(), store.clone(), board, timing.discord, &stop),
            outbox.follow(&store, &timing.outbox, &stop),
            outbox::run(
                store.clone(),
                outbox.clone(),
                timing.outbox.clone(),
                http::order_json,
                stop.child_token(),
            ),
            relay::run(others, store.clone(), feed, stop.clone()),
            upkeep::run(store.clone(), config.retention, stop.child_token()),
            supervisor::run(&ingest, &stop),
            stop.cancelled().map(|()| Instant::now()),
        )
    });
    let ((), watched, .., stopped_at) = tokio::select! {
        ended = edges => ended,
        // The writer ends by itself only if it panics. Nothing can be stored any more.
        _ = &mut writer => bail!("the database writer failed; see the log"),
    };
    ingest.close();
    let deadline = (stopped_at + STOP_TIMEOUT).max(Instant::now() + DRAIN_TIMEOUT);
    match timeout_at(deadline, writer).await {
        Ok(ended) => ended.context("the database writer failed")?,
        Err(_) => bail!("the database did not store all accepted messages in time"),
    }
    store.close().await?;
    tracing::info!("stopped; everything that was accepted is stored");
    watched
}

/// Finds out whether the database accepts messages, before a load balancer can ask. If not, the writer goes on trying.
async fn check_writes(store: &Store, ingest: &Ingest) {
    let checked = timeout(START_TIMEOUT, store.ping_writer()).await;
    if let Err(error) = checked.unwrap_or(Err(StoreError::Silent)) {
        ingest.report_storage_error(&error);
    }
}

/// Connections that may wait to be accepted; the system may allow fewer. It drops further ones, and their
/// clients try again after one second, three, seven and so on.
const BACKLOG: u32 = 4096;

/// Listens for requests for metrics.
fn bind_metrics(address: SocketAddr) -> Result<TcpListener> {
    let listener = bind(address, "metrics")?;
    let address = listener.local_addr().context("the socket for metrics has no address")?;
    tracing::info!("Metrics: http://{address}/metrics");
    Ok(listener)
}

/// Listens on the address that this section of the configuration has.
fn bind(address: SocketAddr, section: &str) -> Result<TcpListener> {
    listen(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "{address} is in use: is another ROMS running? Stop it, or set [{section}] bind to another port"
        ),
        _ => anyhow::anyhow!("cannot listen on {address}: {error}"),
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Allows a port that another process has just left. On Windows it would allow two processes to share it.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
