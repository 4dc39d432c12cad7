//! `roms purge`: a person is gone, the business stays.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use crate::support::{
    app::ORDERS,
    load::{Load, assert_holds_once},
    program::Program,
};
use crate::watching::program::run;

/// Texts that must be gone after the purge, in lower case.
const GONE: [&str; 6] = [
    "ann.canary@example.com",
    "ann canary",
    "canary street",
    "ann-profile",
    "ann-secret",
    "leave it with the parrot",
];

/// The output if the address is unknown, in each of four places.
const NOTHING: &str = "Nothing found: no order, history, message or search holds this address\n";

/// A card of the person to be removed.
fn card(number: &str, email: &str) -> String {
    format!(
        "Successful Checkout | Store\nProduct\nParrot Cage\nPrice\n$42.50\nQuantity\n2\nOrder Number\n{number}\n\
         Email\n{email}\nCustomer Name\nAnn Canary\nProfile\nAnn-Profile\nProxy Details\nhttp://ann-secret:pw@1.2.3.4:80\n\
         Shipping Address\nAnn Canary\n1 Canary Street\nNotes\nLeave it with the parrot\n"
    )
}

/// Runs `roms purge` on a database that is served.
async fn purge(program: &Program, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(program.home(), &[&["purge"], arguments].concat()).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The texts about the person that a file still holds, in any case.
fn left_in(file: &Path) -> Vec<&'static str> {
    let bytes = std::fs::read(file).unwrap_or_default().to_ascii_lowercase();
    let holds = |text: &&str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    GONE.into_iter().filter(holds).collect()
}

/// Posts what ROMS has of the person and of others, in all the ways that it may be written.
async fn fill(program: &Program) {
    let client = Client::builder().no_proxy().build().unwrap();
    let post = async |body: String| {
        client.post(format!("{}{ORDERS}", program.url)).body(body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(card("ANN-1", "Ann.Canary@Example.com")).await, 200);
    // An update that names the order only.
    assert_eq!(
        post("Order Number\nANN-1\nStatus\nshipped\nShipping Address\n2 Canary Street\n".to_owned()).await,
        200
    );
    assert_eq!(
        post("Order Number\nANN-1\nStatus\nshipped\nShipping Address\n2 Canary Street \n".to_owned()).await,
        200
    );
    let flat = json!({
        "order_number": "ANN-2", "email": "ann.canary@example.com", "notes": "Leave it with the parrot",
        "Phone Model": "Ann Canary's own",
    });
    assert_eq!(post(flat.to_string().replace('@', "\\u0040")).await, 200);
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("payload_json", &json!({"content": card("ANN-3", "ANN.CANARY@EXAMPLE.COM")}).to_string())
        .finish();
    assert_eq!(post(form).await, 200);
    // The address was corrected to that of somebody else.
    assert_eq!(post(card("BOB-1", "ann.canary@example.com")).await, 200);
    let corrected = "Order Number\nBOB-1\nEmail\nbob@example.com\nCustomer Name\nBob\nProfile\nBobs\n\
                     Proxy Details\nBobs\nShipping Address\nBob\nNotes\nNone of it\n";
    assert_eq!(post(corrected.to_owned()).await, 200);
    // It stands in a note, and in what could not be read.
    let noted = "Order Number\nBOB-2\nEmail\nbob@example.com\nNotes\nask ann.canary@example.com, please\n";
    assert_eq!(post(noted.to_owned()).await, 200);
    assert_eq!(post("who is ann.canary@example.com?".to_owned()).await, 400);
    assert_eq!(
        post("Order Number\nCAT-1\nEmail\ncat@example.com\nNotes\nNone of ann\n".to_owned()).await,
        200
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_removed_while_orders_arrive_and_the_business_data_stays() {
    let program = Program::start().await;
    fill(&program).await;
    let mut sql = program.sql().await;
    sql.run(
        "INSERT INTO discord_views (text, used_at) VALUES ('{\"email\":\"Ann.Canary@example.com\"}', \
         '2026-01-31T00:00:00+00:00'), ('{\"email\":\"bob\"}', '2026-01-31T00:00:00+00:00')",
    )
    .await;
    let facts = "SELECT order_number, product, price, total, quantity, status, store, order_date, order_time, source, \
                 created_at, newest_message_at FROM orders WHERE order_number NOT LIKE 'S%' ORDER BY id";
    let (before, cat) = (sql.rows(facts).await, "SELECT * FROM orders WHERE order_number = 'CAT-1'");
    let cat_before = sql.rows(cat).await;
    let found = ["--email", "ann.canary@EXAMPLE.com", "--dry-run"];

    let (code, dry, log) = purge(&program, &found).await;
    assert_eq!((code, log.as_str()), (Some(0), ""));
    for line in ["4 orders: ", "7 steps of their history: ", "8 messages in the log: ", "1 searches "] {
        assert!(dry.lines().any(|said| said.starts_with(line) && said.contains("would be removed")), "{dry}");
    }
    assert_eq!(sql.count("webhook_logs WHERE emptied_at IS NOT NULL").await, 0, "nothing is changed yet");
    drop(sql);

    let load = Load::start(&program.url, "S", 4);
    load.until_more(50).await;
    let (code, said, log) = purge(&program, &["--email", "ann.canary@EXAMPLE.com", "--yes"]).await;
    assert_eq!((code, log.as_str()), (Some(0), ""), "{said}");
    load.until_more(50).await;
    let seen = load.end().await;
    for (line, dry) in said.lines().zip(dry.lines()) {
        assert_eq!(line, dry.replace("would be removed", "removed"));
    }
    assert!(said.contains("backups made earlier") && !said.to_lowercase().contains("canary"), "{said}");

    let mut sql = program.sql().await;
    assert_eq!(sql.rows(facts).await, before);
    assert_eq!(sql.rows(cat).await, cat_before);
    let empty = "SELECT count(*) FROM orders WHERE order_number LIKE 'ANN-%' AND email IS NULL AND customer_name IS NULL \
                 AND shipping_address IS NULL AND profile IS NULL AND proxy_list IS NULL AND notes IS NULL AND extra = '{}'";
    assert_eq!(sql.value(empty).await, 3);
    let bob = sql
        .values("SELECT email, customer_name, notes FROM orders WHERE order_number LIKE 'BOB-%' ORDER BY id")
        .await;
    assert_eq!(
        json!(bob),
        json!([["bob@example.com", "Bob", "None of it"], ["bob@example.com", null, null]])
    );
    let statuses = sql
        .values(
            "SELECT id, outcome, payload, emptied_at IS NULL FROM webhook_logs WHERE id <= 10 ORDER BY id",
        )
        .await;
    for (at, row) in statuses.iter().enumerate() {
        let whole = at == 6 || at == 9;
        assert_eq!((&row[3], row[2] != ""), (&json!(i64::from(whole)), whole), "{row:?}");
    }
    assert_eq!(sql.value("SELECT outcome FROM webhook_logs WHERE id = 1").await, "created");
    let steps = sql.value("SELECT changes FROM order_events WHERE log_id = 1").await;
    let steps: Value = serde_json::from_str(steps.as_str().unwrap()).unwrap();
    let step =
        |field: &str| steps.as_array().unwrap().iter().find(|step| step["field"] == field).cloned().unwrap();
    assert_eq!(step("email"), json!({"field": "email", "old": null, "new": null}));
    assert_eq!(step("price"), json!({"field": "price", "old": null, "new": "42.50"}));

    let orders = assert_holds_once(&mut sql, &seen.acknowledged).await;
    assert!(orders > 100 && seen.refused.is_empty(), "{:?}", seen.refused);
    drop(sql);
    // Not in the files either, whatever SQLite keeps of what was there.
    if !program.home().is_postgres() {
        for file in ["roms_v2.db", "roms_v2.db-wal"] {
            assert_eq!(left_in(&program.folder().join(file)), [""; 0], "{file}");
        }
    }

    // An older message does not bring it back.
    let old = json!({"content": "Order Number\nANN-1\nNotes\nFrom her", "timestamp": "2020-01-31T00:00:00Z"});
    let client = Client::builder().no_proxy().build().unwrap();
    let reply = client.post(format!("{}{ORDERS}", program.url)).body(old.to_string()).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let notes = program.sql().await.value("SELECT notes FROM orders WHERE order_number = 'ANN-1'").await;
    assert_eq!(notes, Value::Null);

    let (code, again, _) = purge(&program, &found).await;
    assert_eq!((code, again.as_str()), (Some(0), NOTHING));
}

/// Of an order that is emptied, nothing may be left in the log and the history that its address
/// would have led to.
#[tokio::test(flavor = "multi_thread")]
async fn cards_about_an_emptied_order_that_arrive_meanwhile_leave_no_personal_data() {
    let program = Program::start().await;
    let client = Client::builder().no_proxy().build().unwrap();
    let post = async |body: String| {
        let reply = client.post(format!("{}{ORDERS}", program.url)).body(body).send().await.unwrap();
        assert_eq!(reply.status(), 200);
    };
    let update = |number: &str| format!("Order Number\n{number}\nShipping Address\n2 Canary Street\n");
    let old: Vec<String> = (0..300).map(|n| format!("OLD-{n}")).collect();
    join_all(old.iter().map(|number| post(card(number, "ann.canary@example.com")))).await;

    let removed = AtomicBool::new(false);
    let meanwhile = async {
        for (n, old) in (0..).zip(old.iter().cycle()) {
            if removed.load(Ordering::Relaxed) {
                return n;
            }
            let new = format!("NEW-{n}");
            post(update(old)).await;
            post(card(&new, "ann.canary@example.com")).await;
            post(update(&new)).await;
        }
        unreachable!("there are always more");
    };
    let removing = async {
        let (code, said, _) = purge(&program, &["--email", "ann.canary@example.com", "--yes"]).await;
        removed.store(true, Ordering::Relaxed);
        assert_eq!(code, Some(0), "{said}");
    };
    let (posted, ()) = tokio::join!(meanwhile, removing);

    assert!(posted > 20, "{posted} orders came in meanwhile");
    let mut sql = program.sql().await;
    let is_empty = "o.email IS NULL AND o.shipping_address IS NULL";
    assert!(sql.count(&format!("orders o WHERE {is_empty}")).await > 0);
    for (table, text, of_order) in [
        ("webhook_logs", "payload", "l.order_ids = '[' || o.id || ']'"),
        ("order_events", "changes", "l.order_id = o.id"),
    ] {
        let left = format!(
            "{table} l JOIN orders o ON {of_order} WHERE {is_empty} AND l.{text} LIKE '%Canary Street%'"
        );
        assert_eq!(sql.count(&left).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_needs_a_confirmation_and_a_whole_address() {
    let program = Program::start().await;
    fill(&program).await;
    let before = program.sql().await.rows("SELECT * FROM orders").await;

    let (code, said, log) = purge(&program, &["--email", "ann.canary@example.com"]).await;
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(
        log.contains("this cannot be undone") && log.contains("--yes") && log.lines().count() == 1,
        "{log}"
    );
    for part in ["ann.canary", "@example.com", "canary@", ""] {
        let (code, said, log) = purge(&program, &["--email", part, "--yes"]).await;
        assert_eq!((code, said.as_str()), (Some(1), ""), "{part}");
        assert!(log.starts_with("roms: this is not an e-mail address") && !log.contains("canary"), "{log}");
    }
    for other in ["canary@example.com", "ann.canary@example.co", "x@ann.canary"] {
        let (code, said, _) = purge(&program, &["--email", other, "--yes"]).await;
        assert_eq!(code, Some(0));
        assert_eq!(said, NOTHING, "{other}");
    }
    assert_eq!(program.sql().await.rows("SELECT * FROM orders").await, before);
    if !program.home().is_postgres() {
        let database = program.home().database();
        let files = [database.clone(), database.with_file_name("roms_v2.db-wal")];
        assert!(files.iter().any(|file| !left_in(file).is_empty()));
    }
}
