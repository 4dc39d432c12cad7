//! OAuth 2: the page that asks a person, the exchange of its code, and what the person's token may read.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::state::State;
use super::{body::Ask, reply::Reply};

/// The scopes that the application under test must ask for.
const SCOPES: &str = "identify guilds.members.read";

/// The application's secret, the person at the browser, and what was issued.
#[derive(Debug, Default)]
pub(crate) struct OAuth {
    pub(in super::super) client_secret: String,
    /// The person who agrees; `None` cancels.
    pub(in super::super) person: Option<Value>,
    codes: BTreeMap<String, Grant>,
    /// The person of each token.
    tokens: BTreeMap<String, Value>,
    pub(in super::super) issued: Vec<String>,
}

/// The person and the challenge that belong to a code.
#[derive(Debug)]
struct Grant {
    person: Value,
    challenge: String,
    redirect_uri: String,
}

impl OAuth {
    pub(in super::super) fn new(client_secret: &str) -> Self {
        Self { client_secret: client_secret.to_owned(), ..Self::default() }
    }
}

/// The page that asks a person, who has made up their mind. Leads back to the application.
pub(super) fn authorize(state: &mut State, ask: &Ask) -> Reply {
    let get = |name: &str| ask.query.get(name).map(String::as_str).unwrap_or_default();
    let is_right = get("client_id") == state.application.id.to_string()
        && get("response_type") == "code"
        && get("code_challenge_method") == "S256"
        && get("scope") == SCOPES
        && get("state").len() >= 20;
    if !is_right {
        state.violations.push(format!("not a request to sign in: {}", ask.path));
        return Reply::error(400, 50035, "Invalid Form Body");
    }
    let answer = match &state.oauth.person {
        None => vec![("error", "access_denied".to_owned())],
        Some(person) => {
            let code = format!("canary-code-{}", state.ids.now());
            let grant = Grant {
                person: person.clone(),
                challenge: get("code_challenge").to_owned(),
                redirect_uri: get("redirect_uri").to_owned(),
            };
            state.oauth.codes.insert(code.clone(), grant);
            state.oauth.issued.push(code.clone());
            vec![("code", code)]
        }
    };
    let mut url: url::Url = get("redirect_uri").parse().expect("a redirect");
    url.query_pairs_mut().extend_pairs(&answer).append_pair("state", get("state"));
    Reply::redirect(url.into())
}

/// Exchanges a code for a token.
pub(super) fn token(state: &mut State, ask: &Ask) -> Reply {
    let credentials =
        BASE64_STANDARD.encode(format!("{}:{}", state.application.id, state.oauth.client_secret));
    if ask.authorization != Some(format!("Basic {credentials}")) {
        return Reply::oauth_error(401, "invalid_client");
    }
    let get = |name: &str| ask.body[name].as_str().unwrap_or_default();
    if get("grant_type") == "client_credentials" {
        return Reply::ok(json!({
            "access_token": "canary-application", "token_type": "Bearer", "expires_in": 604_800,
            "scope": get("scope"),
        }));
    }
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier")));
    // A code works once, also if the rest is wrong.
    let grant = state.oauth.codes.remove(get("code"));
    let grant =
        grant.filter(|grant| grant.challenge == challenge && grant.redirect_uri == get("redirect_uri"));
    let Some(grant) = grant.filter(|_| get("grant_type") == "authorization_code") else {
        return Reply::oauth_error(400, "invalid_grant");
    };
    let token = format!("canary-token-{}", state.ids.now());
    state.oauth.tokens.insert(token.clone(), grant.person);
    state.oauth.issued.push(token.clone());
    Reply::ok(json!({
        "access_token": token, "token_type": "Bearer", "expires_in": 604_800,
        "refresh_token": "canary-refresh", "scope": SCOPES,
    }))
}

/// The data that a person's token may read.
pub(super) fn as_person(state: &State, token: &str, segments: &[&str]) -> Reply {
    let Some(person) = state.oauth.tokens.get(token) else { return Reply::unauthorized() };
    match segments {
        ["users", "@me"] => Reply::ok(person.clone()),
        ["users", "@me", "guilds", guild, "member"] => {
            let guild = guild.parse().ok().and_then(|guild: u64| state.guilds.get(&guild));
            let id = person["id"].as_str().and_then(|id| id.parse::<u64>().ok());
            let member = guild.zip(id).and_then(|(guild, id)| guild.members.get(&id).cloned());
            member.map_or_else(|| Reply::error(404, 10004, "Unknown Guild"), Reply::ok)
        }
        _ => Reply::unknown_route(),
    }
}
