//! Signs people in to the web page with Discord's OAuth 2 and PKCE, and reads the roles that give their
//! level.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oauth2::basic::{BasicClient, BasicErrorResponseType};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use reqwest::{StatusCode, redirect};
use serde_json::Value;
use tokio::time::timeout;

use super::check::permissions::{Permission, Permissions, roles_of};
use super::rest::{Rest, RestError};
use super::timing::Timing;
use crate::card::decode::discord::id_field;
use crate::config::{Access, CALLBACK, Config, Level};
use crate::sign_in::{Attempt, Discord, Person, SignInError, Unavailable};

const DISCORD: &str = "https://discord.com";
/// The person's id and name, and their roles in the guilds of the configuration.
const SCOPES: [&str; 2] = ["identify", "guilds.members.read"];
/// Timeout for exchanging the code and reading the person's name and roles.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout for reading the roles of a signed-in person. Their page waits for the answer.
const LEVEL_TIMEOUT: Duration = Duration::from_secs(3);

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The sign-in with one Discord application.
#[derive(Debug)]
pub struct SignIn {
    client: Client,
    http: reqwest::Client,
    rest: Rest,
    /// The base URL of the REST API.
    api: String,
    access: Access,
    guilds: Vec<i64>,
}

impl SignIn {
    /// Sets up the sign-in; `None` if `[sign_in]` has no client id or the bot is not configured. Sends
    /// nothing.
    ///
    /// # Errors
    /// If a URL of the configuration is not usable, or TLS cannot be set up.
    pub fn new(config: &Config, timing: &Timing) -> Result<Option<Self>, RestError> {
        let (Some(id), Some(discord)) = (config.sign_in.client_id, config.discord()) else { return Ok(None) };
        let base = discord.api_url.as_deref().unwrap_or(DISCORD);
        let api = format!("{base}/api/v10");
        let url = |_| RestError::ApiUrl;
        let client = BasicClient::new(ClientId::new(id.to_string()))
            .set_client_secret(ClientSecret::new(config.sign_in.client_secret.expose().to_owned()))
            .set_auth_uri(AuthUrl::new(format!("{base}/oauth2/authorize")).map_err(url)?)
            .set_token_uri(TokenUrl::new(format!("{api}/oauth2/token")).map_err(url)?)
            .set_redirect_uri(
                RedirectUrl::new(format!("{}{CALLBACK}", config.http.base_url())).map_err(url)?,
            );
        let mut http = reqwest::Client::builder()
            .use_rustls_tls()
            .timeout(SIGN_IN_TIMEOUT)
            .redirect(redirect::Policy::none());
        if discord.api_url.is_some() {
            http = http.no_proxy();
        }
        let timing = Timing { request_timeout: LEVEL_TIMEOUT, ..timing.clone() };
        Ok(Some(Self {
            client,
            http: http.build().map_err(|_| RestError::Client)?,
            rest: Rest::new(discord, &timing)?,
            api,
            access: config.access.clone(),
            guilds: discord.guilds.clone(),
        }))
    }

    /// Whether Discord accepts the client id and the client secret. Asks for a token of the application itself, which
    /// needs no person.
    pub(crate) async fn check_secret(&self) -> Result<bool, Unavailable> {
        let scope = Scope::new(SCOPES[0].to_owned());
        let asked = self.client.exchange_client_credentials().add_scope(scope);
        match asked.request_async(&self.http).await {
            Ok(_) => Ok(true),
            // Any other refusal comes after the secret was accepted.
            Err(RequestTokenError::ServerResponse(answer)) => {
                Ok(*answer.error() != BasicErrorResponseType::InvalidClient)
            }
            Err(_) => Err(Unavailable),
        }
    }

    /// Sends a GET request with the person's own token; `None` if Discord answers 404.
    async fn read_as_person(&self, token: &str, path: &str) -> Result<Option<Value>, Unavailable> {
        let answer = self.http.get(format!("{}{path}", self.api)).bearer_auth(token).send().await;
        let answer = answer.map_err(|_| Unavailable)?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => answer.json().await.map(Some).map_err(|_| Unavailable),
            _ => Err(Unavailable),
        }
    }

    /// Reads a member of a guild as the bot; `None` if the user is no member.
    async fn member(&self, guild: i64, user: i64) -> Result<Option<Value>, Unavailable> {
        match self.rest.member(guild, user).await {
            Ok(member) => Ok(Some(member)),
            Err(RestError::NotFound(_)) => Ok(None),
            Err(_) => Err(Unavailable),
        }
    }

    /// The highest level that a user has in any configured guild. `member` reads the user's membership of one
    /// guild.
    async fn highest_level<F>(
        &self,
        user: i64,
        member: impl Fn(i64) -> F + Sync,
    ) -> Result<Option<Level>, Unavailable>
    where
        F: Future<Output = Result<Option<Value>, Unavailable>> + Send,
    {
        let mut highest = None;
        for guild in &self.guilds {
            if let Some(member) = member(*guild).await? {
                let manages_server =
                    !self.access.is_configured() && self.manages(*guild, user, &member).await?;
                highest = highest.max(self.access.level_of(user, &roles_of(&member), manages_server));
            }
        }
        Ok(highest)
    }

    /// Whether a member has the permission Manage Server.
    async fn manages(&self, guild: i64, user: i64, member: &Value) -> Result<bool, Unavailable> {
        let guild = self.rest.guild(guild).await.map_err(|_| Unavailable)?;
        Ok(Permissions::in_guild(user, member, &guild).contain(Permission::MANAGE_SERVER))
    }

    async fn person(&self, code: String, verifier: String) -> Result<Person, SignInError> {
        let exchange = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier));
        let granted = exchange.request_async(&self.http).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(answer)
                if *answer.error() == BasicErrorResponseType::InvalidClient =>
            {
                SignInError::Misconfigured
            }
            RequestTokenError::ServerResponse(_) => SignInError::Refused,
            _ => Unavailable.into(),
        })?;
        let token = granted.access_token().secret();
        let user = self.read_as_person(token, "/users/@me").await?.ok_or(Unavailable)?;
        let id = id_field(&user, "id").ok_or(Unavailable)?;
        let name = ["global_name", "username"].iter().find_map(|name| user[name].as_str());
        let member = |guild| async move {
            self.read_as_person(token, &format!("/users/@me/guilds/{guild}/member")).await
        };
        let level = self.highest_level(id, member).await?;
        Ok(Person { id, name: name.unwrap_or_default().to_owned(), level })
    }
}

impl Discord for SignIn {
    fn begin(&self) -> Attempt {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = self
            .client
            .authorize_url(CsrfToken::new_random)
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            // With `none`, Discord does not ask again people who have agreed before.
            .add_extra_param("prompt", "none")
            .url();
        Attempt { url: url.into(), state: state.into_secret(), verifier: verifier.into_secret() }
    }

    fn finish(&self, code: String, verifier: String) -> BoxFuture<'_, Result<Person, SignInError>> {
        let person = timeout(SIGN_IN_TIMEOUT, self.person(code, verifier));
        person.map(|person| person.unwrap_or(Err(Unavailable.into()))).boxed()
    }

    fn level(&self, user: i64) -> BoxFuture<'_, Result<Option<Level>, Unavailable>> {
        let level = self.highest_level(user, move |guild| self.member(guild, user));
        timeout(LEVEL_TIMEOUT, level).map(|level| level.unwrap_or(Err(Unavailable))).boxed()
    }
}
