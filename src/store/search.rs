//! Substring search: which part of a text is looked up in the search index, and the SQL that does it.
//!
//! The index of either engine consists of trigrams: for every three characters, a list of the orders
//! that contain them. The database updates it in the transaction that writes an order. A lookup only
//! narrows the orders down, so the same statement checks each of them for the whole text.

mod index;
mod window;

use migration::search_index;
use sea_orm::sea_query::{Expr, ExprTrait, Func, IntoColumnRef, JoinType, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect};
use tokio::sync::OnceCell;

use super::entity::orders::{Column, Entity};
use super::read::filter::{
    IdRange, SEARCHED, column_contains_ascii_of, contains, has_number_prefix, lower, lowered,
};
use super::{Store, StoreError};

pub(crate) use index::prepare;

/// Characters of a text that are looked up: enough to be rare, and few enough that the database reads
/// only three lists of orders.
const WINDOW: usize = 5;
/// A shorter text contains no trigram.
const MIN_CHARACTERS: usize = 3;
/// Orders in the sample that tells which parts of a text are rare.
const SAMPLE_SIZE: i64 = 200;
/// A text is common if this many orders of the sample contain it.
const COMMON_IN_SAMPLE: usize = 4;

/// A text and how to find the orders that contain it by the search index.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    backend: DbBackend,
    /// The part of the text that is looked up, at most [`WINDOW`] characters.
    part: String,
    /// The condition for an order that contains the part to contain the whole text.
    check: Condition,
    /// Whether the newest few thousand orders are likely to fill a page.
    is_common: bool,
}

impl Lookup {
    pub(crate) const fn is_common(&self) -> bool {
        self.is_common
    }

    pub(crate) fn check(&self) -> &Condition {
        &self.check
    }

    /// That an order contains the looked-up part. At most `limit` orders of SQLite satisfy it, because
    /// SQLite lists all of them first.
    pub(crate) fn condition(&self, limit: u64) -> Condition {
        if self.backend == DbBackend::Postgres {
            return contains(&self.part, self.backend);
        }
        let mut found = Query::select();
        found.expr(Expr::cust("rowid")).from("orders_search").and_where(self.sqlite_match()).limit(limit);
        Condition::all().add(Expr::col(Column::Id).in_subquery(found))
    }

    /// The ids of matching orders on SQLite. The index is read in the order of the list and only as far
    /// as `limit` requires: `CROSS JOIN` forbids SQLite to begin with `orders`.
    pub(crate) fn sqlite_ids(&self, rest: &Condition, range: IdRange, limit: u64) -> SelectStatement {
        let mut found = Query::select();
        found
            .expr_as(Expr::cust("rowid"), "id")
            .from("orders_search")
            .and_where(self.sqlite_match())
            .cond_where(range.condition(Expr::cust("rowid")));
        let mut ids = Query::select();
        ids.column((Entity, Column::Id))
            .from_subquery(found, "found")
            // SeaQuery writes no ON for this kind of join.
            .join(JoinType::CrossJoin, Entity, Condition::all())
            .and_where(Expr::col((Entity, Column::Id)).equals(("found", "id")))
            .cond_where(self.check.clone())
            .cond_where(rest.clone())
            .order_by(("found", "id").into_column_ref(), range.sort())
            .limit(limit);
        ids
    }

    /// An FTS5 query for all trigrams of the part. Between quotes, a text stands for itself.
    fn sqlite_match(&self) -> Expr {
        let characters: Vec<char> = self.part.chars().collect();
        let trigrams: Vec<String> = characters
            .windows(3)
            .map(|trigram| format!("\"{}\"", trigram.iter().collect::<String>().replace('"', "\"\"")))
            .collect();
        Expr::cust_with_values("orders_search MATCH ?", [trigrams.join(" AND ")])
    }
}

/// A sample of the orders' texts, read when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Sample(OnceCell<Vec<String>>);

impl Store {
    /// How to find the orders with a text in one of the columns by the search index; `None` if that
    /// is not possible.
    pub(crate) async fn lookup(
        &self,
        columns: &[Column],
        text: &str,
        sample: &Sample,
    ) -> Result<Option<Lookup>, StoreError> {
        let backend = self.readers.get_database_backend();
        // "#123" also finds the order number 123, so the index is asked for "123".
        let everywhere = columns.len() == SEARCHED.len();
        let number = text.strip_prefix('#').filter(|_| everywhere);
        let needle = number.unwrap_or(text).to_lowercase();
        let length = needle.chars().count();
        // Neither character is stored: SQLite would end the text at the one, PostgreSQL's index has
        // the other between the columns.
        let is_storable = !text.contains(['\0', search_index::POSTGRES_SEPARATOR]);
        if !self.has_search_index || length < MIN_CHARACTERS || !is_storable {
            return Ok(None);
        }
        let is_sqlite = backend == DbBackend::Sqlite;
        let (part, is_common) = if is_sqlite && length <= WINDOW {
            (needle.clone(), true)
        } else {
            let sample = sample.0.get_or_try_init(|| self.sample()).await?;
            let is_common = sample.iter().filter(|text| text.contains(&needle)).count() >= COMMON_IN_SAMPLE;
            let part = if length > WINDOW { window::rarest(&needle, sample) } else { needle.clone() };
            (part, is_common)
        };
        let mut check = Condition::any();
        if is_sqlite {
            // SQLite knows upper and lower case of ASCII only. The index knows all of Unicode and has
            // compared the other characters already.
            check =
                columns.iter().fold(check, |any, column| any.add(column_contains_ascii_of(*column, text)));
        } else {
            // PostgreSQL would look up a second LIKE in the index as well.
            let position = |column: Expr| Func::cust("strpos").arg(column).arg(lowered(text)).gt(0);
            if !everywhere {
                check = columns.iter().fold(check, |any, column| any.add(position(lower(*column))));
            } else if part != text.to_lowercase() {
                check = check.add(position(Expr::cust(search_index::POSTGRES_TEXT)));
            }
        }
        if let Some(number) = number {
            check = check.add(has_number_prefix(number, backend));
        }
        // An empty "any" would be false.
        let check = if check.is_empty() { Condition::all() } else { check };
        Ok(Some(Lookup { backend, part, check, is_common }))
    }

    /// The searched columns of orders spread over the whole list, in lower case.
    async fn sample(&self) -> Result<Vec<String>, StoreError> {
        type Texts = (String, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

        let newest: Option<Option<i64>> = Entity::find()
            .select_only()
            .column_as(Column::Id.max(), "newest")
            .into_tuple()
            .one(&self.readers)
            .await?;
        let newest = newest.flatten().unwrap_or_default();
        let ids = (1..=SAMPLE_SIZE)
            .map(|part| newest / SAMPLE_SIZE * part + newest % SAMPLE_SIZE * part / SAMPLE_SIZE);
        let rows: Vec<Texts> = Entity::find()
            .filter(Column::Id.is_in(ids))
            .select_only()
            .columns(SEARCHED)
            .into_tuple()
            .all(&self.readers)
            .await?;
        let text = |(number, product, email, profile, tracking, items): Texts| {
            let others = [product, email, profile, tracking, items].into_iter().flatten();
            [number].into_iter().chain(others).collect::<Vec<_>>().join("\n").to_lowercase()
        };
        Ok(rows.into_iter().map(text).collect())
    }
}
