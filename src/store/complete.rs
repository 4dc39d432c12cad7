//! What somebody may mean who types: completions of a text, and numbers that are nearly it.
//!
//! Both look at the newest orders, which are meant most often, and into the indexes of beginnings;
//! never at all orders. How many there are makes no difference.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::{Store, StoreError};
use crate::order::{Order, OrderNumber};

/// Newest orders that are looked at one by one.
const NEWEST: u64 = 1000;
/// Orders that are taken from an index: more than that begin alike only where they are common, and
/// then enough of the newest do.
const FROM_INDEX: u64 = 1000;
/// Numbers that are taken for each beginning of one that is not found.
const NEIGHBOURS: u64 = 50;
/// Columns that a text may begin, the likeliest first.
const COLUMNS: [&str; 4] = ["order_number", "product", "email", "profile"];
/// Sorts behind every text that goes on from a beginning.
const LAST: &str = "\u{10ffff}";

/// An order as far as completion looks at it: its row id, and [`COLUMNS`] in lower case.
type Candidate = (i64, [Option<String>; 4]);

impl Store {
    /// Orders that a text may mean: those whose number begins with it, with or without `#`, then
    /// those whose product, e-mail address or profile does, in any case; in each the most recent
    /// first, each order once. An empty text means the newest orders.
    ///
    /// Of a beginning that more than a thousand orders share, the most recent are those among the
    /// newest thousand orders.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn complete(&self, typed: &str, limit: u64) -> Result<Vec<Order>, StoreError> {
        let typed = typed.trim();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let newest = self.newest().await?;
        let mut ids: Vec<i64> = Vec::new();
        let mut known = HashSet::new();
        for (at, column) in COLUMNS.iter().enumerate() {
            let start = if at == 0 { typed.trim_start_matches('#').trim() } else { typed };
            let mut hits = recent(&newest, at, start);
            if hits.len() < limit && !start.is_empty() {
                hits.extend(self.beginning(column, start, FROM_INDEX).await?.into_iter().map(|(id, _)| id));
                hits.sort_unstable_by(|a, b| b.cmp(a));
            }
            ids.extend(hits.into_iter().filter(|id| known.insert(*id)));
            if ids.len() >= limit {
                break;
            }
        }
        ids.truncate(limit);
        self.orders_by_ids(&ids).await
    }

    /// The stored numbers that are nearest to one that is not stored, nearest first: of those that
    /// begin alike, and of the newest.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn nearest(&self, number: &str, limit: usize) -> Result<Vec<OrderNumber>, StoreError> {
        let Ok(typed) = OrderNumber::parse(number) else { return Ok(Vec::new()) };
        let typed = typed.as_str().to_lowercase();
        let length = typed.chars().count();
        let mut numbers: HashSet<String> =
            self.newest().await?.into_iter().filter_map(|(_, [number, ..])| number).collect();
        let mut start: String = typed.chars().take(length.max(2)).collect();
        while start.chars().count() * 2 > length {
            numbers.extend(
                self.beginning(COLUMNS[0], &start, NEIGHBOURS).await?.into_iter().map(|(_, text)| text),
            );
            start.pop();
        }
        let mut ranked: Vec<(usize, String)> = numbers
            .into_iter()
            .map(|number| (strsim::osa_distance(&typed, &number), number))
            .filter(|(distance, _)| distance * 2 <= length)
            .collect();
        ranked.sort_unstable();
        let mut nearest = Vec::new();
        for (_, number) in ranked.into_iter().take(limit) {
            // As it is written, not in lower case.
            nearest.extend(self.order(&number).await?.map(|order| order.number));
        }
        Ok(nearest)
    }

    async fn newest(&self) -> Result<Vec<Candidate>, StoreError> {
        let columns = COLUMNS.map(|column| format!("lower({column}) AS {column}")).join(", ");
        let sql = format!("SELECT id, {columns} FROM orders ORDER BY id DESC LIMIT {NEWEST}");
        let backend = self.readers.get_database_backend();
        let rows = self.readers.query_all_raw(Statement::from_string(backend, sql)).await?;
        let mut newest = Vec::with_capacity(rows.len());
        for row in rows {
            let mut texts = [None, None, None, None];
            for (text, column) in texts.iter_mut().zip(COLUMNS) {
                *text = row.try_get("", column)?;
            }
            newest.push((row.try_get("", "id")?, texts));
        }
        Ok(newest)
    }

    /// Row ids of orders of which a column begins so, and what it says, in lower case. From the index.
    async fn beginning(
        &self,
        column: &str,
        start: &str,
        limit: u64,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let backend = self.readers.get_database_backend();
        let (collation, one, two) = match backend {
            DbBackend::Postgres => (" COLLATE \"C\"", "$1", "$2"),
            _ => ("", "?", "?"),
        };
        let text = format!("(lower({column}){collation})");
        let sql = format!(
            "SELECT id, lower({column}) AS text FROM orders \
             WHERE {text} >= lower({one}) AND {text} < lower({two}) LIMIT {limit}"
        );
        let values = [start.into(), format!("{start}{LAST}").into()];
        let rows = self.readers.query_all_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        rows.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "text")?))).collect()
    }
}

/// Those of the newest orders of which a column begins so, newest first.
fn recent(newest: &[Candidate], column: usize, start: &str) -> Vec<i64> {
    let start = start.to_lowercase();
    let begins = |texts: &[Option<String>; 4]| {
        texts.get(column).and_then(Option::as_deref).is_some_and(|text| text.starts_with(&start))
    };
    newest.iter().filter(|(_, texts)| begins(texts)).map(|(id, _)| *id).collect()
}
