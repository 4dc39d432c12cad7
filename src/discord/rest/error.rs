//! Why a call to Discord failed, without anything secret: no token, no address, no text.

use std::fmt;

use serenity::http::HttpError;

/// Why a call to Discord failed for good: after all tries, or at once where trying again is no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    /// The token is wrong, or was reset.
    #[error("401: Discord does not know the bot's token")]
    Unauthorized,
    /// The bot may not do this, or may not see that.
    #[error("403: the bot may not do that{0}")]
    Forbidden(Code),
    /// There is none, or the bot is not where it is.
    #[error("404: Discord finds no such thing{0}")]
    NotFound(Code),
    /// Too much was asked for all the time that the call had.
    #[error("429: too many requests")]
    RateLimited,
    /// Another refusal: the status.
    #[error("{0}: Discord refuses the request{1}")]
    Refused(u16, Code),
    /// Discord has trouble: the status.
    #[error("{0}: Discord cannot answer now")]
    Server(u16),
    /// No connection, or it broke.
    #[error("Discord cannot be reached")]
    Unreachable,
    /// No answer within the time that the call had.
    #[error("Discord did not answer in time")]
    Timeout,
    /// The answer is not what was asked for.
    #[error("Discord's answer cannot be read")]
    Unreadable,
    /// The token cannot even be sent.
    #[error("the bot's token holds characters that no token has")]
    Token,
    /// `api_url` is no address.
    #[error("the address in discord.api_url is none")]
    ApiUrl,
    /// The HTTP client cannot be made.
    #[error("no HTTP client can be made: TLS is not to be had")]
    Client,
}

/// Discord's own code for an error, where it gave one: 50001 is "Missing Access".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Code(Option<i64>);

impl Code {
    /// "Unknown Message": it was deleted.
    pub const UNKNOWN_MESSAGE: Self = Self(Some(10008));

    /// The number.
    #[must_use]
    pub const fn get(self) -> Option<i64> {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |code| write!(f, " (Discord's code {code})"))
    }
}

impl RestError {
    /// Whether the same request would fail again, however often it is made.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Unauthorized
            | Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::Refused(..)
            | Self::Token
            | Self::ApiUrl
            | Self::Client => true,
            Self::RateLimited | Self::Server(_) | Self::Unreachable | Self::Timeout | Self::Unreadable => {
                false
            }
        }
    }

    /// Discord's own code, where it refused and gave one.
    #[must_use]
    pub const fn code(self) -> Option<i64> {
        match self {
            Self::Forbidden(code) | Self::NotFound(code) | Self::Refused(_, code) => code.get(),
            _ => None,
        }
    }

    fn of_status(status: u16, code: Code) -> Self {
        match status {
            401 => Self::Unauthorized,
            403 => Self::Forbidden(code),
            404 => Self::NotFound(code),
            429 => Self::RateLimited,
            500.. => Self::Server(status),
            _ => Self::Refused(status, code),
        }
    }
}

/// Keeps what kind of failure it was, and drops the rest: serenity's errors hold addresses and
/// answers.
impl From<serenity::Error> for RestError {
    fn from(error: serenity::Error) -> Self {
        match error {
            serenity::Error::Http(HttpError::UnsuccessfulRequest(answer)) => {
                // serenity puts -1 where Discord gave none, Discord 0 where it has none.
                let code = i64::try_from(answer.error.code).ok().filter(|code| *code > 0);
                Self::of_status(answer.status_code.as_u16(), Code(code))
            }
            serenity::Error::Http(HttpError::Request(error)) if error.is_timeout() => Self::Timeout,
            serenity::Error::Http(HttpError::InvalidHeader(_)) => Self::Token,
            serenity::Error::Http(HttpError::Url(_)) => Self::ApiUrl,
            serenity::Error::Json(_) => Self::Unreadable,
            _ => Self::Unreachable,
        }
    }
}
