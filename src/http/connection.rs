//! The connection of a request: its place among the open connections, and a way to close it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::address_limit::OpenConnection;

/// The connection of a request. Each request has it as an extension. Clones are the same connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// The permit of an open connection; empty if it was given back.
    slot: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    /// Counts the connection for its address while a clone exists, so that a WebSocket counts, too.
    _counted: Arc<OpenConnection>,
    /// Closes the connection at once, without waiting for an answer that the client does not read. Cancelled as well
    /// when the connection has ended.
    pub(crate) abort: CancellationToken,
}

impl Connection {
    pub(crate) fn new(permit: Option<OwnedSemaphorePermit>, counted: OpenConnection) -> Self {
        let slot = Arc::new(Mutex::new(permit));
        Self { slot, _counted: Arc::new(counted), abort: CancellationToken::new() }
    }

    /// Gives up the place of this connection. Event streams do so, because they have a limit of their own.
    pub(crate) fn release_slot(&self) {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
