//! Authentication: which token a request carries, and whether it permits the route.
//!
//! Tokens are asked for if `[http] require_auth` is set or the address can be reached from other machines. Otherwise
//! every request may do everything, because it comes from this machine.
//!
//! | module | what it does |
//! |---|---|
//! | `tokens` | keeps the tokens in memory, and follows the database |
//! | `signature` | checks the signatures of posted messages |
//! | `limits` | limits how often one client and one token may send requests |
//! | `sessions` | the sessions of people who are signed in to the page, and their levels |
//! | `session` | the cookies of the page |
//! | `record` | records the last use of each token, and fills the access log |

mod limits;
mod record;
pub(crate) mod session;
mod sessions;
pub(crate) mod signature;
mod tokens;

use std::future::pending;
use std::net::IpAddr;
use std::sync::Arc;

use axum::{
    RequestExt,
    extract::{FromRequestParts, RawPathParams, Request, State},
    http::{
        HeaderMap,
        header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, UPGRADE},
        request::Parts,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio_util::sync::CancellationToken;

use super::error::ApiError;
use super::peer::Peer;
use super::{AppState, cross_site};
use crate::config::{Http, Level};
use crate::order::View;
use crate::sign_in::{Discord, Timing};
use crate::store::{Holder, KnownLevel, Session, Store, StoreError, Token};
use crate::token::{Scope, Scopes, Secret, SigningSecret, TokenKind};
use limits::Limits;
pub(crate) use limits::{limit_peers, network};
use record::Record;
use session::Connection;
use sessions::Sessions;
use tokens::Tokens;

/// The access that a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// No right is needed, but the answer contains more with a token.
    Health,
    /// Any token. A browser may send it as a password, because people open these routes in a browser.
    Page,
    /// Any token.
    AnyToken,
    /// A token with this scope.
    Scope(Scope),
    /// A token in the path that may only send cards.
    Link,
    /// A token in the path that may only read tables of orders.
    ExportLink,
    /// A person at the page with at least this level. A signed-in browser sends the secret of its session in a cookie.
    Person(Level),
}

impl Access {
    /// The scope that a token must have.
    pub(crate) const fn scope(self) -> Option<Scope> {
        match self {
            Self::Open | Self::Health | Self::Page | Self::AnyToken | Self::Link | Self::ExportLink => None,
            Self::Scope(scope) => Some(scope),
            Self::Person(Level::Viewer) => Some(Scope::Read),
            Self::Person(Level::Manager) => Some(Scope::Write),
            Self::Person(Level::Admin) => Some(Scope::Admin),
        }
    }
}

/// Checks tokens. Without [`Auth::load`], no request needs one.
#[derive(Debug, Default)]
pub struct Auth {
    required: bool,
    tokens: Tokens,
    record: Record,
    limits: Limits,
    sessions: Sessions,
}

impl Auth {
    /// Reads the tokens.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(config: &Http, store: &Store) -> Result<Self, StoreError> {
        let tokens = Tokens::new(store.tokens().await?);
        let limits = Limits::new(config.rate_limit);
        let sessions = Sessions::default();
        Ok(Self { required: config.requires_tokens(), tokens, record: Record::default(), limits, sessions })
    }

    /// Enables the sign-in with Discord.
    #[must_use]
    pub fn with_sign_in(mut self, discord: Option<Arc<dyn Discord>>, timing: Timing) -> Self {
        (self.sessions.discord, self.sessions.timing) = (discord, timing);
        self
    }

    /// Whether no one could get in: tokens are required, no valid token exists, and the sign-in with Discord
    /// is off.
    #[must_use]
    pub fn locks_everybody_out(&self) -> bool {
        self.required && self.tokens.is_empty() && self.sessions.discord.is_none()
    }

    /// Whether every route asks for a token, except health checks.
    pub(crate) const fn is_required(&self) -> bool {
        self.required
    }

    /// The sign-in with Discord, if it is configured.
    pub(crate) fn discord(&self) -> Option<&dyn Discord> {
        self.sessions.discord.as_deref()
    }

    /// Counts an attempt of a client to sign in.
    pub(crate) fn admit_attempt(&self, peer: IpAddr) -> Result<(), ApiError> {
        self.sessions.attempts.admit(peer)
    }

    /// Sets the level of a Discord user after the sign-in.
    pub(crate) async fn set_level(&self, user: i64, level: KnownLevel) {
        self.sessions.set_level(user, level).await;
    }

    /// The valid token with this secret.
    pub(crate) async fn find_token(&self, secret: &Secret) -> Option<Arc<Token>> {
        self.tokens.find(secret).await
    }

    /// Follows the database until `closing` is cancelled.
    pub(crate) async fn run(&self, store: &Store, closing: &CancellationToken) {
        tokio::join!(
            self.tokens.follow(store, closing),
            self.record.save(store, closing),
            self.limits.forget_unused(closing),
            self.sessions.attempts.forget_unused(closing),
        );
    }

    /// Returns when the caller's token is revoked or expires, or the caller's session ends or changes its level.
    pub(crate) async fn until_invalid(&self, caller: &Caller, store: &Store) {
        let token_ends = async {
            match &caller.token {
                Some(token) => self.tokens.until_invalid(token).await,
                None => pending().await,
            }
        };
        let session_ends = async {
            match &caller.session {
                Some(session) => self.sessions.until_changed(session, store).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = token_ends => {}
            () = session_ends => {}
        }
    }

    /// Checks the token of a link. The token is required even if other requests need none, because the link
    /// itself grants access.
    async fn authenticate_link(
        &self,
        path: &RawPathParams,
        peer: IpAddr,
        access: Access,
    ) -> Result<Caller, Refusal> {
        let segment = |name| path.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
        let id = segment("id").map(|id| id.parse::<i64>().unwrap_or_default());
        let token = match segment("token").and_then(Secret::parse) {
            Some(secret) => self.tokens.find(&secret).await,
            None => None,
        };
        let is_for_link = |token: &Arc<Token>| match access {
            Access::ExportLink => token.is_for_export_links(),
            _ => token.is_for_webhook_links() && id.is_none_or(|id| id == token.id),
        };
        if let Some(token) = token.filter(is_for_link) {
            let token = self.admit(token, peer)?;
            return Ok(Caller { token: Some(token), by_link: true, session: None });
        }
        let error = match id {
            Some(id) if !self.tokens.contains(id) => ApiError::NotFound("webhook"),
            _ => ApiError::UnknownLink,
        };
        Err(error.into())
    }

    /// Checks the session of a signed-in browser.
    async fn authenticate_session(
        &self,
        secret: &Secret,
        store: &Store,
        peer: IpAddr,
        level: Level,
    ) -> Result<Caller, Refusal> {
        let signed_out = || Refusal::from(ApiError::Unauthorized { page: false });
        let session = self.sessions.find(secret, store).await?.ok_or_else(signed_out)?;
        let token = match session.holder {
            Holder::Token(id) => Some(self.tokens.by_id(id).ok_or_else(signed_out)?),
            Holder::User { .. } => None,
        };
        let caller = Caller { token, by_link: false, session: Some(Arc::new(session)) };
        if let Err(error) = caller.require(level) {
            return Err(Refusal { error, actor: caller.person(), token: caller.token });
        }
        match caller.token {
            Some(token) => Ok(Caller { token: Some(self.admit(token, peer)?), ..caller }),
            None => Ok(caller),
        }
    }

    async fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        access: Access,
    ) -> Result<Caller, Refusal> {
        let anybody = Caller { token: None, by_link: false, session: None };
        if !self.required || access == Access::Open {
            return Ok(anybody);
        }
        let secret = presented(headers, access);
        let token = match &secret {
            Some(secret) => self.tokens.find(secret).await,
            None => None,
        };
        let Some(token) = token.filter(|token| token.kind == TokenKind::Api) else {
            if access == Access::Health {
                return Ok(anybody);
            }
            return Err(ApiError::Unauthorized { page: access == Access::Page }.into());
        };
        if let Some(scope) = access.scope()
            && !token.scopes.allow(scope)
        {
            return Err(Refusal { token: Some(token), ..ApiError::MissingScope(scope).into() });
        }
        let token = self.admit(token, peer)?;
        Ok(Caller { token: Some(token), by_link: false, session: None })
    }

    /// Counts a request with a valid token.
    fn admit(&self, token: Arc<Token>, peer: IpAddr) -> Result<Arc<Token>, Refusal> {
        if let Err(error) = self.limits.admit_token(token.id) {
            return Err(Refusal { token: Some(token), ..error.into() });
        }
        self.record.used(&token, peer);
        Ok(token)
    }

    /// Logs a refused request, and counts it for the access log.
    pub(crate) fn report_refusal(
        &self,
        state: &Arc<AppState>,
        parts: &Parts,
        token: Option<&Token>,
        actor: Option<String>,
        code: &'static str,
    ) {
        let Peer(peer) = Peer::of(&parts.extensions);
        let detail = format!("{code} {} {}", parts.method, cross_site::route(parts));
        self.record.refused(token, actor, peer, detail);
        cross_site::log_refusal(state, parts, code, None);
    }
}

/// Why a request is refused, and its token or the signed-in person if one is known.
struct Refusal {
    error: ApiError,
    token: Option<Arc<Token>>,
    actor: Option<String>,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { error, token: None, actor: None }
    }
}

/// The sender of a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Its token; `None` if no token is required, and for a person who signed in with Discord.
    token: Option<Arc<Token>>,
    /// Whether the token is in the path.
    by_link: bool,
    /// The session of a signed-in browser.
    session: Option<Arc<Session>>,
}

impl Caller {
    /// Whether the caller may do this.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        match (&self.token, &self.session) {
            (Some(token), _) => token.scopes.allow(scope),
            (None, Some(session)) => session.level().is_some_and(|level| scopes_of(level).allow(scope)),
            (None, None) => true,
        }
    }

    /// The session of a signed-in browser.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_deref()
    }

    /// Refuses a person below a level.
    fn require(&self, level: Level) -> Result<(), ApiError> {
        match Access::Person(level).scope() {
            Some(scope) if !self.may(scope) => Err(self.lacks(scope, level)),
            _ => Ok(()),
        }
    }

    /// The error for a missing right: people have levels, and tokens have scopes.
    fn lacks(&self, scope: Scope, level: Level) -> ApiError {
        if self.token.is_some() { ApiError::MissingScope(scope) } else { ApiError::MissingLevel(level) }
    }

    /// How much of an order the caller sees.
    pub(crate) fn view(&self) -> View {
        if self.may(Scope::ReadPii) { View::Full } else { View::Masked }
    }

    /// Refuses a filter by personal data if the caller may not see such data: it would reveal the data by trying.
    pub(crate) fn require_pii(&self) -> Result<(), ApiError> {
        let scope = Scope::ReadPii;
        if self.may(scope) { Ok(()) } else { Err(self.lacks(scope, Level::Manager)) }
    }

    /// The secret with which its requests must be signed.
    pub(crate) fn signing_secret(&self) -> Option<&SigningSecret> {
        self.token.as_ref()?.signing_secret.as_ref()
    }

    /// Whether its token is in the path.
    pub(crate) const fn is_by_link(&self) -> bool {
        self.by_link
    }

    /// The row id and the name of its token, if it has one.
    pub(crate) fn token(&self) -> Option<(i64, &str)> {
        self.token.as_ref().map(|token| (token.id, token.name.as_str()))
    }

    /// The name of the signed-in person or the token in the history of orders; `None` if the caller is
    /// unknown.
    pub(crate) fn person(&self) -> Option<String> {
        let token = || self.token.as_ref().map(|token| format!("token:{}", token.name));
        self.session.as_ref().map(|session| session.actor()).or_else(token)
    }

    /// The name for the history of orders.
    pub(crate) fn actor(&self) -> String {
        self.person().unwrap_or_else(|| "api".to_owned())
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // `authorize` runs before every handler.
        parts.extensions.get().cloned().ok_or(ApiError::Internal)
    }
}

/// The rights of a person with this level. They are the same as for the commands in Discord.
const fn scopes_of(level: Level) -> Scopes {
    match level {
        Level::Viewer => Scopes::VIEWER,
        Level::Manager => Scopes::MANAGER,
        Level::Admin => Scopes::ADMIN,
    }
}

/// Middleware that lets a request pass only with what its route asks for.
pub(crate) async fn authorize(
    State((state, access)): State<(Arc<AppState>, Access)>,
    request: Request,
    next: Next,
) -> Response {
    admit(&state, access, request, next).await.into_response()
}

async fn admit(
    state: &Arc<AppState>,
    access: Access,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Peer(peer) = Peer::of(request.extensions());
    let found = match access {
        Access::Link | Access::ExportLink => {
            let path = request.extract_parts::<RawPathParams>().await.map_err(|_| ApiError::UnknownLink)?;
            state.auth.authenticate_link(&path, peer, access).await
        }
        Access::Person(level) if state.auth.is_required() => {
            let secret = Connection::of(request.headers(), request.extensions(), state).session();
            match secret {
                // The box keeps this large future out of the future of every request.
                Some(secret) => {
                    Box::pin(state.auth.authenticate_session(&secret, &state.store, peer, level)).await
                }
                None => state.auth.authenticate(request.headers(), peer, access).await,
            }
        }
        _ => state.auth.authenticate(request.headers(), peer, access).await,
    };
    match found {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            Ok(next.run(request).await)
        }
        Err(Refusal { error, token, actor }) => {
            let (parts, _) = request.into_parts();
            state.auth.report_refusal(state, &parts, token.as_deref(), actor, error.status().1);
            match (access, error) {
                (Access::Person(_), ApiError::Unauthorized { .. })
                    if session::wants_html(&parts.method, &parts.headers) =>
                {
                    Ok(session::ask_to_sign_in(&parts))
                }
                (_, error) => Err(error),
            }
        }
    }
}

/// The token that a request carries.
fn presented(headers: &HeaderMap, access: Access) -> Option<Secret> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Secret::parse(credentials.trim());
        }
        if access == Access::Page && scheme.eq_ignore_ascii_case("basic") {
            let decoded = String::from_utf8(BASE64_STANDARD.decode(credentials.trim()).ok()?).ok()?;
            return Secret::parse(decoded.split_once(':')?.1);
        }
        return None;
    }
    // A page cannot set headers of a WebSocket, but it can offer protocols.
    headers.get(UPGRADE)?;
    let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|value| value.split(',')).find_map(|protocol| Secret::parse(protocol.trim()))
}
