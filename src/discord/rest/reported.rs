//! Which failures were reported already.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The targets whose failure was reported: each is reported once, and again only after it worked
/// in between. A clone is the same set.
#[derive(Debug)]
pub struct Reported<T>(Arc<Mutex<HashSet<T>>>);

impl<T: Eq + Hash> Reported<T> {
    /// The target fails. `true`: nobody knows yet, so say it.
    #[must_use]
    pub fn fails(&self, target: T) -> bool {
        self.lock().insert(target)
    }

    /// The target works. `true`: it was reported, so say that it works again.
    pub fn works(&self, target: &T) -> bool {
        self.lock().remove(target)
    }

    /// Each change is one call, after which the set is whole.
    fn lock(&self) -> MutexGuard<'_, HashSet<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Reported<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Reported<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

#[cfg(test)]
mod tests {
    use super::Reported;

    #[test]
    fn a_target_is_reported_once_until_it_works_again() {
        let reported = Reported::default();
        assert!(reported.fails(1) && !reported.fails(1) && reported.fails(2));
        assert!(reported.works(&1) && !reported.works(&1));
        assert!(reported.fails(1) && !reported.fails(2));
    }
}
