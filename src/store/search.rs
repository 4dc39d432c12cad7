//! Substring search: what is looked for, and the index that finds it.
//!
//! Both engines' indexes know for each three letters which orders hold them. SQLite's lags behind:
//! orders that were written lately wait in `search_pending`, and are looked at themselves.

mod hits;
mod indexer;
mod window;

use migration::search_index;
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, Condition, DbBackend, EntityTrait, IdenStatic, QueryFilter, QuerySelect};
use tokio::sync::OnceCell;

use super::entity::orders::{Column, Entity};
use super::read::filter::{SEARCHED, holds, lowered};
use super::{Store, StoreError};

pub(crate) use hits::Hits;
pub(crate) use indexer::{SearchIndex, prepare};

/// Characters of a text that are looked up in the index: enough to be rare, and few enough that
/// not every order number is one of many lists to go through.
const WINDOW: usize = 5;
/// Characters below which the index knows nothing.
const SHORTEST: usize = 3;
/// Orders that may wait to be taken into the index, before a search does without it.
const MOST_PENDING: u64 = 60_000;

/// Orders that tell which letters are rare.
const SAMPLE: i64 = 200;
/// Of those, how many hold a text that is common.
const COMMON: usize = 4;

/// A text that is looked for in some columns, in any case.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    lower: String,
    columns: Vec<Column>,
    /// Whether the column must begin with it.
    at_start: bool,
}

/// The columns of an order that can be searched.
type Texts = (i64, String, Option<String>, Option<String>, Option<String>, Option<String>);

impl Needle {
    /// A text anywhere in the searched columns.
    pub(crate) fn anywhere(text: &str) -> Self {
        Self { lower: text.to_lowercase(), columns: SEARCHED.to_vec(), at_start: false }
    }

    /// A text in some of the searched columns.
    pub(crate) fn within(columns: &[Column], text: &str) -> Self {
        Self { columns: columns.to_vec(), ..Self::anywhere(text) }
    }

    /// A text that a column begins with.
    pub(crate) fn starting(column: Column, text: &str) -> Self {
        Self { at_start: true, ..Self::within(&[column], text) }
    }

    fn is_in(&self, texts: &Texts) -> bool {
        let (_, number, product, email, profile, tracking) = texts;
        let held = |column: &Column| match column {
            Column::OrderNumber => Some(number),
            Column::Product => product.as_ref(),
            Column::Email => email.as_ref(),
            Column::Profile => profile.as_ref(),
            _ => tracking.as_ref(),
        };
        self.columns.iter().filter_map(held).map(|text| text.to_lowercase()).any(|text| {
            if self.at_start { text.starts_with(&self.lower) } else { text.contains(&self.lower) }
        })
    }
}

/// How a needle is looked up in the index.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    needle: Needle,
    /// What is looked up: the needle, or a part of it.
    part: String,
    /// Whether so many orders hold the needle that a few thousand hold it often.
    common: bool,
}

impl Lookup {
    /// Whether all that the index finds holds the needle.
    pub(crate) fn is_exact(&self) -> bool {
        self.part == self.needle.lower
    }

    /// Whether it is found among any few thousand orders.
    pub(crate) const fn is_common(&self) -> bool {
        self.common
    }

    /// As an expression of FTS5. Between quotes, a text means itself.
    fn expression(&self) -> String {
        let columns: Vec<&str> = self.needle.columns.iter().map(IdenStatic::as_str).collect();
        let start = if self.needle.at_start { "^" } else { "" };
        format!("{{{}}} : {start} \"{}\"", columns.join(" "), self.part.replace('"', "\"\""))
    }

    /// As a condition that PostgreSQL has an index for. What is checked besides is put so that it
    /// is not looked up as well.
    pub(crate) fn condition(&self) -> Condition {
        let texts = || Expr::cust(search_index::POSTGRES_TEXT);
        let found = Condition::all().add(holds(&self.part, DbBackend::Postgres));
        let place = |text: Expr| Func::cust("strpos").arg(text).arg(lowered(&self.needle.lower)).gt(0);
        if self.needle.columns.len() < SEARCHED.len() {
            let columns =
                self.needle.columns.iter().map(|column| place(Func::lower(Expr::col(*column)).into()));
            return found.add(columns.fold(Condition::any(), Condition::add));
        }
        found.add_option((!self.is_exact()).then(|| place(texts())))
    }
}

/// Some orders' texts, which tell what is rare; they are read when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Sample(OnceCell<Vec<String>>);

impl Store {
    /// How to look a text up in the search index; `None` where that cannot be.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn lookup(&self, needle: Needle, sample: &Sample) -> Result<Option<Lookup>, StoreError> {
        let usable = match &self.search {
            SearchIndex::None => false,
            SearchIndex::Whole => true,
            SearchIndex::Lagging(_) => {
                indexer::count_waiting(&self.readers, MOST_PENDING).await? <= MOST_PENDING
            }
        };
        let length = needle.lower.chars().count();
        if !usable || length < SHORTEST {
            return Ok(None);
        }
        if length <= WINDOW && self.search.is_lagging() {
            return Ok(Some(Lookup { part: needle.lower.clone(), common: true, needle }));
        }
        let sample = sample.0.get_or_try_init(|| self.sample()).await?;
        let common = sample.iter().filter(|text| text.contains(&needle.lower)).count() >= COMMON;
        let part = match length {
            ..=WINDOW => needle.lower.clone(),
            _ if needle.at_start => needle.lower.chars().take(WINDOW).collect(),
            _ => window::rarest(&needle.lower, sample),
        };
        Ok(Some(Lookup { needle, part, common }))
    }

    /// The searched columns of orders from everywhere, in lower case.
    async fn sample(&self) -> Result<Vec<String>, StoreError> {
        let newest: Option<Option<i64>> = Entity::find()
            .select_only()
            .column_as(Column::Id.max(), "newest")
            .into_tuple()
            .one(&self.readers)
            .await?;
        let newest = newest.flatten().unwrap_or_default();
        let ids = (1..=SAMPLE).map(|part| newest / SAMPLE * part + newest % SAMPLE * part / SAMPLE);
        let rows =
            Entity::find().filter(Column::Id.is_in(ids)).select_only().column(Column::Id).columns(SEARCHED);
        let rows: Vec<Texts> = rows.into_tuple().all(&self.readers).await?;
        let text = |(_, number, product, email, profile, tracking): Texts| {
            let others = [product, email, profile, tracking].into_iter().flatten();
            [number].into_iter().chain(others).collect::<Vec<_>>().join("\n").to_lowercase()
        };
        Ok(rows.into_iter().map(text).collect())
    }
}
