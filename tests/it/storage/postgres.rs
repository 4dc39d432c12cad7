//! PostgreSQL itself: opening, error messages, and session settings. These tests need a server: run
//! `just test-postgres`.

use chrono::Utc;
use roms::config::DatabaseUrl;
use roms::order::EmailAddress;
use roms::store::{Options, Store};
use serde_json::json;
use url::Url;

use crate::support::{
    app::{App, soon},
    edge::Log,
    home::{Home, server},
};

/// The URL of the database, with a change.
fn changed(home: &Home, change: impl FnOnce(&mut Url)) -> DatabaseUrl {
    let mut url: Url = home.url().expose().parse().unwrap();
    change(&mut url);
    url.as_str().parse().unwrap()
}

/// The error for a database that cannot be opened.
async fn refusal(url: &DatabaseUrl) -> String {
    let error = Store::open(url).await.unwrap_err();
    let line = error.to_string();
    assert_eq!(format!("{error:?}"), line, "nothing else is shown to whoever looks closer");
    assert!(line.starts_with(&format!("cannot use the database {url}: ")), "{line}");
    assert!(!line.contains('\n') && !line.contains("hunter2"), "{line}");
    line
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn errors_on_opening_say_what_to_do() {
    let home = Home::postgres();
    let password = changed(&home, |url| url.set_password(Some("hunter2")).unwrap());
    assert!(refusal(&password).await.contains("it refuses the password of database.url"));
    let user = changed(&home, |url| url.set_username("nobody_here").unwrap());
    assert!(refusal(&user).await.contains("it refuses the password of database.url"));
    let database = changed(&home, |url| url.set_path("/no_such_database"));
    assert!(refusal(&database).await.contains("it has no such database; create it with CREATE DATABASE"));
    let name = changed(&home, |url| url.set_host(Some("no-such-host.invalid")).unwrap());
    assert!(refusal(&name).await.contains("are host and port in database.url correct?"));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = changed(&home, |url| url.set_port(Some(port)).unwrap());
    assert!(refusal(&closed).await.contains("cannot reach the server (Connection refused"));
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_user_without_the_right_to_create_tables_can_use_existing_ones() {
    let home = Home::postgres();
    let mut sql = home.sql().await;
    let user = home.url().expose().rsplit('/').next().unwrap().to_owned();
    sql.run(&format!("CREATE ROLE {user} LOGIN PASSWORD 'hunter2'")).await;
    let url = changed(&home, |url| {
        url.set_username(&user).unwrap();
        url.set_password(Some("hunter2")).unwrap();
    });
    assert!(refusal(&url).await.contains("GRANT USAGE, CREATE ON SCHEMA public"));
    assert!(sql.columns("orders").await.is_empty(), "nothing is left behind");

    Store::open(&home.url()).await.unwrap().close().await.unwrap();
    let line = refusal(&url).await;
    assert!(line.contains(&format!("GRANT SELECT ON seaql_migrations TO {user}")), "{line}");
    sql.run(line.split_once("run: ").unwrap().1).await;
    let forgotten = format!(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
         AND NOT has_table_privilege('{user}', oid, 'SELECT')"
    );
    assert!(sql.rows(&forgotten).await.is_empty(), "the advice names every table");
    let store = Store::open(&url).await.unwrap();
    store.ping().await.unwrap();
    store.ping_writer().await.unwrap();
    store.close().await.unwrap();
    sql.run(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_missing_right_is_reported_at_the_start_with_its_grant() {
    let mut home = Home::postgres();
    Store::open(&home.url()).await.unwrap().close().await.unwrap();
    let mut sql = home.sql().await;
    let user = home.use_unprivileged_user("hunter2").await;
    let store_url = home.url();
    sql.run(&format!(
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}; \
         GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}; \
         REVOKE INSERT, DELETE ON order_events FROM {user}; \
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {user}; REVOKE USAGE ON SEQUENCE orders_id_seq FROM {user}"
    ))
    .await;
    let line = refusal(&store_url).await;
    assert!(line.contains(&format!("GRANT INSERT, DELETE ON order_events TO {user}")), "{line}");
    assert!(line.contains(&format!("GRANT USAGE ON orders_id_seq TO {user}")), "{line}");
    // The advice is complete.
    let (_, grants) = line.split_once("run: ").unwrap();
    sql.run(grants).await;
    let store = Store::open(&store_url).await.unwrap();
    let address = EmailAddress::parse("a@b.example").unwrap();
    let refused = store.purge(&address).await.unwrap_err().to_string();
    assert!(
        refused.contains("may not VACUUM the tables") && refused.contains("GRANT postgres TO"),
        "{refused}"
    );
    store.close().await.unwrap();

    let (log, _listening) = Log::listen();
    let options = Options { search_index: Some(false), ..Options::default() };
    Store::open_with(&store_url, options).await.unwrap().close().await.unwrap();
    assert_eq!(log.count("the search index stays, although search_index is false: only postgres"), 1);
    sql.run("DROP INDEX orders_search").await;
    let options = Options { search_index: Some(true), ..Options::default() };
    Store::open_with(&store_url, options).await.unwrap().close().await.unwrap();
    assert_eq!(log.count("there is no index for it: only postgres, the owner of the tables"), 1);
    sql.run(&format!("DROP OWNED BY {user}; DROP ROLE {user}")).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_missing_right_to_connect_or_to_see_the_schema_is_reported_with_its_grant() {
    let mut home = Home::postgres();
    Store::open(&home.url()).await.unwrap().close().await.unwrap();
    let mut sql = home.sql().await;
    let user = home.use_unprivileged_user("hunter2").await;
    let url = home.url();
    let database = url.expose().rsplit('/').next().unwrap().to_owned();
    sql.run("REVOKE USAGE ON SCHEMA public FROM PUBLIC").await;
    assert!(refusal(&url).await.contains("GRANT USAGE ON SCHEMA public to the user of database.url"));
    sql.run(&format!("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")).await;
    let line = refusal(&url).await;
    assert!(
        line.ends_with(&format!("run: GRANT CONNECT ON DATABASE \"{database}\" TO \"{user}\"")),
        "{line}"
    );
    sql.run(&format!("DROP ROLE {user}")).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_leader_that_was_replaced_cannot_write_a_cursor() {
    let home = Home::postgres();
    let (old, new) = (Store::open(&home.url()).await.unwrap(), Store::open(&home.url()).await.unwrap());
    let _lead = old.acquire_leadership(|| ()).await;
    old.save_cursor(1, 10, Utc::now()).await.unwrap();
    // As if the old leader had been suspended for longer than its lease.
    home.sql().await.run("UPDATE leader SET expires_at = now() - interval '1 hour'").await;
    let _next = soon(new.acquire_leadership(|| ())).await;
    let refused = old.save_cursor(1, 20, Utc::now()).await.unwrap_err();
    assert_eq!(refused.to_string(), "another process is the leader now");
    new.save_cursor(1, 30, Utc::now()).await.unwrap();
    assert_eq!(new.cursors(&[1]).await.unwrap()[&1].message, 30);
    old.close().await.unwrap();
    new.close().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn a_database_of_another_encoding_is_refused() {
    let home = Home::postgres();
    let name = format!("{}_latin", home.url().expose().rsplit('/').next().unwrap());
    let mut sql = home.sql().await;
    sql.run(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")).await;
    let url = changed(&home, |url| url.set_path(&name));
    let line = refusal(&url).await;
    sql.run(&format!("DROP DATABASE {name} WITH (FORCE)")).await;
    assert!(line.contains("its encoding is LATIN1; create a new one with CREATE DATABASE"), "{line}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn the_connection_is_encrypted_as_the_url_says() {
    let home = Home::postgres();
    let ca = std::env::var("TEST_DATABASE_CA").expect("`just test-postgres` makes a certificate");
    let mode = |query: String| changed(&home, |url| url.set_query(Some(&query)));
    let encrypted = async |url: &DatabaseUrl| {
        let store = Store::open(url).await.unwrap();
        let sessions = home
            .sql()
            .await
            .values(
                "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                 WHERE datname = current_database() AND application_name = 'roms'",
            )
            .await;
        store.close().await.unwrap();
        json!(sessions)
    };
    assert_eq!(encrypted(&mode("sslmode=disable".into())).await, json!([[0]]));
    assert_eq!(encrypted(&mode("sslmode=require".into())).await, json!([[1]]));
    assert_eq!(encrypted(&mode(format!("sslmode=verify-full&sslrootcert={ca}"))).await, json!([[1]]));

    let unknown = refusal(&mode("sslmode=verify-full".into())).await;
    assert!(unknown.contains("TLS fails") && unknown.contains("sslrootcert"), "{unknown}");
    let named = changed(&home, |url| {
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_query(Some(&format!("sslmode=verify-full&sslrootcert={ca}")));
    });
    assert!(refusal(&named).await.contains("TLS fails"), "the certificate is of localhost");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn roms_sets_durability_and_lock_timeouts_whatever_the_server_prefers() {
    let home = Home::postgres();
    let mut sql = home.sql().await;
    let name = home.url().expose().rsplit('/').next().unwrap().to_owned();
    sql.run(&format!(
        "ALTER DATABASE {name} SET synchronous_commit = off; \
         ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'; \
         ALTER DATABASE {name} SET TimeZone = 'Asia/Tokyo'"
    ))
    .await;
    let app = App::start_in(home, "").await;
    let mut sql = app.sql().await;
    sql.run(
        "CREATE TABLE seen (name text, value text); \
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO seen SELECT name, current_setting(name) FROM unnest(ARRAY['synchronous_commit', 'TimeZone', \
         'lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout', 'enable_seqscan']) AS name; \
         RETURN NEW; END $$; \
         CREATE TRIGGER note BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note()",
    )
    .await;
    app.stored(&["Order Number\nA-1\n"]).await;
    let seen = sql.values("SELECT name, value FROM seen ORDER BY name").await;
    assert_eq!(
        json!(seen),
        json!([
            ["TimeZone", "UTC"],
            ["enable_seqscan", "off"],
            ["idle_in_transaction_session_timeout", "2s"],
            ["lock_timeout", "5s"],
            ["statement_timeout", "30s"],
            ["synchronous_commit", "on"]
        ])
    );
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server"]
async fn the_lists_have_their_indexes() {
    let app = App::start_in(Home::postgres(), "").await;
    let mut sql = app.sql().await;
    sql.run("SET enable_seqscan = off; SET enable_sort = off").await;
    for (query, index) in [
        ("SELECT * FROM orders WHERE order_number = 'A'", "orders_order_number_key"),
        ("SELECT * FROM orders WHERE status = 'shipped' ORDER BY id DESC LIMIT 50", "orders_status_id"),
        ("SELECT * FROM orders ORDER BY created_at DESC, id DESC LIMIT 10", "orders_created_at_id"),
        ("SELECT * FROM order_events WHERE order_id = 1 ORDER BY id", "order_events_order_id_id"),
        (
            "SELECT * FROM webhook_logs WHERE outcome = 'rejected' ORDER BY id DESC LIMIT 50",
            "webhook_logs_outcome_id",
        ),
        ("SELECT * FROM webhook_logs WHERE source_key = 'a'", "webhook_logs_source_key_key"),
        (
            "SELECT id FROM webhook_logs WHERE emptied_at IS NULL AND created_at < '2026-01-01' \
             ORDER BY created_at LIMIT 500",
            "webhook_logs_whole",
        ),
        (
            "SELECT id FROM orders WHERE lower(order_number) COLLATE \"C\" >= lower('a') \
             AND lower(order_number) COLLATE \"C\" < lower('a') || 'z'",
            "orders_order_number_prefix",
        ),
        (
            "SELECT * FROM orders WHERE lower(email) COLLATE \"C\" = lower('a') ORDER BY id DESC LIMIT 50",
            "orders_email_prefix",
        ),
        (
            "SELECT * FROM orders WHERE lower(profile) COLLATE \"C\" = lower('a') ORDER BY id DESC LIMIT 50",
            "orders_profile_prefix",
        ),
        ("SELECT * FROM order_sums WHERE kind = 'status' AND day >= '2026-01-01'", "order_sums_pkey"),
    ] {
        let plan = json!(sql.values(&format!("EXPLAIN {query}")).await).to_string();
        assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{query}: {plan}");
    }
    assert!(server().is_some());
}
