//! What can go wrong with a command, and what its caller is told of it.

use crate::discord::history::BackfillError;
use crate::discord::rest::RestError;
use crate::ingest::{EditError, SubmitError};
use crate::store::StoreError;

/// Why a command came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something that the caller can mend: the text is for them, and nothing is logged.
    #[error("{0}")]
    Told(String),
    /// A button of an earlier release, or of something that is gone.
    #[error("a component that is out of date")]
    OutOfDate,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Discord failed.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// The pipeline did not take it.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The edit was not stored.
    #[error(transparent)]
    Edit(EditError),
    /// The history could not be read.
    #[error(transparent)]
    Backfill(#[from] BackfillError),
    /// The interaction is not as the command's definition says.
    #[error("{0}")]
    Malformed(&'static str),
    /// It took longer than Discord waits.
    #[error("it took too long")]
    Late,
    /// A bug.
    #[error("it panicked")]
    Panic,
}

impl Failure {
    /// For the caller, who can do something about it.
    pub(crate) fn told(text: impl Into<String>) -> Self {
        Self::Told(text.into())
    }

    /// What the caller is told, where it is theirs to know.
    pub(crate) fn for_caller(&self) -> Option<&str> {
        match self {
            Self::Told(text) => Some(text),
            Self::OutOfDate => {
                Some("This is out of date. Use the command again, and you have it as it is now.")
            }
            _ => None,
        }
    }
}

/// serenity's errors hold addresses, and those of interactions hold tokens.
impl From<serenity::Error> for Failure {
    fn from(error: serenity::Error) -> Self {
        Self::Rest(error.into())
    }
}
