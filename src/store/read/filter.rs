//! Which orders to list, and that filter as SQL conditions.

use chrono::{DateTime, Utc};
use migration::search_index;
use sea_orm::sea_query::{BinOper, Expr, ExprTrait, Func, IntoCondition};
use sea_orm::{Condition, DbBackend, IdenStatic, Order as Sort};

use super::attention::Attention;
use crate::order::{Order, Status};
use crate::store::entity::order_sums;
use crate::store::entity::orders::Column;

/// Which orders to list. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only this status.
    pub status: Option<Status>,
    /// Only this store, in any case.
    pub store: Option<String>,
    /// Only this profile, in any case.
    pub profile: Option<String>,
    /// Only this e-mail address, in any case.
    pub email: Option<String>,
    /// Only orders that belong to the Discord user with this id.
    pub owner: Option<String>,
    /// Only orders with this text in the name of a product or in its SKU, in any case.
    pub product: Option<String>,
    /// Only orders with this text in number, products, SKUs, e-mail, profile or tracking number, in any case.
    /// `#` and the beginning of an order number find that number too.
    pub search: Option<String>,
    /// Whether `search` leaves e-mail and profile out.
    pub public_search: bool,
    /// Only orders that need attention for this reason.
    pub attention: Option<Attention>,
    /// Only order dates from this moment on.
    pub since: Option<DateTime<Utc>>,
    /// Only order dates before this moment.
    pub until: Option<DateTime<Utc>>,
}

/// One of a filter's conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    Email,
    Profile,
    Owner,
    Store,
    Status,
    Search,
    Product,
    Attention,
    /// [`OrderFilter::public_search`], checked on each order that the search finds.
    PublicSearch,
    Dates,
}

impl Term {
    const ALL: [Self; 10] = [
        Self::Email,
        Self::Profile,
        Self::Owner,
        Self::Store,
        Self::Status,
        Self::Search,
        Self::Product,
        Self::Attention,
        Self::PublicSearch,
        Self::Dates,
    ];
}

/// A filter as two conditions: one that an index answers, and the rest, checked on each order found.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    pub(crate) lookup: Condition,
    pub(crate) rest: Condition,
}

/// A part of the list: which row ids it covers and in which direction it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdRange {
    /// Only row ids beyond this one.
    pub(crate) beyond: Option<i64>,
    /// From new to old.
    pub(crate) descending: bool,
}

impl IdRange {
    /// The whole list, newest first.
    pub(crate) const ALL: Self = Self { beyond: None, descending: true };

    pub(crate) fn sort(self) -> Sort {
        if self.descending { Sort::Desc } else { Sort::Asc }
    }

    /// Whether an id is in the range.
    pub(crate) fn condition(self, id: Expr) -> Condition {
        let beyond = self.beyond.map(|beyond| if self.descending { id.lt(beyond) } else { id.gt(beyond) });
        Condition::all().add_option(beyond)
    }
}

impl OrderFilter {
    /// Splits the filter so that this term is looked up in an index.
    pub(crate) fn split(&self, by: Option<Term>, backend: DbBackend) -> Split {
        let (mut lookup, mut rest) = (Condition::all(), Condition::all());
        for term in Term::ALL {
            if by == Some(term) {
                lookup = lookup.add_option(self.condition(term, backend, false));
            } else {
                // SQLite does not know how common a value is, and would choose any of the indexes. A plus
                // sign before a column keeps it from using that column's index.
                rest = rest.add_option(self.condition(term, backend, backend == DbBackend::Sqlite));
            }
        }
        Split { lookup, rest }
    }

    /// The condition of a term, `None` if the filter does not have it. `without_index` adds the plus sign that
    /// [`Self::split`] explains.
    fn condition(&self, term: Term, backend: DbBackend, without_index: bool) -> Option<Condition> {
        let plain = |column: Column| {
            if without_index { Expr::cust(format!("+{}", column.as_str())) } else { Expr::col(column) }
        };
        let equals = |column, text: &String| {
            let key = if without_index { Func::lower(plain(column)).into() } else { key(column, backend) };
            key.eq(lowered(text))
        };
        let condition = match term {
            Term::Email => equals(Column::Email, self.email.as_ref()?).into_condition(),
            Term::Profile => equals(Column::Profile, self.profile.as_ref()?).into_condition(),
            Term::Owner => plain(Column::OwnerId).eq(self.owner.as_deref()?).into_condition(),
            Term::Store => {
                Func::lower(plain(Column::Store)).eq(lowered(self.store.as_ref()?)).into_condition()
            }
            Term::Status => plain(Column::Status).eq(self.status?.as_str()).into_condition(),
            Term::Search => {
                let text = self.search.as_ref()?;
                let number = text.strip_prefix('#').filter(|number| !number.is_empty());
                let number = number.map(|number| has_number_prefix(number, backend));
                Condition::any().add(contains(text, backend)).add_option(number)
            }
            Term::Attention => self.attention?.condition(),
            Term::Product => {
                let text = self.product.as_ref()?;
                PRODUCTS
                    .into_iter()
                    .fold(Condition::any(), |any, column| any.add(column_contains(column, text)))
            }
            Term::PublicSearch => {
                let text = self.search.as_ref().filter(|_| self.public_search)?;
                let number = text.strip_prefix('#').filter(|number| !number.is_empty());
                let number = number.map(|number| has_number_prefix(number, backend));
                PUBLIC
                    .into_iter()
                    .fold(Condition::any(), |any, column| {
                        any.add(match backend {
                            // The index has compared other letters than ASCII already.
                            DbBackend::Sqlite => column_contains_ascii_of(column, text),
                            _ => column_contains(column, text),
                        })
                    })
                    .add_option(number)
            }
            Term::Dates => {
                let since = self.since.map(|since| plain(Column::OrderDate).gte(since));
                let until = self.until.map(|until| plain(Column::OrderDate).lt(until));
                Condition::all().add_option(since).add_option(until)
            }
        };
        (!condition.is_empty()).then_some(condition)
    }

    /// Whether an order satisfies all conditions. Live updates check each change in memory, because a query for each
    /// change and each client would be too slow.
    pub(crate) fn matches(&self, order: &Order) -> bool {
        let fields = &order.fields;
        let equals = |wanted: &Option<String>, value: &Option<String>| {
            let same = |wanted: &String, value: &String| wanted.to_lowercase() == value.to_lowercase();
            wanted.as_ref().is_none_or(|wanted| value.as_ref().is_some_and(|value| same(wanted, value)))
        };
        let placed_at = fields.order_date;
        self.status.is_none_or(|status| fields.status == Some(status))
            && equals(&self.store, &fields.store)
            && equals(&self.profile, &fields.profile)
            && equals(&self.email, &fields.email)
            && equals(&self.owner, &fields.owner_id)
            && self.attention.is_none_or(|attention| attention.matches(order))
            && self.product.as_ref().is_none_or(|text| any_contains(product_texts(order), text))
            && self.search.as_ref().is_none_or(|text| self.finds(order, text))
            && self.since.is_none_or(|since| placed_at.is_some_and(|at| at >= since))
            && self.until.is_none_or(|until| placed_at.is_some_and(|at| at < until))
    }

    /// Whether the search for a text finds an order.
    fn finds(&self, order: &Order, text: &str) -> bool {
        let fields = &order.fields;
        let personal = [&fields.email, &fields.profile].into_iter().filter(|_| !self.public_search);
        let texts = [fields.tracking_number.as_deref(), Some(order.number.as_str())];
        let texts = texts.into_iter().chain(personal.map(Option::as_deref)).flatten();
        let number = text.strip_prefix('#').filter(|number| !number.is_empty());
        number.is_some_and(|number| order.number.as_str().to_lowercase().starts_with(&number.to_lowercase()))
            || any_contains(texts.chain(product_texts(order)), text)
    }
}

/// The names and SKUs of an order's products.
fn product_texts(order: &Order) -> impl Iterator<Item = &str> {
    let of_items = order.items.iter().flat_map(|item| [item.product.as_deref(), item.sku.as_deref()]);
    of_items.chain([order.fields.product.as_deref()]).flatten()
}

fn any_contains<'a>(mut texts: impl Iterator<Item = &'a str>, text: &str) -> bool {
    let text = text.to_lowercase();
    texts.any(|value| value.to_lowercase().contains(&text))
}

/// Columns that a search covers.
pub(crate) const SEARCHED: [Column; 6] = [
    Column::OrderNumber,
    Column::Product,
    Column::Email,
    Column::Profile,
    Column::TrackingNumber,
    Column::ItemsText,
];

/// Columns with the names and SKUs of products.
pub(crate) const PRODUCTS: [Column; 2] = [Column::Product, Column::ItemsText];

/// The ones of these that hold no personal data.
const PUBLIC: [Column; 4] = [Column::OrderNumber, Column::Product, Column::TrackingNumber, Column::ItemsText];

/// Whether one of the searched columns contains a text. PostgreSQL's search index is one on exactly
/// this expression.
pub(crate) fn contains(text: &str, backend: DbBackend) -> Condition {
    if backend == DbBackend::Postgres {
        if text.contains(search_index::POSTGRES_SEPARATOR) {
            return Condition::all().add(Expr::cust("1 = 0"));
        }
        let pattern = format!("%{}%", escape_pattern(text));
        return Condition::all().add(like(Expr::cust(search_index::POSTGRES_TEXT), &pattern));
    }
    SEARCHED.into_iter().fold(Condition::any(), |any, column| any.add(column_contains(column, text)))
}

/// Whether a column contains a text, in any case.
pub(crate) fn column_contains(column: Column, text: &str) -> Expr {
    like(lower(column), &format!("%{}%", escape_pattern(text)))
}

/// Whether a name of `order_sums` contains a text, in any case.
pub(crate) fn name_contains(text: &str) -> Expr {
    let name = Func::lower(Expr::col(order_sums::Column::Name)).into();
    like(name, &format!("%{}%", escape_pattern(text)))
}

/// Whether a column contains a text, in any case, with any character in place of one beyond ASCII.
pub(crate) fn column_contains_ascii_of(column: Column, text: &str) -> Expr {
    let pattern: String = escape_pattern(text).chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    like(lower(column), &format!("%{pattern}%"))
}

/// Whether the order number begins with a text, in any case.
pub(crate) fn has_number_prefix(text: &str, backend: DbBackend) -> Condition {
    let number = key(Column::OrderNumber, backend);
    // No character sorts after the last one of Unicode.
    let end = lowered(text).binary(BinOper::Custom("||"), Expr::val("\u{10ffff}"));
    Condition::all().add(number.clone().gte(lowered(text))).add(number.lt(end))
}

fn escape_pattern(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

fn like(lower: Expr, pattern: &str) -> Expr {
    lower.binary(BinOper::Like, lowered(pattern).binary(BinOper::Escape, Expr::val(r"\")))
}

/// Whether a row of `order_sums` has this name, in any case.
pub(crate) fn name_is(text: &str) -> Expr {
    Func::lower(Expr::col(order_sums::Column::Name)).eq(lowered(text))
}

/// The indexed form of numbers, e-mail addresses and profiles: lower case, sorted by bytes, so that
/// texts with the same prefix are neighbours.
pub(crate) fn key(column: Column, backend: DbBackend) -> Expr {
    let collation = if backend == DbBackend::Postgres { r#" COLLATE "C""# } else { "" };
    Expr::cust(format!(r#"lower("orders"."{}"){collation}"#, column.as_str()))
}

/// A column in lower case.
pub(crate) fn lower(column: Column) -> Expr {
    Func::lower(Expr::col(column)).into()
}

/// A text in lower case. The database converts it, because SQLite changes only ASCII letters, and both
/// sides of a comparison must be converted alike.
pub(crate) fn lowered(text: &str) -> Expr {
    Func::lower(Expr::val(text)).into()
}
