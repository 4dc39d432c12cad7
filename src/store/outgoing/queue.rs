//! The outbox as the writer and the sender use it: adds deliveries, hands out those that are due, and records their
//! results.
//!
//! A delivery is `pending` until the sender claims it, `sending` until its result is recorded, and then `delivered`,
//! `dead`, or `pending` again. After a crash, the next sender makes everything pending that is `sending`.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect,
    Statement, Value,
};
use url::Url;

use crate::store::entity::outbox::{ActiveModel, Column, Entity, Model};
use crate::store::entity::tokens;
use crate::store::write::insert::insert;
use crate::store::{Batch, Store, StoreError};

/// Something that receives deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// The Discord webhook of the URL token with this row id.
    Relay(i64),
    /// The endpoint with this row id.
    Endpoint(i64),
}

/// A delivery to add to the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The receiver.
    pub target: Target,
    /// The id of the row that is sent: in `webhook_logs` for a card, in `order_events` for an event; 0 for a test.
    pub subject: i64,
    /// The event type, `card`, `deletion` or `test`.
    pub event: &'static str,
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits until it is due.
    Pending,
    /// It is being sent, or was when the process died.
    Sending,
    /// The receiver has accepted it.
    Delivered,
    /// It is not tried any more.
    Dead,
}

/// A row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Row id.
    pub id: i64,
    /// The receiver.
    pub target: Target,
    /// The id of the row that is sent: in `webhook_logs` for a card, in `order_events` for an event; 0 for a test.
    pub subject: i64,
    /// The event type, `card`, `deletion` or `test`.
    pub event: String,
    /// The id that the receiver sees, the same for every attempt.
    pub key: String,
    /// Its state.
    pub state: DeliveryState,
    /// How often it was sent, the present attempt included.
    pub attempts: i64,
    /// How often it may have arrived although no answer did.
    pub doubts: i64,
    /// When it is sent next, if it is pending. UTC.
    pub due_at: DateTime<Utc>,
    /// When it was added. UTC.
    pub created_at: DateTime<Utc>,
    /// When it was last sent. UTC.
    pub attempted_at: Option<DateTime<Utc>>,
    /// The status code of the last answer.
    pub status: Option<i64>,
    /// The beginning of the last answer, without personal data and credentials.
    pub answer: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// The Discord message that a relayed card became.
    pub message_id: Option<i64>,
}

/// The result of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// The status code of the answer.
    pub status: Option<i64>,
    /// The beginning of the answer.
    pub answer: Option<String>,
    /// Why the attempt failed.
    pub error: Option<String>,
    /// The Discord message that a relayed card became.
    pub message_id: Option<i64>,
}

/// The next step of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// It has arrived.
    Delivered,
    /// It is not tried any more.
    Dead,
    /// It is tried again.
    Retry {
        /// When.
        at: DateTime<Utc>,
        /// Whether the attempt counts.
        counts: bool,
        /// Whether it may have arrived.
        doubtful: bool,
    },
}

/// How many deliveries there are in the states that matter to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct OutboxCounts {
    /// Deliveries that wait or are being sent.
    pub due: i64,
    /// Deliveries that are not tried any more.
    pub dead: i64,
}

impl Target {
    const RELAY: &str = "relay";
    const ENDPOINT: &str = "endpoint";

    /// Its kind and row id, as the database stores them.
    pub(crate) const fn columns(self) -> (&'static str, i64) {
        match self {
            Self::Relay(token) => (Self::RELAY, token),
            Self::Endpoint(endpoint) => (Self::ENDPOINT, endpoint),
        }
    }

    fn read(kind: &str, id: i64) -> Result<Self, StoreError> {
        match kind {
            Self::RELAY => Ok(Self::Relay(id)),
            Self::ENDPOINT => Ok(Self::Endpoint(id)),
            _ => Err(StoreError::Corrupt("target")),
        }
    }
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Sending, Self::Delivered, Self::Dead];

    /// The name in the database, the API and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl TryFrom<Model> for Delivery {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        let state = DeliveryState::ALL.into_iter().find(|state| state.as_str() == row.state);
        Ok(Self {
            id: row.id,
            target: Target::read(&row.target, row.target_id)?,
            subject: row.subject_id,
            event: row.event,
            key: row.key,
            state: state.ok_or(StoreError::Corrupt("state"))?,
            attempts: row.attempts,
            doubts: row.doubts,
            due_at: row.due_at,
            created_at: row.created_at,
            attempted_at: row.attempted_at,
            status: row.status,
            answer: row.answer,
            error: row.error,
            message_id: row.message_id,
        })
    }
}

impl Batch {
    /// Adds deliveries, which are due at once.
    pub async fn save_deliveries(
        &self,
        deliveries: &[NewDelivery],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        save(&self.transaction, deliveries, now).await
    }

    /// Whether the cards of this URL token are passed on.
    pub(crate) async fn has_relay(&self, token: i64) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM tokens WHERE id = $1 AND relay_url IS NOT NULL";
        let query = Statement::from_sql_and_values(self.backend(), sql, [token.into()]);
        Ok(self.transaction.query_one_raw(query).await?.is_some())
    }
}

/// Adds deliveries on this connection.
pub(crate) async fn save(
    connection: &impl ConnectionTrait,
    deliveries: &[NewDelivery],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let columns = [
        "target",
        "target_id",
        "subject_id",
        "event",
        "key",
        "state",
        "attempts",
        "doubts",
        "due_at",
        "created_at",
    ];
    let rows = deliveries.iter().map(|delivery| {
        let (target, target_id) = delivery.target.columns();
        vec![
            target.into(),
            target_id.into(),
            delivery.subject.into(),
            delivery.event.into(),
            new_key().into(),
            DeliveryState::Pending.as_str().into(),
            0_i64.into(),
            0_i64.into(),
            now.into(),
            now.into(),
        ]
    });
    insert(connection, "outbox", &columns, rows, "").await?;
    Ok(())
}

/// A new id of a message. It need not be secret, only unique.
fn new_key() -> String {
    format!("msg_{:032x}", fastrand::u128(..))
}

/// Makes everything dead that waits for this target.
pub(crate) async fn give_up(
    connection: &impl ConnectionTrait,
    target: Target,
    reason: &str,
) -> Result<(), StoreError> {
    let (kind, id) = target.columns();
    Entity::update_many()
        .col_expr(Column::State, Expr::val(DeliveryState::Dead.as_str()))
        .col_expr(Column::Error, Expr::val(reason))
        .filter(Column::Target.eq(kind))
        .filter(Column::TargetId.eq(id))
        .filter(Column::State.eq(DeliveryState::Pending.as_str()))
        .exec(connection)
        .await?;
    Ok(())
}

impl Store {
    /// Adds deliveries, which are due at once.
    pub async fn queue_deliveries(
        &self,
        deliveries: &[NewDelivery],
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let transaction = self.writer.begin().await?;
        save(&transaction, deliveries, now).await?;
        Ok(transaction.commit().await?)
    }

    /// Makes everything pending that an earlier sender has left in `sending`. It may have arrived.
    pub async fn recover_deliveries(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let recovered = Entity::update_many()
            .col_expr(Column::State, Expr::val(DeliveryState::Pending.as_str()))
            .col_expr(Column::Doubts, Expr::col(Column::Doubts).add(1))
            .col_expr(Column::DueAt, Expr::val(now))
            .filter(Column::State.eq(DeliveryState::Sending.as_str()))
            .exec(&self.writer)
            .await?;
        Ok(recovered.rows_affected)
    }

    /// Whether anything waits, or is being sent.
    pub async fn has_open_deliveries(&self) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM outbox WHERE state IN ('pending', 'sending') LIMIT 1";
        Ok(self.readers.query_one_raw(self.statement(sql, [])).await?.is_some())
    }

    /// The targets for which something is due.
    pub async fn due_targets(&self, now: DateTime<Utc>) -> Result<Vec<Target>, StoreError> {
        let sql = "SELECT DISTINCT target, target_id FROM outbox WHERE state = 'pending' AND due_at <= $1";
        let rows = self.readers.query_all_raw(self.statement(sql, [now.into()])).await?;
        let target = |row: &sea_orm::QueryResult| {
            Target::read(&row.try_get_by_index::<String>(0)?, row.try_get_by_index(1)?)
        };
        rows.iter().map(target).collect()
    }

    /// When the next delivery is due that is not due yet.
    pub async fn next_due(&self, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, StoreError> {
        let sql = "SELECT due_at FROM outbox WHERE state = 'pending' AND due_at > $1 ORDER BY due_at LIMIT 1";
        let row = self.readers.query_one_raw(self.statement(sql, [now.into()])).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }

    /// Claims at most `limit` due deliveries to a target, oldest first. The cards of a relay keep their order: its oldest
    /// one must be due. If the database does not confirm that they are claimed, their ids are added to `in_doubt`.
    pub async fn claim_deliveries(
        &self,
        target: Target,
        limit: i64,
        now: DateTime<Utc>,
        in_doubt: &mut Vec<i64>,
    ) -> Result<Vec<Delivery>, StoreError> {
        let (kind, id) = target.columns();
        let sql = match target {
            Target::Endpoint(_) => {
                "SELECT * FROM outbox WHERE target = $1 AND target_id = $2 AND state = 'pending' \
                 AND due_at <= $3 ORDER BY id LIMIT $4"
            }
            Target::Relay(_) => {
                "SELECT * FROM outbox WHERE id = (SELECT min(id) FROM outbox WHERE target = $1 AND target_id = $2 \
                 AND state IN ('pending', 'sending')) AND state = 'pending' AND due_at <= $3 LIMIT $4"
            }
        };
        let transaction = self.writer.begin().await?;
        let values = [kind.into(), id.into(), now.into(), limit.into()];
        let rows = Entity::find().from_raw_sql(self.statement(sql, values)).all(&transaction).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let certain = in_doubt.len();
        in_doubt.extend(rows.iter().map(|row| row.id));
        Entity::update_many()
            .col_expr(Column::State, Expr::val(DeliveryState::Sending.as_str()))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .col_expr(Column::AttemptedAt, Expr::val(now))
            .filter(Column::Id.is_in(rows.iter().map(|row| row.id)))
            .filter(Column::State.eq(DeliveryState::Pending.as_str()))
            .exec(&transaction)
            .await?;
        transaction.commit().await?;
        in_doubt.truncate(certain);
        rows.into_iter().map(|row| Delivery::try_from(Model { attempts: row.attempts + 1, ..row })).collect()
    }

    /// Makes deliveries pending that were claimed and not sent, and removes their ids from the list.
    pub async fn release_deliveries(
        &self,
        claimed: &mut Vec<i64>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        if claimed.is_empty() {
            return Ok(());
        }
        Entity::update_many()
            .col_expr(Column::State, Expr::val(DeliveryState::Pending.as_str()))
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1))
            .col_expr(Column::DueAt, Expr::val(now))
            .filter(Column::Id.is_in(claimed.iter().copied()))
            .filter(Column::State.eq(DeliveryState::Sending.as_str()))
            .exec(&self.writer)
            .await?;
        claimed.clear();
        Ok(())
    }

    /// Records the result of an attempt.
    pub async fn finish_delivery(
        &self,
        delivery: &Delivery,
        attempt: Attempt,
        next: NextStep,
    ) -> Result<(), StoreError> {
        let Attempt { status, answer, error, message_id } = attempt;
        let mut row = ActiveModel {
            status: Set(status),
            answer: Set(answer),
            error: Set(error),
            message_id: Set(message_id),
            ..Default::default()
        };
        let state = match next {
            NextStep::Delivered => DeliveryState::Delivered,
            NextStep::Dead => DeliveryState::Dead,
            NextStep::Retry { at, counts, doubtful } => {
                row.due_at = Set(at);
                row.attempts = Set(delivery.attempts - i64::from(!counts));
                row.doubts = Set(delivery.doubts + i64::from(doubtful));
                DeliveryState::Pending
            }
        };
        row.state = Set(state.as_str().to_owned());
        Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(delivery.id))
            // Another process may have taken over in the meantime.
            .filter(Column::State.eq(DeliveryState::Sending.as_str()))
            .filter(Column::Attempts.eq(delivery.attempts))
            .exec(&self.writer)
            .await?;
        Ok(())
    }

    /// Removes a delivery that has nothing to say any more, because its order or card was deleted.
    pub async fn drop_delivery(&self, id: i64) -> Result<(), StoreError> {
        Entity::delete_by_id(id).exec(&self.writer).await?;
        Ok(())
    }

    /// Counts the deliveries that wait and those that are dead.
    pub async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')) AS due, \
                   (SELECT count(*) FROM outbox WHERE state = 'dead') AS dead";
        let counts = OutboxCounts::find_by_statement(self.statement(sql, [])).one(&self.readers).await?;
        Ok(counts.unwrap_or_default())
    }

    /// The Discord webhook of a URL token. A token that was revoked meanwhile still has one.
    pub async fn relay_url(&self, token: i64) -> Result<Option<Url>, StoreError> {
        let sql = "SELECT relay_url FROM tokens WHERE id = $1 AND relay_url IS NOT NULL";
        let row = self.readers.query_one_raw(self.statement(sql, [token.into()])).await?;
        let Some(row) = row else { return Ok(None) };
        let url: String = row.try_get_by_index(0)?;
        url.parse().map(Some).map_err(|_| StoreError::Corrupt("relay_url"))
    }

    /// The Discord message that the card of this log row became, if it was passed on.
    pub async fn relayed_message(&self, token: i64, log_id: i64) -> Result<Option<i64>, StoreError> {
        let (kind, id) = Target::Relay(token).columns();
        let relayed = Entity::find()
            .select_only()
            .column(Column::MessageId)
            .filter(Column::Target.eq(kind))
            .filter(Column::TargetId.eq(id))
            .filter(Column::SubjectId.eq(log_id))
            .filter(Column::MessageId.is_not_null());
        Ok(relayed.into_tuple().one(&self.readers).await?)
    }

    /// The name of a token, also of one that was revoked.
    pub async fn token_name(&self, token: i64) -> Result<Option<String>, StoreError> {
        let name = tokens::Entity::find_by_id(token).select_only().column(tokens::Column::Name);
        Ok(name.into_tuple().one(&self.readers).await?)
    }

    /// A statement whose conditions on `state` are literals: only then does SQLite use the partial indexes.
    fn statement<const N: usize>(&self, sql: &str, values: [Value; N]) -> Statement {
        Statement::from_sql_and_values(self.readers.get_database_backend(), sql, values)
    }
}
