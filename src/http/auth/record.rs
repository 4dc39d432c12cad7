//! Records the last use of each token, and fills the access log. Requests only count; one task writes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::store::{AccessEvent, AccessEventKind, Store, StoreError, Token, TokenUse};

const SAVE_INTERVAL: Duration = Duration::from_millis(500);
/// The shortest time between two log entries for the same refusal. Those in between are counted.
const ENTRY_INTERVAL: Duration = Duration::from_mins(1);
/// The stored last use of a token may be this old, unless the address changes.
const LAST_USE_PRECISION: TimeDelta = TimeDelta::minutes(1);
/// Refusals and tokens that are remembered. Further refusals are counted under one entry.
const MAX_REMEMBERED: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Record(Mutex<Pending>);

#[derive(Debug, Default)]
struct Pending {
    /// The last use of each token, by row id.
    uses: HashMap<i64, LastUse>,
    /// Refused requests.
    refused: HashMap<Refused, Count>,
}

#[derive(Debug)]
struct LastUse {
    name: String,
    from: IpAddr,
    at: DateTime<Utc>,
    /// The use that the database holds; `None` if it holds none.
    saved: Option<(IpAddr, DateTime<Utc>)>,
}

/// Refused requests that share an entry of the access log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Refused {
    token: Option<String>,
    /// The signed-in person.
    actor: Option<String>,
    peer: Option<IpAddr>,
    /// The code of the answer, the method and the route.
    detail: String,
}

#[derive(Debug)]
struct Count {
    requests: i64,
    /// When the next entry may be written.
    due: Instant,
}

impl Record {
    /// A token was used.
    pub(crate) fn used(&self, token: &Token, from: IpAddr) {
        let at = clock::now();
        let mut pending = self.lock();
        if let Some(last) = pending.uses.get_mut(&token.id) {
            (last.from, last.at) = (from, at);
        } else if pending.uses.len() < MAX_REMEMBERED {
            let last = LastUse { name: token.name.clone(), from, at, saved: None };
            pending.uses.insert(token.id, last);
        }
    }

    /// A request was refused. `detail` names the reason and the route.
    pub(crate) fn refused(&self, token: Option<&Token>, actor: Option<String>, peer: IpAddr, detail: String) {
        let mut pending = self.lock();
        let token = token.map(|token| token.name.clone());
        let mut key = Refused { token, actor, peer: Some(peer), detail };
        if pending.refused.len() >= MAX_REMEMBERED && !pending.refused.contains_key(&key) {
            key = Refused::default();
        }
        let count = pending.refused.entry(key).or_insert(Count { requests: 0, due: Instant::now() });
        count.requests = count.requests.saturating_add(1);
    }

    /// Writes to the database until `closing` is cancelled, and once more then.
    pub(crate) async fn save(&self, store: &Store, closing: &CancellationToken) {
        while closing.run_until_cancelled(sleep(SAVE_INTERVAL)).await.is_some() {
            self.save_due(store, Instant::now()).await;
        }
        self.save_due(store, Instant::now() + ENTRY_INTERVAL).await;
    }

    async fn save_due(&self, store: &Store, now: Instant) {
        let (uses, mut events) = self.take_due(now);
        let saved = async {
            events.extend(new_addresses(&uses, store).await?);
            store.save_access_events(events).await?;
            let uses: Vec<TokenUse> = uses.into_iter().map(|(_, used)| used).collect();
            store.save_token_uses(&uses).await
        };
        if let Err(error) = saved.await {
            // The writer logs an outage of the database; these entries are lost.
            tracing::debug!(%error, "cannot write the access log");
        }
    }

    /// Takes what must be written now: uses with the name of their token, and entries about refusals.
    fn take_due(&self, now: Instant) -> (Vec<(String, TokenUse)>, Vec<AccessEvent>) {
        let mut pending = self.lock();
        let mut uses = Vec::new();
        for (token, last) in &mut pending.uses {
            let is_fresh = |(from, at): (IpAddr, DateTime<Utc>)| {
                from == last.from && last.at.signed_duration_since(at) < LAST_USE_PRECISION
            };
            if !last.saved.is_some_and(is_fresh) {
                last.saved = Some((last.from, last.at));
                let last_use = TokenUse { token: *token, at: last.at, from: last.from.to_string() };
                uses.push((last.name.clone(), last_use));
            }
        }
        let mut events = Vec::new();
        pending.refused.retain(|refused, count| {
            if now < count.due {
                return true;
            }
            if count.requests == 0 {
                return false;
            }
            let event = AccessEvent::new(AccessEventKind::Refused, refused.token.clone(), clock::now());
            events.push(AccessEvent {
                actor: refused.actor.clone(),
                peer: refused.peer.map(|peer| peer.to_string()),
                detail: Some(refused.detail.clone()).filter(|detail| !detail.is_empty()),
                count: count.requests,
                ..event
            });
            *count = Count { requests: 0, due: now + ENTRY_INTERVAL };
            true
        });
        (uses, events)
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Entries about the first use of a token at an address.
async fn new_addresses(uses: &[(String, TokenUse)], store: &Store) -> Result<Vec<AccessEvent>, StoreError> {
    let mut events = Vec::new();
    for (name, TokenUse { at, from, .. }) in uses {
        if !store.has_used_token_from(name, from).await? {
            let event = AccessEvent::new(AccessEventKind::NewAddress, Some(name.clone()), *at);
            events.push(AccessEvent { peer: Some(from.clone()), ..event });
        }
    }
    Ok(events)
}
