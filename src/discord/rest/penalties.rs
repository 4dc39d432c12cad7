//! Which targets refused, and are left alone for a while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Targets that refused in a way that asking again does not change: only a person does, so they
/// are asked again now and then.
#[derive(Debug)]
pub(crate) struct Penalties {
    length: Duration,
    until: HashMap<i64, Instant>,
}

impl Penalties {
    /// Each refusal costs the target so much time.
    pub(crate) fn new(length: Duration) -> Self {
        Self { length, until: HashMap::new() }
    }

    /// The target refused.
    pub(crate) fn add(&mut self, target: i64) {
        self.until.insert(target, Instant::now() + self.length);
    }

    /// Whether the target may be asked.
    pub(crate) fn is_free(&self, target: i64) -> bool {
        self.until.get(&target).is_none_or(|until| *until <= Instant::now())
    }
}
