//! The kinds of cards: the outcome of a checkout, a change of an order, or a message that is not about an
//! order.

/// The kind of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardKind {
    /// A successful checkout.
    Success,
    /// A checkout that is held for review.
    Hold,
    /// A failed checkout.
    Failure,
    /// An order that was cancelled.
    Cancelled,
    /// An order that the store is preparing.
    Processing,
    /// An order that is on its way.
    Shipped,
    /// An order that arrived.
    Delivered,
    /// An order that was refunded.
    Refunded,
    /// A change of an order that the heading does not name. The card itself may state a status.
    Update,
    /// A message that is not about an order.
    Notice(Notice),
}

/// The subject of a message that is not about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The bot's test button, or a test of the connection.
    Test,
    /// A stock or price notice.
    Monitor,
    /// An item in the cart that is not bought yet.
    Cart,
    /// A request to confirm a payment with 3-D Secure.
    ThreeDSecure,
    /// A place in a waiting room.
    Queue,
    /// A reminder of a release.
    Release,
    /// A summary of a drop or of a day.
    Summary,
    /// An entry in a raffle.
    Raffle,
    /// A new account at a store.
    Account,
    /// A task of the bot.
    Task,
}

impl CardKind {
    /// Whether cards of this kind report an outcome of an order or a checkout. Notices and updates without a
    /// status do not.
    #[must_use]
    pub const fn is_outcome(self) -> bool {
        !matches!(self, Self::Update | Self::Notice(_))
    }
}

impl Notice {
    /// Machine-readable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Monitor => "monitor",
            Self::Cart => "cart",
            Self::ThreeDSecure => "three_d_secure",
            Self::Queue => "queue",
            Self::Release => "release",
            Self::Summary => "summary",
            Self::Raffle => "raffle",
            Self::Account => "account",
            Self::Task => "task",
        }
    }

    /// The kind of message, for people.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Test => "test notification",
            Self::Monitor => "monitor notice",
            Self::Cart => "cart notice",
            Self::ThreeDSecure => "request to confirm a payment",
            Self::Queue => "queue notice",
            Self::Release => "release reminder",
            Self::Summary => "summary",
            Self::Raffle => "raffle entry",
            Self::Account => "account notice",
            Self::Task => "task notice",
        }
    }
}
