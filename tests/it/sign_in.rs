//! Signing in to the web page: with Discord and with tokens, levels, sessions and cookies.

mod attempts;
mod browser;
mod canary;
mod config;
mod discord;
mod levels;
mod pages;
mod sessions;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Client, Method, redirect};
use roms::app::Timing;
use roms::sign_in;

use crate::support::app::{ADDRESS, App, DEADLINE, Reply};
use crate::support::bot;
use crate::support::discord::{Discord, Guild, User};
use crate::support::home::Home;

/// A guild of the double with a role for each level.
pub(crate) struct Group {
    pub(crate) discord: Discord,
    pub(crate) guild: Guild,
    /// The roles of viewers, managers and admins.
    roles: [u64; 3],
}

/// The names of the levels, in the order of [`Group::roles`].
pub(crate) const LEVELS: [&str; 3] = ["viewer", "manager", "admin"];

impl Group {
    pub(crate) async fn start() -> Self {
        let discord = Discord::start().await;
        let guild = discord.guild("Buyers");
        let roles = LEVELS.map(|name| guild.role(name, 0));
        Self { discord, guild, roles }
    }

    /// A configuration with which people of the group can sign in.
    pub(crate) fn config(&self) -> String {
        let [viewer, manager, admin] = self.roles;
        format!(
            "[http]\nrequire_auth = true\npublic_url = \"http://{ADDRESS}\"\n\
             [discord]\ntoken = \"{}\"\napi_url = \"{}\"\nguilds = [\"{}\"]\n\
             [access]\nviewer = [\"{viewer}\"]\nmanager = [\"{manager}\"]\nadmin = [\"{admin}\"]\n\
             [sign_in]\nclient_id = \"{}\"\nclient_secret = \"{}\"\n",
            self.discord.token(),
            self.discord.api_url(),
            self.guild.id(),
            self.discord.application_id(),
            self.discord.client_secret(),
        )
    }

    /// Starts ROMS for the group.
    pub(crate) async fn app(&self, timing: sign_in::Timing) -> App {
        self.app_in(Home::new(), timing).await
    }

    pub(crate) async fn app_in(&self, home: Home, timing: sign_in::Timing) -> App {
        let timing = Timing { sign_in: timing, ..bot::timing().into() };
        App::start_timed(home, &self.config(), timing).await
    }

    /// A new member with the role of a level, or without one.
    pub(crate) fn member(&self, name: &str, level: Option<&str>) -> User {
        let user = self.discord.user(name);
        self.give_level(&user, level);
        user
    }

    /// Takes all roles of a member and gives the one of a level.
    pub(crate) fn give_level(&self, user: &User, level: Option<&str>) {
        let role = level.map(|level| self.roles[LEVELS.iter().position(|it| *it == level).unwrap()]);
        user.clone().with_roles(role.as_slice()).join(&self.guild);
    }

    /// Signs a person in, and returns the browser.
    pub(crate) async fn sign_in(&self, app: &App, user: &User) -> Visitor {
        self.discord.sign_in_as(Some(user));
        let mut visitor = Visitor::of(app);
        let reply = visitor.sign_in("/orders").await;
        assert_eq!((reply.status, reply.header("location")), (303, "/orders"));
        visitor
    }
}

/// Times with which Discord is asked at every request.
pub(crate) fn always_ask() -> sign_in::Timing {
    sign_in::Timing {
        max_level_age: Duration::ZERO,
        retry_pause: Duration::ZERO,
        stream_check: Duration::from_millis(20),
        ..sign_in::Timing::default()
    }
}

/// A browser without scripts: it keeps cookies, and follows links only when told.
pub(crate) struct Visitor {
    client: Client,
    base: String,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Further headers, such as those of a proxy.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Visitor {
    pub(crate) fn of(app: &App) -> Self {
        Self::at(&app.url(""))
    }

    pub(crate) fn at(base: &str) -> Self {
        let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(DEADLINE);
        let client = client.build().unwrap();
        Self { client, base: base.to_owned(), cookies: BTreeMap::new(), headers: Vec::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], "").await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &str) -> Reply {
        self.send(Method::POST, path, &[], form).await
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        let mut request =
            self.client.request(method, &url).header("accept", "text/html").body(body.to_owned());
        if url.starts_with(&self.base) {
            let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            request = request.header("cookie", cookies.collect::<Vec<_>>().join("; "));
            for (name, value) in &self.headers {
                request = request.header(*name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Reply { status, headers, text, json: serde_json::Value::Null }
    }

    /// Goes to Discord and returns the path that leads back.
    pub(crate) async fn go_to_discord(&mut self, next: &str) -> String {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let begun = self.get(&format!("/sign-in/discord?next={next}")).await;
        assert_eq!(begun.status, 303, "{}", begun.text);
        let asked = self.get(begun.header("location")).await;
        assert_eq!(asked.status, 302, "{}", asked.text);
        let back: url::Url = asked.header("location").parse().unwrap();
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    /// Signs in with Discord, and returns the answer to the browser that comes back.
    pub(crate) async fn sign_in(&mut self, next: &str) -> Reply {
        let back = self.go_to_discord(next).await;
        self.get(&back).await
    }

    /// Signs in with a token.
    pub(crate) async fn sign_in_with(&mut self, token: &str) -> Reply {
        self.post("/sign-in", &format!("token={token}")).await
    }

    /// The cookie of its session.
    pub(crate) fn session(&self) -> Option<&str> {
        ["__Host-roms", "roms"].into_iter().find_map(|name| self.cookies.get(name)).map(String::as_str)
    }

    /// Whether ROMS knows the browser.
    pub(crate) async fn is_signed_in(&mut self) -> bool {
        let reply = self.get("/orders").await;
        assert!(matches!(reply.status, 200 | 303), "{}", reply.text);
        reply.status == 200
    }
}
