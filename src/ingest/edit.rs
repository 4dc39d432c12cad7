//! Changing an order by hand, through the same queue and writer as the cards.

use tokio::sync::oneshot;

use super::work::{Answer, Job, Work};
use super::{Ingest, SubmitError};
use crate::clock;
use crate::order::dates::to_micros;
use crate::order::{Edit, FieldChange, Order};

/// What an edit made of its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The order as the edit found it.
    pub before: Order,
    /// The order as the edit left it.
    pub after: Order,
    /// What is different; empty where the edit said nothing new.
    pub changes: Vec<FieldChange>,
}

/// Why an edit was not made. Nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is no such order.
    #[error("there is no such order")]
    NotFound,
    /// The order is not any more as the edit's guard wants it.
    #[error("the order has changed since")]
    Changed,
    /// ROMS is shutting down.
    #[error("ROMS is shutting down")]
    Closed,
    /// The database could not take it.
    #[error("the database could not store the edit")]
    Storage,
}

impl From<SubmitError> for EditError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Full | SubmitError::Storage => Self::Storage,
            SubmitError::Closed => Self::Closed,
        }
    }
}

impl Ingest {
    /// Changes an order by hand; answers after the commit is durable. Waits for a place in the
    /// queue: edits and messages are merged in the order in which they came.
    ///
    /// # Errors
    /// Where there is no such order or its guard does not hold, while shutting down, and where
    /// the database fails.
    pub async fn edit(&self, edit: Edit) -> Result<Edited, EditError> {
        // What is done now is not newer than now: cards to come must not count as late.
        let edit = Edit { at: to_micros(edit.at).min(clock::now()), ..edit };
        let (answer, edited) = oneshot::channel();
        let job = Job { work: Work::Edit(Box::new(edit)), answer: Answer::Edit(answer) };
        self.queue.send(job).await.map_err(|_| EditError::Closed)?;
        edited.await.unwrap_or(Err(EditError::Closed)).map(|edited| *edited)
    }
}
