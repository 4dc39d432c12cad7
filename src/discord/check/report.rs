//! What a check found, for people and for the status board.

use std::fmt;

use tracing::warn;

use crate::status::StatusBoard;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Everything that was looked at, in the order in which it is best mended.
    pub findings: Vec<Finding>,
    /// The watched channels that could be looked at, in the order of the configuration.
    pub channels: Vec<ChannelReport>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub subject: String,
    /// How it stands.
    pub state: State,
}

/// How a thing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be; what was found.
    Ok(String),
    /// Something is missing.
    Missing {
        /// What.
        what: String,
        /// The switch that mends it.
        cure: String,
    },
    /// Discord gave no answer; why.
    Unknown(String),
}

/// A watched channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelReport {
    /// Its id.
    pub id: i64,
    /// Names of the permissions that the bot lacks there.
    pub missing: Vec<&'static str>,
    /// Why it cannot be watched, where no permission would help.
    pub error: Option<String>,
}

impl Report {
    /// Whether nothing is missing, and nothing was left unanswered.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.findings.iter().all(|finding| matches!(finding.state, State::Ok(_)))
    }

    /// Warns of each thing that is not as it should be.
    pub fn warn(&self) {
        for Finding { subject, state } in &self.findings {
            match state {
                State::Ok(_) => {}
                State::Missing { what, cure } => warn!(subject, cure, "{what}"),
                State::Unknown(why) => warn!(subject, "could not be checked: {why}"),
            }
        }
    }

    /// Writes on the board what keeps which channel from being read. A channel about which Discord
    /// gave no answer keeps what the board says of it.
    pub fn show(&self, board: &StatusBoard) {
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
    pub(crate) fn missing(what: impl fmt::Display, cure: impl Into<String>) -> Self {
        Self::Missing { what: what.to_string(), cure: cure.into() }
    }

    pub(crate) fn unknown(why: impl fmt::Display) -> Self {
        Self::Unknown(why.to_string())
    }
}

/// One line for each finding, and below what is missing the switch that mends it.
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
            State::Missing { what, cure } => write!(f, "MISSING  {subject}: {what}\n         -> {cure}"),
            State::Unknown(why) => write!(f, "unknown  {subject}: {why}"),
        }
    }
}
