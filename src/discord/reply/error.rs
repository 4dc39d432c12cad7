//! Why a command failed, and what its caller may read about it.

use crate::discord::history::BackfillError;
use crate::discord::rest::RestError;
use crate::ingest::{EditError, ReplayError, SubmitError};
use crate::store::StoreError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The caller can fix this. The text is for them, and nothing is logged.
    #[error("{0}")]
    User(String),
    /// A component of another release, or of something that no longer exists.
    #[error("the component is out of date")]
    OutOfDate,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Discord's REST API failed.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// The pipeline did not store the message.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The edit was not stored.
    #[error(transparent)]
    Edit(EditError),
    /// The history could not be read.
    #[error(transparent)]
    Backfill(#[from] BackfillError),
    /// The interaction does not match the command's definition.
    #[error("{0}")]
    Malformed(&'static str),
    /// The command took longer than Discord waits.
    #[error("the command took too long")]
    Timeout,
    /// A bug.
    #[error("the command panicked")]
    Panic,
}

impl CommandError {
    /// An error that the caller can fix.
    pub(crate) fn user(text: impl Into<String>) -> Self {
        Self::User(text.into())
    }

    /// The text for the caller. `None` means that the cause belongs in the log only.
    pub(crate) fn for_caller(&self) -> Option<&str> {
        match self {
            Self::User(text) => Some(text),
            Self::OutOfDate => Some("This is out of date. Please run the command again."),
            _ => None,
        }
    }
}

/// serenity's errors hold URLs, and the URLs of interactions hold tokens; `RestError` drops them.
impl From<serenity::Error> for CommandError {
    fn from(error: serenity::Error) -> Self {
        Self::Rest(error.into())
    }
}

impl From<EditError> for CommandError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::NotFound => Self::OutOfDate,
            EditError::Changed => Self::user("The order has changed in the meantime. Please open it again."),
            EditError::Closed => Self::user("ROMS is restarting. Please try again in a moment."),
            EditError::Storage => Self::Edit(error),
        }
    }
}

impl From<ReplayError> for CommandError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Duplicate | ReplayError::Empty => {
                Self::user(format!("This message cannot be read again: {error}."))
            }
            ReplayError::Submit(error) => error.into(),
            ReplayError::Store(error) => error.into(),
        }
    }
}
