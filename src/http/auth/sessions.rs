//! The sessions of people who are signed in to the page.
//!
//! A session is a row of the database, so every process accepts it, and a sign-out takes effect in all of
//! them. The crate tower-sessions does not fit: it fixes the name of the cookie and whether it is `Secure`
//! for a whole server, while ROMS serves http on this machine and https behind a proxy at the same time; it
//! writes to the database at every request to extend a session; and its rows hold opaque data with the secret
//! itself as the key, so ROMS could not list the sessions of a person.
//!
//! A session of a token may do what its token may. A session of a Discord user has the level of the user's
//! roles. The roles are read again before a request if the last answer is older than
//! [`Timing::max_level_age`].

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

/// The time of the last use is stored at most this often, so that most requests write nothing.
const LAST_USE_PRECISION: TimeDelta = TimeDelta::minutes(1);
/// Maximum sessions to remember for an outage of the database.
const MAX_REMEMBERED: usize = 1_000;
/// The actor in the access log when ROMS ends the sessions of a person without a level.
const ROMS: &str = "roms";

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    /// The sign-in with Discord; `None` if it is not configured.
    pub(crate) discord: Option<Arc<dyn Discord>>,
    pub(crate) timing: Timing,
    pub(crate) attempts: AttemptLimit,
    /// The most recently read version of each session, by the key of its hash. It is used while the database
    /// does not answer, so that administrators can still read the state of ROMS.
    found: Mutex<HashMap<u64, Session>>,
    /// The last answer of Discord about each user. The lock of a user is held during the request to Discord,
    /// so that parallel requests of one person cause only one.
    levels: Mutex<HashMap<i64, Arc<AsyncMutex<LastAnswer>>>>,
}

/// The last answer of Discord about a user.
#[derive(Debug, Default)]
struct LastAnswer {
    known: Option<KnownLevel>,
    /// If Discord did not answer: the time of the next attempt.
    retry_at: Option<DateTime<Utc>>,
}

impl Sessions {
    /// Finds the session with this secret, with the present level of its person. `None` if there is no such
    /// session or it has ended.
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
                // No warning: the writer logs an outage of the database, and only the time of the use is
                // lost.
                tracing::debug!(%error, "cannot record the use of a session");
            }
        }
        Ok(Some(session))
    }

    /// Sets the level of a Discord user after the sign-in.
    pub(crate) async fn set_level(&self, user: i64, level: KnownLevel) {
        *self.last_answer(user).lock().await = LastAnswer { known: Some(level), retry_at: None };
    }

    fn last_answer(&self, user: i64) -> Arc<AsyncMutex<LastAnswer>> {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(levels.entry(user).or_default())
    }

    /// Waits until a session ends or the level of its person changes.
    pub(crate) async fn until_changed(&self, session: &Session, store: &Store) {
        loop {
            sleep(self.timing.stream_check).await;
            match self.find_again(&session.hash, store).await {
                Ok(Some(found)) if found.level() == session.level() => {}
                // Whether the session has ended is unknown while the database does not answer, so keep
                // waiting.
                Err(ApiError::Storage(_)) => {}
                _ => return,
            }
        }
    }

    /// Reads a session from the database, or, if the database fails, takes the most recently read version.
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

    /// Gives a stored session the present level of its person. `None` if it has ended.
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
        // Another process may have asked Discord more recently and stored its answer.
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
    /// The level of the session's person; `None` if the session belongs to a token.
    pub(crate) const fn level(&self) -> Option<Level> {
        match self.holder {
            Holder::User { level, .. } => Some(level.level),
            Holder::Token(_) => None,
        }
    }
}
