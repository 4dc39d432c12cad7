//! Numbers that are nearly one that is not there.

use std::collections::BTreeSet;

use sea_orm::sea_query::{ExprTrait, Query, SelectStatement};
use sea_orm::{ConnectionTrait, Order as Sort, StatementBuilder};

use super::filter::{key, lowered};
use crate::order::OrderNumber;
use crate::store::entity::orders::{Column, Entity};
use crate::store::{Store, StoreError};

/// Neighbours in the order of the numbers that are looked at, on either side.
const NEIGHBOURS: u64 = 100;
/// Longest number, in characters, of which all slips are tried.
const LONGEST: usize = 40;
/// What a slip may put into a number.
const LETTERS: &str = "0123456789abcdefghijklmnopqrstuvwxyz-";

impl Store {
    /// The stored numbers that are nearest to one that is not stored, nearest first: those that
    /// one slip away, and those that begin like it. Numbers that differ in more than half of their
    /// letters are not near.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn similar_numbers(&self, number: &str, limit: usize) -> Result<Vec<OrderNumber>, StoreError> {
        let Ok(typed) = OrderNumber::parse(number) else { return Ok(Vec::new()) };
        let typed = typed.as_str().to_lowercase();
        let mut candidates = BTreeSet::new();
        for query in self.looks(&typed) {
            let statement = StatementBuilder::build(&query, &self.readers.get_database_backend());
            for row in self.readers.query_all_raw(statement).await? {
                candidates.insert(row.try_get_by_index::<String>(0)?);
            }
        }
        let letters = typed.chars().count();
        let mut ranked: Vec<(usize, String)> = candidates
            .into_iter()
            .map(|number| (strsim::osa_distance(&typed, &number.to_lowercase()), number))
            .filter(|(distance, _)| distance * 2 <= letters)
            .collect();
        ranked.sort_unstable();
        Ok(ranked
            .into_iter()
            .take(limit)
            .filter_map(|(_, number)| OrderNumber::parse(&number).ok())
            .collect())
    }

    /// The questions whose answers may be near.
    fn looks(&self, typed: &str) -> Vec<SelectStatement> {
        let number_key = || key(Column::OrderNumber, self.readers.get_database_backend());
        let numbers = || Query::select().column(Column::OrderNumber).from(Entity).to_owned();
        let mut above = numbers();
        above
            .and_where(number_key().gte(lowered(typed)))
            .order_by_expr(number_key(), Sort::Asc)
            .limit(NEIGHBOURS);
        let mut below = numbers();
        below
            .and_where(number_key().lt(lowered(typed)))
            .order_by_expr(number_key(), Sort::Desc)
            .limit(NEIGHBOURS);
        let mut looks = vec![above, below];
        if typed.chars().count() <= LONGEST {
            let mut slips = numbers();
            slips.and_where(number_key().is_in(slips_of(typed))).limit(NEIGHBOURS);
            looks.push(slips);
        }
        looks
    }
}

/// Every text that is one slip away: a letter too many, too few or wrong, or two swapped.
fn slips_of(typed: &str) -> BTreeSet<String> {
    let letters: Vec<char> = typed.chars().collect();
    let mut slips = BTreeSet::new();
    for at in 0..=letters.len() {
        let (before, after) = letters.split_at(at);
        let text =
            |middle: &[char], after: &[char]| before.iter().chain(middle).chain(after).collect::<String>();
        slips.extend(LETTERS.chars().map(|letter| text(&[letter], after)));
        if let [wrong, after @ ..] = after {
            slips.insert(text(&[], after));
            slips.extend(LETTERS.chars().map(|letter| text(&[letter], after)));
            if let [next, after @ ..] = after {
                slips.insert(text(&[*next, *wrong], after));
            }
        }
    }
    slips
}
