//! Each migration, applied to a database that already holds orders.

use migration::{Migrator, MigratorTrait};
use roms::order::merge::merge;
use roms::order::{Extra, Fields, Patch};
use roms::store::{Options, OrderFilter, PageStart, Store};
use sea_orm::DatabaseConnection;
use serde_json::{Map, Value, json};

use crate::support::{home::Home, sql::Sql};

const TABLES: [&str; 3] = ["orders", "webhook_logs", "order_events"];

/// Orders as the first schema could hold them: full, nearly empty, and with characters beyond ASCII.
const ORDERS: &str = "
    INSERT INTO orders (order_number, product, price, total, quantity, email, profile, proxy_list, status,
        tracking_number, order_date, source, created_at, updated_at, store, currency, extra, derived, newest_message_at)
    VALUES ('BBY01-807102506907', 'STARLINK - Mini Kit AC Dual Band Wi-Fi System', 299.99, 599.98, 2,
        'woozy_byes@icloud.example', 'Lennar #8-$48-@07', 'ISP 1', 'verified', '1Z999AA10123456784',
        '2026-01-31T17:56:00+00:00', 'discord_bot', '2026-01-31T17:56:01+00:00', '2026-01-31T17:56:02.123456+00:00',
        'Best Buy US', 'USD', '{\"Mode\":\"Fast\"}', 'total', '2026-01-31T17:56:00+00:00'),
        ('A-2', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'manual_upload',
        '2026-02-01T00:00:00+00:00', '2026-02-01T00:00:00+00:00', NULL, NULL, '{}', '', '2026-02-01T00:00:00+00:00'),
        ('Ü/3', 'ポケモン カード 🎮', 0.01, 9999999.99, 1, NULL, NULL, NULL, 'refunded', NULL, NULL, 'webhook',
        '2026-02-02T00:00:00+00:00', '2026-02-02T00:00:00+00:00', 'Größe', 'EUR', '{}', '',
        '2026-02-02T00:00:00+00:00')";
const LOG: &str = "
    INSERT INTO webhook_logs (source, source_key, endpoint, message_id, outcome, warnings, order_ids, payload,
        flattened, sent_at, created_at)
    VALUES ('discord_bot', 'discord:1', 'discord/1/2', 3, 'created', '[]', '[1]', '{}', 'Product\nx',
        '2026-01-31T17:56:00+00:00', '2026-01-31T17:56:01+00:00')";
const EVENT: &str = "
    INSERT INTO order_events (order_id, event_type, changes, source, log_id, created_at)
    VALUES (1, 'created', '[{\"field\":\"status\",\"old\":null,\"new\":\"verified\"}]', 'discord_bot', 1,
        '2026-01-31T17:56:01+00:00')";

async fn connect(home: &Home) -> DatabaseConnection {
    let url = home.url();
    let url = match url.sqlite_path() {
        Some(path) => format!("sqlite://{}?mode=rwc", path.display()),
        None => url.expose().to_owned(),
    };
    sea_orm::Database::connect(url).await.unwrap()
}

/// The rows of these tables.
async fn rows(sql: &mut Sql, tables: &[&str]) -> Vec<Map<String, Value>> {
    let mut rows = Vec::new();
    for table in tables {
        rows.extend(sql.rows(&format!("SELECT * FROM {table} ORDER BY id")).await);
    }
    rows
}

#[tokio::test]
async fn each_migration_keeps_what_the_tables_hold() {
    let home = Home::new();
    let database = connect(&home).await;
    let mut sql: Option<Sql> = None;
    for (at, migration) in Migrator::migrations().iter().enumerate() {
        let tables = &TABLES[..at.min(TABLES.len())];
        let before = match &mut sql {
            Some(sql) => rows(sql, tables).await,
            None => Vec::new(),
        };
        drop(sql.take());
        Migrator::up(&database, Some(1)).await.unwrap();

        let mut connection = home.sql().await;
        let after = rows(&mut connection, tables).await;
        assert_eq!(after.len(), before.len(), "{}", migration.name());
        for (before, after) in before.iter().zip(&after) {
            for (column, value) in before {
                assert_eq!(after.get(column), Some(value), "{column} after {}", migration.name());
            }
        }
        if let Some(insert) = [ORDERS, LOG, EVENT].get(at) {
            connection.run(insert).await;
        }
        sql = Some(connection);
    }
    database.close().await.unwrap();
}

/// Orders whose `extra` holds a SKU, is not JSON, or is no object.
const ORDERS_WITH_EXTRA: &str = "
    INSERT INTO orders (order_number, product, price, total, quantity, source, created_at, updated_at, extra, derived,
        newest_message_at, qty_received, product_url, image_url)
    VALUES ('S-1', 'Shoe', 10.1, 40, 3, 'webhook', '2026-02-03T00:00:00+00:00', '2026-02-03T00:00:00+00:00',
        '{\"sku\":\"DZ-\\\"6\",\"size\":\"10.5\"}', '', '2026-02-03T00:00:00+00:00', 2,
        'https://a.example/s', 'https://a.example/s.png'),
        ('S-2', 'Torn', NULL, 7.5, NULL, 'webhook', '2026-02-03T00:00:00+00:00', '2026-02-03T00:00:00+00:00',
        '{\"sku\":\"torn', '', '2026-02-03T00:00:00+00:00', NULL, NULL, NULL),
        ('S-3', 'List', 999999999999.99, 1, 2, 'webhook', '2026-02-03T00:00:00+00:00', '2026-02-03T00:00:00+00:00',
        '[\"sku\"]', '', '2026-02-03T00:00:00+00:00', 0, NULL, NULL)";

#[tokio::test]
async fn orders_of_an_earlier_release_get_one_item_each() {
    let home = Home::new();
    let database = connect(&home).await;
    let earlier = Migrator::migrations().iter().position(|migration| migration.name() == "m0015_order_items");
    Migrator::up(&database, Some(u32::try_from(earlier.unwrap()).unwrap())).await.unwrap();
    database.close().await.unwrap();
    let mut sql = home.sql().await;
    sql.run(ORDERS).await;
    sql.run(ORDERS_WITH_EXTRA).await;
    let before = rows(&mut sql, &["orders"]).await;
    let options = Options { search_index: Some(true), ..Options::default() };
    let store = Store::open_with(&home.url(), options).await.unwrap();

    for row in &before {
        let order = store.order(row["order_number"].as_str().unwrap()).await.unwrap().unwrap();
        assert_eq!(order.items.len(), usize::from(order.fields.product.is_some()));
        let confirmation = Patch {
            number: order.number.clone(),
            at: order.newest,
            source: order.source,
            stated: Fields::default(),
            derived: Fields::default(),
            extra: Extra::new(),
            items: Vec::new(),
        };
        let change = merge(Some(&order), &confirmation, order.newest);
        assert!(
            !change.dirty,
            "the item is as a card would make it: {:?} {:?}",
            order.items, change.order.items
        );
    }
    let item = &store.order("S-1").await.unwrap().unwrap().items[0];
    let texts: Vec<String> = item.named_texts().into_iter().map(|(_, text)| text).collect();
    let links = ["https://a.example/s", "https://a.example/s.png"];
    assert_eq!(texts, [&["Shoe", "DZ-\"6", "10.5", "3", "10.10", "30.30"][..], &links, &["2"]].concat());
    let filter = OrderFilter { search: Some("dz-\"6".to_owned()), ..OrderFilter::default() };
    let found = store.order_page(&filter, PageStart::Newest, 9).await.unwrap();
    assert_eq!(found.items.len(), 1, "the SKU is in the search index");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_any_earlier_schema_is_served_with_its_orders() {
    let migrations = Migrator::migrations().len();
    for applied in 3..migrations {
        let home = Home::new();
        let database = connect(&home).await;
        Migrator::up(&database, Some(u32::try_from(applied).unwrap())).await.unwrap();
        database.close().await.unwrap();
        let mut sql = home.sql().await;
        for insert in [ORDERS, LOG, EVENT] {
            sql.run(insert).await;
        }
        let options = Options { search_index: Some(true), ..Options::default() };
        let store = Store::open_with(&home.url(), options).await.unwrap();

        let order = store.order("BBY01-807102506907").await.unwrap().unwrap();
        let fields = json!([order.fields.product, order.fields.email, order.fields.store]);
        assert_eq!(
            fields,
            json!([
                "STARLINK - Mini Kit AC Dual Band Wi-Fi System",
                "woozy_byes@icloud.example",
                "Best Buy US"
            ])
        );
        assert_eq!(order.fields.total.unwrap().to_string(), "599.98", "{applied} migrations");
        assert_eq!(store.events(order.id, 0, 10).await.unwrap().len(), 1);
        let total = store.count_orders(&OrderFilter::default()).await.unwrap();
        assert_eq!((total.count, total.exact), (3, true), "the sums count all orders");
        for text in ["starlink", "ポケモン", "ü/3"] {
            let filter = OrderFilter { search: Some(text.to_owned()), ..OrderFilter::default() };
            let found = store.order_page(&filter, PageStart::Newest, 9).await.unwrap();
            assert_eq!(found.items.len(), 1, "{text} after {applied} migrations");
        }
        store.close().await.unwrap();
        sql.assert_sound().await;
    }
}
