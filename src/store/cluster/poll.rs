//! Asks for the events of other processes, where a pooler in transaction mode keeps a session from listening.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sea_orm::sea_query::{Condition, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{ChangedOrder, Notification};
use crate::store::entity::order_events::{Column, Entity};
use crate::store::{Store, StoreError};

/// Events that are read at once. A process that is further behind tells its clients to read again.
const MAX_EVENTS: usize = 1000;
/// A missing id may still appear: ids are assigned before the commit, and a transaction takes at most this long.
const GAP_LIFETIME: Duration = Duration::from_secs(20);

/// How far the events were read.
#[derive(Default)]
pub(crate) struct Poll {
    /// The newest event that was read; `None` before the first time.
    last: Option<i64>,
    /// Smaller ids that no event has yet, and when they were noticed.
    gaps: BTreeMap<i64, Instant>,
}

impl Poll {
    /// What other processes have stored since the last call.
    pub(crate) async fn read(&mut self, store: &Store) -> Result<Option<Notification>, StoreError> {
        let newest = async || -> Result<i64, StoreError> {
            let newest = Entity::find().select_only().column(Column::Id).order_by_desc(Column::Id);
            Ok(newest.into_tuple().one(&store.readers).await?.unwrap_or(0))
        };
        let Some(last) = self.last else {
            self.last = Some(newest().await?);
            return Ok(Some(Notification::Missed));
        };
        self.gaps.retain(|_, noticed| noticed.elapsed() < GAP_LIFETIME);
        let unread = Condition::any()
            .add(Column::Id.gt(last))
            .add(Column::Id.is_in(self.gaps.keys().copied()).and(Column::Id.lte(last)));
        let events: Vec<(i64, i64, String)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::OrderId, Column::EventType])
            .filter(unread)
            .order_by_asc(Column::Id)
            .limit(MAX_EVENTS as u64)
            .into_tuple()
            .all(&store.readers)
            .await?;
        if events.len() == MAX_EVENTS {
            *self = Self { last: Some(newest().await?), gaps: BTreeMap::new() };
            return Ok(Some(Notification::Missed));
        }
        let now = Instant::now();
        let mut expected = last + 1;
        for (id, ..) in &events {
            self.gaps.remove(id);
            self.gaps.extend((expected..*id).take(MAX_EVENTS).map(|missing| (missing, now)));
            expected = std::cmp::max(expected, id + 1);
        }
        self.last = Some(expected - 1);
        let mut own = store.own_events();
        let changed: Vec<ChangedOrder> = events
            .into_iter()
            .filter(|(id, ..)| !own.remove(id))
            .map(|(_, id, kind)| ChangedOrder { id, created: kind == "created" })
            .collect();
        Ok((!changed.is_empty()).then_some(Notification::OrdersChanged(changed)))
    }
}
