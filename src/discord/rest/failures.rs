//! Memory of failures: which were logged already, and which targets to leave alone for a while.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::discord::timing::Timing;

/// Remembers which targets fail, so that each failure is logged once until the target works again.
/// Clones share their state.
#[derive(Debug)]
pub struct FailureLog<T>(Arc<Mutex<HashSet<T>>>);

impl<T: Eq + Hash> FailureLog<T> {
    /// Records a failure. Returns whether it is the first since the target last worked.
    #[must_use]
    pub fn is_first_failure(&self, target: T) -> bool {
        self.lock().insert(target)
    }

    /// Records a success. Returns whether the target failed before.
    pub fn is_recovery(&self, target: &T) -> bool {
        self.lock().remove(target)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for FailureLog<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for FailureLog<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// Targets that answered 401, 403 or 404. Only a person can change that, so ROMS asks again after a
/// pause, which doubles with each refusal.
#[derive(Debug)]
pub(crate) struct Pauses {
    first: Duration,
    longest: Duration,
    /// The end of the current pause, and the length of the next one.
    paused: HashMap<i64, (Instant, Duration)>,
}

impl Pauses {
    pub(crate) fn new(timing: &Timing) -> Self {
        Self { first: timing.refusal_pause, longest: timing.max_refusal_pause, paused: HashMap::new() }
    }

    /// Starts a pause for a target.
    pub(crate) fn start(&mut self, target: i64) {
        let length = self.paused.get(&target).map_or(self.first, |(_, next)| *next);
        self.paused.insert(target, (Instant::now() + length, length.saturating_mul(2).min(self.longest)));
    }

    /// Whether a target is paused.
    pub(crate) fn is_paused(&self, target: i64) -> bool {
        self.paused.get(&target).is_some_and(|(until, _)| *until > Instant::now())
    }

    /// Forgets the refusals of a target, which works again.
    pub(crate) fn end(&mut self, target: i64) {
        self.paused.remove(&target);
    }

    /// Ends all pauses. Returns their targets.
    pub(crate) fn end_all(&mut self) -> Vec<i64> {
        self.paused.drain().map(|(target, _)| target).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{FailureLog, Pauses};
    use crate::discord::timing::Timing;

    #[test]
    fn a_failure_is_logged_once_until_the_target_works_again() {
        let log = FailureLog::default();
        assert!(log.is_first_failure(1) && !log.is_first_failure(1) && log.is_first_failure(2));
        assert!(log.is_recovery(&1) && !log.is_recovery(&1));
        assert!(log.is_first_failure(1) && !log.is_first_failure(2));
    }

    #[test]
    fn a_pause_doubles_up_to_its_limit_until_the_target_works() {
        let timing = Timing {
            refusal_pause: Duration::from_secs(30),
            max_refusal_pause: Duration::from_secs(100),
            ..Timing::default()
        };
        let mut pauses = Pauses::new(&timing);
        let mut lengths = Vec::new();
        for _ in 0..3 {
            pauses.start(1);
            lengths.push(pauses.paused[&1].1.as_secs());
        }
        assert_eq!(lengths, [60, 100, 100]);
        assert!(pauses.is_paused(1) && !pauses.is_paused(2));
        pauses.end(1);
        assert!(!pauses.is_paused(1));
        pauses.start(1);
        assert_eq!((pauses.paused[&1].1.as_secs(), pauses.end_all()), (60, vec![1]));
        assert!(!pauses.is_paused(1));
    }
}
