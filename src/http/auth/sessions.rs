//! The sessions of people who are signed in to the page.
//!
//! A session is a row of the database, so it works in every process and ends everywhere at once. tower-sessions is not
//! used: it fixes the name of the cookie and whether it is `Secure` for a whole server, while ROMS serves http on this
//! machine and https behind a proxy at the same time; it extends an idle session only by writing at every request; and
//! its rows hold opaque data under the secret of the cookie itself, so that sessions could not be listed by person.
//!
//! A session of a token may do what its token may. A session of a Discord user has the level of the user's roles. Discord
//! is asked about them again when the answer is older than a minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::sleep;

use super::limits::AttemptLimit;
use crate::clock;
use crate::config::Level;
use crate::http::error::ApiError;
use crate::sign_in::{Discord, Timing};
use crate::store::{Holder, KnownLevel, Session, Store};
use crate::token::{Secret, SecretHash};

/// The stored last use of a session may be this old.
const LAST_USE_PRECISION: TimeDelta = TimeDelta::minutes(1);
/// Sessions that are remembered for an outage of the database.
const MAX_REMEMBERED: usize = 1_000;
/// The actor of a session that ROMS ends by itself.
const ROMS: &str = "roms";

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// Where people sign in without a token.
    pub(crate) discord: Option<Arc<dyn Discord>>,
    pub(crate) timing: Timing,
    pub(crate) attempts: AttemptLimit,
    /// Sessions that were found before, by the key of their hash. While the database does not answer, they stay as they
    /// were, so that administrators can still read the state of ROMS.
    found: Mutex<HashMap<u64, Session>>,
    /// The level of each Discord user. The lock of a user is held while Discord is asked, so that Discord is asked once.
    levels: Mutex<HashMap<i64, Arc<AsyncMutex<LastAnswer>>>>,
}

/// The last answer of Discord about a user.
#[derive(Debug, Default)]
struct LastAnswer {
    known: Option<KnownLevel>,
    /// Discord did not answer, and must not be asked again before this.
    retry_at: Option<DateTime<Utc>>,
}

impl Sessions {
    /// The session with this secret, with the level that its person has now. `None` if there is none, or it has ended.
    pub(crate) async fn find(&self, secret: &Secret, store: &Store) -> Result<Option<Session>, ApiError> {
        let now = clock::now();
        let Some(stored) = self.stored(&secret.hash(), store).await? else { return Ok(None) };
        let Some(session) = self.check(stored.clone(), store, now).await? else { return Ok(None) };
        if session.holder != stored.holder || now - stored.last_used_at >= LAST_USE_PRECISION {
            let known = match &session.holder {
                Holder::User { level, .. } => Some(*level),
                Holder::Token(_) => None,
            };
            if let Err(error) = store.save_session_use(session.id, known, now).await {
                // The writer logs an outage of the database; only the time of the use is lost.
                tracing::debug!(%error, "cannot record the use of a session");
            }
        }
        Ok(Some(session))
    }

    /// Sets the level of a Discord user who has just signed in.
    pub(crate) async fn set_level(&self, user: i64, level: KnownLevel) {
        *self.last_answer(user).lock().await = LastAnswer { known: Some(level), retry_at: None };
    }

    fn last_answer(&self, user: i64) -> Arc<AsyncMutex<LastAnswer>> {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(levels.entry(user).or_default())
    }

    /// Returns when a session ends, or its person has another level.
    pub(crate) async fn until_changed(&self, session: &Session, store: &Store) {
        loop {
            sleep(self.timing.stream_check).await;
            match self.find_again(&session.hash, store).await {
                Ok(Some(found)) if found.level() == session.level() => {}
                // While the database does not answer, nothing can have changed.
                Err(ApiError::Storage(_)) => {}
                _ => return,
            }
        }
    }

    /// The session as it is in the database, or as it was before the database failed.
    async fn stored(&self, hash: &SecretHash, store: &Store) -> Result<Option<Session>, ApiError> {
        let stored = store.session(hash).await;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match stored {
            Ok(Some(session)) => {
                if found.len() >= MAX_REMEMBERED {
                    found.clear();
                }
                found.insert(hash.key(), session.clone());
                Ok(Some(session))
            }
            Ok(None) => {
                found.remove(&hash.key());
                Ok(None)
            }
            Err(error) => {
                let before = found.get(&hash.key()).filter(|session| session.hash.matches(hash));
                before.cloned().map(Some).ok_or_else(|| error.into())
            }
        }
    }

    async fn find_again(&self, hash: &SecretHash, store: &Store) -> Result<Option<Session>, ApiError> {
        match self.stored(hash, store).await? {
            Some(stored) => self.check(stored, store, clock::now()).await,
            None => Ok(None),
        }
    }

    /// A stored session with the level that its person has now. `None` if it has ended.
    async fn check(
        &self,
        session: Session,
        store: &Store,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, ApiError> {
        if session.is_expired(now) {
            return Ok(None);
        }
        let Holder::User { id, level: stored } = session.holder else { return Ok(Some(session)) };
        let Some(discord) = &self.discord else { return Ok(None) };
        let entry = self.last_answer(id);
        let mut last = entry.lock().await;
        // Another process may have asked later.
        let known = last.known.filter(|known| known.read_at > stored.read_at).unwrap_or(stored);
        let is_fresh =
            |limit| (now - known.read_at).to_std().is_ok_and(|age| age < limit) || now < known.read_at;
        let may_ask = last.retry_at.is_none_or(|at| at <= now);
        let holder = |level| Holder::User { id, level };
        if is_fresh(self.timing.max_level_age) {
            return Ok(Some(Session { holder: holder(known), ..session }));
        }
        match if may_ask { discord.level(id).await.ok() } else { None } {
            Some(Some(level)) => {
                let known = KnownLevel { level, read_at: now };
                *last = LastAnswer { known: Some(known), retry_at: None };
                Ok(Some(Session { holder: holder(known), ..session }))
            }
            Some(None) => {
                *last = LastAnswer::default();
                store.end_sessions_of(&holder(known), ROMS, now).await?;
                Ok(None)
            }
            None => {
                if may_ask {
                    last.retry_at = Some(now + self.timing.retry_pause);
                }
                if is_fresh(self.timing.max_level_age_in_outage) {
                    Ok(Some(Session { holder: holder(known), ..session }))
                } else {
                    Err(ApiError::LevelUnknown)
                }
            }
        }
    }
}

impl Session {
    /// The level of its person; `None` if it belongs to a token.
    pub(crate) const fn level(&self) -> Option<Level> {
        match self.holder {
            Holder::User { level, .. } => Some(level.level),
            Holder::Token(_) => None,
        }
    }
}
