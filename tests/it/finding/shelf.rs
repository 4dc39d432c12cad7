//! A store with orders in it, put there as the writer does.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use roms::order::{Amount, Extra, Fields, Order, OrderNumber, Source, Status};
use roms::store::{Options, OrderFilter, PageStart, Store};

use crate::support::{home::Home, sql::Sql};

/// A store in a database of its own.
pub(super) struct Shelf {
    pub(super) store: Store,
    home: Home,
}

impl Shelf {
    /// With the defaults.
    pub(super) async fn new() -> Self {
        Self::with("").await
    }

    /// With this configuration.
    pub(super) async fn with(toml: &str) -> Self {
        Self::in_home(Home::new(), toml).await
    }

    /// In this place.
    pub(super) async fn in_home(home: Home, toml: &str) -> Self {
        let store = open(&home, toml).await;
        Self { store, home }
    }

    /// Closes it, and opens it again with this configuration.
    pub(super) async fn again(self, toml: &str) -> Self {
        self.store.close().await.unwrap();
        let store = open(&self.home, toml).await;
        Self { store, home: self.home }
    }

    /// A second store on the same database, by default options.
    pub(super) async fn open_by_default(&self) -> Store {
        Store::open(&self.home.url()).await.unwrap()
    }

    /// A connection to the database, past the store.
    pub(super) async fn sql(&self) -> Sql {
        self.home.sql().await
    }

    /// Writes orders in one transaction.
    pub(super) async fn put(&self, orders: &[Order]) {
        let mut batch = self.store.begin().await.unwrap();
        for orders in orders.chunks(64) {
            let numbers: Vec<_> = orders.iter().map(|order| order.number.clone()).collect();
            batch.orders(&numbers).await.unwrap();
            batch.save_orders(&orders.iter().collect::<Vec<_>>()).await.unwrap();
        }
        batch.commit().await.unwrap();
    }
}

async fn open(home: &Home, toml: &str) -> Store {
    let config = home.config(toml);
    Store::open_with(&config.database.url, Options::of(&config)).await.unwrap()
}

/// An order of this number, which says nothing else but its date.
pub(super) fn order(number: &str) -> Order {
    let at = time("2026-01-31T12:00:00Z");
    Order {
        id: 0,
        number: OrderNumber::parse(number).unwrap(),
        fields: Fields { order_date: Some(at), ..Fields::default() },
        extra: Extra::new(),
        items: Vec::new(),
        derived: BTreeSet::new(),
        unreadable: BTreeMap::new(),
        cleared: BTreeSet::new(),
        source: Source::Webhook,
        newest: at,
        created_at: at,
        updated_at: at,
    }
}

/// The order with other columns.
pub(super) fn with(mut order: Order, change: impl FnOnce(&mut Fields)) -> Order {
    change(&mut order.fields);
    order
}

/// A text of a column.
#[expect(clippy::unnecessary_wraps, reason = "a column is optional")]
pub(super) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// An amount in hundredths.
pub(super) fn amount(hundredths: i64) -> Option<Amount> {
    Amount::from_hundredths(hundredths)
}

/// A moment.
pub(super) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The numbers of the orders that a search finds.
pub(super) async fn found(shelf: &Shelf, text: &str) -> String {
    let page = shelf.store.order_page(&search(text), PageStart::Newest, 9).await.unwrap();
    numbers(&page.items).join(" ")
}

/// The numbers of orders.
pub(super) fn numbers(orders: &[Order]) -> Vec<&str> {
    orders.iter().map(|order| order.number.as_str()).collect()
}

/// A filter by status.
pub(super) fn of_status(status: Status) -> OrderFilter {
    OrderFilter { status: Some(status), ..OrderFilter::default() }
}

/// A filter by text.
pub(super) fn search(text: &str) -> OrderFilter {
    OrderFilter { search: some(text), ..OrderFilter::default() }
}
