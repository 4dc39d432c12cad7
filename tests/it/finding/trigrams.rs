//! PostgreSQL's search index: where it comes from, and what is done without. `just test-postgres`
//! runs these.

use serde_json::json;

use super::shelf::{Shelf, found, order, some, with};
use crate::support::{edge::Log, home::Home};

const INDEXES: &str = "SELECT indexdef::text FROM pg_indexes WHERE indexname = 'orders_search'";

async fn fill(shelf: &Shelf) {
    let mug = |number: &str| with(order(number), |fields| fields.product = some("blue mug"));
    shelf.put(&[mug("A-1"), order("A-2"), mug("A-3")]).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_search_goes_by_the_index() {
    let shelf = Shelf::in_home(Home::postgres(), "").await;
    fill(&shelf).await;
    assert_eq!(found(&shelf, "UE MUG").await, "A-3 A-1");
    let mut sql = shelf.sql().await;
    sql.run("SET enable_seqscan = off").await;
    let text = migration::search_index::POSTGRES_TEXT;
    let plan = sql.values(&format!("EXPLAIN SELECT id FROM orders WHERE {text} LIKE '%ue mug%'")).await;
    assert!(json!(plan).to_string().contains("orders_search"), "{plan:?}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn an_extension_in_another_schema_is_used() {
    let home = Home::postgres();
    home.sql().await.run("CREATE SCHEMA extensions; CREATE EXTENSION pg_trgm SCHEMA extensions").await;
    let shelf = Shelf::in_home(home, "").await;
    fill(&shelf).await;
    let indexes = json!(shelf.sql().await.values(INDEXES).await).to_string();
    assert!(indexes.contains("extensions.gin_trgm_ops"), "{indexes}");
    assert_eq!(found(&shelf, "UE MUG").await, "A-3 A-1");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn without_the_extension_one_warning_is_logged_and_searches_work() {
    let (log, _listening) = Log::listen();
    let mut home = Home::postgres();
    let mut sql = home.sql().await;
    // It may make tables, but nothing in the database itself.
    let user = home.use_unprivileged_user("hunter2").await;
    sql.run(&format!("GRANT ALL ON SCHEMA public TO {user}")).await;

    let shelf = Shelf::in_home(home, "").await;
    let told = "searching will be slow, because there can be no index for it";
    assert_eq!(log.count(told), 1, "{}", log.text());
    assert!(log.text().contains("permission denied to create extension"), "{}", log.text());
    assert!(sql.values(INDEXES).await.is_empty());
    fill(&shelf).await;
    assert_eq!(found(&shelf, "UE MUG").await, "A-3 A-1");

    sql.run("CREATE EXTENSION pg_trgm").await;
    let shelf = shelf.again("").await;
    assert_eq!(log.count(told), 1, "{}", log.text());
    assert_eq!(sql.values(INDEXES).await.len(), 1);
    assert_eq!(found(&shelf, "UE MUG").await, "A-3 A-1");
    shelf.store.close().await.unwrap();
    sql.run(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).await;
}
