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
//! | `session` | signs people in to the page with a token, which their browser keeps in a cookie |
//! | `record` | records the last use of each token, and fills the access log |

mod limits;
mod record;
pub(crate) mod session;
pub(crate) mod signature;
mod tokens;

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

use super::discord_error::DiscordForm;
use super::error::ApiError;
use super::peer::Peer;
use super::{AppState, cross_site};
use crate::config::{Http, Level};
use crate::order::View;
use crate::store::{Store, StoreError, Token};
use crate::token::{Scope, Secret, SigningSecret, TokenKind};
use limits::Limits;
pub(crate) use limits::limit_peers;
use record::Record;
use tokens::Tokens;

/// The access that a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// Any token. A browser may send it as a password, because people open these routes in a browser.
    Page,
    /// Any token.
    AnyToken,
    /// A token with this scope.
    Scope(Scope),
    /// A token in the path that may only send cards.
    Link,
    /// The same. Errors have Discord's form.
    DiscordLink,
    /// A person at the page with at least this level. A signed-in browser sends its token in a cookie.
    Person(Level),
}

impl Access {
    /// The scope that a token must have.
    pub(crate) const fn scope(self) -> Option<Scope> {
        match self {
            Self::Open | Self::Page | Self::AnyToken | Self::Link | Self::DiscordLink => None,
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
}

impl Auth {
    /// Reads the tokens.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(config: &Http, store: &Store) -> Result<Self, StoreError> {
        let tokens = Tokens::new(store.tokens().await?);
        let limits = Limits::new(config.rate_limit);
        Ok(Self { required: config.requires_tokens(), tokens, record: Record::default(), limits })
    }

    /// Whether tokens are required and there is none that works.
    #[must_use]
    pub fn locks_everybody_out(&self) -> bool {
        self.required && self.tokens.is_empty()
    }

    /// Whether every route asks for a token, except health checks.
    pub(crate) const fn is_required(&self) -> bool {
        self.required
    }

    /// Whether a token is valid, for people who sign in with it.
    pub(crate) async fn accepts(&self, secret: &Secret) -> bool {
        self.tokens.find(secret).await.is_some_and(|token| token.kind == TokenKind::Api)
    }

    /// Follows the database until `closing` is cancelled.
    pub(crate) async fn run(&self, store: &Store, closing: &CancellationToken) {
        tokio::join!(
            self.tokens.follow(store, closing),
            self.record.save(store, closing),
            self.limits.forget_unused(closing),
        );
    }

    /// Returns when the caller's token is revoked or expires.
    pub(crate) async fn until_invalid(&self, caller: &Caller) {
        match &caller.token {
            Some(token) => self.tokens.until_invalid(token).await,
            None => std::future::pending().await,
        }
    }

    /// Checks the token of a webhook link, also where no other request needs one: the link itself is the permission.
    async fn authenticate_link(&self, path: &RawPathParams, peer: IpAddr) -> Result<Caller, Refusal> {
        let segment = |name| path.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
        let id = segment("id").map(|id| id.parse::<i64>().unwrap_or_default());
        let token = match segment("token").and_then(Secret::parse) {
            Some(secret) => self.tokens.find(&secret).await,
            None => None,
        };
        let is_in_link = |token: &Arc<Token>| token.is_for_links() && id.is_none_or(|id| id == token.id);
        if let Some(token) = token.filter(is_in_link) {
            let token = self.admit(token, peer)?;
            return Ok(Caller { token: Some(token), by_link: true });
        }
        let error = match id {
            Some(id) if !self.tokens.contains(id) => ApiError::NotFound("webhook"),
            _ => ApiError::UnknownLink,
        };
        Err(Refusal { error, token: None })
    }

    async fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        access: Access,
    ) -> Result<Caller, Refusal> {
        if !self.required || access == Access::Open {
            return Ok(Caller { token: None, by_link: false });
        }
        let secret = presented(headers, access);
        let token = match &secret {
            Some(secret) => self.tokens.find(secret).await,
            None => None,
        };
        let Some(token) = token.filter(|token| token.kind == TokenKind::Api) else {
            return Err(Refusal {
                error: ApiError::Unauthorized { page: access == Access::Page },
                token: None,
            });
        };
        if let Some(scope) = access.scope()
            && !token.scopes.allow(scope)
        {
            return Err(Refusal { error: ApiError::MissingScope(scope), token: Some(token) });
        }
        let token = self.admit(token, peer)?;
        Ok(Caller { token: Some(token), by_link: false })
    }

    /// Counts a request with a valid token.
    fn admit(&self, token: Arc<Token>, peer: IpAddr) -> Result<Arc<Token>, Refusal> {
        if let Err(error) = self.limits.admit_token(token.id) {
            return Err(Refusal { error, token: Some(token) });
        }
        self.record.used(&token, peer);
        Ok(token)
    }

    /// Logs a refused request, and counts it for the access log.
    fn report_refusal(&self, state: &Arc<AppState>, parts: &Parts, token: Option<&Token>, error: &ApiError) {
        let Peer(peer) = Peer::of(&parts.extensions);
        let (_, code) = error.status();
        self.record.refused(token, peer, format!("{code} {} {}", parts.method, cross_site::route(parts)));
        cross_site::log_refusal(state, parts, code, None);
    }
}

/// Why a request is refused, and its token if that is known.
struct Refusal {
    error: ApiError,
    token: Option<Arc<Token>>,
}

/// The sender of a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Its token; `None` if no token is required.
    token: Option<Arc<Token>>,
    /// Whether the token is in the path.
    by_link: bool,
}

impl Caller {
    /// Whether the caller may do this.
    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.token.as_ref().is_none_or(|token| token.scopes.allow(scope))
    }

    /// Whether the caller presented a token.
    pub(crate) const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// How much of an order the caller sees.
    pub(crate) fn view(&self) -> View {
        if self.may(Scope::ReadPii) { View::Full } else { View::Masked }
    }

    /// Refuses a filter by personal data if the caller may not see such data: it would reveal the data by trying.
    pub(crate) fn require_pii(&self) -> Result<(), ApiError> {
        if self.may(Scope::ReadPii) { Ok(()) } else { Err(ApiError::MissingScope(Scope::ReadPii)) }
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

    /// The name for the history of orders.
    pub(crate) fn actor(&self) -> String {
        self.token.as_ref().map_or_else(|| "api".to_owned(), |token| format!("token:{}", token.name))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        // `authorize` runs before every handler.
        parts.extensions.get().cloned().ok_or(ApiError::Internal)
    }
}

/// Middleware that lets a request pass only with what its route asks for.
pub(crate) async fn authorize(
    State((state, access)): State<(Arc<AppState>, Access)>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = admit(&state, access, request, next).await.into_response();
    if access == Access::DiscordLink {
        response.extensions_mut().insert(DiscordForm);
    }
    response
}

async fn admit(
    state: &Arc<AppState>,
    access: Access,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Peer(peer) = Peer::of(request.extensions());
    let found = match access {
        Access::Link | Access::DiscordLink => {
            let path = request.extract_parts::<RawPathParams>().await.map_err(|_| ApiError::UnknownLink)?;
            state.auth.authenticate_link(&path, peer).await
        }
        _ => state.auth.authenticate(request.headers(), peer, access).await,
    };
    match found {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            Ok(next.run(request).await)
        }
        Err(Refusal { error, token }) => {
            let (parts, _) = request.into_parts();
            state.auth.report_refusal(state, &parts, token.as_deref(), &error);
            match (access, error) {
                (Access::Person(_), ApiError::Unauthorized { .. }) if session::wants_html(&parts) => {
                    Ok(session::ask_to_sign_in(&parts))
                }
                (_, error) => Err(error),
            }
        }
    }
}

/// The token that a request carries.
fn presented(headers: &HeaderMap, access: Access) -> Option<Secret> {
    if let Access::Person(_) = access
        && let Some(secret) = session::secret(headers)
    {
        return Some(secret);
    }
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
