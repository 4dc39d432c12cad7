//! What the writer is asked to do, and how it answers.

use tokio::sync::oneshot;

use super::SubmitError;
use super::edit::{EditError, Edited};
use super::read::ReadMessage;
use crate::card::outcome::Receipt;
use crate::order::Edit;

/// A piece of work on its way, and who waits for its answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) answer: Answer,
}

/// A piece of work.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// To store a message, or to read one of the log again.
    Message(Box<ReadMessage>),
    /// To change an order by hand.
    Edit(Box<Edit>),
}

impl Work {
    pub(crate) fn message(&self) -> Option<&ReadMessage> {
        match self {
            Self::Message(message) => Some(message),
            Self::Edit(_) => None,
        }
    }

    pub(crate) fn edit(&self) -> Option<&Edit> {
        match self {
            Self::Edit(edit) => Some(edit),
            Self::Message(_) => None,
        }
    }
}

/// What became of it, after the commit.
#[derive(Debug)]
pub(crate) enum Done {
    Message(Receipt),
    Edit(Result<Box<Edited>, EditError>),
}

impl Done {
    pub(crate) fn receipt(self) -> Option<Receipt> {
        match self {
            Self::Message(receipt) => Some(receipt),
            Self::Edit(_) => None,
        }
    }
}

/// Who waits; they may be gone.
#[derive(Debug)]
pub(crate) enum Answer {
    Message(oneshot::Sender<Result<Receipt, SubmitError>>),
    Edit(oneshot::Sender<Result<Box<Edited>, EditError>>),
}

impl Answer {
    pub(crate) fn send(self, done: Result<Done, SubmitError>) {
        match (self, done) {
            (Self::Message(sender), Ok(Done::Message(receipt))) => drop(sender.send(Ok(receipt))),
            (Self::Message(sender), Err(error)) => drop(sender.send(Err(error))),
            (Self::Edit(sender), Ok(Done::Edit(edited))) => drop(sender.send(edited)),
            (Self::Edit(sender), Err(error)) => drop(sender.send(Err(error.into()))),
            // Who asked for something else finds the way closed.
            (Self::Message(_), Ok(Done::Edit(_))) | (Self::Edit(_), Ok(Done::Message(_))) => {}
        }
    }
}
