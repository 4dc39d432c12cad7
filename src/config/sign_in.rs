//! `[sign_in]`: signing in to the web page with Discord.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::{Config, snowflake};

/// The path to which Discord redirects a browser after the sign-in.
pub const CALLBACK: &str = "/sign-in/discord/callback";

/// Signing in to the web page with Discord.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The id of the application in Discord's developer portal.
    #[serde(with = "snowflake::optional")]
    pub client_id: Option<i64>,
    /// The client secret of that application; empty if none is configured.
    pub client_secret: ClientSecret,
}

/// The secret of a Discord application. It is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct ClientSecret(String);

impl ClientSecret {
    /// Returns the secret itself. Never log it or put it into a reply.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for ClientSecret {
    fn from(text: String) -> Self {
        Self(text.trim().to_owned())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for ClientSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "***" })
    }
}

/// The first setting that is missing or wrong for signing in with Discord; `None` if all is well or
/// `[sign_in]` is empty.
pub(crate) fn problem(config: &Config) -> Option<String> {
    let SignIn { client_id, client_secret } = &config.sign_in;
    let has_secret = !client_secret.expose().is_empty();
    let message = match client_id {
        None if !has_secret => return None,
        None => {
            "sign_in.client_id is missing: copy it from the developer portal (your application, OAuth2, Client ID)"
        }
        Some(_) if !has_secret => {
            "sign_in.client_secret is missing: copy it from the developer portal (your application, OAuth2, Reset \
             Secret)"
        }
        Some(_) if config.discord().is_none() => {
            "sign_in needs the bot, which reads the roles of people: set `token` under [discord]"
        }
        Some(_) if config.discord.guilds.is_empty() => {
            "sign_in needs to know whose members may sign in: set `guilds` under [discord] to the ids of your guilds"
        }
        Some(_) if config.http.public_url.is_none() => {
            "sign_in needs the address to which Discord leads people back: set `public_url` under [http], and add \
             that address followed by /sign-in/discord/callback to the redirects in the developer portal (your \
             application, OAuth2)"
        }
        Some(_) if !config.http.requires_tokens() => {
            "sign_in would have no effect, because everybody on this machine may do everything: set `require_auth = \
             true` under [http]"
        }
        Some(_) => return None,
    };
    Some(message.to_owned())
}
