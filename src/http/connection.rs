//! The connection of a request: its place among the open connections, and a way to close it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

/// The connection of a request. Each request has it as an extension. Clones are the same connection.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// The permit of an open connection; empty if it was given back.
    slot: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    /// Closes the connection at once, without waiting for an answer that the client does not read. Cancelled as well
    /// when the connection has ended.
    pub(crate) abort: CancellationToken,
}

impl Connection {
    pub(crate) fn new(permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { slot: Arc::new(Mutex::new(permit)), abort: CancellationToken::new() }
    }

    /// Gives up the place of this connection. Event streams do so, because they have a limit of their own.
    pub(crate) fn release_slot(&self) {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
