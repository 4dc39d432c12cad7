//! Limits how often serenity connects to the gateway.
//!
//! serenity reconnects by itself, in some failures without end: an IDENTIFY every five seconds, or
//! RESUMEs without any delay. Before each connection it locks the gateway's address. The limiter
//! holds that lock, and releases it for a moment ten times a second while a connection is allowed.

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

use super::health::ClientHealth;

/// How often the lock is released.
const TICK: Duration = Duration::from_millis(100);

/// Shortest time between two connections.
const MIN_CONNECT_INTERVAL: Duration = Duration::from_secs(1);

/// The only shard.
const SHARD: ShardId = ShardId(0);

type Shards = HashMap<ShardId, ShardRunnerInfo>;

/// The limiter of one client.
pub(crate) struct ConnectLimiter {
    /// serenity's lock on the gateway address.
    pub(crate) address: Arc<Mutex<String>>,
    /// serenity's shards. The map is empty before the first connection, and between the end of a
    /// session and the next connection. A connection made while a shard is present resumes its
    /// session; one made without a shard sends an IDENTIFY.
    pub(crate) shards: Arc<Mutex<Shards>>,
    pub(crate) health: watch::Sender<ClientHealth>,
    /// How many IDENTIFYs the client may send in total.
    pub(crate) identify_limit: Arc<AtomicU64>,
}

impl ConnectLimiter {
    /// Runs for as long as the client. It must run on the same single worker thread as serenity's
    /// tasks: a task that gets the address when the lock is released is then certain to still hold
    /// it when the limiter looks again.
    pub(crate) async fn run(self, mut address_lock: OwnedMutexGuard<String>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_connect: Option<Instant> = None;
        // While there is no shard, the map stays locked between ticks. A new shard then has to wait
        // for the limiter and is counted, however short it lives.
        let mut empty_shards: Option<OwnedMutexGuard<Shards>> = None;
        loop {
            ticks.tick().await;
            let was_empty = empty_shards.take().is_some();
            let shards = Arc::clone(&self.shards).lock_owned().await;
            let shard = shards.get(&SHARD);
            self.update_health(shard, was_empty);
            let is_resume = shard.is_some();
            empty_shards = (!is_resume).then_some(shards);

            let is_interval_over = last_connect.is_none_or(|at| at.elapsed() >= MIN_CONNECT_INTERVAL);
            if is_interval_over && (is_resume || self.may_identify()) {
                drop(address_lock);
                address_lock = if let Ok(unused) = Arc::clone(&self.address).try_lock_owned() {
                    unused
                } else {
                    last_connect = Some(Instant::now());
                    self.health.send_modify(ClientHealth::record_down);
                    Arc::clone(&self.address).lock_owned().await
                };
            }
        }
    }

    fn may_identify(&self) -> bool {
        self.health.borrow().identifies < self.identify_limit.load(Ordering::Relaxed)
    }

    fn update_health(&self, shard: Option<&ShardRunnerInfo>, was_empty: bool) {
        self.health.send_if_modified(|health| {
            let (was_up, last_sign) = (health.is_up(), health.last_sign);
            match shard {
                Some(shard) => health.record_latency(shard.latency),
                None => health.record_down(),
            }
            let is_identify = was_empty && shard.is_some();
            health.identifies += u64::from(is_identify);
            is_identify || was_up != health.is_up() || last_sign != health.last_sign
        });
    }
}
