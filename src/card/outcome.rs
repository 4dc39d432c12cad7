//! What became of a message and of each of its cards.

use crate::order::OrderNumber;

/// What became of one card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new order.
    Created,
    /// A known order changed.
    Updated,
    /// The card said nothing new about its order.
    Unchanged,
    /// The same message had been taken before.
    Duplicate,
    /// Understood, and no order.
    Ignored(Ignored),
    /// Could not be read; kept in the log.
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

/// Why a card that was understood is no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// The bot's test button.
    #[error("test notification, no order")]
    Test,
    /// A checkout that did not succeed, and the reason that the card gives.
    #[error("failed checkout, no order{}", .reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default())]
    Failure {
        /// The card's own words, at most 200 characters.
        reason: Option<String>,
    },
    /// A stock or price notice.
    #[error("monitor notice, no order")]
    Monitor,
}

impl Ignored {
    /// Machine-readable name.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Failure { .. } => "failure",
            Self::Monitor => "monitor",
        }
    }
}

/// Why a card or message could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Rejection {
    /// Machine-readable reason.
    pub code: RejectionCode,
    /// What is wrong and what to do about it, for people. Never holds the message's own text.
    pub detail: String,
}

/// Machine-readable reasons of a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectionCode {
    /// Nothing in the message reads as an order.
    NotAnOrder,
    /// An order that does not say its number.
    MissingOrderNumber,
    /// The number is too long or holds control characters.
    BadOrderNumber,
    /// The body is larger than the limit.
    TooLarge,
    /// The body did not arrive whole.
    Incomplete,
    /// The database refused this one message.
    NotStored,
}

impl RejectionCode {
    /// All reasons.
    pub const ALL: [Self; 6] = [
        Self::NotAnOrder,
        Self::MissingOrderNumber,
        Self::BadOrderNumber,
        Self::TooLarge,
        Self::Incomplete,
        Self::NotStored,
    ];

    /// The name in the log and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAnOrder => "not_an_order",
            Self::MissingOrderNumber => "missing_order_number",
            Self::BadOrderNumber => "bad_order_number",
            Self::TooLarge => "too_large",
            Self::Incomplete => "incomplete",
            Self::NotStored => "not_stored",
        }
    }

    /// Whether it says that a message did not arrive whole, so that there is nothing to read.
    #[must_use]
    pub const fn is_truncated(self) -> bool {
        matches!(self, Self::TooLarge | Self::Incomplete)
    }
}

/// What became of a card, and of which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardOutcome {
    /// The order's row id and number, where there is one.
    pub order: Option<(i64, OrderNumber)>,
    /// What became of the card.
    pub outcome: Outcome,
    /// What could not be read right, for people: `price: "…" is no amount`.
    pub warnings: Vec<String>,
}

/// What became of a message, after it is safely stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The message's row in `webhook_logs`; `None` where a Discord message was seen before.
    pub log_id: Option<i64>,
    /// One for each card, in the order of the message. Empty only where the message holds none.
    pub cards: Vec<CardOutcome>,
}
