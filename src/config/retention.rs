//! How long raw messages are kept.

use chrono::TimeDelta;

use super::node::{Node, Read};

/// A century: more than anybody keeps, and little enough to count back from any date.
const LONGEST: u32 = 36_500;

/// How long raw messages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Age at which payload and text forms of a message are emptied; `None` is never.
    pub raw: Option<TimeDelta>,
}

/// A number of days; 0 is for ever.
pub(crate) fn days(node: &Node) -> Read<Option<TimeDelta>> {
    let days = node.whole_number(LONGEST)?;
    Ok((days > 0).then(|| TimeDelta::days(days.into())))
}
