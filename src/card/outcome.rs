//! The outcome of a card, and the receipt for a message.

use crate::order::OrderNumber;

pub use super::parse::heading::Notice;

/// The outcome of one card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It created an order.
    Created,
    /// It changed an order.
    Updated,
    /// Its order already had everything it states.
    Unchanged,
    /// The same message was applied before.
    Duplicate,
    /// It was understood, but is not an order.
    Ignored(Ignored),
    /// It could not be read. The webhook log keeps the message.
    Rejected(Rejection),
}

impl Outcome {
    /// The names of all outcomes, for lists and filters.
    pub const NAMES: [&'static str; 6] =
        ["created", "updated", "unchanged", "duplicate", "ignored", "rejected"];

    /// The name in the log and on the wire.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Duplicate => "duplicate",
            Self::Ignored(_) => "ignored",
            Self::Rejected(_) => "rejected",
        }
    }

    /// Machine-readable reason of an ignored or rejected card.
    #[must_use]
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Ignored(ignored) => Some(ignored.code()),
            Self::Rejected(rejection) => Some(rejection.code.as_str()),
            _ => None,
        }
    }

    /// Why a card was ignored or rejected, for people.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Ignored(ignored) => Some(ignored.to_string()),
            Self::Rejected(rejection) => Some(rejection.to_string()),
            _ => None,
        }
    }
}

/// Why a card that was understood is not an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// A failed checkout.
    #[error("failed checkout, not an order{}", .reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default())]
    Failure {
        /// The reason that the card states, at most 200 characters.
        reason: Option<String>,
    },
    /// A message that is not about an order.
    #[error("{}, not an order", .0.description())]
    Notice(Notice),
}

impl Ignored {
    /// Machine-readable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Failure { .. } => "failure",
            Self::Notice(notice) => notice.code(),
        }
    }
}

/// Why a card or message could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Rejection {
    /// Machine-readable reason.
    pub code: RejectionCode,
    /// The problem and its remedy, for people. Never contains text of the message.
    pub detail: String,
}

/// Machine-readable reasons of a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectionCode {
    /// The message contains no card.
    NotAnOrder,
    /// The body was sent to a webhook link, but Discord would refuse it: it is not a JSON object, or has no content.
    EmptyMessage,
    /// The card is an order but states no order number.
    MissingOrderNumber,
    /// The order number is too long or contains control characters.
    BadOrderNumber,
    /// The body is larger than the limit.
    TooLarge,
    /// The body did not arrive completely.
    Incomplete,
    /// The database refused this message.
    NotStored,
    /// The HTTP request was for an unknown host. Its body was not read.
    UnknownHost,
    /// A page of another site made a browser send the HTTP request. Its body was not read.
    CrossOrigin,
}

impl RejectionCode {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::NotAnOrder,
        Self::EmptyMessage,
        Self::MissingOrderNumber,
        Self::BadOrderNumber,
        Self::TooLarge,
        Self::Incomplete,
        Self::NotStored,
        Self::UnknownHost,
        Self::CrossOrigin,
    ];

    /// The reasons for refusing an HTTP request before its body is read.
    pub const REFUSED_REQUESTS: [Self; 2] = [Self::UnknownHost, Self::CrossOrigin];

    /// The name in the log and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAnOrder => "not_an_order",
            Self::EmptyMessage => "empty_message",
            Self::MissingOrderNumber => "missing_order_number",
            Self::BadOrderNumber => "bad_order_number",
            Self::TooLarge => "too_large",
            Self::Incomplete => "incomplete",
            Self::NotStored => "not_stored",
            Self::UnknownHost => "unknown_host",
            Self::CrossOrigin => "cross_origin",
        }
    }

    /// Whether the message was not received completely, so that it cannot be read.
    #[must_use]
    pub fn is_truncated(self) -> bool {
        matches!(self, Self::TooLarge | Self::Incomplete) || self.is_refused_request()
    }

    /// Whether it is one of [`Self::REFUSED_REQUESTS`].
    #[must_use]
    pub fn is_refused_request(self) -> bool {
        Self::REFUSED_REQUESTS.contains(&self)
    }
}

/// The outcome of a card, with its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardOutcome {
    /// The order's row id and number.
    pub order: Option<(i64, OrderNumber)>,
    /// The outcome.
    pub outcome: Outcome,
    /// Values that could not be read, explained for people.
    pub warnings: Vec<String>,
}

/// The result of a message, after it is durably stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The message's row in `webhook_logs`. `None` for an unchanged copy of a Discord message.
    pub log_id: Option<i64>,
    /// One for each card, in the order of the message.
    pub cards: Vec<CardOutcome>,
}
