//! Orders that need attention: the conditions, in SQL and in memory. Each has an index of its own.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use migration::attention;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition};

use crate::order::dates::{day_of, start_of_day};
use crate::order::{Order, Status};
use crate::store::entity::orders::Column;

/// An order should have a tracking number after this time.
const TRACKING_AFTER: TimeDelta = TimeDelta::days(3);

/// Why orders need attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Placed before this time, and still without a tracking number. UTC.
    NoTracking(DateTime<Utc>),
    /// Some units have arrived, and some have not.
    PartlyReceived,
    /// Delivered, but not all units were received.
    NotReceived,
    /// Cancelled since this time. UTC.
    Cancelled(DateTime<Utc>),
}

/// A reason before the time of today is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AttentionName {
    NoTracking,
    PartlyReceived,
    NotReceived,
    CancelledToday,
}

impl Attention {
    /// All reasons, by their names.
    pub(crate) const ALL: [(&str, AttentionName); 4] = [
        ("no tracking", AttentionName::NoTracking),
        ("partly received", AttentionName::PartlyReceived),
        ("not received", AttentionName::NotReceived),
        ("cancelled today", AttentionName::CancelledToday),
    ];

    /// The condition on an order.
    pub(crate) fn condition(self) -> Condition {
        match self {
            Self::NoTracking(before) => Condition::all().add(Expr::cust(attention::NO_TRACKING)).add(
                Condition::any().add(Expr::cust("order_date").lt(before)).add(
                    Condition::all()
                        .add(Expr::cust("order_date IS NULL"))
                        .add(Expr::cust("created_at").lt(before)),
                ),
            ),
            Self::PartlyReceived => Condition::all().add(Expr::cust(attention::PARTLY_RECEIVED)),
            Self::NotReceived => Condition::all().add(Expr::cust(attention::NOT_RECEIVED)),
            Self::Cancelled(since) => Condition::all()
                .add(Column::Status.eq(Status::Cancelled.as_str()))
                .add(Column::UpdatedAt.gte(since)),
        }
    }

    /// Whether an order satisfies the condition.
    pub(crate) fn matches(self, order: &Order) -> bool {
        let fields = &order.fields;
        let received = fields.qty_received.unwrap_or(0);
        match self {
            Self::NoTracking(before) => {
                let is_open =
                    matches!(fields.status, Some(Status::Verified | Status::Processing | Status::Shipped));
                is_open
                    && fields.tracking_number.is_none()
                    && fields.order_date.unwrap_or(order.created_at) < before
            }
            Self::PartlyReceived => received > 0 && fields.quantity.is_some_and(|ordered| received < ordered),
            Self::NotReceived => {
                fields.status == Some(Status::Delivered) && received < fields.quantity.unwrap_or(1)
            }
            Self::Cancelled(since) => fields.status == Some(Status::Cancelled) && order.updated_at >= since,
        }
    }
}

impl AttentionName {
    /// The reason at this time.
    pub(crate) fn at(self, now: DateTime<Utc>, zone: Tz) -> Attention {
        match self {
            Self::NoTracking => Attention::NoTracking(now - TRACKING_AFTER),
            Self::PartlyReceived => Attention::PartlyReceived,
            Self::NotReceived => Attention::NotReceived,
            Self::CancelledToday => {
                Attention::Cancelled(start_of_day(day_of(now, zone), zone).unwrap_or(now))
            }
        }
    }

    /// The reason as people read it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::NoTracking => "No tracking after 3 days",
            Self::PartlyReceived => "Partly received",
            Self::NotReceived => "Delivered, not received",
            Self::CancelledToday => "Cancelled today",
        }
    }
}
