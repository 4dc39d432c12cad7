//! The pipeline (stub).
use crate::{message::Message, outcome::Receipt};

/// The way in.
#[derive(Clone, Debug)]
pub struct Ingest;

/// Why a message was not taken. Nothing of it is stored.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full.
    #[error("the queue is full")]
    Full,
    /// ROMS is shutting down.
    #[error("ROMS is shutting down")]
    Closed,
    /// The database could not take it.
    #[error("the database could not store the message")]
    Storage,
}

impl Ingest {
    /// Stores a message; answers after the commit is durable. Waits for a place in the queue.
    ///
    /// # Errors
    /// [`SubmitError::Closed`] while shutting down, [`SubmitError::Storage`] where the database fails.
    pub async fn submit(&self, message: Message) -> Result<Receipt, SubmitError> {
        todo!("{message:?}")
    }

    /// As [`Self::submit`], but a full queue is [`SubmitError::Full`] at once.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn try_submit(&self, message: Message) -> Result<Receipt, SubmitError> {
        todo!("{message:?}")
    }
}
