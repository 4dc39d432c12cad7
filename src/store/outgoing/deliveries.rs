//! Lists deliveries, sends them again, and deletes old ones.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::queue::{self, Delivery, DeliveryState, NewDelivery, Target};
use crate::store::entity::outbox::{Column, Entity};
use crate::store::entity::{order_events, rows};
use crate::store::{Store, StoreError};
use crate::webhook::{EventType, EventTypes};

/// Events that are queued per transaction when many are sent again.
const PAGE_SIZE: u64 = 500;

/// Which deliveries to list or change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only those to this target.
    pub target: Option<Target>,
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Only the one with this row id.
    pub id: Option<i64>,
    /// Only older ones.
    pub before: Option<i64>,
}

impl DeliveryFilter {
    fn condition(&self) -> Condition {
        let target = self.target.map(Target::columns);
        Condition::all()
            .add_option(target.map(|(kind, _)| Column::Target.eq(kind)))
            .add_option(target.map(|(_, id)| Column::TargetId.eq(id)))
            .add_option(self.state.map(|state| Column::State.eq(state.as_str())))
            .add_option(self.id.map(|id| Column::Id.eq(id)))
            .add_option(self.before.map(|before| Column::Id.lt(before)))
    }
}

impl Store {
    /// Deliveries, newest first.
    pub async fn deliveries(&self, filter: &DeliveryFilter, limit: u64) -> Result<Vec<Delivery>, StoreError> {
        let rows = Entity::find().filter(filter.condition()).order_by_desc(Column::Id).limit(limit);
        rows.all(&self.readers).await?.into_iter().map(Delivery::try_from).collect()
    }

    /// Sends deliveries again that are delivered or dead, with a new series of attempts. Returns how many.
    pub async fn retry_deliveries(
        &self,
        filter: &DeliveryFilter,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let ended = [DeliveryState::Delivered, DeliveryState::Dead].map(DeliveryState::as_str);
        let retried = Entity::update_many()
            .col_expr(Column::State, Expr::val(DeliveryState::Pending.as_str()))
            .col_expr(Column::Attempts, Expr::val(0))
            .col_expr(Column::Doubts, Expr::val(0))
            .col_expr(Column::DueAt, Expr::val(now))
            // The age decides when ROMS gives up.
            .col_expr(Column::CreatedAt, Expr::val(now))
            .filter(filter.condition())
            .filter(Column::State.is_in(ended))
            .exec(&self.writer)
            .await?;
        Ok(retried.rows_affected)
    }

    /// Deletes dead deliveries. Returns how many.
    pub async fn discard_dead_deliveries(&self, filter: &DeliveryFilter) -> Result<u64, StoreError> {
        let dead = Entity::delete_many()
            .filter(filter.condition())
            .filter(Column::State.eq(DeliveryState::Dead.as_str()));
        Ok(dead.exec(&self.writer).await?.rows_affected)
    }

    /// Queues the events since a time that an endpoint has not received: those that were never sent to it, and those
    /// that are dead. Returns how many.
    pub async fn replay_events(
        &self,
        endpoint: i64,
        types: EventTypes,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let target = Target::Endpoint(endpoint);
        let (kind, id) = target.columns();
        let (mut last, mut queued) = (0, 0);
        loop {
            let known = Query::select()
                .column(Column::SubjectId)
                .from(Entity)
                .and_where(Column::Target.eq(kind))
                .and_where(Column::TargetId.eq(id))
                .and_where(Column::State.ne(DeliveryState::Dead.as_str()))
                .to_owned();
            let events: Vec<(i64, String, String)> = order_events::Entity::find()
                .select_only()
                .columns([
                    order_events::Column::Id,
                    order_events::Column::EventType,
                    order_events::Column::Changes,
                ])
                .filter(order_events::Column::CreatedAt.gte(since))
                .filter(order_events::Column::CreatedAt.lte(now))
                .filter(order_events::Column::Id.gt(last))
                .filter(order_events::Column::Id.not_in_subquery(known))
                .order_by_asc(order_events::Column::Id)
                .limit(PAGE_SIZE)
                .into_tuple()
                .all(&self.readers)
                .await?;
            let Some((newest, ..)) = events.last() else { return Ok(queued) };
            last = *newest;
            let of_step = |(id, event, changes): &(i64, String, String)| {
                let kind = EventType::of_step(event == "created", &rows::changes_from_json(changes));
                types.contains(kind).then(|| NewDelivery { target, subject: *id, event: kind.as_str() })
            };
            let new: Vec<NewDelivery> = events.iter().filter_map(of_step).collect();
            let transaction = self.writer.begin().await?;
            // A dead delivery is replaced by its replay.
            Entity::delete_many()
                .filter(Column::Target.eq(kind))
                .filter(Column::TargetId.eq(id))
                .filter(Column::State.eq(DeliveryState::Dead.as_str()))
                .filter(Column::SubjectId.is_in(new.iter().map(|delivery| delivery.subject)))
                .exec(&transaction)
                .await?;
            queue::save(&transaction, &new, now).await?;
            transaction.commit().await?;
            queued += new.len() as u64;
        }
    }

    /// Deletes at most `limit` deliveries that arrived before this time. Returns how many.
    pub async fn delete_delivered(&self, before: DateTime<Utc>, limit: u64) -> Result<u64, StoreError> {
        let old = Query::select()
            .column(Column::Id)
            .from(Entity)
            // A literal: only then does SQLite use the partial index.
            .and_where(Expr::cust("state = 'delivered'"))
            .and_where(Column::AttemptedAt.lt(before))
            .limit(limit)
            .to_owned();
        let deleted = Entity::delete_many().filter(Column::Id.in_subquery(old)).exec(&self.writer).await?;
        Ok(deleted.rows_affected)
    }
}
