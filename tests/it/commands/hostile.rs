//! Orders from very large and from malicious cards.

use serde_json::{Value, json};

use super::stage::{Stage, field, options, text_of};
use crate::support::bot::card;

/// A card whose fields have Discord's maximum length, each filled with this character.
fn longest(number: &str, sign: &str) -> Value {
    let full = |most: usize| sign.repeat(most / sign.encode_utf16().count());
    let mut fields = vec![json!({"name": "Order Number", "value": number})];
    for name in [
        "Product",
        "Email",
        "Profile",
        "Proxy Details",
        "Tracking Number",
        "Reference #",
        "Payment Method",
        "Shipping Address",
        "Shipping Method",
        "Notes",
        "Customer",
        "Fraud Status",
        "Worksheet",
    ] {
        fields.push(json!({"name": name, "value": full(1024)}));
    }
    fields.push(json!({"name": "Price", "value": "$999,999,999,999.99"}));
    fields.push(json!({"name": "Quantity", "value": "1"}));
    while fields.len() < 25 {
        fields.push(json!({"name": format!("{} {}", full(60), fields.len()), "value": full(1024)}));
    }
    let link = format!("https://example.test/{}", "x".repeat(900));
    json!({"embeds": [{
        "author": {"name": "Successful Checkout | Target"}, "url": link, "thumbnail": {"url": link},
        "description": full(4096), "fields": fields,
    }]})
}

#[tokio::test]
async fn an_order_with_every_field_at_its_limit_is_shown_within_discords_limits() {
    let stage = Stage::new().await;
    for (at, sign) in ["x", "😀", "\\", "*_", "é"].into_iter().enumerate() {
        // A number has at most 255 characters.
        let begin = format!("L{at}-{}", "9".repeat(100));
        let number = format!("{begin}{}", "9".repeat(152));
        stage.order_of(&number, longest(&number, sign)).await;
        let choices = stage.complete(&stage.manager, "order", &begin).await;
        assert_eq!(choices.len(), 1, "{sign}");
        let order = stage.ask(&stage.manager, "order", &[("number", &choices[0].1)]).await;
        assert!(text_of(&order).contains(&begin), "{sign}: {}", text_of(&order));
        assert!(text_of(&order).contains('…'), "truncated text is marked: {sign}");
        assert!(
            field(&order, "Source").is_some_and(|link| link.ends_with(')')),
            "{sign}: {}",
            text_of(&order)
        );
        let history = stage.press_and_update(&stage.manager, &order, "History").await;
        assert!(text_of(&history).contains("created"), "{sign}: {}", text_of(&history));
        let title = history.value["embeds"][0]["title"].as_str().unwrap();
        assert!(title.ends_with("…`"), "a code span is closed: {title}");
        stage.press_and_update(&stage.manager, &history, "Back").await;
        let modal = stage.press(&stage.manager, &order, "Edit");
        let saved = stage.submit(&stage.manager, &modal, Some(&order), &[("status", "shipped")]).await;
        assert!(text_of(&saved.update().await).contains("Changed: status"), "{sign}");
        stage.press(&stage.manager, &order, "Share").until_reply("a post", |_| true).await;
        let asked = stage.ask(&stage.manager, "cancel", &[("number", &number)]).await;
        stage.press_and_update(&stage.manager, &asked, "Cancel the order").await;
    }
    for by in 0..5 {
        let by = json!([{"name": "by", "type": 4, "value": by}]);
        let sums = stage.manager.slash(&stage.channel, "stats", by).answer().await;
        assert_eq!(field(&sums, "Orders"), Some("5"), "{}", text_of(&sums));
    }
    let list = stage.ask(&stage.viewer, "orders", &[("search", &"9".repeat(200))]).await;
    assert_eq!(options(&list).len(), 5, "{}", text_of(&list));
    stage.choose(&stage.viewer, &list, "L3-").answer().await;
    let logs = stage.ask(&stage.admin, "logs", &[]).await;
    let log = stage.choose(&stage.admin, &logs, "created").answer().await;
    assert!(!log.files.is_empty());
    stage.end(5).await;
}

/// Pings, links and formatting, if it is not escaped.
const EVIL: &str = "@everyone @here <@&1> [x](javascript:alert(1)) **b** `c` ||d|| https://evil.example/p";

/// Checks that a text has no effect when Discord renders it.
fn assert_harmless(text: &str, what: &str) {
    for live in
        ["@everyone", "@here", "<@&1>", "](javascript", "**b**", "`c`", "||d||", " https://evil", "\n# big"]
    {
        assert!(!text.contains(live), "{what}, {live}: {text}");
    }
}

/// An order with this text in every column.
async fn evil_order(stage: &Stage) {
    stage.order("EVIL-1", "$10.00").await;
    let mut sql = stage.bot.sql().await;
    let columns = [
        "product",
        "store",
        "profile",
        "email",
        "proxy_list",
        "tracking_number",
        "reference_number",
        "payment_method",
        "shipping_address",
        "shipping_method",
        "notes",
        "customer_name",
        "fraud_status",
        "bot",
    ];
    let set: Vec<String> = columns.iter().map(|column| format!("{column} = '{EVIL}'")).collect();
    sql.run(&format!("UPDATE orders SET {}", set.join(", "))).await;
    sql.run("UPDATE orders SET notes = '# big\n- @here', product_url = 'javascript:alert(1)'").await;
    sql.run("UPDATE orders SET image_url = 'https://', order_url = 'https://[x'").await;
}

#[tokio::test]
async fn texts_of_cards_do_nothing_in_an_answer() {
    let stage = Stage::new().await;
    evil_order(&stage).await;
    let order = stage.ask(&stage.manager, "order", &[("number", "EVIL-1")]).await;
    let cancel = stage.ask(&stage.manager, "cancel", &[("number", "EVIL-1")]).await;
    let shared = stage.press(&stage.manager, &order, "Share").until_reply("a post", |_| true).await;
    let list = stage.ask(&stage.manager, "orders", &[("search", "@everyone")]).await;
    assert_eq!(options(&list).len(), 1);
    let by = |place: u8| json!([{"name": "by", "type": 4, "value": place}]);
    let products = stage.manager.slash(&stage.channel, "stats", by(3)).answer().await;
    let stores = stage.manager.slash(&stage.channel, "stats", by(1)).answer().await;
    for (what, reply) in [
        ("order", &order),
        ("cancel", &cancel),
        ("share", &shared),
        ("list", &list),
        ("products", &products),
        ("stores", &stores),
    ] {
        let mut rendered = reply.clone();
        // Discord renders no markup in the author line and the footer.
        for embed in rendered.value["embeds"].as_array_mut().unwrap() {
            embed["author"] = Value::Null;
            embed["footer"] = Value::Null;
        }
        assert_harmless(&text_of(&rendered), what);
    }
    let title = order.value["embeds"][0]["title"].as_str().unwrap();
    assert!(title.contains(r"\[x\]\(javascript:alert\(1\)\)"), "{title}");
    let modal = stage.press(&stage.manager, &order, "Edit");
    let saved = stage.submit(&stage.manager, &modal, Some(&order), &[("notes", EVIL)]).await.update().await;
    let history = stage.press_and_update(&stage.manager, &saved, "History").await;
    assert!(text_of(&history).contains("notes: "), "{}", text_of(&history));
    assert_harmless(&text_of(&history), "history");
    stage.end(1).await;
}

#[tokio::test]
async fn an_order_is_shown_without_links_that_discord_rejects() {
    let stage = Stage::new().await;
    let [long, half] = [900, 180].map(|signs| format!("https://example.test/{}", "é".repeat(signs)));
    for (at, link) in
        ["https://", "https://[x", "https://user:canary@example.test/p", "https://a.test/<x>", &long, &half]
            .into_iter()
            .enumerate()
    {
        let number = format!("LINK-{at}");
        let mut message = card(&number, "$10.00");
        message["embeds"][0]["fields"][0]["value"] = json!(format!("[Console]({link})"));
        message["embeds"][0]["fields"][2]["value"] = json!(format!("[{number}]({link})"));
        message["embeds"][0]["thumbnail"] = json!({"url": link});
        stage.order_of(&number, message).await;
        let order = stage.ask(&stage.viewer, "order", &[("number", &number)]).await;
        assert!(field(&order, "Order number").unwrap().contains(&number), "{link}: {}", text_of(&order));
        let page = field(&order, "At the store");
        assert!(page.is_none_or(|page| page.ends_with(">)")), "a truncated link is left out: {page:?}");
    }
    stage.end(0).await;
}

#[tokio::test]
async fn credentials_in_a_proxy_are_never_shown() {
    let stage = Stage::new().await;
    let mut message = card("TGT-1", "$10.00");
    message["embeds"][0]["fields"].as_array_mut().unwrap().extend([
        json!({"name": "Notes", "value": "proxy http://user:canary@203.0.113.9:8000 and 203.0.113.9:8000:user:canary"}),
        json!({"name": "Backup Line", "value": "socks5://user:canary@203.0.113.8:1080"}),
    ]);
    let id = stage.hook.post(message.clone());
    stage.bot.until_order("TGT-1", |_| true).await;
    message["embeds"][0]["fields"][4]["value"] = json!("203.0.113.6:8000:user:canary");
    stage.channel.edit(id, message);
    let has_changed = |order: &roms::order::Order| {
        order.fields.proxy_list.as_deref().is_some_and(|proxy| proxy.contains("203.0.113.6"))
    };
    stage.bot.until_order("TGT-1", has_changed).await;

    let order = stage.ask(&stage.admin, "order", &[("number", "TGT-1")]).await;
    assert!(field(&order, "Proxy").unwrap().contains("203.0.113.6"), "{}", text_of(&order));
    stage.press(&stage.admin, &order, "Share").until_reply("a post", |_| true).await;
    stage.press_and_update(&stage.admin, &order, "History").await;
    stage.ask(&stage.admin, "orders", &[("search", "canary")]).await;
    stage.complete(&stage.admin, "order", "TGT").await;
    let logs = stage.ask(&stage.admin, "logs", &[]).await;
    let shown = stage.choose(&stage.admin, &logs, "updated").answer().await;
    assert!(text_of(&shown).contains("203.0.113.6"), "{}", text_of(&shown));
    assert!(!shown.files.is_empty(), "the raw payload, without credentials");
    let ann = stage.discord.user("Ann");
    let theirs = ann.draft(&stage.channel, card("TGT-2", "$10.00")).post();
    ann_menu(&stage, theirs).await;
    let wrong = stage
        .hook
        .post(json!({"content": "Order Shipped | Target\nProxy Details\nuser:canary@203.0.113.7:8000"}));
    stage.bot.until_logs("it cannot be read", |logs| logs[0].message_id == Some(wrong.cast_signed())).await;
    let logs = stage.ask(&stage.admin, "logs", &[]).await;
    stage.choose(&stage.admin, &logs, "rejected").answer().await;
    stage.ask(&stage.admin, "order", &[("number", "http://user:canary@203.0.113.7:8000")]).await;
    stage.end(1).await;
}

async fn ann_menu(stage: &Stage, message: u64) {
    let preview = stage.manager.menu(&stage.channel, "Read as order", message).answer().await;
    assert!(text_of(&preview).contains("203.0.113.7"), "{}", text_of(&preview));
    stage.press_and_update(&stage.manager, &preview, "Store").await;
}
