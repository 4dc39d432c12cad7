//! Keeps the log readable under load: at most 20 similar lines per second, then one line with counts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Lines written one by one in each period. Further events of the period are only counted.
const MAX_LINES: u32 = 20;
/// How long a period lasts.
const PERIOD: Duration = Duration::from_secs(1);

/// Decides for each event whether it gets a log line of its own, and counts the events that do not.
///
/// The caller passes the time, writes the lines, and writes [`Self::take_summary`] when it is due.
#[derive(Debug, Default)]
pub struct LogLimiter {
    period_end: Option<Instant>,
    lines: u32,
    counts: BTreeMap<&'static str, u64>,
}

impl LogLimiter {
    /// Returns whether an event may have a line of its own. If not, it is counted under `kind`.
    pub fn admit(&mut self, kind: &'static str, now: Instant) -> bool {
        if self.period_end.is_none_or(|end| now >= end) {
            self.period_end = Some(now + PERIOD);
            self.lines = 0;
        }
        if self.lines < MAX_LINES {
            self.lines += 1;
            return true;
        }
        *self.counts.entry(kind).or_default() += 1;
        false
    }

    /// When the next summary is due; `None` if every event had a line.
    #[must_use]
    pub fn summary_due(&self) -> Option<Instant> {
        self.period_end.filter(|_| !self.counts.is_empty())
    }

    /// Returns the counts as text, such as `812 created, 3 rejected`, and resets them; `None` before the
    /// summary is due.
    pub fn take_summary(&mut self, now: Instant) -> Option<String> {
        self.summary_due().filter(|due| now >= *due)?;
        let counts = std::mem::take(&mut self.counts);
        Some(counts.iter().map(|(kind, count)| format!("{count} {kind}")).collect::<Vec<_>>().join(", "))
    }
}
