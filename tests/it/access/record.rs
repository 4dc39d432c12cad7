//! The access log and the last use of a token. Neither reveals the token.

use serde_json::{Value, json};

use super::{create, get, locked, revoke};
use crate::support::app::{App, until};

/// The entries of the access log about this event, oldest first: token, address, detail and count.
async fn entries(app: &App, event: &str) -> Vec<Vec<Value>> {
    let select =
        format!("SELECT token, peer, detail, count FROM access_log WHERE event = '{event}' ORDER BY id");
    app.sql().await.values(&select).await
}

#[tokio::test]
async fn uses_from_new_addresses_and_refusals_are_recorded_and_counted() {
    let (app, _) = locked("").await;
    let reader = create(app.home(), "read").await;
    for _ in 0..5 {
        assert_eq!(get(&app, &reader, "/api/v2/orders").await.status, 200);
        assert_eq!(get(&app, &reader, "/api/v2/webhooks/logs/7").await.status, 403);
        assert_eq!(app.get("/api/v2/orders/secret-1").await.status, 401);
    }
    until("the new address is stored", async || !entries(&app, "new_address").await.is_empty()).await;
    until("both refusals are stored", async || entries(&app, "refused").await.len() >= 2).await;
    app.begin_stop();
    // The rest of the counts is written when ROMS stops.
    let total = async || -> i64 {
        entries(&app, "refused").await.iter().map(|entry| entry[3].as_i64().unwrap()).sum()
    };
    until("all refusals are counted", async || total().await == 10).await;

    let peer = json!("127.0.0.1");
    assert_eq!(entries(&app, "new_address").await, [[json!("read"), peer.clone(), Value::Null, json!(1)]]);
    let refused = entries(&app, "refused").await;
    assert!(refused.len() <= 4, "one entry a minute for each reason: {refused:?}");
    for entry in refused {
        let known = [
            (json!("read"), json!("missing_scope GET /api/v2/webhooks/logs/{id}")),
            (Value::Null, json!("unauthorized GET /api/v2/orders/{order}")),
        ];
        assert!(known.contains(&(entry[0].clone(), entry[2].clone())), "{entry:?}");
        assert_eq!(entry[1], peer);
    }
    let home = app.stop().await;
    let listed = home.command(&["token", "list"]).output().unwrap();
    assert!(String::from_utf8(listed.stdout).unwrap().contains("127.0.0.1"));
}

#[tokio::test]
async fn admins_read_the_access_log_page_by_page_and_filtered() {
    let (app, admin) = locked("").await;
    create(app.home(), "read").await;
    create(app.home(), "write").await;
    revoke(app.home(), "read").await;
    let list = async |query: &str| {
        let reply = get(&app, &admin, &format!("/api/v2/access-log{query}")).await;
        assert_eq!(reply.status, 200, "{query}: {}", reply.text);
        reply.json
    };
    let events = |page: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let events = page["events"].as_array().unwrap().iter();
        events.map(|event| (text(&event["event"]), text(&event["token"]))).collect()
    };
    let entry = |event: &str, token: &str| (event.to_owned(), token.to_owned());
    // The use of the admin's token is stored by a task of its own.
    list("").await;
    until("the use is stored", async || events(&list("").await).contains(&entry("new_address", "admin")))
        .await;
    let first = list("?limit=2").await;
    let second = list(&format!("?limit=2&before={}", first["next"])).await;
    let third = list(&format!("?limit=2&before={}", second["next"])).await;
    assert_eq!(events(&third), [entry("created", "admin")]);
    assert_eq!((&third["has_next"], &third["next"]), (&json!(false), &Value::Null));
    let all: Vec<_> = [first, second, third].iter().flat_map(events).collect();
    assert_eq!(all, events(&list("").await));
    assert_eq!(events(&list("?event=revoked").await), [entry("revoked", "read")]);
    let of_reader = [entry("revoked", "read"), entry("created", "read")];
    assert_eq!(events(&list("?token=read").await), of_reader);
    let created = list("?event=created&token=write").await["events"][0].clone();
    assert_eq!((&created["detail"], &created["actor"]), (&json!("write"), &json!("cli")));
    let wrong = get(&app, &admin, "/api/v2/access-log?event=burglary").await;
    assert!(wrong.status == 400 && wrong.text.contains("new_address"), "{}", wrong.text);
}

#[tokio::test]
async fn a_known_address_is_reported_once_also_after_a_restart() {
    let (app, admin) = locked("").await;
    assert_eq!(get(&app, &admin, "/").await.status, 200);
    until("the address is stored", async || entries(&app, "new_address").await.len() == 1).await;
    let home = app.stop().await;
    let app = App::start_in(home, super::LOCKED).await;
    assert_eq!(get(&app, &admin, "/").await.status, 200);
    create(app.home(), "read").await;
    revoke(app.home(), "read").await;
    let home = app.stop().await;
    let rows = home.sql().await.values("SELECT event, token FROM access_log ORDER BY id").await;
    let expected =
        json!([["created", "admin"], ["new_address", "admin"], ["created", "read"], ["revoked", "read"]]);
    assert_eq!(json!(rows), expected);
}
