//! What SQLite's index finds, in the order of the list.
//!
//! Its finds come in ever larger portions, each checked against the orders themselves, until there
//! are enough. Orders that the index has not taken yet are looked at one by one.

use sea_orm::sea_query::{Expr, IntoCondition};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, Statement,
};

use super::super::entity::orders::{Column, Entity};
use super::super::{Store, StoreError};
use super::{Lookup, Texts};
use crate::store::read::fetch::Stretch;
use crate::store::read::filter::SEARCHED;

/// The first portion, and the largest.
const PORTIONS: (usize, usize) = (64, 4096);

/// A search under way.
pub(crate) struct Hits<'a> {
    store: &'a Store,
    lookup: &'a Lookup,
    rest: Condition,
}

impl<'a> Hits<'a> {
    /// What the index finds and further conditions allow.
    pub(crate) const fn new(store: &'a Store, lookup: &'a Lookup, rest: Condition) -> Self {
        Self { store, lookup, rest }
    }

    /// The row ids of the first so many hits on a stretch.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn ids(&self, stretch: Stretch, wanted: usize) -> Result<Vec<i64>, StoreError> {
        self.examine(stretch, wanted, usize::MAX).await.map(|(ids, _)| ids)
    }

    /// How many hits there are, as far as so many finds tell, and whether these are all.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn count(&self, finds: usize) -> Result<(usize, bool), StoreError> {
        let (ids, whole) = self.examine(Stretch::ALL, usize::MAX, finds).await?;
        Ok((ids.len(), whole))
    }

    /// Looks at no more than so many finds of the index; also gives whether these were all.
    async fn examine(
        &self,
        mut stretch: Stretch,
        wanted: usize,
        mut finds: usize,
    ) -> Result<(Vec<i64>, bool), StoreError> {
        let mut hits = self.pending(stretch).await?;
        let mut indexed = 0;
        let mut portion = PORTIONS.0.max(wanted.min(PORTIONS.1));
        let whole = loop {
            let found = self.found(stretch, portion.min(finds)).await?;
            let last = found.len() < portion.min(finds);
            finds -= found.len();
            stretch.beyond = found.last().copied().or(stretch.beyond);
            let checked = self.checked(found).await?;
            indexed += checked.len();
            hits.extend(checked);
            if last || indexed >= wanted || finds == 0 {
                break last;
            }
            portion = (portion * 4).min(PORTIONS.1);
        };
        hits.sort_unstable();
        // One that the index took in the meantime has been found twice.
        hits.dedup();
        if stretch.descending {
            hits.reverse();
        }
        hits.truncate(wanted);
        Ok((hits, whole))
    }

    /// The next finds of the index.
    async fn found(&self, stretch: Stretch, limit: usize) -> Result<Vec<i64>, StoreError> {
        let (beyond, way) = if stretch.descending { ("<", "DESC") } else { (">", "ASC") };
        let sql = format!(
            "SELECT rowid FROM orders_search WHERE orders_search MATCH ? AND rowid {beyond} ? \
             AND rowid NOT IN (SELECT order_id FROM search_pending) ORDER BY rowid {way} LIMIT ?"
        );
        let end = if stretch.descending { i64::MAX } else { i64::MIN };
        let values = [
            self.lookup.expression().into(),
            stretch.beyond.unwrap_or(end).into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ];
        let ask = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
        let rows = self.store.readers.query_all_raw(ask).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// Those of the finds that hold the whole text and that the further conditions allow.
    async fn checked(&self, found: Vec<i64>) -> Result<Vec<i64>, StoreError> {
        if found.is_empty() || self.lookup.is_exact() && self.rest.is_empty() {
            return Ok(found);
        }
        self.read(Column::Id.is_in(found)).await
    }

    /// The hits among the orders that the index has not taken yet.
    async fn pending(&self, stretch: Stretch) -> Result<Vec<i64>, StoreError> {
        let waiting = Expr::cust("id IN (SELECT order_id FROM search_pending)");
        self.read(stretch.condition(Expr::col(Column::Id)).add(waiting)).await
    }

    async fn read(&self, which: impl IntoCondition) -> Result<Vec<i64>, StoreError> {
        let rows: Vec<Texts> = Entity::find()
            .filter(self.rest.clone())
            .filter(which)
            .select_only()
            .column(Column::Id)
            .columns(SEARCHED)
            .into_tuple()
            .all(&self.store.readers)
            .await?;
        Ok(rows.into_iter().filter(|texts| self.lookup.needle.is_in(texts)).map(|texts| texts.0).collect())
    }
}
