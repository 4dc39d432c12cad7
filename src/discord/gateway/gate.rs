//! The gate that every connection of serenity passes, so that none is made unseen.
//!
//! serenity connects by itself, again and again in some faults: an endless loop of IDENTIFYs every
//! five seconds, or of RESUMEs without any pause. It takes the gateway's address from behind a
//! lock each time. The gate holds that lock, and lets go of it for a moment ten times a second
//! while a connection may be made.

use std::collections::HashMap;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use serenity::all::ShardId;
use serenity::gateway::ShardRunnerInfo;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Pulse;

/// How often the gate opens.
const TICK: Duration = Duration::from_millis(100);

/// Least time between two connections.
const PAUSE: Duration = Duration::from_secs(1);

/// The only shard.
const SHARD: ShardId = ShardId(0);

type Shards = HashMap<ShardId, ShardRunnerInfo>;

/// The gate of one client.
pub(crate) struct Gate {
    /// The lock on the gateway's address.
    pub(crate) address: Arc<Mutex<String>>,
    /// serenity's shards: there is none before its first connection, and none between the end of
    /// a session and the next connection. So one that connects with a shard there resumes, and
    /// one without identifies itself.
    pub(crate) shards: Arc<Mutex<Shards>>,
    pub(crate) pulse: watch::Sender<Pulse>,
    /// How many IDENTIFYs may be sent.
    pub(crate) allowed: Arc<AtomicU64>,
}

impl Gate {
    /// Keeps the gate, which is shut at first. This must run on the same thread as serenity's tasks:
    /// who waits at the gate when it opens cannot have passed before it is looked at again.
    pub(crate) async fn keep(self, mut shut: OwnedMutexGuard<String>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut passed: Option<Instant> = None;
        // Held while there is no shard: one that comes cannot go unseen, however short it lives.
        let mut absent: Option<OwnedMutexGuard<Shards>> = None;
        loop {
            ticks.tick().await;
            let was_absent = absent.take().is_some();
            let shards = Arc::clone(&self.shards).lock_owned().await;
            let shard = shards.get(&SHARD);
            self.note(shard, was_absent);
            let resumes = shard.is_some();
            absent = (!resumes).then_some(shards);

            let is_rested = passed.is_none_or(|at| at.elapsed() >= PAUSE);
            if is_rested && (resumes || self.may_identify()) {
                drop(shut);
                shut = if let Ok(nobody_came) = Arc::clone(&self.address).try_lock_owned() {
                    nobody_came
                } else {
                    passed = Some(Instant::now());
                    self.pulse.send_modify(Pulse::down);
                    Arc::clone(&self.address).lock_owned().await
                };
            }
        }
    }

    fn may_identify(&self) -> bool {
        self.pulse.borrow().identifies < self.allowed.load(Ordering::Relaxed)
    }

    fn note(&self, shard: Option<&ShardRunnerInfo>, was_absent: bool) {
        self.pulse.send_if_modified(|pulse| {
            let (was_up, before) = (pulse.is_up(), pulse.last_sign);
            match shard {
                Some(shard) => pulse.heard(shard.latency),
                None => pulse.down(),
            }
            let identifies = was_absent && shard.is_some();
            pulse.identifies += u64::from(identifies);
            identifies || was_up != pulse.is_up() || before != pulse.last_sign
        });
    }
}
