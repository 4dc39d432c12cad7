//! Statistics: the totals of a period, in groups, as `/stats` in Discord has them.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::clock::now;
use crate::http::AppState;
use crate::http::auth::Caller;
use crate::http::error::{ApiError, ListErrors, bad_parameter};
use crate::http::query::{Name, Named, PeriodName, Query};
use crate::order::dates::day_of;
use crate::store::{GroupBy, Period, PeriodError, StatRow, Totals, read_period};

/// The most groups in an answer.
const MAX_GROUPS: usize = 1000;

impl Named for GroupBy {
    fn all() -> impl Iterator<Item = (&'static str, Self)> {
        Self::ALL.into_iter()
    }
}

type GroupingName = Name<GroupBy>;

/// Query parameters of the statistics.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadStats {
    /// The period (default: this month)
    #[param(inline, value_type = PeriodName, required = false)]
    period: Option<PeriodName>,
    /// Instead of a period: only orders from this day on. Days are those of the configured time zone.
    since: Option<String>,
    /// Instead of a period: only orders up to and including this day
    until: Option<String>,
    /// How to group the orders (default: by day)
    #[param(inline, value_type = GroupingName, required = false)]
    by: Option<GroupingName>,
}

/// The statistics of a period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "title": "This month · January 2026", "from": "2026-01-01", "to": "2026-01-31", "timezone": "UTC", "by": "store",
    "totals": {
        "orders": 2, "cancelled_or_refunded": 1, "cancel_percent": 50.0, "units": 1,
        "spend": [{"currency": "USD", "amount": 299.99, "average": 299.99, "orders": 1}]
    },
    "groups": [], "more_groups": 0
}))]
pub(crate) struct Stats {
    /// The period as text.
    title: String,
    /// The first day; `null` if the period starts with the oldest order.
    from: Option<NaiveDate>,
    /// The last day; `null` if the period ends with the newest order.
    to: Option<NaiveDate>,
    /// The time zone of the days.
    timezone: String,
    #[schema(inline, value_type = GroupingName)]
    by: &'static str,
    totals: TotalsBody,
    /// Days from old to new, without those that have no orders; other groups with the most orders first. At most
    /// 1000: the newest days, or the groups with the most orders.
    groups: Vec<GroupBody>,
    /// How many groups are left out.
    more_groups: u64,
}

/// The totals of a group.
#[derive(Debug, Serialize, ToSchema)]
struct GroupBody {
    /// The day as `2026-01-31`, or the name; `null` groups the orders without one.
    key: Option<String>,
    #[serde(flatten)]
    totals: TotalsBody,
}

/// Totals of orders.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Totals)]
struct TotalsBody {
    /// How many orders.
    orders: u64,
    /// How many of them are cancelled or refunded. Units and spend leave these out.
    cancelled_or_refunded: u64,
    /// Their share in percent, to one decimal.
    cancel_percent: f64,
    /// Units of the other orders.
    units: u64,
    /// Totals of the other orders, the currency with the most orders first.
    spend: Vec<SpendBody>,
}

/// The spend in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Spend)]
struct SpendBody {
    /// ISO 4217 code; `null` for orders that state none.
    currency: Option<&'static str>,
    /// The sum, exact to the cent.
    amount: f64,
    /// The average of an order, to the cent.
    average: f64,
    /// How many orders have an amount.
    orders: u64,
}

/// Read the totals of a period
///
/// The same numbers as `/stats` in Discord: orders, units, spend and cancel rate, in total and by day, store, profile,
/// owner, product or status.
#[utoipa::path(
    get, path = "/api/v2/stats", tag = "Orders", operation_id = "read_stats",
    params(ReadStats),
    responses((status = 200, description = "The totals, and those of each group", body = Stats), ListErrors)
)]
pub(crate) async fn read(
    caller: Caller,
    State(state): State<Arc<AppState>>,
    Query(query): Query<ReadStats>,
) -> Result<Json<Stats>, ApiError> {
    let StatsOf { title, period, by, by_name, rows, each_once } =
        StatsOf::read(&state, &caller, query).await?;
    let left_out = rows.len().saturating_sub(MAX_GROUPS);
    let shown = match by {
        GroupBy::Day => rows.get(left_out..),
        _ => rows.get(..rows.len() - left_out),
    };
    Ok(Json(Stats {
        title,
        from: period.from,
        to: period.to,
        timezone: state.timezone.to_string(),
        by: by_name,
        totals: Totals::of_rows(&each_once).into(),
        groups: shown.unwrap_or_default().iter().map(GroupBody::from).collect(),
        more_groups: left_out as u64,
    }))
}

/// The statistics of a period, as they were asked for.
pub(crate) struct StatsOf {
    /// The period as text.
    pub(crate) title: String,
    pub(crate) period: Period,
    pub(crate) by: GroupBy,
    pub(crate) by_name: &'static str,
    /// The groups.
    pub(crate) rows: Vec<StatRow>,
    /// Rows that count each order once, for the totals.
    pub(crate) each_once: Vec<StatRow>,
}

impl StatsOf {
    pub(crate) async fn read(
        state: &AppState,
        caller: &Caller,
        ReadStats { period, since, until, by }: ReadStats,
    ) -> Result<Self, ApiError> {
        let timezone = state.timezone;
        let named = period.map(|Name(period)| period);
        let (is_since, today) = (since.is_some(), day_of(now(), timezone));
        let (title, period) = read_period(named, since.as_deref(), until.as_deref(), today, timezone)
            .map_err(|error| {
                // Both dates are texts; the one that cannot be read is the one that the error repeats.
                let of_until =
                    matches!(&error, PeriodError::NotADate { text } if until.as_deref() == Some(text));
                let name = match error {
                    PeriodError::TwoPeriods => "period",
                    _ if is_since && !of_until => "since",
                    _ => "until",
                };
                bad_parameter(name, error.to_string())
            })?;
        let by = by.map_or(GroupBy::Day, |Name(by)| by);
        if by == GroupBy::Profile {
            caller.require_pii()?;
        }
        let (rows, each_once) = state.store.stats_with_totals(&period, by).await?;
        let by_name = GroupBy::ALL.into_iter().find(|(_, known)| *known == by).map_or("", |(name, _)| name);
        Ok(Self { title, period, by, by_name, rows, each_once })
    }
}

impl From<&StatRow> for GroupBody {
    fn from(row: &StatRow) -> Self {
        Self { key: row.key.clone(), totals: Totals::of_rows([row]).into() }
    }
}

impl From<Totals> for TotalsBody {
    fn from(totals: Totals) -> Self {
        let spend = totals.spend().into_iter().map(|(currency, total)| SpendBody {
            currency: currency.map(|currency| currency.code()),
            amount: number_of(total.amount),
            average: number_of(total.average()),
            orders: total.orders,
        });
        Self {
            orders: totals.orders,
            cancelled_or_refunded: totals.cancelled_or_refunded,
            cancel_percent: number_of(totals.cancel_percent()),
            units: totals.units,
            spend: spend.collect(),
        }
    }
}

/// The double nearest to a decimal.
fn number_of(decimal: Decimal) -> f64 {
    decimal.to_f64().unwrap_or_default()
}
