//! Outgoing webhooks: event types, addresses of endpoints, and signatures as Standard Webhooks has them. Pure.

use std::fmt;
use std::str::FromStr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::Url;

use crate::order::FieldChange;
use crate::token::SigningSecret;

/// The type of an outgoing event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// An order was created.
    Created,
    /// An order changed.
    Updated,
    /// An order was cancelled.
    Cancelled,
}

/// The event types that an endpoint receives, at least one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EventTypes(u8);

/// The address of an endpoint. It may hold a secret, so `Debug` hides it and `Display` shows only its host.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl(Url);

/// The text names an unknown event type, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event types are order.created, order.updated and order.cancelled; separate several with commas")]
pub struct EventTypeError;

/// The text is not the address of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address such as https://example.net/hooks/orders, without a user name and password")]
pub struct EndpointUrlError;

impl EventType {
    /// All types.
    pub const ALL: [Self; 3] = [Self::Created, Self::Updated, Self::Cancelled];

    /// The name in messages and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "order.created",
            Self::Updated => "order.updated",
            Self::Cancelled => "order.cancelled",
        }
    }

    /// The type of a step in an order's history. A step that sets the status to `cancelled` is a cancellation.
    #[must_use]
    pub fn of_step(created: bool, changes: &[FieldChange]) -> Self {
        let cancels =
            |change: &FieldChange| change.field == "status" && change.new.as_deref() == Some("cancelled");
        match created {
            true => Self::Created,
            false if changes.iter().any(cancels) => Self::Cancelled,
            false => Self::Updated,
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl FromStr for EventType {
    type Err = EventTypeError;

    fn from_str(text: &str) -> Result<Self, EventTypeError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(EventTypeError)
    }
}

impl EventTypes {
    /// Every type.
    pub const ALL: Self = Self((1 << EventType::ALL.len()) - 1);

    /// These types.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(types: impl IntoIterator<Item = EventType>) -> Result<Self, EventTypeError> {
        let bits = types.into_iter().fold(0, |bits, kind| bits | kind.bit());
        if bits == 0 { Err(EventTypeError) } else { Ok(Self(bits)) }
    }

    /// Whether this type is among them.
    #[must_use]
    pub const fn contains(self, kind: EventType) -> bool {
        self.0 & kind.bit() != 0
    }

    /// The types, in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = EventType> {
        EventType::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl FromStr for EventTypes {
    type Err = EventTypeError;

    /// Reads names with commas between them.
    fn from_str(text: &str) -> Result<Self, EventTypeError> {
        let types: Vec<EventType> =
            text.split(',').map(|name| name.trim().parse()).collect::<Result<_, _>>()?;
        Self::new(types)
    }
}

impl fmt::Display for EventTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.iter().map(EventType::as_str).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for EventTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl EndpointUrl {
    /// The whole address, for the request and the database.
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl FromStr for EndpointUrl {
    type Err = EndpointUrlError;

    fn from_str(text: &str) -> Result<Self, EndpointUrlError> {
        let url = Url::parse(text).map_err(|_| EndpointUrlError)?;
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        if is_plain { Ok(Self(url)) } else { Err(EndpointUrlError) }
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = if self.0.path() == "/" && self.0.query().is_none() { "/" } else { "/***" };
        write!(f, "{}{rest}", self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointUrl({self})")
    }
}

/// The signature of a message, for the header `webhook-signature`. `timestamp` counts seconds since 1970.
#[must_use]
pub fn signature(secret: &SigningSecret, id: &str, timestamp: i64, body: &[u8]) -> String {
    // HMAC accepts a key of any length.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(&secret.standard_key()) else { return String::new() };
    hmac.update(format!("{id}.{timestamp}.").as_bytes());
    hmac.update(body);
    format!("v1,{}", BASE64_STANDARD.encode(hmac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{EndpointUrl, EventType, EventTypes, signature};
    use crate::order::FieldChange;
    use crate::token::SigningSecret;

    #[test]
    fn the_signature_is_that_of_the_specification() {
        // The example of the Standard Webhooks libraries.
        let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let body = br#"{"test": 2432232314}"#;
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_address_shows_only_its_host() {
        let url: EndpointUrl = "https://hooks.example.net:8443/catch/123/secret?key=1".parse().unwrap();
        assert_eq!(url.to_string(), "https://hooks.example.net:8443/***");
        assert_eq!(format!("{url:?}"), "EndpointUrl(https://hooks.example.net:8443/***)");
        assert_eq!("http://127.0.0.1:9".parse::<EndpointUrl>().unwrap().to_string(), "http://127.0.0.1:9/");
        for text in ["", "example.net", "ftp://example.net/", "https://u:p@example.net/", "https://a/#x"] {
            assert!(text.parse::<EndpointUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_step_has_one_type() {
        let status = |new: &str| {
            vec![FieldChange { field: "status".to_owned(), old: None, new: Some(new.to_owned()) }]
        };
        assert_eq!(EventType::of_step(true, &status("cancelled")), EventType::Created);
        assert_eq!(EventType::of_step(false, &status("cancelled")), EventType::Cancelled);
        assert_eq!(EventType::of_step(false, &status("shipped")), EventType::Updated);
        let some: EventTypes = "order.cancelled, order.created".parse().unwrap();
        assert_eq!(some.to_string(), "order.created,order.cancelled");
        assert!(some.contains(EventType::Created) && !some.contains(EventType::Updated));
        assert!("".parse::<EventTypes>().is_err() && "order.sent".parse::<EventTypes>().is_err());
    }
}
