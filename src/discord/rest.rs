//! The bounded, patient way to Discord's REST API.
//!
//! Each call is tried again with growing pauses while that makes sense, and ends within
//! [`Timing::rest`] whatever happens. Answers stay JSON: a message that cannot be decoded must not
//! cost the page that it came on.

mod answers;
mod error;
mod penalties;
mod reported;

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Url, header::HeaderValue, redirect};
use serde_json::{Value, json};
use serenity::http::{Http, HttpBuilder, LightMethod, Request, Route};
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use super::Timing;
use crate::card::decode::discord::id_of;
use crate::config::Discord;

pub use self::answers::{Application, GatewayBot, Own};
pub use self::error::{Code, RestError};
pub(crate) use self::penalties::Penalties;
pub use self::reported::Reported;

/// Most messages on a page of the history.
pub const PAGE: usize = 100;

/// Most characters of a message.
pub const LONGEST_POST: usize = 2000;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long one try may take.
const TRY: Duration = Duration::from_secs(20);

/// The REST API of Discord, in the name of one bot. A clone is the same.
///
/// Its connections are driven by the runtime that opens them. A client on a runtime of its own
/// needs a `Rest` of its own too, or calls from elsewhere hang where that runtime hangs.
#[derive(Clone)]
pub struct Rest(Arc<Inner>);

struct Inner {
    http: Arc<Http>,
    /// First pause after a failed try.
    pause: Duration,
    /// How long a call may take with all its tries and pauses.
    patience: Duration,
    own: OnceCell<Own>,
}

impl Rest {
    /// A way to Discord, or to `api_url` where that is set. Asks nothing yet.
    ///
    /// # Errors
    /// [`RestError::Token`] or [`RestError::ApiUrl`] where these could not be used at all, and
    /// [`RestError::Client`] where TLS is not to be had.
    pub fn new(config: &Discord, timing: &Timing) -> Result<Self, RestError> {
        Ok(Self(Arc::new(Inner {
            http: Arc::new(bare(config)?),
            pause: timing.retry,
            patience: timing.rest,
            own: OnceCell::new(),
        })))
    }

    /// What it stands on: neither bounded nor patient.
    #[must_use]
    pub fn http(&self) -> Arc<Http> {
        Arc::clone(&self.0.http)
    }

    /// Where the gateway is, and how many sessions may still be started.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn gateway_bot(&self) -> Result<GatewayBot, RestError> {
        GatewayBot::read(&self.get(Route::GatewayBot).await?).ok_or(RestError::Unreadable)
    }

    /// The application of the bot.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn application(&self) -> Result<Application, RestError> {
        // The route that serenity has; its answer is that of `/applications/@me`.
        let answer = self.get(Route::Oauth2ApplicationCurrent).await?;
        Application::read(&answer).ok_or(RestError::Unreadable)
    }

    /// The bot as a user.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn me(&self) -> Result<Value, RestError> {
        self.get(Route::UserMe).await
    }

    /// Who the bot is; asked once.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn own(&self) -> Result<Own, RestError> {
        let ask = || async {
            let user = id_of(&self.me().await?, "id").ok_or(RestError::Unreadable)?;
            Ok(Own { user, application: self.application().await?.id })
        };
        self.0.own.get_or_try_init(ask).await.copied()
    }

    /// Who the bot is, where [`Self::own`] has asked before.
    #[must_use]
    pub fn known_own(&self) -> Option<Own> {
        self.0.own.get().copied()
    }

    /// A guild with its roles.
    ///
    /// # Errors
    /// See [`RestError`]; [`RestError::NotFound`] also where the bot is not in it.
    pub async fn guild(&self, guild: i64) -> Result<Value, RestError> {
        self.get(Route::Guild { guild_id: id(guild)? }).await
    }

    /// A member of a guild.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn member(&self, guild: i64, user: i64) -> Result<Value, RestError> {
        self.get(Route::GuildMember { guild_id: id(guild)?, user_id: id(user)? }).await
    }

    /// A channel with its permission overwrites.
    ///
    /// # Errors
    /// See [`RestError`]; [`RestError::Forbidden`] where the bot may not view it.
    pub async fn channel(&self, channel: i64) -> Result<Value, RestError> {
        self.get(Route::Channel { channel_id: id(channel)? }).await
    }

    /// The oldest messages after a given one, oldest first; at most [`PAGE`]. A full page says that
    /// there may be more. Without Read Message History the page is empty, which is no error.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn messages_after(&self, channel: i64, after: i64) -> Result<Vec<Value>, RestError> {
        let page = Request::new(Route::ChannelMessages { channel_id: id(channel)? }, LightMethod::Get)
            .params(Some(vec![("after", after.to_string()), ("limit", PAGE.to_string())]));
        let Value::Array(mut messages) = self.call(page).await? else { return Err(RestError::Unreadable) };
        messages.sort_by_key(|message| id_of(message, "id"));
        Ok(messages)
    }

    /// One message.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn message(&self, channel: i64, message: i64) -> Result<Value, RestError> {
        self.get(Route::ChannelMessage { channel_id: id(channel)?, message_id: id(message)? }).await
    }

    /// Adds a reaction of the bot's; one that is there already stays.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn react(&self, channel: i64, message: i64, emoji: &str) -> Result<(), RestError> {
        let (channel_id, message_id) = (id(channel)?, id(message)?);
        let route = Route::ChannelMessageReactionMe { channel_id, message_id, reaction: emoji };
        self.call(Request::new(route, LightMethod::Put)).await.map(drop)
    }

    /// Posts a text, cut to [`LONGEST_POST`] characters. It pings nobody, whatever it says, and
    /// appears once, however often it had to be tried.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn post(&self, channel: i64, text: &str) -> Result<(), RestError> {
        let body = json!({
            "content": text.chars().take(LONGEST_POST).collect::<String>(),
            "allowed_mentions": {"parse": []},
            "nonce": fastrand::u64(..).to_string(),
            "enforce_nonce": true,
        });
        let route = Route::ChannelMessages { channel_id: id(channel)? };
        let request = Request::new(route, LightMethod::Post).body(Some(body.to_string().into_bytes()));
        self.call(request).await.map(drop)
    }

    /// The commands of an application in a guild.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn commands(&self, application: i64, guild: i64) -> Result<Vec<Value>, RestError> {
        match self.get(commands_of(application, guild)?).await? {
            Value::Array(commands) => Ok(commands),
            _ => Err(RestError::Unreadable),
        }
    }

    /// Replaces the commands of an application in a guild.
    ///
    /// # Errors
    /// See [`RestError`].
    pub async fn set_commands(
        &self,
        application: i64,
        guild: i64,
        commands: &[Value],
    ) -> Result<(), RestError> {
        let body = Value::from(commands).to_string().into_bytes();
        let request = Request::new(commands_of(application, guild)?, LightMethod::Put).body(Some(body));
        self.call(request).await.map(drop)
    }

    async fn get(&self, route: Route<'_>) -> Result<Value, RestError> {
        self.call(Request::new(route, LightMethod::Get)).await
    }

    /// Tries until there is an answer, a final error, or no time left.
    async fn call(&self, request: Request<'_>) -> Result<Value, RestError> {
        let mut last = RestError::Timeout;
        let tries = async {
            let mut pause = self.0.pause;
            loop {
                match self.attempt(request.clone()).await {
                    Err(error) if !error.is_final() => last = error,
                    answer => return answer,
                }
                sleep(pause.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
                pause = pause.saturating_mul(2);
            }
        };
        // serenity's rate limiter waits as long as Discord says.
        timeout(self.0.patience, tries).await.unwrap_or(Err(last))
    }

    async fn attempt(&self, request: Request<'_>) -> Result<Value, RestError> {
        let answer = self.0.http.request(request).await?.bytes().await.map_err(serenity::Error::from)?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(|_| RestError::Unreadable)
    }
}

/// serenity's REST client, with time limits and led to `api_url`; neither bounded nor patient.
pub(crate) fn bare(config: &Discord) -> Result<Http, RestError> {
    let token = config.token.expose().trim();
    HeaderValue::from_str(token).map_err(|_| RestError::Token)?;
    let mut client = reqwest::Client::builder()
        .use_rustls_tls()
        .connect_timeout(CONNECT)
        .timeout(TRY)
        .redirect(redirect::Policy::none());
    let mut http = HttpBuilder::new(token);
    if let Some(url) = &config.api_url {
        Url::parse(url).map_err(|_| RestError::ApiUrl)?;
        client = client.no_proxy();
        // The limiter ignores `proxy` and would ask discord.com.
        http = http.proxy(url).ratelimiter_disabled(true);
    }
    let client = client.build().map_err(|_| RestError::Client)?;
    Ok(http.client(client).build())
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("patience", &self.0.patience).finish_non_exhaustive()
    }
}

fn commands_of(application: i64, guild: i64) -> Result<Route<'static>, RestError> {
    Ok(Route::GuildCommands { application_id: id(application)?, guild_id: id(guild)? })
}

/// serenity's ids are never 0, and neither are Discord's.
fn id<T: From<NonZeroU64>>(id: i64) -> Result<T, RestError> {
    let id = u64::try_from(id).ok().and_then(NonZeroU64::new);
    id.map(T::from).ok_or(RestError::NotFound(Code::default()))
}
