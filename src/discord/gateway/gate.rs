//! The gate that every connection of serenity passes, so that none is made unseen.
//!
//! serenity connects by itself, again and again in some faults: an endless loop of IDENTIFYs every
//! five seconds, or of RESUMEs without any pause. It takes the gateway's address from behind a
//! lock each time. The gate holds that lock, and lets go of it for a moment ten times a second
//! while a connection may be made.

use std::collections::HashMap;
use std::convert::Infallible;
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
pub(super) struct Gate {
    /// The lock on the gateway's address.
    pub(super) address: Arc<Mutex<String>>,
    /// serenity's shards: there is none before its first connection, and none between the end of
    /// a session and the next connection. So one that connects with a shard there resumes, and
    /// one without identifies itself.
    pub(super) shards: Arc<Mutex<Shards>>,
    pub(super) pulse: watch::Sender<Pulse>,
    /// How many IDENTIFYs may be sent.
    pub(super) allowed: Arc<AtomicU64>,
}

impl Gate {
    /// Keeps the gate, which is shut at first.
    pub(super) async fn keep(self, mut shut: OwnedMutexGuard<String>) -> Infallible {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut passed: Option<Instant> = None;
        // While a new session is on its way, this lock is held: a shard can then come and go only
        // when the gate looks, however short it lives.
        let mut awaited: Option<OwnedMutexGuard<Shards>> = None;
        loop {
            ticks.tick().await;
            let is_awaited = awaited.take().is_some();
            let shards = Arc::clone(&self.shards).lock_owned().await;
            let shard = shards.get(&SHARD);
            let resumes = shard.is_some();
            let opened = is_awaited && resumes;
            self.note(shard, opened);
            if is_awaited && !opened {
                awaited = Some(shards);
            }
            let may_pass = passed.is_none_or(|at| at.elapsed() >= PAUSE)
                && (resumes || self.pulse.borrow().identifies < self.allowed.load(Ordering::Relaxed));
            if !may_pass {
                continue;
            }
            drop(shut);
            shut = if let Ok(shut) = Arc::clone(&self.address).try_lock_owned() {
                shut
            } else {
                // Somebody was waiting and has it now.
                passed = Some(Instant::now());
                self.pulse.send_modify(Pulse::down);
                if !resumes && awaited.is_none() {
                    awaited = Some(Arc::clone(&self.shards).lock_owned().await);
                }
                Arc::clone(&self.address).lock_owned().await
            };
        }
    }

    fn note(&self, shard: Option<&ShardRunnerInfo>, opened: bool) {
        self.pulse.send_if_modified(|pulse| {
            let (was_up, before) = (pulse.is_up(), pulse.last_sign);
            match shard {
                Some(shard) => pulse.heard(shard.latency),
                None => pulse.down(),
            }
            pulse.identifies += u64::from(opened);
            opened || was_up != pulse.is_up() || before != pulse.last_sign
        });
    }
}
