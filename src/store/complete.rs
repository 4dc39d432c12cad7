//! What somebody may mean who types: completions of a text, and numbers that are nearly it.

use sea_orm::sea_query::{BinOper, Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::orders::{Column, Entity};
use super::orders::like_pattern;
use super::{Store, StoreError, rows};
use crate::order::{Order, OrderNumber};

impl Store {
    /// Orders that a text may mean: first those whose number begins with it, with or without `#`
    /// and in any case, then those with it in product, e-mail address or profile; in each the most
    /// recent first, each order once. An empty text means the newest orders.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn complete(&self, typed: &str, limit: u64) -> Result<Vec<Order>, StoreError> {
        let typed = typed.trim();
        let number = typed.trim_start_matches('#').trim();
        let mut found: Vec<Order> = Vec::new();
        let steps = [
            (Column::OrderNumber, like_pattern("", number)),
            (Column::Product, like_pattern("%", typed)),
            (Column::Email, like_pattern("%", typed)),
            (Column::Profile, like_pattern("%", typed)),
        ];
        for (column, pattern) in steps {
            let pattern =
                Expr::from(Func::lower(Expr::val(pattern))).binary(BinOper::Escape, Expr::val(r"\"));
            let hit = Expr::from(Func::lower(Expr::col(column))).binary(BinOper::Like, pattern);
            let known: Vec<i64> = found.iter().map(|order| order.id).collect();
            let rows = Entity::find()
                .filter(Condition::all().add(hit).add(Column::Id.is_not_in(known)))
                .order_by_desc(Column::Id)
                .limit(limit.saturating_sub(found.len() as u64))
                .all(&self.readers)
                .await?;
            found.extend(rows.into_iter().map(rows::order).collect::<Result<Vec<_>, _>>()?);
            if found.len() as u64 >= limit {
                break;
            }
        }
        Ok(found)
    }

    /// The stored numbers that are nearest to one that is not stored, nearest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn nearest(&self, number: &str, limit: usize) -> Result<Vec<OrderNumber>, StoreError> {
        let Ok(typed) = OrderNumber::parse(number) else { return Ok(Vec::new()) };
        let typed = typed.as_str().to_lowercase();
        let numbers: Vec<String> =
            Entity::find().select_only().column(Column::OrderNumber).into_tuple().all(&self.readers).await?;
        let mut ranked: Vec<(usize, String)> = numbers
            .into_iter()
            .map(|number| (strsim::osa_distance(&typed, &number.to_lowercase()), number))
            .filter(|(distance, _)| distance * 2 <= typed.chars().count())
            .collect();
        ranked.sort_unstable();
        Ok(ranked
            .into_iter()
            .take(limit)
            .filter_map(|(_, number)| OrderNumber::parse(&number).ok())
            .collect())
    }
}
