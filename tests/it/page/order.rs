//! One order: what it shows, the form, and two people who change it at the same time.

use fantoccini::key::Key;

use super::{card, open};
use crate::support::app::App;
use crate::support::browser::Browser;

#[tokio::test]
async fn an_order_shows_its_values_history_and_card() {
    let app = App::start().await;
    let lines = [("Product", "Example Console"), ("Price", "$299.99"), ("Email", "buyer@example.com")];
    app.stored(&[&card("A/1", &lines), "Order Number\nA/1\nTracking Number\n1Z999AA10123456784\n"]).await;
    let Some(browser) = open(&app).await else { return };
    browser.press("j").await;
    browser.press_key(Key::Enter).await;
    browser.until("document.querySelector('h1')?.innerText === 'Example Console'").await;
    assert_eq!(browser.path().await, "/orders/A%2F1");
    let details = browser.texts(".details").await[0].clone();
    for part in ["$299.99", "buyer@example.com", "1Z999AA10123456784"] {
        assert!(details.contains(part), "{part}: {details}");
    }
    let history = browser.texts(".timeline > li").await;
    assert!(
        history[0].contains("Tracking") && history[0].contains("changed by a message over HTTP"),
        "{history:?}"
    );
    assert!(history[1].contains("created by"), "{history:?}");
    let cards = browser.js("return document.querySelector('.source').textContent").await;
    assert!(cards.as_str().unwrap().contains("Example Console"), "{cards}");
    let links = browser.js("return [...document.querySelectorAll('.top a')].map((it) => it.href)").await;
    assert!(links.to_string().contains("https://www.ups.com/track"), "{links}");

    // A change from elsewhere appears at once.
    app.stored(&["Order Number\nA/1\nStatus\nshipped\n"]).await;
    browser.until("document.querySelector('.top .badge').innerText === 'shipped'").await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_person_edits_and_cancels_an_order() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[("Product", "Example Console"), ("Price", "$10.00")])]).await;
    let Some(browser) = open(&app).await else { return };
    browser.goto("/orders/A-1").await;
    browser.click("#edit").await;
    browser.fill("[name=quantity]", "none").await;
    browser.click(".edit .primary").await;
    browser.until("document.querySelector('.fault')?.innerText.includes('none')").await;
    browser.fill("[name=quantity]", "3").await;
    browser.fill("[name=notes]", "Two lines\nof notes").await;
    browser.click(".edit .primary").await;
    browser.until("document.querySelector('.timeline')?.innerText.includes('a person at the page')").await;
    let order = app.get("/api/v2/orders/A-1").await.json;
    assert_eq!((&order["quantity"], &order["total"]), (&3.into(), &30.0.into()));
    assert_eq!(order["notes"], "Two lines\nof notes");
    let events = app.get("/api/v2/orders/A-1/events").await.json;
    assert_eq!(events["events"][1]["actor"], "page");

    browser.click(".top .danger").await;
    browser.client.accept_alert().await.unwrap();
    browser.until("document.querySelector('.top .badge')?.innerText === 'cancelled'").await;
    // The answer 422 is an error of the console by itself.
    let errors = browser.errors().await;
    assert!(errors.iter().all(|error| error.contains("422")), "{errors:?}");
}

#[tokio::test]
async fn two_people_who_edit_one_order_see_each_other() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[("Product", "Example Console"), ("Status", "verified")])]).await;
    let Some(first) = Browser::start(&app.url("")).await else { return };
    let Some(second) = Browser::start(&app.url("")).await else { return };
    for browser in [&first, &second] {
        browser.goto("/orders/A-1?edit=1").await;
    }
    first.fill("[name=store]", "Example Store").await;
    first.fill("[name=notes]", "from the first").await;
    first.click(".edit .primary").await;
    first.until("document.querySelector('.details')").await;

    second.fill("[name=notes]", "from the second").await;
    second.fill("[name=profile]", "Main").await;
    second.click(".edit .primary").await;
    second.until("document.querySelector('.notice')?.innerText.includes('Somebody else changed')").await;
    assert_eq!(
        app.get("/api/v2/orders/A-1").await.json["notes"],
        "from the first",
        "nothing was overwritten"
    );
    let value =
        async |name: &str| second.js(&format!("return document.querySelector('[name={name}]').value")).await;
    assert_eq!(value("notes").await, "from the second", "their own value is kept");
    assert_eq!(value("store").await, "Example Store", "a value that they did not change is the stored one");
    let faults = second.texts(".fault").await;
    assert_eq!(faults, ["Now: from the first"], "only a value that both changed is marked");

    second.click(".edit .primary").await;
    second.until("document.querySelector('.details')").await;
    let order = app.get("/api/v2/orders/A-1").await.json;
    assert_eq!((&order["notes"], &order["profile"]), (&"from the second".into(), &"Main".into()));
    assert_eq!(order["store"], "Example Store");
}

#[tokio::test]
async fn the_history_names_people() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[]), &card("A-2", &[])]).await;
    let mut sql = app.sql().await;
    for name in ["Anna", "Ann, the first"] {
        let entry = "INSERT INTO access_log (event, detail, actor, count, created_at) \
             VALUES ('signed_in', 'discord:7 NAME, manager', 'discord:7', 1, '2026-01-01 00:00:00+00:00')";
        sql.run(&entry.replace("NAME", name)).await;
    }
    sql.run("UPDATE order_events SET actor = 'discord:7' WHERE order_id = 1").await;
    sql.run("UPDATE order_events SET actor = 'discord:8' WHERE order_id = 2").await;
    let page = app.get("/orders/A-1").await.text + &app.get("/orders/A-2").await.text;
    for part in [
        r#"<a href="https://discord.com/users/7" target="_blank" rel="noopener noreferrer">Ann, the first</a>"#,
        r#"<a href="https://discord.com/users/8" target="_blank" rel="noopener noreferrer">Discord user 8</a>"#,
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn an_order_from_discord_leads_to_its_message() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[])]).await;
    assert!(!app.get("/orders").await.text.contains("/orders/A-1/discord"));
    assert_eq!(app.get("/orders/A-1/discord").await.status, 404, "it arrived over HTTP");
}
