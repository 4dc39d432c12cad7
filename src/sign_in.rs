//! Signing in to the web page with Discord, as the HTTP edge needs it. The Discord edge implements it, because edges never
//! import each other.
//!
//! A browser goes to Discord with a new [`Attempt`] and returns with a code, for which Discord names the person. ROMS
//! forgets the person's Discord token at once, and reads their roles as the bot from then on.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::config::Level;

/// Discord, where people sign in.
pub trait Discord: Debug + Send + Sync {
    /// Begins to sign a person in.
    fn begin(&self) -> Attempt;

    /// Finds out for whom Discord has issued a code. `verifier` is that of the attempt.
    fn finish(&self, code: String, verifier: String) -> BoxFuture<'_, Result<Person, SignInError>>;

    /// The level of a Discord user by their present roles; `None` if there is none, because the user has left or no
    /// role grants one.
    fn level(&self, user: i64) -> BoxFuture<'_, Result<Option<Level>, Unavailable>>;
}

/// An attempt to sign in. Its browser must keep `state` and `verifier` secret until it returns.
#[derive(Clone)]
pub struct Attempt {
    /// The page of Discord that asks the person.
    pub url: String,
    /// Discord returns this to the browser, which proves that the attempt was begun there.
    pub state: String,
    /// Proves to Discord that the code is used by the one who began the attempt (PKCE).
    pub verifier: String,
}

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The Discord user's id.
    pub id: i64,
    /// The user's name.
    pub name: String,
    /// The user's level; `None` if the user may not use ROMS.
    pub level: Option<Level>,
}

/// Why a person could not be signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The code or the verifier is wrong, or the code was used before.
    #[error("Discord does not accept the code")]
    Refused,
    /// The client id or the client secret is wrong.
    #[error(
        "Discord refuses sign_in.client_id and sign_in.client_secret; copy them again from the developer portal"
    )]
    Misconfigured,
    /// See [`Unavailable`].
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Discord did not answer, or with an error. This says nothing about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Discord does not answer")]
pub struct Unavailable;

/// Times for sessions of people who signed in with Discord.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// A level older than this is read again before it is used.
    pub max_level_age: Duration,
    /// While Discord does not answer, a level may be this old.
    pub max_level_age_in_outage: Duration,
    /// Pause before Discord is asked again about a person after it did not answer.
    pub retry_pause: Duration,
    /// How often it is checked whether the session of an open stream has ended.
    pub stream_check: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            // With the next check of a stream and the answer of Discord, less than a minute.
            max_level_age: Duration::from_secs(50),
            max_level_age_in_outage: Duration::from_hours(1),
            retry_pause: Duration::from_secs(10),
            stream_check: Duration::from_secs(2),
        }
    }
}
