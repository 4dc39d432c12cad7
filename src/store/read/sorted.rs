//! The list of orders sorted by a column, and grouped by product.
//!
//! No index returns the orders of a filter sorted by an arbitrary column, so both read only the newest
//! [`MAX_ARRANGED`] orders of the filter.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, Func, NullOrdering, Query};
use sea_orm::{ColumnTrait, Order as Sort};

use super::filter::{IdRange, lower};
use super::pages::{QueryPlan, newest};
use super::stats::MAX_COUNTED;
use super::totals::Totals;
use crate::order::is_personal;
use crate::store::entity::orders::{Column, Entity};
use crate::store::read::filter::Split;
use crate::store::write::sums::Contribution;
use crate::store::{OrderFilter, OrderPage, Store, StoreError};

/// Maximum orders to sort or group: the newest ones of a filter. The totals of a filter have the same limit.
pub(crate) const MAX_ARRANGED: u64 = MAX_COUNTED;
/// Orders per query while grouping.
const CHUNK: usize = 1_000;

/// A column and a direction to sort orders by.
#[derive(Clone, Copy, Debug)]
pub struct SortBy {
    /// The name of the column.
    name: &'static str,
    column: Column,
    descending: bool,
}

macro_rules! define_sorts {
    ($($name:literal => $column:ident;)+) => {
        impl SortBy {
            /// Every way to sort, by its name: a column, and with a minus sign the largest value first.
            pub(crate) const ALL: &[(&str, Self)] = &[$(
                ($name, Self { name: $name, column: Column::$column, descending: false }),
                (concat!("-", $name), Self { name: $name, column: Column::$column, descending: true }),
            )+];
        }
    };
}
define_sorts! {
    "order_date" => OrderDate;
    "order_number" => OrderNumber;
    "store" => Store;
    "product" => Product;
    "quantity" => Quantity;
    "qty_received" => QtyReceived;
    "price" => Price;
    "total" => Total;
    "commission" => Commission;
    "status" => Status;
    "profile" => Profile;
    "email" => Email;
    "tracking_number" => TrackingNumber;
    "shipped_date" => ShippedDate;
    "delivered_date" => DeliveredDate;
}

impl SortBy {
    /// Whether sorting by this column would reveal something about personal data.
    pub(crate) fn is_personal(self) -> bool {
        is_personal(self.name)
    }

    /// The value to compare. Texts are compared without regard to case.
    fn key(self) -> Expr {
        match self.column {
            Column::OrderDate => {
                Func::coalesce([Expr::col(Column::OrderDate), Expr::col(Column::CreatedAt)]).into()
            }
            Column::OrderNumber
            | Column::Store
            | Column::Product
            | Column::Status
            | Column::Profile
            | Column::Email
            | Column::TrackingNumber => lower(self.column),
            column => Expr::col(column),
        }
    }
}

/// The orders of one product.
#[derive(Clone, Debug)]
pub(crate) struct ProductTotals {
    /// The product; `None` groups the orders without one.
    pub(crate) name: Option<String>,
    pub(crate) totals: Totals,
    /// Units that have arrived, without those of cancelled and refunded orders.
    pub(crate) received: u64,
}

impl Store {
    /// The page after the first `skipped` orders of a sorted list. Orders without a value come last.
    pub async fn sorted_page(
        &self,
        filter: &OrderFilter,
        sort: SortBy,
        skipped: u64,
        limit: u64,
    ) -> Result<OrderPage, StoreError> {
        let found = self.newest_ids(filter).await?;
        let direction = if sort.descending { Sort::Desc } else { Sort::Asc };
        let mut sorted = Query::select();
        sorted
            .column(Column::Id)
            .from(Entity)
            .and_where(Column::Id.is_in(found))
            .order_by_expr_with_nulls(sort.key(), direction, NullOrdering::Last)
            .order_by(Column::Id, Sort::Desc)
            .offset(skipped)
            .limit(limit.saturating_add(1));
        let mut ids = self.ids(sorted).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_older = ids.len() > limit;
        ids.truncate(limit);
        Ok(OrderPage { items: self.orders_by_ids(&ids).await?, has_newer: skipped > 0, has_older })
    }

    /// Groups the orders of a filter by product, with the same counts as [`Self::stats`]. The product with
    /// the most orders comes first.
    pub(crate) async fn product_totals(
        &self,
        filter: &OrderFilter,
    ) -> Result<Vec<ProductTotals>, StoreError> {
        let mut groups = BTreeMap::<Option<String>, ProductTotals>::new();
        for ids in self.newest_ids(filter).await?.chunks(CHUNK) {
            let mut orders = self.orders_by_ids(ids).await?;
            self.load_items(&mut orders).await?;
            for order in orders {
                let contribution =
                    Contribution::of(&order.fields, &order.items, order.created_at, self.timezone);
                for (row, received) in contribution.products(&order) {
                    let name = row.key.clone();
                    let group = groups.entry(name.clone()).or_insert_with(|| ProductTotals {
                        name,
                        totals: Totals::default(),
                        received: 0,
                    });
                    group.totals.add_row(&row);
                    group.received = group.received.saturating_add(received);
                }
            }
        }
        let mut groups: Vec<ProductTotals> = groups.into_values().collect();
        groups.sort_by_key(|group| Reverse(group.totals.orders));
        Ok(groups)
    }

    /// The row ids of the newest orders of a filter.
    async fn newest_ids(&self, filter: &OrderFilter) -> Result<Vec<i64>, StoreError> {
        match self.plan(filter).await? {
            QueryPlan::Sorted(Split { lookup, rest }) => {
                self.ids(newest(lookup.add(rest), MAX_ARRANGED)).await
            }
            plan => self.unsorted_ids(&plan, IdRange::ALL, MAX_ARRANGED).await,
        }
    }
}
