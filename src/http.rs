//! The HTTP edge: the webhook that cards are posted to, the reads, the live feed, the documents.
//!
//! | module | what it does |
//! |---|---|
//! | `router` | all routes in one list, and what every answer passes through |
//! | `serve`, `busy` | accepts connections and closes them again; answers those that are too many |
//! | `webhook`, `body` | takes cards in, whatever they are wrapped in |
//! | `orders`, `logs`, `health` | the reads |
//! | `live` | `/ws`: every change as it is committed |
//! | `docs` | `/`, `/openapi.json`, `/docs` |
//! | `error`, `responses` | the only place that picks status codes; the same for the document |
//! | `host` | refuses requests for a host that is not known, against DNS rebinding |
//! | `params`, `origin`, `wire` | query and path parameters, the same-origin rule, the shape of an order |
//!
//! It reads no cards and writes no rows: a body becomes a [`Message`](crate::card::message::Message)
//! and goes to [`Ingest`]. It speaks HTTP/1.1 in the clear; TLS belongs to a proxy in front,
//! which must hand on `Host` and `Origin` unchanged.

mod api;
mod body;
mod busy;
mod error;
mod host;
mod layers;
mod origin;
mod router;
mod serve;

use std::sync::Arc;

use chrono_tz::Tz;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{clock::now, feed::Feed, ingest::Ingest, status::StatusBoard, store::Store};

pub use router::{openapi, router};
pub use serve::{serve, serve_at_most};

/// What the handlers work with.
#[derive(Debug)]
pub struct AppState {
    ingest: Ingest,
    store: Store,
    feed: Feed,
    timezone: Tz,
    /// Names, in lower case, that requests may ask for besides this machine's own.
    hosts: Arc<[String]>,
    /// How Discord stands, where it is watched.
    discord: Option<StatusBoard>,
    /// Cancelled when the server closes: sockets say goodbye, bodies must come to an end.
    closing: CancellationToken,
    /// What outlives its request: sockets, and submissions whose client has gone.
    tasks: TaskTracker,
    /// One permit for each open socket.
    sockets: Arc<Semaphore>,
}

impl AppState {
    /// The state of one server. Dates in parameters are those of `timezone`.
    #[must_use]
    pub fn new(ingest: Ingest, store: Store, feed: Feed, timezone: Tz) -> Self {
        Self {
            ingest,
            store,
            feed,
            timezone,
            hosts: Arc::default(),
            discord: None,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            sockets: Arc::new(Semaphore::new(api::live::MAX_SOCKETS)),
        }
    }

    /// The same, also under these names, which are in lower case.
    #[must_use]
    pub fn with_hosts(self, hosts: &[String]) -> Self {
        Self { hosts: hosts.into(), ..self }
    }

    /// The same, telling of the connection to Discord too.
    #[must_use]
    pub fn with_discord(self, board: StatusBoard) -> Self {
        Self { discord: Some(board), ..self }
    }
}
