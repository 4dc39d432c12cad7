//! The interface for signing in to the web page with Discord. The HTTP edge uses it and the Discord edge
//! implements it, because edges never import each other.
//!
//! ROMS sends a browser to Discord with a new [`Attempt`]. The browser returns with a code, which ROMS
//! exchanges at Discord for the person's id, name and roles. ROMS keeps no Discord token of the person; later
//! it reads their roles as the bot.

use std::fmt::Debug;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::config::Level;

/// Signs people in at Discord, and reads their levels.
pub trait Discord: Debug + Send + Sync {
    /// Creates an attempt to sign in.
    fn begin(&self) -> Attempt;

    /// Exchanges the code from Discord for the person who signs in. `verifier` is [`Attempt::verifier`].
    fn finish(&self, code: String, verifier: String) -> BoxFuture<'_, Result<Person, SignInError>>;

    /// The level of a Discord user by their present roles; `None` if the user is no member of a guild or no
    /// role grants a level.
    fn level(&self, user: i64) -> BoxFuture<'_, Result<Option<Level>, Unavailable>>;
}

/// An attempt to sign in. The browser keeps `state` and `verifier` secret until it returns from Discord.
#[derive(Clone)]
pub struct Attempt {
    /// The address of Discord's page that asks the person for permission.
    pub url: String,
    /// Discord passes this back through the browser. If it matches, the attempt began in the same browser.
    pub state: String,
    /// Proves to Discord that whoever uses the code also began the attempt (PKCE).
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

/// Why a sign-in failed.
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
    /// Discord gave no usable answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Discord did not answer, or answered with an error. This says nothing about the person's level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Discord does not answer")]
pub struct Unavailable;

/// Intervals for sessions of people who signed in with Discord.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// A level that was read longer ago is read again before it is used.
    pub max_level_age: Duration,
    /// While Discord does not answer, an old level is used until it reaches this age.
    pub max_level_age_in_outage: Duration,
    /// After Discord did not answer, the pause before the level of the same person is read again.
    pub retry_pause: Duration,
    /// The interval at which an open live stream checks whether its session has ended.
    pub stream_check: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            // A change of roles reaches open streams within a minute: 50 s, plus `stream_check`, plus up to 3
            // s for Discord's answer.
            max_level_age: Duration::from_secs(50),
            max_level_age_in_outage: Duration::from_hours(1),
            retry_pause: Duration::from_secs(10),
            stream_check: Duration::from_secs(2),
        }
    }
}
