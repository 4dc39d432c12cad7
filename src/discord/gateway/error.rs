//! Errors of the gateway connection.

use std::io;

use crate::discord::rest::RestError;

/// Why a gateway client could not start, or why it ended.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Retrying does not help.
    #[error(transparent)]
    Fatal(#[from] FatalError),
    /// No REST client can be built from the configuration.
    #[error(transparent)]
    Rest(#[from] RestError),
    /// `api_url` points to another server, but that server named Discord's own gateway.
    #[error("discord.api_url points to another server, but its gateway address is Discord's own")]
    UnexpectedGateway,
    /// The operating system refused a thread or runtime.
    #[error("cannot start the gateway thread: {0}")]
    Thread(#[from] io::Error),
    /// serenity ended with an error.
    #[error("the gateway client ended: {0}")]
    Client(String),
    /// The client was closed or abandoned, or it panicked.
    #[error("the gateway client stopped")]
    Stopped,
}

/// An error that only a person can fix. The text says how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FatalError {
    /// Close code 4004, or HTTP status 401.
    #[error(
        "Discord refused the bot's token: copy it again from the developer portal, Bot → Reset Token, \
         to discord.token"
    )]
    BadToken,
    /// Close code 4013 or 4014.
    #[error(
        "Discord refused the bot's intents: switch on Message Content Intent in the developer portal, \
         Bot → Privileged Gateway Intents"
    )]
    MissingIntent,
}

impl From<serenity::Error> for GatewayError {
    fn from(error: serenity::Error) -> Self {
        use serenity::gateway::GatewayError as SerenityGatewayError;
        match error {
            serenity::Error::Gateway(SerenityGatewayError::InvalidAuthentication) => {
                FatalError::BadToken.into()
            }
            serenity::Error::Gateway(
                SerenityGatewayError::DisallowedGatewayIntents | SerenityGatewayError::InvalidGatewayIntents,
            ) => FatalError::MissingIntent.into(),
            serenity::Error::Gateway(other) => Self::Client(other.to_string()),
            // The text of other errors may contain URLs and response bodies.
            _ => Self::Client("internal error of serenity".to_owned()),
        }
    }
}
