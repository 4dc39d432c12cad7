//! Checks the settings for signing in to the web page with Discord.

use super::report::{Finding, State};
use crate::config::{CALLBACK, Config};
use crate::discord::rest::Rest;
use crate::discord::sign_in::SignIn;
use crate::discord::timing::Timing;

/// Checks the redirect and the client secret; `None` if `[sign_in]` is empty.
pub async fn check_sign_in(config: &Config, rest: &Rest) -> Option<Finding> {
    config.sign_in.client_id?;
    let state = state(config, rest).await.unwrap_or_else(State::unknown);
    Some(Finding { subject: "sign-in".to_owned(), state })
}

async fn state(config: &Config, rest: &Rest) -> Result<State, String> {
    let application = rest.application().await.map_err(|error| error.to_string())?;
    let client_id = config.sign_in.client_id.unwrap_or_default();
    let page = format!("https://discord.com/developers/applications/{client_id}/oauth2");
    let redirect = format!("{}{CALLBACK}", config.http.base_url());
    // Discord shows the redirects of the bot's own application only.
    if client_id == application.id && !application.redirects.contains(&redirect) {
        return Ok(State::missing(
            "Discord does not lead people back to ROMS",
            format!("{page}, \"Redirects\": add {redirect}"),
        ));
    }
    let sign_in = SignIn::new(config, &Timing::default()).map_err(|error| error.to_string())?;
    let accepted = match &sign_in {
        Some(sign_in) => sign_in.check_secret().await.map_err(|error| error.to_string())?,
        None => true,
    };
    if accepted {
        return Ok(State::Ok(format!("people sign in at {}", config.http.base_url())));
    }
    Ok(State::missing(
        "Discord does not accept the client secret",
        format!("{page}, \"Reset Secret\": put the new one into sign_in.client_secret"),
    ))
}
