//! Suggestions for what somebody types: autocompletion, and order numbers similar to a wrong one.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order as Sort, QueryFilter, QueryOrder,
    QuerySelect, StatementBuilder,
};

use super::filter::{IdRange, column_contains, has_number_prefix, key, lowered, name_contains};
use super::pages::{all_sorted, newest, newest_window};
use crate::order::{Order, OrderNumber, View};
use crate::store::entity::order_sums;
use crate::store::entity::orders::{Column, Entity};
use crate::store::search::Sample;
use crate::store::write::sums::SumKind;
use crate::store::{Store, StoreError};

/// If no more order numbers than this have the typed prefix, all of them are sorted by age.
const MAX_SORTED: u64 = 1_000;
/// Columns that autocompletion searches after the order number. Only the first holds no personal data.
const OTHER_COLUMNS: [Column; 3] = [Column::Product, Column::Email, Column::Profile];

/// Order numbers that are compared before and after a wrong one in alphabetical order.
const NEIGHBOURS: u64 = 100;
/// All typing errors are tried only for numbers with at most this many characters.
const MAX_LENGTH_FOR_TYPOS: usize = 40;
/// Characters that may have been left out or mistyped.
const ALPHABET: &str = "0123456789abcdefghijklmnopqrstuvwxyz-";

impl Store {
    /// Orders that a typed text may mean, each once: those whose number begins with it, with or without
    /// `#` and in any case, then those with it in product, e-mail address or profile. Within each group
    /// the newest come first. An empty text means the newest orders. E-mail addresses and profiles are searched only
    /// for a reader who sees them.
    ///
    /// Without a search index, and for fewer than three characters, only the newest few thousand orders
    /// are searched for product, e-mail and profile.
    pub async fn autocomplete(&self, typed: &str, view: View, limit: u64) -> Result<Vec<Order>, StoreError> {
        let typed = typed.trim();
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let sample = Sample::default();
        let mut found = self.ids_by_number_prefix(typed.trim_start_matches('#').trim(), limit).await?;
        if typed.is_empty() || found.len() >= wanted {
            return self.orders_by_ids(&found).await;
        }
        let columns = match view {
            View::Full => OTHER_COLUMNS.as_slice(),
            View::Masked => OTHER_COLUMNS.get(..1).unwrap_or_default(),
        };
        // A text that begins a number is rarely in another column. One query tells.
        if self.newest_containing(columns, typed, &found, 1, &sample).await?.is_empty() {
            return self.orders_by_ids(&found).await;
        }
        for column in columns {
            let missing = wanted.saturating_sub(found.len());
            if missing == 0 {
                break;
            }
            found.extend(self.newest_containing(&[*column], typed, &found, missing, &sample).await?);
        }
        self.orders_by_ids(&found).await
    }

    /// The newest orders whose number begins with a text.
    async fn ids_by_number_prefix(&self, text: &str, limit: u64) -> Result<Vec<i64>, StoreError> {
        if text.is_empty() {
            return self.ids(newest(Condition::all(), limit)).await;
        }
        let backend = self.readers.get_database_backend();
        let has_prefix = has_number_prefix(text, backend);
        let mut few = Query::select();
        few.column(Column::Id).from(Entity).cond_where(has_prefix.clone()).limit(MAX_SORTED + 1);
        let mut count = Query::select();
        count.expr(Expr::col(Column::Id).count()).from_subquery(few.clone(), Entity);
        if self.ids(count).await?.iter().all(|count| count.unsigned_abs() <= MAX_SORTED) {
            let mut sorted = Query::select();
            sorted
                .column(Column::Id)
                .from_subquery(few, Entity)
                .order_by(Column::Id, Sort::Desc)
                .limit(limit);
            return self.ids(sorted).await;
        }
        let recent = self.ids(newest_window(&has_prefix, limit)).await?;
        if recent.len() as u64 == limit {
            return Ok(recent);
        }
        self.ids(all_sorted(&has_prefix, IdRange::ALL, limit, backend)).await
    }

    /// The newest orders with a text in one of the columns, except those already known.
    async fn newest_containing(
        &self,
        columns: &[Column],
        text: &str,
        known: &[i64],
        limit: usize,
        sample: &Sample,
    ) -> Result<Vec<i64>, StoreError> {
        let unknown = Condition::all().add(Column::Id.is_not_in(known.iter().copied()));
        if let Some(lookup) = self.lookup(columns, text, sample).await? {
            return self.search_ids(&lookup, &unknown, IdRange::ALL, limit as u64).await;
        }
        let contains = columns.iter().map(|column| column_contains(*column, text));
        let filter = unknown.add(contains.fold(Condition::any(), Condition::add));
        self.ids(newest_window(&filter, limit as u64)).await
    }

    /// The stores, profiles or products with this text in their name, in any case. Those with the most orders come
    /// first.
    pub(crate) async fn names_containing(
        &self,
        kind: SumKind,
        text: &str,
        limit: u64,
    ) -> Result<Vec<String>, StoreError> {
        let names = order_sums::Entity::find()
            .select_only()
            .column(order_sums::Column::Name)
            .filter(order_sums::Column::Kind.eq(kind.as_str()))
            .filter(order_sums::Column::Name.ne(""))
            .filter(Condition::all().add_option((!text.is_empty()).then(|| name_contains(text))))
            .group_by(order_sums::Column::Name)
            .order_by_desc(order_sums::Column::Orders.sum())
            .order_by_asc(order_sums::Column::Name)
            .limit(limit);
        Ok(names.into_tuple().all(&self.readers).await?)
    }

    /// The stored numbers most similar to one that is not stored, best first: those that one typing error
    /// explains, and alphabetical neighbours. Numbers that differ in more than half of their characters are
    /// left out.
    pub async fn similar_numbers(&self, number: &str, limit: usize) -> Result<Vec<OrderNumber>, StoreError> {
        let Ok(typed) = OrderNumber::parse(number) else { return Ok(Vec::new()) };
        let typed = typed.as_str().to_lowercase();
        let mut candidates = BTreeSet::new();
        for query in self.candidate_queries(&typed) {
            let statement = StatementBuilder::build(&query, &self.readers.get_database_backend());
            for row in self.readers.query_all_raw(statement).await? {
                candidates.insert(row.try_get_by_index::<String>(0)?);
            }
        }
        let length = typed.chars().count();
        let mut ranked: Vec<(usize, String)> = candidates
            .into_iter()
            .map(|number| (strsim::osa_distance(&typed, &number.to_lowercase()), number))
            .filter(|(distance, _)| distance * 2 <= length)
            .collect();
        ranked.sort_unstable();
        let numbers = ranked.into_iter().take(limit);
        Ok(numbers.filter_map(|(_, number)| OrderNumber::parse(&number).ok()).collect())
    }

    /// Queries for numbers that may be similar.
    fn candidate_queries(&self, typed: &str) -> Vec<SelectStatement> {
        let number_key = || key(Column::OrderNumber, self.readers.get_database_backend());
        let numbers =
            || Query::select().column(Column::OrderNumber).from(Entity).limit(NEIGHBOURS).to_owned();
        let mut after = numbers();
        after.and_where(number_key().gte(lowered(typed))).order_by_expr(number_key(), Sort::Asc);
        let mut before = numbers();
        before.and_where(number_key().lt(lowered(typed))).order_by_expr(number_key(), Sort::Desc);
        let mut queries = vec![after, before];
        if typed.chars().count() <= MAX_LENGTH_FOR_TYPOS {
            let mut typos = numbers();
            typos.and_where(number_key().is_in(typos_of(typed)));
            queries.push(typos);
        }
        queries
    }
}

/// Every text that one typing error turns into the typed one: a character too many, missing or wrong, or
/// two swapped.
fn typos_of(typed: &str) -> BTreeSet<String> {
    let characters: Vec<char> = typed.chars().collect();
    let mut typos = BTreeSet::new();
    for at in 0..=characters.len() {
        let (before, after) = characters.split_at(at);
        let text =
            |middle: &[char], after: &[char]| before.iter().chain(middle).chain(after).collect::<String>();
        typos.extend(ALPHABET.chars().map(|c| text(&[c], after)));
        if let [wrong, after @ ..] = after {
            typos.insert(text(&[], after));
            typos.extend(ALPHABET.chars().map(|c| text(&[c], after)));
            if let [next, after @ ..] = after {
                typos.insert(text(&[*next, *wrong], after));
            }
        }
    }
    typos
}
