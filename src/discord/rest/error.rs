//! Why a REST call failed. The errors contain no token, URL or response text.

use std::error::Error;
use std::fmt;
use std::io;

use serenity::http::HttpError;

/// Why a REST call failed, after all retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    /// The token is wrong, or was reset.
    #[error("401: Discord does not know the bot's token")]
    Unauthorized,
    /// The bot lacks a permission.
    #[error("403: the bot may not do that{0}")]
    Forbidden(ErrorCode),
    /// The target does not exist, or the bot cannot see it.
    #[error("404: Discord finds no such thing{0}")]
    NotFound(ErrorCode),
    /// Discord asked to wait longer than a call may take.
    #[error("429: too many requests")]
    RateLimited,
    /// Another 4xx status.
    #[error("{0}: Discord refuses the request{1}")]
    Refused(u16, ErrorCode),
    /// A 5xx status.
    #[error("{0}: Discord has a problem")]
    Server(u16),
    /// There is no connection, or it broke.
    #[error("Discord cannot be reached: {0}")]
    Unreachable(ConnectFailure),
    /// Discord did not answer in time.
    #[error("Discord did not answer in time")]
    Timeout,
    /// The response is not what was asked for.
    #[error("Discord's response cannot be read")]
    Unreadable,
    /// The token cannot be sent in a header.
    #[error("the bot's token contains characters that no token has")]
    Token,
    /// `api_url` is not a URL.
    #[error("discord.api_url is not a URL")]
    ApiUrl,
    /// The HTTP client cannot be built.
    #[error("no HTTP client can be built: TLS is not available")]
    Client,
}

/// Why there is no connection to Discord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectFailure {
    /// The host name has no address, or the name server does not answer.
    #[error("DNS does not resolve its host name; is this machine online?")]
    Dns,
    /// Nothing listens at the address, or a firewall rejects the connection.
    #[error("the connection was refused")]
    Refused,
    /// No answer to the connection attempt.
    #[error("the connection timed out; a firewall may drop it")]
    Timeout,
    /// There is no route to the address.
    #[error("there is no route to its network")]
    NoRoute,
    /// The TLS handshake failed.
    #[error("the TLS handshake failed; a proxy or virus scanner may intercept the connection")]
    Tls,
    /// The proxy of the environment does not work.
    #[error("the proxy set in HTTPS_PROXY or ALL_PROXY does not work")]
    Proxy,
    /// The connection broke, or failed for another reason.
    #[error("the connection broke")]
    Broken,
}

/// Discord's own error code, if the response had one. For example, 50001 is "Missing Access".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErrorCode(Option<i64>);

impl ErrorCode {
    /// The response had no code.
    pub const NONE: Self = Self(None);
    /// "Unknown Channel".
    pub const UNKNOWN_CHANNEL: Self = Self(Some(10003));
    /// "Missing Access": the bot cannot view the channel.
    pub const MISSING_ACCESS: Self = Self(Some(50001));
    /// "Missing Permissions".
    pub const MISSING_PERMISSIONS: Self = Self(Some(50013));
    /// "Unknown Message": the message was deleted.
    pub const UNKNOWN_MESSAGE: Self = Self(Some(10008));

    /// The number.
    #[must_use]
    pub const fn get(self) -> Option<i64> {
        self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |code| write!(f, " (Discord error code {code})"))
    }
}

impl RestError {
    /// Whether repeating the same request cannot succeed.
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
            Self::RateLimited | Self::Server(_) | Self::Unreachable(_) | Self::Timeout | Self::Unreadable => {
                false
            }
        }
    }

    /// Discord's own error code, if the response had one.
    #[must_use]
    pub const fn code(self) -> Option<i64> {
        match self {
            Self::Forbidden(code) | Self::NotFound(code) | Self::Refused(_, code) => code.get(),
            _ => None,
        }
    }

    fn from_status(status: u16, code: ErrorCode) -> Self {
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

/// Keeps the kind of failure and drops the rest: serenity's errors contain URLs and responses.
impl From<serenity::Error> for RestError {
    fn from(error: serenity::Error) -> Self {
        match error {
            serenity::Error::Http(HttpError::UnsuccessfulRequest(answer)) => {
                // serenity writes -1 if the response has no code; Discord writes 0.
                let code = i64::try_from(answer.error.code).ok().filter(|code| *code > 0);
                Self::from_status(answer.status_code.as_u16(), ErrorCode(code))
            }
            serenity::Error::Http(HttpError::Request(error)) => from_reqwest(&error),
            serenity::Error::Http(HttpError::InvalidHeader(_)) => Self::Token,
            serenity::Error::Http(HttpError::Url(_)) => Self::ApiUrl,
            serenity::Error::Json(_) => Self::Unreadable,
            _ => Self::Unreachable(ConnectFailure::Broken),
        }
    }
}

fn from_reqwest(error: &reqwest::Error) -> RestError {
    if !error.is_connect() {
        let broken = RestError::Unreachable(ConnectFailure::Broken);
        return if error.is_timeout() { RestError::Timeout } else { broken };
    }
    RestError::Unreachable(ConnectFailure::from_reqwest(error))
}

impl ConnectFailure {
    /// Finds the cause in the chain of errors. hyper-util names failures of DNS and of a proxy's
    /// tunnel only in text; rustls wraps its errors in [`io::ErrorKind::InvalidData`].
    fn from_reqwest(error: &reqwest::Error) -> Self {
        let mut found = if error.is_timeout() { Self::Timeout } else { Self::Broken };
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if text.starts_with("dns error") {
                found = Self::Dns;
                break;
            }
            if text.starts_with("tunnel error") || text.contains("proxy") {
                return Self::Proxy;
            }
            let io_error = cause.downcast_ref::<io::Error>();
            found = match io_error.map(io::Error::kind) {
                Some(io::ErrorKind::ConnectionRefused) => Self::Refused,
                Some(io::ErrorKind::TimedOut) => Self::Timeout,
                Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => Self::NoRoute,
                Some(io::ErrorKind::InvalidData) => Self::Tls,
                _ => found,
            };
            // The source of an I/O error that wraps another error is not that error but its source.
            next = match io_error.and_then(io::Error::get_ref) {
                Some(wrapped) => Some(wrapped),
                None => cause.source(),
            };
        }
        found
    }
}
