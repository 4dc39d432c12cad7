//! The HTTP server: receives cards by webhook, and serves orders, the webhook log, live updates,
//! health and the API documentation.
//!
//! | module | what it does |
//! |---|---|
//! | `router` | lists every route, and the layers that every request and answer passes through |
//! | `api` | the handlers and their wire types, one file for each resource |
//! | `page` | the web page: handlers and templates |
//! | `auth` | asks requests for a token, and records its use |
//! | `peer` | finds the address of the client, also behind a proxy |
//! | `query` | query and path parameters: reads, checks and rejects them by name |
//! | `request_id` | the id of a request |
//! | `body` | reads the body of a request within its limits |
//! | `submission` | the steps that all webhook routes share, from the signature to the kept answer |
//! | `address_limit` | limits how many connections one client may have open |
//! | `cross_site` | refuses requests that a page of another site makes a browser send |
//! | `error` | every error answer: status, body, and its place in the OpenAPI document |
//! | `discord_error` | the same errors as Discord writes them, for senders that post to Discord |
//! | `serve` | accepts connections, turns away those beyond the limit, shuts down |
//!
//! This module neither parses cards nor writes rows: a body becomes a
//! [`Message`](crate::card::message::Message) and goes to [`Ingest`]. The server speaks HTTP/1.1
//! without TLS. A reverse proxy in front may add TLS; it must pass `Host` and `Origin` on unchanged.

mod address_limit;
pub(crate) mod api;
mod auth;
mod body;
mod connection;
mod cross_site;
mod discord_error;
mod error;
mod imports;
mod link_path;
mod order_path;
mod page;
mod peer;
mod query;
mod request_id;
mod router;
mod serve;
mod submission;

use std::{
    panic::resume_unwind,
    sync::{Arc, Mutex},
};

use chrono_tz::Tz;
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::address_limit::AddressLimit;
use crate::config::Http;
use crate::{feed::Feed, ingest::Ingest, metrics::Metrics, status::StatusBoard, store::Store};

use api::discord_webhook::LinkEdits;

pub use api::order_body::order_json;
pub use auth::Auth;
pub use serve::{serve, serve_at_most};

/// The state that the handlers of one server share.
#[derive(Debug)]
pub struct AppState {
    ingest: Ingest,
    store: Store,
    feed: Feed,
    /// The time zone of dates in query parameters.
    timezone: Tz,
    auth: Arc<Auth>,
    /// Host names, in lower case, that requests may use besides this machine's own.
    hosts: Arc<[String]>,
    /// How posted messages must be signed.
    signing: submission::Signing,
    /// Origins of other sites whose pages may use the API.
    origins: Arc<[String]>,
    /// Reverse proxies whose `X-Forwarded-For` names the client.
    trusted_proxies: Arc<[IpNet]>,
    /// How many connections one client may have open.
    addresses: Arc<AddressLimit>,
    refusals: Mutex<cross_site::RefusalReports>,
    /// Edits of messages of webhook links that are under way.
    link_edits: LinkEdits,
    /// The state of the Discord connection; `None` if no token is configured.
    discord: Option<StatusBoard>,
    /// Cancelled when the server shuts down: `WebSockets` are closed, and bodies must end soon.
    closing: CancellationToken,
    /// Tasks that outlive their request: `WebSockets`, and submissions whose client has disconnected.
    tasks: TaskTracker,
    /// One permit for each large body in memory.
    large_bodies: Arc<Semaphore>,
    /// One permit for each live client.
    live_clients: Arc<Semaphore>,
    /// Whether the page shows pictures of products.
    pictures: bool,
    metrics: Metrics,
    /// Whether `/metrics` is one of the routes.
    has_metrics_route: bool,
    /// Where a second server serves nothing but metrics.
    metrics_listener: Option<TcpListener>,
}

impl AppState {
    /// Creates the state of one server. `timezone` applies to dates in query parameters.
    #[must_use]
    pub fn new(ingest: Ingest, store: Store, feed: Feed, timezone: Tz) -> Self {
        Self {
            ingest,
            store,
            feed,
            timezone,
            auth: Arc::default(),
            hosts: Arc::default(),
            signing: submission::Signing::default(),
            origins: Arc::default(),
            trusted_proxies: Arc::default(),
            addresses: Arc::default(),
            refusals: Mutex::default(),
            link_edits: LinkEdits::default(),
            discord: None,
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
            large_bodies: Arc::new(Semaphore::new(body::MAX_LARGE_BODIES)),
            live_clients: Arc::new(Semaphore::new(api::live::MAX_CLIENTS)),
            pictures: false,
            metrics: Metrics::default(),
            has_metrics_route: false,
            metrics_listener: None,
        }
    }

    /// Follows the configuration of `[http]`.
    #[must_use]
    pub fn with_access(self, config: &Http, auth: Auth) -> Self {
        Self {
            auth: Arc::new(auth),
            hosts: config.hosts.as_slice().into(),
            signing: submission::Signing {
                secret: config.webhook_secret.clone(),
                is_required: config.require_signature,
            },
            origins: config.allowed_origins().into(),
            trusted_proxies: config.trusted_proxies.as_slice().into(),
            addresses: Arc::new(AddressLimit::new(config.connection_limit, &config.trusted_proxies)),
            ..self
        }
    }

    /// Shows pictures of products on the page, which a browser loads from their sites.
    #[must_use]
    pub fn with_pictures(self, pictures: bool) -> Self {
        Self { pictures, ..self }
    }

    /// Runs a future to its end even if the client disconnects and its handler is dropped.
    async fn run_to_end<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, error::ApiError> {
        match self.tasks.spawn(future).await {
            Ok(done) => Ok(done),
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => Err(error::ApiError::Closing),
            },
        }
    }

    /// Serves metrics: as a route for admins, and without tokens on a listener of their own.
    #[must_use]
    pub fn with_metrics(self, metrics: Metrics, has_route: bool, listener: Option<TcpListener>) -> Self {
        Self { metrics, has_metrics_route: has_route, metrics_listener: listener, ..self }
    }

    /// Reports the Discord connection in `/health`.
    #[must_use]
    pub fn with_discord(self, board: StatusBoard) -> Self {
        Self { discord: Some(board), ..self }
    }
}
