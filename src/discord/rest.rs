//! Discord's REST API with timeouts and retries.
//!
//! A call is repeated with growing delays as long as that can help, and ends within
//! [`Timing::request_timeout`]. Responses stay JSON, because serenity's types would reject a whole
//! page for one message that they cannot decode.

mod error;
mod failures;
mod responses;

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::{Url, header::HeaderValue, redirect};
use serde_json::{Value, json};
use serenity::http::{Http, HttpBuilder, LightMethod, Request, Route};
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use super::timing::Timing;
use crate::card::decode::discord::id_field;
use crate::config::Discord;

pub use self::error::{ConnectFailure, ErrorCode, RestError};
pub use self::failures::FailureLog;
pub(crate) use self::failures::Pauses;
pub use self::responses::{Application, GatewayBot, Identity};

/// Most messages on a page of the history.
pub const PAGE_SIZE: usize = 100;

/// Most characters of a message.
pub const MAX_MESSAGE_CHARS: usize = 2000;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one attempt may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long one call of a command may take, including its retries.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(15);

/// Discord's REST API, called as one bot. Clones share their state.
///
/// Its connections are driven by the runtime that opens them. The gateway client has a runtime of
/// its own that can freeze, so it needs its own REST client too.
#[derive(Clone)]
pub struct Rest(Arc<Inner>);

struct Inner {
    http: Arc<Http>,
    retry_delay: Duration,
    request_timeout: Duration,
    /// Whether a call fails at once if there is no connection.
    gives_up: bool,
    /// Whether it was logged that Discord cannot be reached.
    is_unreachable: AtomicBool,
    identity: OnceCell<Identity>,
}

impl Rest {
    /// Creates a client for Discord, or for `api_url` if it is set. Sends nothing yet.
    ///
    /// # Errors
    /// [`RestError::Token`] or [`RestError::ApiUrl`] if these cannot be used, and
    /// [`RestError::Client`] if TLS is not available.
    pub fn new(config: &Discord, timing: &Timing) -> Result<Self, RestError> {
        Self::create(config, timing, false)
    }

    /// Creates a client for a command that somebody waits for: without a connection a call fails at
    /// once, instead of being repeated.
    pub fn for_command(config: &Discord) -> Result<Self, RestError> {
        let timing = Timing { request_timeout: COMMAND_TIMEOUT, ..Timing::default() };
        Self::create(config, &timing, true)
    }

    fn create(config: &Discord, timing: &Timing, gives_up: bool) -> Result<Self, RestError> {
        Ok(Self(Arc::new(Inner {
            http: Arc::new(serenity_http(config)?),
            retry_delay: timing.retry_delay,
            request_timeout: timing.request_timeout,
            gives_up,
            is_unreachable: AtomicBool::new(false),
            identity: OnceCell::new(),
        })))
    }

    /// The underlying serenity client, without retries.
    #[must_use]
    pub fn http(&self) -> Arc<Http> {
        Arc::clone(&self.0.http)
    }

    /// The gateway's address, and how many sessions may still be started.
    pub async fn gateway_bot(&self) -> Result<GatewayBot, RestError> {
        GatewayBot::from_json(&self.get(Route::GatewayBot).await?).ok_or(RestError::Unreadable)
    }

    /// The application of the bot.
    pub async fn application(&self) -> Result<Application, RestError> {
        // serenity has no route for `/applications/@me`; this one has the same response.
        let answer = self.get(Route::Oauth2ApplicationCurrent).await?;
        Application::from_json(&answer).ok_or(RestError::Unreadable)
    }

    /// The bot as a user.
    pub async fn me(&self) -> Result<Value, RestError> {
        self.get(Route::UserMe).await
    }

    /// The bot's own ids. Discord is asked only once.
    pub async fn identity(&self) -> Result<Identity, RestError> {
        let ask = || async {
            let user = id_field(&self.me().await?, "id").ok_or(RestError::Unreadable)?;
            Ok(Identity { user, application: self.application().await?.id })
        };
        self.0.identity.get_or_try_init(ask).await.copied()
    }

    /// The bot's own ids, if [`Self::identity`] has succeeded before.
    #[must_use]
    pub fn known_identity(&self) -> Option<Identity> {
        self.0.identity.get().copied()
    }

    /// A guild with its roles.
    ///
    /// # Errors
    /// See [`RestError`]. [`RestError::NotFound`] also means that the bot is not in the guild.
    pub async fn guild(&self, guild: i64) -> Result<Value, RestError> {
        self.get(Route::Guild { guild_id: id(guild)? }).await
    }

    /// The guilds of the bot, each with its id and name.
    pub async fn my_guilds(&self) -> Result<Vec<Value>, RestError> {
        self.list(Route::UserMeGuilds).await
    }

    /// The channels of a guild, without threads.
    pub async fn guild_channels(&self, guild: i64) -> Result<Vec<Value>, RestError> {
        self.list(Route::GuildChannels { guild_id: id(guild)? }).await
    }

    /// A member of a guild.
    pub async fn member(&self, guild: i64, user: i64) -> Result<Value, RestError> {
        self.get(Route::GuildMember { guild_id: id(guild)?, user_id: id(user)? }).await
    }

    /// A channel with its permission overwrites.
    ///
    /// # Errors
    /// See [`RestError`]. [`RestError::Forbidden`] means that the bot may not view the channel.
    pub async fn channel(&self, channel: i64) -> Result<Value, RestError> {
        self.get(Route::Channel { channel_id: id(channel)? }).await
    }

    /// The oldest messages after a given id, oldest first, at most [`PAGE_SIZE`]. After a full page
    /// there may be more. Without the permission Read Message History Discord returns an empty page,
    /// not an error.
    pub async fn messages_after(&self, channel: i64, after: i64) -> Result<Vec<Value>, RestError> {
        let page = Request::new(Route::ChannelMessages { channel_id: id(channel)? }, LightMethod::Get)
            .params(Some(vec![("after", after.to_string()), ("limit", PAGE_SIZE.to_string())]));
        let Value::Array(mut messages) = self.call(page).await? else { return Err(RestError::Unreadable) };
        messages.sort_by_key(|message| id_field(message, "id"));
        Ok(messages)
    }

    /// The newest messages before a given id, or of the whole channel, newest first, at most
    /// [`PAGE_SIZE`]. Like [`Self::messages_after`] it can be empty for lack of a permission.
    pub async fn messages_before(&self, channel: i64, before: Option<i64>) -> Result<Vec<Value>, RestError> {
        let mut parameters = vec![("limit", PAGE_SIZE.to_string())];
        parameters.extend(before.map(|id| ("before", id.to_string())));
        let page = Request::new(Route::ChannelMessages { channel_id: id(channel)? }, LightMethod::Get)
            .params(Some(parameters));
        match self.call(page).await? {
            Value::Array(messages) => Ok(messages),
            _ => Err(RestError::Unreadable),
        }
    }

    /// The active threads of a guild that the bot can see.
    pub async fn active_threads(&self, guild: i64) -> Result<Vec<Value>, RestError> {
        let list = self.get(Route::GuildThreadsActive { guild_id: id(guild)? }).await?;
        Ok(threads_of(list)?.0)
    }

    /// The public archived threads of a channel that were archived before a given time, the last archived
    /// ones first, at most [`PAGE_SIZE`]; and whether there are more. Discord refuses this without the
    /// permission Read Message History.
    pub async fn archived_threads(
        &self,
        channel: i64,
        before: Option<DateTime<Utc>>,
    ) -> Result<(Vec<Value>, bool), RestError> {
        let mut parameters = vec![("limit", PAGE_SIZE.to_string())];
        parameters.extend(before.map(|at| ("before", at.to_rfc3339_opts(SecondsFormat::Micros, true))));
        let route = Route::ChannelArchivedPublicThreads { channel_id: id(channel)? };
        threads_of(self.call(Request::new(route, LightMethod::Get).params(Some(parameters))).await?)
    }

    /// One message.
    pub async fn message(&self, channel: i64, message: i64) -> Result<Value, RestError> {
        self.get(Route::ChannelMessage { channel_id: id(channel)?, message_id: id(message)? }).await
    }

    /// Adds a reaction as the bot. Adding the same reaction again succeeds.
    pub async fn react(&self, channel: i64, message: i64, emoji: &str) -> Result<(), RestError> {
        let (channel_id, message_id) = (id(channel)?, id(message)?);
        let route = Route::ChannelMessageReactionMe { channel_id, message_id, reaction: emoji };
        self.call(Request::new(route, LightMethod::Put)).await.map(drop)
    }

    /// Posts a text, truncated to [`MAX_MESSAGE_CHARS`] characters. It pings no user. The nonce
    /// keeps a repeated attempt from posting it twice.
    pub async fn post(&self, channel: i64, text: &str) -> Result<(), RestError> {
        let body = json!({
            "content": text.chars().take(MAX_MESSAGE_CHARS).collect::<String>(),
            "allowed_mentions": {"parse": []},
            "nonce": fastrand::u64(..).to_string(),
            "enforce_nonce": true,
        });
        let route = Route::ChannelMessages { channel_id: id(channel)? };
        let request = Request::new(route, LightMethod::Post).body(Some(body.to_string().into_bytes()));
        self.call(request).await.map(drop)
    }

    /// Sends the first answer to an interaction.
    pub async fn answer_interaction(
        &self,
        interaction: i64,
        token: &str,
        answer: &Value,
    ) -> Result<(), RestError> {
        let route = Route::InteractionResponse { interaction_id: id(interaction)?, token };
        let request = Request::new(route, LightMethod::Post).body(Some(answer.to_string().into_bytes()));
        self.call(request).await.map(drop)
    }

    /// The commands of an application in a guild.
    pub async fn commands(&self, application: i64, guild: i64) -> Result<Vec<Value>, RestError> {
        match self.get(commands_route(application, guild)?).await? {
            Value::Array(commands) => Ok(commands),
            _ => Err(RestError::Unreadable),
        }
    }

    /// Replaces the commands of an application in a guild.
    pub async fn set_commands(
        &self,
        application: i64,
        guild: i64,
        commands: &[Value],
    ) -> Result<(), RestError> {
        let body = Value::from(commands).to_string().into_bytes();
        let request = Request::new(commands_route(application, guild)?, LightMethod::Put).body(Some(body));
        self.call(request).await.map(drop)
    }

    async fn get(&self, route: Route<'_>) -> Result<Value, RestError> {
        self.call(Request::new(route, LightMethod::Get)).await
    }

    async fn list(&self, route: Route<'_>) -> Result<Vec<Value>, RestError> {
        match self.get(route).await? {
            Value::Array(list) => Ok(list),
            _ => Err(RestError::Unreadable),
        }
    }

    /// Repeats a request until it succeeds, fails for good, or runs out of time.
    async fn call(&self, request: Request<'_>) -> Result<Value, RestError> {
        let mut last_error = RestError::Timeout;
        let attempts = async {
            let mut delay = self.0.retry_delay;
            loop {
                match self.attempt(request.clone()).await {
                    Err(error @ RestError::Unreachable(_)) if self.0.gives_up => return Err(error),
                    Err(error) if !error.is_final() => {
                        self.log_if_unreachable(error);
                        last_error = error;
                    }
                    result => {
                        if self.0.is_unreachable.swap(false, Ordering::Relaxed) {
                            tracing::info!("Discord can be reached again");
                        }
                        return result;
                    }
                }
                sleep(delay.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
                delay = delay.saturating_mul(2);
            }
        };
        // The time limit covers all attempts and the waits of serenity's rate limiter.
        timeout(self.0.request_timeout, attempts).await.unwrap_or(Err(last_error))
    }

    /// Logs the first failed connection, and not the following ones.
    fn log_if_unreachable(&self, error: RestError) {
        let is_unreachable = matches!(error, RestError::Unreachable(_) | RestError::Timeout);
        if is_unreachable && !self.0.is_unreachable.swap(true, Ordering::Relaxed) {
            tracing::warn!("{error}; ROMS keeps trying");
        }
    }

    async fn attempt(&self, request: Request<'_>) -> Result<Value, RestError> {
        let body = self.0.http.request(request).await?.bytes().await.map_err(serenity::Error::from)?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| RestError::Unreadable)
    }
}

/// serenity's REST client with timeouts and `api_url` applied. It does not retry.
pub(crate) fn serenity_http(config: &Discord) -> Result<Http, RestError> {
    let token = config.token.expose().trim();
    HeaderValue::from_str(token).map_err(|_| RestError::Token)?;
    let mut client = reqwest::Client::builder()
        .use_rustls_tls()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ATTEMPT_TIMEOUT)
        .redirect(redirect::Policy::none());
    let mut http = HttpBuilder::new(token);
    if let Some(url) = &config.api_url {
        Url::parse(url).map_err(|_| RestError::ApiUrl)?;
        client = client.no_proxy();
        // serenity's rate limiter ignores `proxy` and would send the requests to discord.com.
        http = http.proxy(url).ratelimiter_disabled(true);
    }
    let client = client.build().map_err(|_| RestError::Client)?;
    Ok(http.client(client).build())
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("request_timeout", &self.0.request_timeout).finish_non_exhaustive()
    }
}

/// The threads of a list, and whether the list continues.
fn threads_of(mut list: Value) -> Result<(Vec<Value>, bool), RestError> {
    let has_more = list.get("has_more").and_then(Value::as_bool).unwrap_or_default();
    match list.get_mut("threads").map(Value::take) {
        Some(Value::Array(threads)) => Ok((threads, has_more)),
        _ => Err(RestError::Unreadable),
    }
}

fn commands_route(application: i64, guild: i64) -> Result<Route<'static>, RestError> {
    Ok(Route::GuildCommands { application_id: id(application)?, guild_id: id(guild)? })
}

/// An id as serenity's type. 0 and negative numbers are no ids.
fn id<T: From<NonZeroU64>>(id: i64) -> Result<T, RestError> {
    let id = u64::try_from(id).ok().and_then(NonZeroU64::new);
    id.map(T::from).ok_or(RestError::NotFound(ErrorCode::default()))
}
