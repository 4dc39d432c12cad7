//! Runs only the ingest pipeline, without HTTP and Discord, on an empty database.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use roms::card::decode::discord::ChannelRef;
use roms::card::message::Message;
use roms::card::outcome::Receipt;
use roms::feed::{Feed, OrderChange};
use roms::ingest::{Edit, Edited, Ingest, Pending, ReplayFilter, ReplaySummary};
use roms::order::{Fields, Order, Source};
use roms::store::{LogEntry, OrderEvent, Store};
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

/// A fixed time in the past plus this number of minutes.
pub(crate) fn minute(minutes: i64) -> DateTime<Utc> {
    "2026-01-31T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

/// An edit by a Discord user, made now.
pub(crate) fn edit(order: i64, set: Fields) -> Edit {
    Edit { set, ..Edit::new(order, Source::DiscordBot, "discord:7".to_owned(), Utc::now()) }
}

/// A log row as an older release wrote it for a body that it rejected. The body arrived at [`minute`]
/// `at`.
pub(crate) fn rejected(payload: &str, at: i64) -> LogEntry {
    LogEntry {
        source: Source::Webhook.as_str().to_owned(),
        endpoint: ORDERS.to_owned(),
        outcome: "rejected".to_owned(),
        code: Some("not_an_order".to_owned()),
        error_message: Some("could not be read".to_owned()),
        payload: payload.to_owned(),
        sent_at: minute(at),
        created_at: minute(at),
        ..LogEntry::default()
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

    /// Stops the pipeline and returns its folder and database.
    pub(crate) async fn end(self) -> Home {
        self.ingest.close();
        soon(self.writer).await.unwrap();
        self.store.close().await.unwrap();
        self.home
    }

    /// A plain SQL connection to the database.
    pub(crate) async fn sql(&self) -> Sql {
        self.home.sql().await
    }

    /// Submits a webhook body that arrives at [`minute`] `at`, and waits for the receipt.
    pub(crate) async fn post(&self, body: &str, at: i64) -> Receipt {
        soon(self.ingest.submit(Message::from_payload(body, ORDERS, minute(at)))).await.unwrap()
    }

    /// Like [`Self::post`], but does not wait for the receipt.
    pub(crate) async fn enqueue(&self, body: &str, at: i64) -> Pending {
        soon(self.ingest.enqueue(Message::from_payload(body, ORDERS, minute(at)))).await.unwrap()
    }

    /// Submits a Discord message that was written or edited at [`minute`] `at`.
    pub(crate) async fn discord(&self, id: i64, text: &str, at: i64) -> Receipt {
        soon(self.ingest.submit(discord_message(id, text, at))).await.unwrap()
    }

    pub(crate) async fn edit(&self, edit: Edit) -> Edited {
        soon(self.ingest.edit(edit)).await.unwrap()
    }

    pub(crate) async fn order(&self, number: &str) -> Order {
        self.store.order(number).await.unwrap().expect("the order exists")
    }

    pub(crate) async fn history(&self, number: &str) -> Vec<OrderEvent> {
        self.store.events(self.order(number).await.id, 0, 100).await.unwrap()
    }

    /// Inserts log rows and returns their ids.
    pub(crate) async fn log(&self, rows: Vec<LogEntry>) -> Vec<i64> {
        let batch = self.store.begin().await.unwrap();
        let ids = batch.save_logs(rows).await.unwrap();
        batch.commit().await.unwrap();
        ids
    }

    /// Replays the log rows with this outcome, or all rows for `all`.
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

    /// All rows of orders, events and the log.
    pub(crate) async fn everything(&self) -> Value {
        json!([self.rows("orders").await, self.rows("order_events").await, self.rows("webhook_logs").await])
    }
}

/// A Discord message that was written or edited at [`minute`] `at`.
pub(crate) fn discord_message(id: i64, text: &str, at: i64) -> Message {
    let value = json!({"id": id.to_string(), "content": text, "timestamp": minute(0), "edited_timestamp": minute(at)});
    Message::from_discord(&value, ChannelRef { guild: 1, channel: 2 }, minute(at)).unwrap()
}
