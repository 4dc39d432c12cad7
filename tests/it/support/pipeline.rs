//! The pipeline alone, on a database of its own.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use roms::card::decode::discord::ChannelRef;
use roms::card::message::Message;
use roms::card::outcome::Receipt;
use roms::feed::{Feed, OrderChange};
use roms::ingest::{Edit, Edited, Ingest, Pending, ReplayFilter, ReplaySummary};
use roms::order::{Fields, Order, Source};
use roms::store::{NewLog, OrderEvent, Store};
use serde_json::{Map, Value, json};
use tokio::{sync::broadcast, task::JoinHandle};

use super::{
    app::{ORDERS, soon},
    home::Home,
    sql::Sql,
};

/// A running pipeline.
pub(crate) struct Pipeline {
    pub(crate) ingest: Ingest,
    pub(crate) store: Store,
    pub(crate) changes: broadcast::Receiver<Arc<OrderChange>>,
    writer: JoinHandle<()>,
    home: Home,
}

/// So many minutes after an arbitrary moment of the past.
pub(crate) fn minute(minutes: i64) -> DateTime<Utc> {
    "2026-01-31T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

/// An edit by a user, made now.
pub(crate) fn edit(order: i64, set: Fields) -> Edit {
    Edit { order, at: Utc::now(), actor: "discord:7".to_owned(), set, clear: Vec::new(), guard: None }
}

/// A row as an older release left it: rejected, of a body that came in at that minute.
pub(crate) fn rejected(payload: &str, at: i64) -> NewLog {
    NewLog {
        source: Source::Webhook,
        source_key: None,
        endpoint: ORDERS.to_owned(),
        message_id: None,
        content_hash: None,
        outcome: "rejected",
        code: Some("not_an_order"),
        error_message: Some("could not be read".to_owned()),
        warnings: Vec::new(),
        order_ids: Vec::new(),
        payload: payload.to_owned(),
        flattened: String::new(),
        sent_at: minute(at),
        created_at: minute(at),
    }
}

impl Pipeline {
    pub(crate) async fn start() -> Self {
        let home = Home::new();
        let config = home.config("");
        let store = Store::open(&config.database.url).await.unwrap();
        let feed = Feed::new(64);
        let changes = feed.subscribe();
        let (ingest, writer) = Ingest::start(store.clone(), feed, config.orders);
        Self { ingest, store, changes, writer, home }
    }

    /// Ends it in good order and gives the place where it ran.
    pub(crate) async fn end(self) -> Home {
        self.ingest.close();
        soon(self.writer).await.unwrap();
        self.store.close().await.unwrap();
        self.home
    }

    /// A connection of one's own.
    pub(crate) async fn sql(&self) -> Sql {
        self.home.sql().await
    }

    /// Takes a body that comes in at that minute.
    pub(crate) async fn post(&self, body: &str, at: i64) -> Receipt {
        soon(self.ingest.submit(Message::from_payload(body, ORDERS, minute(at)))).await.unwrap()
    }

    /// As [`Self::post`], without waiting for the receipt.
    pub(crate) async fn enqueue(&self, body: &str, at: i64) -> Pending {
        soon(self.ingest.enqueue(Message::from_payload(body, ORDERS, minute(at)))).await.unwrap()
    }

    /// Takes a message of a Discord channel, as it was written or edited at that minute.
    pub(crate) async fn discord(&self, id: i64, text: &str, at: i64) -> Receipt {
        soon(self.ingest.submit(discord_message(id, text, at))).await.unwrap()
    }

    pub(crate) async fn edit(&self, edit: Edit) -> Edited {
        soon(self.ingest.edit(edit)).await.unwrap()
    }

    pub(crate) async fn order(&self, number: &str) -> Order {
        self.store.order(number).await.unwrap().expect("it is there")
    }

    pub(crate) async fn history(&self, number: &str) -> Vec<OrderEvent> {
        self.store.events(self.order(number).await.id).await.unwrap()
    }

    /// Writes log rows, and gives their ids.
    pub(crate) async fn log(&self, rows: Vec<NewLog>) -> Vec<i64> {
        let batch = self.store.begin().await.unwrap();
        let ids = batch.save_logs(rows).await.unwrap();
        batch.commit().await.unwrap();
        ids
    }

    /// Reads rows of this outcome again, of every one for `all`.
    pub(crate) async fn replay(&self, outcome: &str) -> ReplaySummary {
        let filter = ReplayFilter {
            outcome: (outcome != "all").then(|| outcome.to_owned()),
            ..ReplayFilter::default()
        };
        soon(self.ingest.replay(&filter, false, "cli", |_| ())).await.unwrap()
    }

    /// The rows of a table, oldest first.
    pub(crate) async fn rows(&self, table: &str) -> Vec<Map<String, Value>> {
        self.sql().await.rows(&format!("SELECT * FROM {table} ORDER BY id")).await
    }

    /// All that is stored of orders, their history and the log.
    pub(crate) async fn everything(&self) -> Value {
        json!([self.rows("orders").await, self.rows("order_events").await, self.rows("webhook_logs").await])
    }
}

/// A message of a channel, written or edited at that minute.
pub(crate) fn discord_message(id: i64, text: &str, at: i64) -> Message {
    let value = json!({"id": id.to_string(), "content": text, "timestamp": minute(0), "edited_timestamp": minute(at)});
    Message::from_discord(&value, ChannelRef { guild: 1, channel: 2 }, minute(at)).unwrap()
}
