//! The result of a check, for people and for the status board.

use std::fmt;

use tracing::warn;

use crate::status::StatusBoard;

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Everything that was checked, in the order in which problems should be fixed.
    pub findings: Vec<Finding>,
    /// The watched channels that could be checked, in the order of the configuration.
    pub channels: Vec<ChannelReport>,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The thing: the token, a guild, a channel.
    pub subject: String,
    /// The result.
    pub state: State,
}

/// The result for one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Correct. The text says what was found.
    Ok(String),
    /// Something is missing.
    Missing {
        /// The problem.
        problem: String,
        /// How to fix it.
        fix: String,
    },
    /// Discord did not answer. The text says why.
    Unknown(String),
}

/// The result for a watched channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelReport {
    /// Channel id.
    pub id: i64,
    /// Names of the permissions that the bot lacks.
    pub missing: Vec<&'static str>,
    /// Why the channel cannot be watched, if that is not a matter of permissions.
    pub error: Option<String>,
}

impl Report {
    /// Whether everything was checked and is correct.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.findings.iter().all(|finding| matches!(finding.state, State::Ok(_)))
    }

    /// Logs a warning for everything that is not correct.
    pub fn log(&self) {
        for Finding { subject, state } in &self.findings {
            match state {
                State::Ok(_) => {}
                State::Missing { problem, fix } => warn!(subject, fix, "{problem}"),
                State::Unknown(why) => warn!(subject, "could not be checked: {why}"),
            }
        }
    }

    /// Updates the channels on the board. A channel that could not be checked keeps its state.
    pub fn update(&self, board: &StatusBoard) {
        for ChannelReport { id, missing, error } in &self.channels {
            board.update_channel(*id, |channel| {
                channel.missing.clone_from(missing);
                if error.is_some() {
                    channel.error.clone_from(error);
                }
            });
        }
    }

    pub(crate) fn add(&mut self, subject: &str, state: State) {
        self.findings.push(Finding { subject: subject.to_owned(), state });
    }
}

impl State {
    pub(crate) fn missing(problem: impl fmt::Display, fix: impl Into<String>) -> Self {
        Self::Missing { problem: problem.to_string(), fix: fix.into() }
    }

    pub(crate) fn unknown(why: impl fmt::Display) -> Self {
        Self::Unknown(why.to_string())
    }
}

/// One line for each finding, and for a problem a second line that says how to fix it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = &self.subject;
        match &self.state {
            State::Ok(found) => write!(f, "ok       {subject}: {found}"),
            State::Missing { problem, fix } => write!(f, "MISSING  {subject}: {problem}\n         -> {fix}"),
            State::Unknown(why) => write!(f, "unknown  {subject}: {why}"),
        }
    }
}
