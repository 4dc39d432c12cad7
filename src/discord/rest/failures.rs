//! Memory of failures: which were logged already, and which targets to leave alone for a while.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

/// Targets that answered 401, 403 or 404. Only a person can change that, so ROMS asks again only
/// after a pause.
#[derive(Debug)]
pub(crate) struct Pauses {
    length: Duration,
    until: HashMap<i64, Instant>,
}

impl Pauses {
    pub(crate) fn new(length: Duration) -> Self {
        Self { length, until: HashMap::new() }
    }

    /// Starts a pause for a target.
    pub(crate) fn start(&mut self, target: i64) {
        self.until.insert(target, Instant::now() + self.length);
    }

    /// Whether a target is paused.
    pub(crate) fn is_paused(&self, target: i64) -> bool {
        self.until.get(&target).is_some_and(|until| *until > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::FailureLog;

    #[test]
    fn a_failure_is_logged_once_until_the_target_works_again() {
        let log = FailureLog::default();
        assert!(log.is_first_failure(1) && !log.is_first_failure(1) && log.is_first_failure(2));
        assert!(log.is_recovery(&1) && !log.is_recovery(&1));
        assert!(log.is_first_failure(1) && !log.is_first_failure(2));
    }
}
