//! How the orders of a filter are found: by which index, and in which order they come from it.

use sea_orm::{ColumnTrait, Condition};

use super::filter::{Split, Term, name_is};
use crate::store::entity::order_sums;
use crate::store::entity::orders::Column;
use crate::store::search::{Lookup, Needle, Sample};
use crate::store::write::sums::Kind;
use crate::store::{OrderFilter, Store, StoreError};

/// Orders of a status or a store that are looked at one by one rather than searched.
const FEW: u64 = 20_000;

/// The columns that a filter asks about.
pub(crate) const CHECKED: [Column; 8] = [
    Column::OrderNumber,
    Column::Product,
    Column::Email,
    Column::Profile,
    Column::TrackingNumber,
    Column::Status,
    Column::Store,
    Column::OrderDate,
];

/// How the orders of a filter are found.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// By an index in the order of the list, or by the list itself.
    InOrder(Split),
    /// By an index whose finds come in another order.
    Scattered(Split),
    /// By the search index; the condition is checked on its finds.
    Search(Lookup, Condition),
}

impl Store {
    /// How to find the orders of a filter.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn way(&self, filter: &OrderFilter) -> Result<Way, StoreError> {
        let backend = self.readers.get_database_backend();
        let by = |term| filter.split(term, backend);
        if filter.email.is_some() {
            return Ok(Way::InOrder(by(Some(Term::Email))));
        }
        if filter.profile.is_some() {
            return Ok(Way::InOrder(by(Some(Term::Profile))));
        }
        let named = self.fewest(filter).await?;
        if let Some(text) = &filter.search
            && named.is_none_or(|(_, orders)| orders > FEW)
            && let Some(lookup) = self.lookup(Needle::anywhere(text), &Sample::default()).await?
        {
            return Ok(Way::Search(lookup, by(Some(Term::Search)).rest));
        }
        let dated = filter.since.is_some() || filter.until.is_some();
        Ok(match named {
            Some((term, _)) => Way::InOrder(by(Some(term))),
            None if dated && filter.search.is_none() => Way::Scattered(by(Some(Term::Dates))),
            None => Way::InOrder(by(None)),
        })
    }

    /// Of status and store, the one that fewer orders have, and how many. Where that does not
    /// matter they are not counted.
    async fn fewest(&self, filter: &OrderFilter) -> Result<Option<(Term, u64)>, StoreError> {
        let matters = filter.search.is_some() || filter.status.is_some() && filter.store.is_some();
        let mut found = Vec::new();
        if let Some(status) = filter.status {
            let name = order_sums::Column::Name.eq(status.as_str());
            let orders = if matters { self.count_named(Kind::Status, name).await? } else { 0 };
            found.push((Term::Status, orders));
        }
        if let Some(store) = &filter.store {
            let orders = if matters { self.count_named(Kind::Store, name_is(store)).await? } else { 0 };
            found.push((Term::Store, orders));
        }
        Ok(found.into_iter().min_by_key(|(_, orders)| *orders))
    }
}
