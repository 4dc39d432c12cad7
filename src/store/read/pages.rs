//! Pages of the list of orders.

use super::fetch::{Stretch, list};
use super::filter::Split;
use super::plan::Way;
use crate::order::Order;
use crate::store::{OrderFilter, Store, StoreError};

/// Where a page of a list begins. The list goes by row id, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// At the newest order.
    Newest,
    /// At the oldest order: the last page.
    Oldest,
    /// At the next order older than this row id.
    Before(i64),
    /// At the next order newer than this row id: the page ends there.
    After(i64),
}

/// A page of the list of orders.
#[derive(Clone, Debug)]
pub struct OrderPage {
    /// Newest first.
    pub items: Vec<Order>,
    /// Whether the filter finds orders newer than these.
    pub has_newer: bool,
    /// Whether the filter finds orders older than these.
    pub has_older: bool,
}

impl Store {
    /// At most `limit` orders from that place on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order_page(
        &self,
        filter: &OrderFilter,
        from: PageStart,
        limit: u64,
    ) -> Result<OrderPage, StoreError> {
        // What lies behind begins at the row of the cursor itself.
        let (stretch, back) = match from {
            PageStart::Newest => (Stretch::ALL, None),
            PageStart::Oldest => (Stretch { beyond: None, descending: false }, None),
            PageStart::Before(id) => (
                Stretch { beyond: Some(id), descending: true },
                Some(Stretch { beyond: id.checked_sub(1), descending: false }),
            ),
            PageStart::After(id) => (
                Stretch { beyond: Some(id), descending: false },
                Some(Stretch { beyond: id.checked_add(1), descending: true }),
            ),
        };
        let way = self.way(filter).await?;
        // One order more than asked for tells whether any follow.
        let mut items = self.stretch(&way, stretch, limit.saturating_add(1)).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let ahead = items.len() > limit;
        items.truncate(limit);
        let behind = match back {
            Some(back) => !self.stretch(&way, back, 1).await?.is_empty(),
            None => false,
        };
        if stretch.descending {
            return Ok(OrderPage { items, has_newer: behind, has_older: ahead });
        }
        items.reverse();
        Ok(OrderPage { items, has_newer: ahead, has_older: behind })
    }

    /// The page behind the newest `skipped` orders. Those are gone through, so that this is for
    /// the first few thousand; a cursor goes anywhere.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order_page_at_offset(
        &self,
        filter: &OrderFilter,
        skipped: u64,
        limit: u64,
    ) -> Result<OrderPage, StoreError> {
        let Some(before) = skipped.checked_sub(1) else {
            return self.order_page(filter, PageStart::Newest, limit).await;
        };
        let last_skipped = match self.way(filter).await? {
            Way::InOrder(Split { lookup, rest }) => {
                let at = list(lookup.add(rest), 1).offset(before).to_owned();
                self.ids(at).await?.pop()
            }
            way => {
                let skip = usize::try_from(before).unwrap_or(usize::MAX);
                self.scattered_ids(&way, Stretch::ALL, skipped).await?.get(skip).copied()
            }
        };
        if let Some(id) = last_skipped {
            return self.order_page(filter, PageStart::Before(id), limit).await;
        }
        let newest = self.order_page(filter, PageStart::Newest, 1).await?.items;
        Ok(OrderPage { items: Vec::new(), has_newer: !newest.is_empty(), has_older: false })
    }
}
