//! Which orders to list, and the conditions that say so to the database.

use chrono::{DateTime, Utc};
use migration::search_index;
use sea_orm::sea_query::{BinOper, Expr, ExprTrait, Func, IntoCondition};
use sea_orm::{Condition, DbBackend, IdenStatic};

use crate::order::Status;
use crate::store::entity::order_sums;
use crate::store::entity::orders::Column;

/// Which orders to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only of this status.
    pub status: Option<Status>,
    /// Only of this store, in any case.
    pub store: Option<String>,
    /// Only of this profile, in any case.
    pub profile: Option<String>,
    /// Only of this e-mail address, in any case.
    pub email: Option<String>,
    /// Only where number, product, e-mail, profile or tracking number hold this text, in any case.
    pub search: Option<String>,
    /// Only with an order date from here on.
    pub since: Option<DateTime<Utc>>,
    /// Only with an order date before this.
    pub until: Option<DateTime<Utc>>,
}

/// One of a filter's conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    Email,
    Profile,
    Store,
    Status,
    Search,
    Dates,
}

impl Term {
    const ALL: [Self; 6] = [Self::Email, Self::Profile, Self::Store, Self::Status, Self::Search, Self::Dates];
}

/// A filter as conditions: the one that orders are looked up by, and those that are then checked.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    pub(crate) lookup: Condition,
    pub(crate) rest: Condition,
}

impl OrderFilter {
    /// The conditions, where orders are looked up by this term.
    pub(crate) fn split(&self, by: Option<Term>, backend: DbBackend) -> Split {
        let (mut lookup, mut rest) = (Condition::all(), Condition::all());
        for term in Term::ALL {
            if by == Some(term) {
                lookup = lookup.add_option(self.condition(term, backend, false));
            } else {
                // SQLite knows nothing of how often a value is there, and would pick any index.
                // A sign before a column keeps it from that one.
                rest = rest.add_option(self.condition(term, backend, backend == DbBackend::Sqlite));
            }
        }
        Split { lookup, rest }
    }

    /// What a term asks of a row; `None` where the filter does not have it.
    fn condition(&self, term: Term, backend: DbBackend, hidden: bool) -> Option<Condition> {
        let plain = |column: Column| {
            if hidden { Expr::cust(format!("+{}", column.as_str())) } else { Expr::col(column) }
        };
        let whole = |column, text: &String| {
            let key = if hidden { Func::lower(plain(column)).into() } else { key(column, backend) };
            key.eq(lowered(text))
        };
        let condition = match term {
            Term::Email => whole(Column::Email, self.email.as_ref()?).into_condition(),
            Term::Profile => whole(Column::Profile, self.profile.as_ref()?).into_condition(),
            Term::Store => {
                Func::lower(plain(Column::Store)).eq(lowered(self.store.as_ref()?)).into_condition()
            }
            Term::Status => plain(Column::Status).eq(self.status?.as_str()).into_condition(),
            Term::Search => holds(self.search.as_ref()?, backend),
            Term::Dates => {
                let since = self.since.map(|since| plain(Column::OrderDate).gte(since));
                let until = self.until.map(|until| plain(Column::OrderDate).lt(until));
                Condition::all().add_option(since).add_option(until)
            }
        };
        (!condition.is_empty()).then_some(condition)
    }
}

/// Columns that a search looks into.
pub(crate) const SEARCHED: [Column; 5] =
    [Column::OrderNumber, Column::Product, Column::Email, Column::Profile, Column::TrackingNumber];

/// Whether one of the searched columns holds a text. PostgreSQL has an index for just this.
pub(crate) fn holds(text: &str, backend: DbBackend) -> Condition {
    if backend == DbBackend::Postgres {
        if text.contains(search_index::POSTGRES_BETWEEN) {
            return Condition::all().add(Expr::cust("1 = 0"));
        }
        return Condition::all().add(like(Expr::cust(search_index::POSTGRES_TEXT), text));
    }
    SEARCHED.into_iter().fold(Condition::any(), |any, column| any.add(column_holds(column, text)))
}

/// Whether a column holds a text, in any case.
pub(crate) fn column_holds(column: Column, text: &str) -> Expr {
    like(lower(column), text)
}

fn like(lower: Expr, text: &str) -> Expr {
    let escaped = text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    let pattern = lowered(&format!("%{escaped}%")).binary(BinOper::Escape, Expr::val(r"\"));
    lower.binary(BinOper::Like, pattern)
}

/// Whether a row of the sums is of this name, in any case.
pub(crate) fn name_is(text: &str) -> Expr {
    Func::lower(Expr::col(order_sums::Column::Name)).eq(lowered(text))
}

/// What numbers, e-mail addresses and profiles are looked up by: in any case, and in the order of
/// the bytes, so that those with the same beginning lie together.
pub(crate) fn key(column: Column, backend: DbBackend) -> Expr {
    let collation = if backend == DbBackend::Postgres { r#" COLLATE "C""# } else { "" };
    Expr::cust(format!(r#"lower("orders"."{}"){collation}"#, column.as_str()))
}

/// A column in lower case. Both sides by the database, whose lower case may stop at ASCII.
fn lower(column: Column) -> Expr {
    Func::lower(Expr::col(column)).into()
}

/// A text in the database's lower case.
pub(crate) fn lowered(text: &str) -> Expr {
    Func::lower(Expr::val(text)).into()
}
