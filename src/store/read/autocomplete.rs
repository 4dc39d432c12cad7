//! What somebody may mean who types the beginning of something.

use sea_orm::sea_query::{BinOper, Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, Order as Sort};

use super::fetch::{Stretch, list, near, scattered};
use super::filter::{column_holds, key, lowered};
use crate::order::Order;
use crate::store::entity::orders::{Column, Entity};
use crate::store::search::{Needle, Sample};
use crate::store::{Store, StoreError};

/// Numbers with the same beginning that are sorted by age.
const SORTED: u64 = 1_000;

/// Where a text is looked for that begins no number, or few.
const OTHERS: [Column; 3] = [Column::Product, Column::Email, Column::Profile];

impl Store {
    /// Orders that a text may mean: first those whose number begins with it, with or without `#`
    /// and in any case, then those with it in product, e-mail address or profile; in each the most
    /// recent first, each order once. An empty text means the newest orders.
    ///
    /// Where there is no index for it (a text of fewer than three letters, or no search index),
    /// product, e-mail and profile are looked at in the newest few thousand orders only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn autocomplete(&self, typed: &str, limit: u64) -> Result<Vec<Order>, StoreError> {
        let typed = typed.trim();
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let sample = Sample::default();
        let mut found = self.numbers_beginning(typed.trim_start_matches('#').trim(), limit, &sample).await?;
        if typed.is_empty() || found.len() >= wanted {
            return self.orders_by_ids(&found).await;
        }
        // Mostly nothing else holds what begins a number. One question tells.
        if self.recent_with(&OTHERS, typed, &found, 1, &sample).await?.is_empty() {
            return self.orders_by_ids(&found).await;
        }
        for column in OTHERS {
            let missing = wanted.saturating_sub(found.len());
            if missing == 0 {
                break;
            }
            found.extend(self.recent_with(&[column], typed, &found, missing, &sample).await?);
        }
        self.orders_by_ids(&found).await
    }

    /// The most recent orders whose number begins with a text.
    async fn numbers_beginning(
        &self,
        text: &str,
        limit: u64,
        sample: &Sample,
    ) -> Result<Vec<i64>, StoreError> {
        if text.is_empty() {
            return self.ids(list(Condition::all(), limit)).await;
        }
        let number = key(Column::OrderNumber, self.readers.get_database_backend());
        // No character comes after the last one.
        let end = lowered(text).binary(BinOper::Custom("||"), Expr::val("\u{10ffff}"));
        let begins = Condition::all().add(number.clone().gte(lowered(text))).add(number.lt(end));
        if let Some(ids) = self.recent_of_few(&begins, limit).await? {
            return Ok(ids);
        }
        let recent = self.ids(near(&begins, Stretch::ALL, limit)).await?;
        if recent.len() as u64 == limit {
            return Ok(recent);
        }
        if self.search.is_lagging()
            && let Some(lookup) = self.lookup(Needle::starting(Column::OrderNumber, text), sample).await?
        {
            return self.search_ids(&lookup, &Condition::all(), Stretch::ALL, limit).await;
        }
        self.ids(scattered(&begins, Stretch::ALL, limit, self.readers.get_database_backend())).await
    }

    /// The most recent of the orders that fit, by an index that has them in another order; `None`
    /// where they are too many to be sorted.
    async fn recent_of_few(&self, fitting: &Condition, limit: u64) -> Result<Option<Vec<i64>>, StoreError> {
        let mut few = Query::select();
        few.column(Column::Id).from(Entity).cond_where(fitting.clone()).limit(SORTED + 1);
        let mut counted = Query::select();
        counted.expr(Expr::cust("count(*)")).from_subquery(few.clone(), Entity);
        if self.ids(counted).await?.iter().any(|count| count.unsigned_abs() > SORTED) {
            return Ok(None);
        }
        let mut recent = Query::select();
        recent.column(Column::Id).from_subquery(few, Entity).order_by(Column::Id, Sort::Desc).limit(limit);
        self.ids(recent).await.map(Some)
    }

    /// The most recent orders with a text in one of the columns, but for those known already.
    async fn recent_with(
        &self,
        columns: &[Column],
        text: &str,
        known: &[i64],
        limit: usize,
        sample: &Sample,
    ) -> Result<Vec<i64>, StoreError> {
        let unknown = Condition::all().add(Column::Id.is_not_in(known.iter().copied()));
        if let Some(lookup) = self.lookup(Needle::within(columns, text), sample).await? {
            return self.search_ids(&lookup, &unknown, Stretch::ALL, limit as u64).await;
        }
        let held = columns.iter().map(|column| column_holds(*column, text));
        let fitting = unknown.add(held.fold(Condition::any(), Condition::add));
        self.ids(near(&fitting, Stretch::ALL, limit as u64)).await
    }
}
