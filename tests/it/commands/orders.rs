//! `/orders`: the list, its filters, its pages and its select.

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::stage::{Stage, buttons, custom_id, field, is_private, options, text_of};
use crate::support::bot::card;
use crate::support::discord::interactions::Reply;

/// The order numbers of a page, from the top.
fn numbers(page: &Reply) -> Vec<String> {
    let text = page.value["embeds"][0]["description"].as_str().unwrap_or_default();
    text.lines().map(|line| line.split('`').nth(1).unwrap().to_owned()).collect()
}

fn footer(page: &Reply) -> &str {
    page.value["embeds"][0]["footer"]["text"].as_str().unwrap_or_default()
}

fn expected(numbers: impl Iterator<Item = u32>) -> Vec<String> {
    numbers.map(|number| format!("N-{number:02}")).collect()
}

/// Orders N-01 to N-25, the last the newest.
async fn many(stage: &Stage) {
    for number in 1..=25 {
        stage.hook.post(card(&format!("N-{number:02}"), "$10.00"));
    }
    stage.bot.until_orders(25).await;
}

#[tokio::test]
async fn the_list_has_pages() {
    let stage = Stage::new().await;
    many(&stage).await;
    let first = stage.ask(&stage.viewer, "orders", &[]).await;
    assert!(is_private(&first));
    assert_eq!(numbers(&first), expected((16..=25).rev()));
    assert_eq!(footer(&first), "Page 1 of 3 · 25 orders");
    assert_eq!(buttons(&first), ["(First)", "(Previous)", "Next", "Last"]);
    assert_eq!(options(&first).len(), 10);

    let second = stage.press_and_update(&stage.viewer, &first, "Next").await;
    assert_eq!(numbers(&second), expected((6..=15).rev()));
    assert_eq!(footer(&second), "Page 2 of 3 · 25 orders");
    assert_eq!(buttons(&second), ["First", "Previous", "Next", "Last"]);
    let third = stage.press_and_update(&stage.viewer, &second, "Next").await;
    assert_eq!(numbers(&third), expected((1..=5).rev()));
    assert_eq!(buttons(&third), ["First", "Previous", "(Next)", "(Last)"]);
    let again = stage.press_and_update(&stage.viewer, &third, "Previous").await;
    assert_eq!(numbers(&again), numbers(&second));
    let last = stage.press_and_update(&stage.viewer, &again, "Last").await;
    assert_eq!(footer(&last), "Page 3 of 3 · 25 orders");
    assert!(numbers(&last).ends_with(&expected(std::iter::once(1))), "{:?}", numbers(&last));
    assert_eq!(numbers(&stage.press_and_update(&stage.viewer, &last, "First").await), numbers(&first));
    stage.end(0).await;
}

#[tokio::test]
async fn the_select_opens_an_order_in_an_answer_of_its_own() {
    let stage = Stage::new().await;
    many(&stage).await;
    let list = stage.ask(&stage.viewer, "orders", &[]).await;
    let opened = stage.choose(&stage.viewer, &list, "N-20").answer().await;
    assert_eq!(field(&opened, "Order number"), Some("`N-20`"));
    assert!(is_private(&opened));
    assert_eq!(buttons(&opened), ["History", "Share"]);
    assert_ne!(opened.message, list.message, "the list stays");
    let page = stage.press_and_update(&stage.viewer, &list, "Next").await;
    assert_eq!(numbers(&page), expected((6..=15).rev()));
    stage.end(0).await;
}

#[tokio::test]
async fn a_list_works_after_a_restart_and_after_a_new_session() {
    let mut stage = Stage::new().await;
    many(&stage).await;
    let list = stage.ask(&stage.viewer, "orders", &[("search", "n-")]).await;
    stage.restart_with(|_| {}).await;
    // A new order does not shift the next page.
    stage.order("N-26", "$10.00").await;
    let second = stage.press_and_update(&stage.viewer, &list, "Next").await;
    assert_eq!(numbers(&second), expected((6..=15).rev()), "{}", text_of(&second));

    let identifies = stage.discord.gateway().identifies();
    stage.discord.gateway().forget_sessions();
    stage.discord.gateway().reset();
    stage.discord.until_requests("GET", "/gateway", 2).await;
    stage.until_listening().await;
    assert!(stage.discord.gateway().identifies() > identifies, "it is a new session");
    let third = stage.press_and_update(&stage.viewer, &second, "Next").await;
    assert_eq!(numbers(&third), expected((1..=5).rev()));
    let opened = stage.choose(&stage.viewer, &third, "N-03").answer().await;
    assert_eq!(field(&opened, "Order number"), Some("`N-03`"));
    stage.end(0).await;
}

#[tokio::test]
async fn each_filter_narrows_the_list() {
    let stage = Stage::new().await;
    let with = |number: &str, store: &str, more: &[(&str, &str)]| {
        let mut card = card(number, "$10.00");
        card["embeds"][0]["author"]["name"] = json!(format!("Successful Checkout | {store}"));
        let fields = card["embeds"][0]["fields"].as_array_mut().unwrap();
        fields.extend(more.iter().map(|(name, value)| json!({"name": name, "value": value})));
        card
    };
    stage.order_of("A-1", with("A-1", "Target", &[("Profile", "One")])).await;
    stage.order_of("B-2", with("B-2", "Best Buy US", &[("Profile", "Two"), ("Status", "shipped")])).await;
    stage.order_of("C-3", with("C-3", "Target", &[("Tracking Number", "9400111899223197428490")])).await;
    let old = Utc::now() - TimeDelta::days(3);
    stage.hook.draft(card("D-4", "$10.00")).at(old).post();
    stage.bot.until_orders(4).await;
    let (today, yesterday) = (Utc::now().date_naive(), (Utc::now() - TimeDelta::days(1)).date_naive());
    let (today, yesterday) = (today.to_string(), yesterday.to_string());
    for (options, found) in [
        (&[("status", "Shipped")][..], &["B-2"][..]),
        (&[("store", "target")], &["A-1", "C-3", "D-4"]),
        (&[("profile", "one")], &["A-1"]),
        (&[("email", "CANARY@example.com")], &["A-1", "B-2", "C-3", "D-4"]),
        (&[("search", "94001118")], &["C-3"]),
        (&[("search", "b-")], &["B-2"]),
        (&[("until", &yesterday)], &["D-4"]),
        (&[("since", &yesterday), ("until", &today)], &["A-1", "B-2", "C-3"]),
        (&[("store", "Target"), ("search", "console"), ("profile", "one")], &["A-1"]),
    ] {
        // Discord sends the index of a choice.
        let value = |(name, value): &(&str, &str)| match (*name, *value) {
            ("status", _) => json!({"name": "status", "type": 4, "value": 2}),
            (name, value) => json!({"name": name, "type": 3, "value": value}),
        };
        let asked = options.iter().map(value).collect();
        let list = stage.manager.slash(&stage.channel, "orders", asked).answer().await;
        let mut seen = numbers(&list);
        seen.sort();
        assert_eq!(seen, found, "{options:?}: {}", text_of(&list));
    }
    let none = stage.ask(&stage.viewer, "orders", &[("store", "Walmart")]).await;
    assert_eq!(text_of(&none), "No orders match.");
    let wrong = stage.ask(&stage.viewer, "orders", &[("since", "last @everyone")]).await;
    assert!(text_of(&wrong).contains("is not a date"), "{}", text_of(&wrong));
    let title = stage.ask(&stage.viewer, "orders", &[("store", "Target"), ("search", "*console*")]).await;
    assert_eq!(text_of(&title), "No orders match.");
    stage.end(0).await;
}

#[tokio::test]
async fn the_title_repeats_the_typed_days_in_any_time_zone() {
    let mut stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    for zone in [chrono_tz::Europe::Berlin, chrono_tz::UTC, chrono_tz::America::New_York] {
        stage.restart_with(|config| config.orders.timezone = zone).await;
        let days = [("since", "2020-01-31"), ("until", "2098-01-31")];
        let list = stage.ask(&stage.viewer, "orders", &days).await;
        let title = list.value["embeds"][0]["title"].as_str().unwrap();
        assert_eq!(title, "Orders: since 2020-01-31, until 2098-01-31", "{zone}");
    }
    stage.end(0).await;
}

#[tokio::test]
async fn a_stored_filter_that_cannot_be_read_shows_no_orders() {
    let stage = Stage::new().await;
    many(&stage).await;
    let list = stage.ask(&stage.viewer, "orders", &[("store", "Target")]).await;
    let mut sql = stage.bot.sql().await;
    for stored in [
        json!({"status": "lost"}),
        json!({"store": "Target", "since": "yesterday"}),
        json!({"until": 1_764_086_561}),
        json!({"store": 7}),
        json!({"colour": "red"}),
        json!([]),
        json!("all"),
    ] {
        sql.run(&format!("UPDATE discord_views SET text = '{stored}'")).await;
        let pressed = stage.press(&stage.viewer, &list, "Next");
        let reply = tokio::select! {
            reply = pressed.update() => reply,
            reply = pressed.until_reply("an explanation", |_| true) => reply,
        };
        assert!(text_of(&reply).contains("out of date"), "{stored}: {}", text_of(&reply));
    }
    sql.run("UPDATE discord_views SET text = '{\"store\": \"target\"}'").await;
    assert_eq!(
        numbers(&stage.press_and_update(&stage.viewer, &list, "Next").await).len(),
        10,
        "an older release's filter"
    );
    stage.end(0).await;
}

#[tokio::test]
async fn a_list_whose_filter_is_no_longer_stored_is_out_of_date() {
    let stage = Stage::new().await;
    many(&stage).await;
    let list = stage.ask(&stage.viewer, "orders", &[]).await;
    let next = custom_id(&list, "Next");
    let unknown = next.replacen("list:1:", "list:777:", 1);
    assert_ne!(unknown, next);
    let answer = stage.viewer.press(&stage.channel, list.message, &unknown);
    let reply = answer.until_reply("an explanation", |_| true).await;
    assert!(text_of(&reply).contains("out of date") && is_private(&reply), "{}", text_of(&reply));
    assert_eq!(
        numbers(&stage.press_and_update(&stage.viewer, &list, "Next").await).len(),
        10,
        "the list itself works on"
    );
    stage.end(0).await;
}

#[tokio::test]
async fn the_orders_of_a_member_are_listed() {
    let stage = Stage::new().await;
    let owner = "123456789012345678";
    for (number, value) in [("N-01", Some(owner)), ("N-02", Some("223456789012345678")), ("N-03", None)] {
        let mut card = card(number, "$10.00");
        let fields = card["embeds"][0]["fields"].as_array_mut().unwrap();
        fields.extend(value.map(|id| json!({"name": "Owner", "value": format!("<@{id}>")})));
        stage.order_of(number, card).await;
    }
    let options = json!([{"name": "owner", "type": 6, "value": owner}]);
    let list = stage.viewer.slash(&stage.channel, "orders", options).answer().await;
    assert_eq!(numbers(&list), ["N-01"]);
    assert_eq!(list.value["embeds"][0]["title"], format!("Orders: <@{owner}>"));
    stage.end(0).await;
}
