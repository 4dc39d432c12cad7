//! Orders of cards that say everything at once, or mean no good.

use serde_json::{Value, json};

use super::stage::{Stage, buttons, field, options, said};
use crate::support::bot::card;

/// A card whose fields are as long as Discord takes them, each of this sign.
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
async fn an_order_with_every_field_at_its_limit_is_shown_within_discords() {
    let stage = Stage::new().await;
    for (at, sign) in ["x", "😀", "\\", "*_", "é"].into_iter().enumerate() {
        // 255 characters are the longest number there may be.
        let number = format!("L{at}-{}", "9".repeat(252));
        stage.order_of(&number, longest(&number, sign)).await;
        let choices = stage.complete(&stage.manager, "order", &number[..90]).await;
        assert_eq!(choices.len(), 1, "{sign}");
        let order = stage.ask(&stage.manager, "order", &[("number", &choices[0].1)]).await;
        assert!(said(&order).contains(&number[..200]), "{sign}: {}", said(&order));
        assert!(said(&order).contains('…'), "what is left out is marked: {sign}");
        let history = stage.turn(&stage.manager, &order, "History").await;
        assert!(said(&history).contains("created"), "{sign}: {}", said(&history));
        stage.turn(&stage.manager, &history, "Back").await;
        let modal = stage.press(&stage.manager, &order, "Edit");
        let saved = stage.submit(&stage.manager, &modal, Some(&order), &[("status", "shipped")]).await;
        assert!(said(&saved.update().await).contains("Changed: status"), "{sign}");
        stage.press(&stage.manager, &order, "Share").until_reply("a post", |_| true).await;
        let asked = stage.ask(&stage.manager, "cancel", &[("number", &number)]).await;
        stage.turn(&stage.manager, &asked, "Cancel the order").await;
    }
    let list = stage.ask(&stage.viewer, "orders", &[("search", &"9".repeat(200))]).await;
    assert_eq!(options(&list).len(), 5, "{}", said(&list));
    stage.choose(&stage.viewer, &list, "L3-").answer().await;
    let logs = stage.ask(&stage.admin, "logs", &[]).await;
    let log = stage.choose(&stage.admin, &logs, "created").answer().await;
    assert!(!log.files.is_empty());
    stage.end(5).await;
}

#[tokio::test]
async fn texts_of_cards_do_nothing_in_an_answer() {
    let stage = Stage::new().await;
    let evil = "@everyone <@&1> [x](javascript:alert(1)) **b** `c` ||d|| https://evil.example/p";
    let mut message = card("EVIL-1", "$10.00");
    let embed = &mut message["embeds"][0];
    embed["fields"][0]["value"] = json!(evil);
    embed["fields"].as_array_mut().unwrap().extend([
        json!({"name": "Profile", "value": evil}),
        json!({"name": "Notes", "value": "# big\n- @here"}),
        json!({"name": "[y](https://evil.example)", "value": "```x```"}),
    ]);
    stage.order_of("EVIL-1", message).await;
    // Not even a link that the store was given by hand.
    let order = stage.bot.order("EVIL-1").await.unwrap();
    assert!(order.fields.product.as_deref().unwrap().contains("@everyone"), "{:?}", order.fields.product);

    let order = stage.ask(&stage.manager, "order", &[("number", "EVIL-1")]).await;
    let history = stage.ask(&stage.manager, "order", &[("number", "EVIL-1")]).await;
    let history = stage.turn(&stage.manager, &history, "History").await;
    let list = stage.ask(&stage.manager, "orders", &[]).await;
    let cancel = stage.ask(&stage.manager, "cancel", &[("number", "EVIL-1")]).await;
    let shared = stage.press(&stage.manager, &order, "Share").until_reply("a post", |_| true).await;
    for reply in [&order, &history, &list, &cancel, &shared] {
        let text = said(reply);
        // Select and author lines are plain text; in what Discord renders, nothing is left of it.
        for live in [
            "@everyone",
            "@here",
            "<@&1>",
            "](javascript",
            "**b**",
            "`c`",
            "||d||",
            " https://evil",
            "\n# big",
        ] {
            assert!(!text.contains(live), "{live}: {text}");
        }
    }
    let title = order.value["embeds"][0]["title"].as_str().unwrap();
    assert!(title.contains(r"\[x\]\(javascript:alert\(1\)\)"), "{title}");
    assert_eq!(buttons(&order), ["History", "Edit", "Share"]);
    stage.end(1).await;
}

#[tokio::test]
async fn credentials_in_a_proxy_are_shown_to_nobody() {
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
    assert!(field(&order, "Proxy").unwrap().contains("203.0.113.6"), "{}", said(&order));
    stage.press(&stage.admin, &order, "Share").until_reply("a post", |_| true).await;
    stage.turn(&stage.admin, &order, "History").await;
    stage.ask(&stage.admin, "orders", &[("search", "canary")]).await;
    stage.complete(&stage.admin, "order", "TGT").await;
    let logs = stage.ask(&stage.admin, "logs", &[]).await;
    let shown = stage.choose(&stage.admin, &logs, "updated").answer().await;
    assert!(said(&shown).contains("203.0.113.6"), "{}", said(&shown));
    assert!(!shown.files.is_empty(), "the raw payload, without credentials");
    let ann = stage.discord.user("Ann");
    let theirs = ann.draft(&stage.channel, card("TGT-2", "$10.00")).post();
    ann_menu(&stage, theirs).await;
    let wrong = stage.hook.post(
        json!({"content": "Successful Checkout | Target\nProxy Details\nuser:canary@203.0.113.7:8000"}),
    );
    stage.bot.until_logs("it cannot be read", |logs| logs[0].message_id == Some(wrong.cast_signed())).await;
    let logs = stage.ask(&stage.admin, "logs", &[("outcome", "rejected")]).await;
    stage.choose(&stage.admin, &logs, "rejected").answer().await;
    stage.ask(&stage.admin, "order", &[("number", "http://user:canary@203.0.113.7:8000")]).await;
    stage.end(1).await;
}

async fn ann_menu(stage: &Stage, message: u64) {
    let preview = stage.manager.menu(&stage.channel, "Read as order", message).answer().await;
    assert!(said(&preview).contains("203.0.113.7"), "{}", said(&preview));
    stage.turn(&stage.manager, &preview, "Store").await;
}
