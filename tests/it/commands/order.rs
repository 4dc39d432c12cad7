//! `/order`: the order, its history, sharing it, and the spelling of numbers.

use serde_json::{Value, json};

use super::stage::{Stage, buttons, field, is_private, text_of};
use crate::support::bot::card;

/// A card with all of the labels of Refract, and one unknown label.
fn whole(number: &str) -> Value {
    let mut card = card(number, "$299.99");
    let embed = &mut card["embeds"][0];
    embed["thumbnail"] = json!({"url": "https://images.example.test/console.png"});
    let fields = embed["fields"].as_array_mut().unwrap();
    fields[0]["value"] = json!("[Example Console](https://www.target.example/p/console)");
    fields[2]["value"] =
        json!(format!("[{number}](https://www.target.example/orders?email=canary@example.com)"));
    for (name, value) in [
        ("Quantity", "2"),
        ("Profile", "||Profile One||"),
        ("Shipping Address", "1 Main Street\nSpringfield"),
        ("Tracking Number", "1Z999AA10123456784"),
        ("Payment Method", "Visa ending 1111"),
        ("Colour", "blue"),
    ] {
        fields.push(json!({"name": name, "value": value, "inline": true}));
    }
    card
}

#[tokio::test]
async fn the_caller_alone_sees_the_whole_order() {
    let stage = Stage::new().await;
    let message = stage.hook.post(whole("TGT-900"));
    stage.bot.until_order("TGT-900", |_| true).await;

    let asked = stage.slash(&stage.manager, "order", &[("number", "TGT-900")]);
    assert_eq!(asked.callback().await["type"], 5, "it is deferred before anything is read");
    let reply = asked.answer().await;
    assert!(is_private(&reply));
    let embed = &reply.value["embeds"][0];
    let headline = embed["author"]["name"].as_str().unwrap();
    assert!(headline.contains("verified") && headline.contains("Target"), "{headline}");
    assert_eq!(embed["title"], "Example Console");
    assert_eq!(embed["url"], "https://www.target.example/p/console");
    assert_eq!(embed["thumbnail"]["url"], "https://images.example.test/console.png");
    assert_eq!(embed["color"], 0x0023_A55A);
    assert_eq!(field(&reply, "Order number"), Some("`TGT-900`"));
    assert_eq!(field(&reply, "Price"), Some("299.99 USD × 2 = **599.98 USD**"));
    let page = "[Order](<https://www.target.example/orders?email=canary@example.com>)";
    assert_eq!(field(&reply, "At the store"), Some(page));
    assert_eq!(field(&reply, "Profile"), Some("Profile One"));
    assert!(field(&reply, "E-mail").unwrap().contains("example.com"));
    let tracking = field(&reply, "Tracking").unwrap();
    assert!(tracking.contains("(https://www.ups.com/") && tracking.contains("UPS"), "{tracking}");
    assert!(field(&reply, "Dates").unwrap().contains("Ordered <t:"), "{}", text_of(&reply));
    assert_eq!(field(&reply, "Ship to"), Some("1 Main Street\nSpringfield"));
    let source = format!("/channels/{}/{}/{message}", stage.guild.id(), stage.channel.id());
    assert!(field(&reply, "Source").unwrap().contains(&source), "{}", text_of(&reply));
    assert!(text_of(&reply).contains("203.0.113.7"), "the proxy's host may be seen");

    assert_eq!(buttons(&reply), ["History", "Edit", "Share"]);
    let seen_by_viewer = stage.ask(&stage.viewer, "order", &[("number", "TGT-900")]).await;
    assert_eq!(buttons(&seen_by_viewer), ["History", "Share"], "a viewer cannot edit");
    stage.end(0).await;
}

#[tokio::test]
async fn the_items_of_an_order_are_listed_as_far_as_they_fit() {
    let stage = Stage::new().await;
    let with_list = |number: &str, lines: Vec<String>| {
        let mut card = card(number, "$86.41");
        card["embeds"][0]["fields"][0]["value"] = json!(lines.join("\n"));
        card
    };
    let few = ["- 2x [Example *Bundle*](https://www.target.example/p/1) - Default", "- 1x Example Tin - L"];
    stage.hook.post(with_list("TGT-2", few.map(str::to_owned).to_vec()));
    let many = (1..=27).map(|n| format!("- {n}x Example Card {n} - M")).collect();
    stage.hook.post(with_list("TGT-27", many));
    stage.bot.until_orders(2).await;

    let shown = stage.ask(&stage.viewer, "order", &[("number", "TGT-2")]).await;
    assert_eq!(field(&shown, "Items"), Some("2 × Example \\*Bundle\\* · Default\n1 × Example Tin · L"));
    let shown = stage.ask(&stage.viewer, "order", &[("number", "TGT-27")]).await;
    let list = field(&shown, "Items").unwrap();
    assert!(list.starts_with("1 × Example Card 1 · M\n2 × "), "{list}");
    assert!(list.ends_with("15 × Example Card 15 · M\nand 12 more"), "{list}");
    stage.end(0).await;
}

#[tokio::test]
async fn the_history_replaces_the_order_and_leads_back() {
    let stage = Stage::new().await;
    let message = stage.hook.post(card("TGT-900", "$10.00"));
    stage.bot.until_order("TGT-900", |_| true).await;
    stage.channel.edit(message, card("TGT-900", "$12.50"));
    stage
        .bot
        .until_order("TGT-900", |order| order.fields.price.is_some_and(|it| it.hundredths() == 1250))
        .await;
    let order = stage.ask(&stage.viewer, "order", &[("number", "TGT-900")]).await;
    let history = stage.press_and_update(&stage.viewer, &order, "History").await;
    let text = text_of(&history);
    assert!(text.contains("price: 10.00 → 12.50") && text.contains("from Discord"), "{text}");
    assert!(text.find("12.50").unwrap() < text.find("created").unwrap(), "the newest first: {text}");
    assert_eq!(buttons(&history), ["Back"]);
    let back = stage.press_and_update(&stage.viewer, &history, "Back").await;
    assert_eq!(field(&back, "Order number"), Some("`TGT-900`"));
    assert_eq!(buttons(&back), ["History", "Share"]);
    assert_eq!(back.message, order.message);
    stage.end(0).await;
}

#[tokio::test]
async fn a_long_history_shows_its_newest_events_and_counts_the_others() {
    let stage = Stage::new().await;
    let order = stage.order("TGT-900", "$10.00").await;
    stage.bot.sql().await.add_events(order.id, 300).await;
    let order = stage.ask(&stage.manager, "order", &[("number", "TGT-900")]).await;
    let history = stage.press_and_update(&stage.manager, &order, "History").await;
    let text = text_of(&history);
    assert_eq!(text.matches("notes: step ").count(), 15, "{text}");
    assert!(text.contains("step 300") && text.contains("step 286"), "{text}");
    assert!(text.contains("286 older events are not shown"), "{text}");
    stage.end(0).await;
}

#[tokio::test]
async fn share_posts_the_order_without_private_data() {
    let stage = Stage::new().await;
    stage.order_of("TGT-900", whole("TGT-900")).await;
    let order = stage.ask(&stage.viewer, "order", &[("number", "TGT-900")]).await;
    let shared = stage.press(&stage.viewer, &order, "Share").until_reply("a post", |_| true).await;
    assert!(!is_private(&shared));
    let public = stage.public();
    assert_eq!(public.len(), 1);
    assert_eq!(public[0]["id"], shared.message.to_string());
    let text = public[0].to_string();
    for kept in ["Example Console", "TGT-900", "599.98", "Target", "1Z999AA10123456784"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    for secret in
        ["canary", "example.com", "Profile One", "203.0.113.7", "Main Street", "Springfield", "1111", "blue"]
    {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(buttons(&shared).is_empty(), "others get no buttons");
    assert_eq!(text_of(&stage.ask(&stage.viewer, "order", &[("number", "TGT-900")]).await), text_of(&order));
    stage.end(1).await;
}

#[tokio::test]
async fn a_number_is_found_in_any_spelling_and_similar_ones_are_suggested() {
    let stage = Stage::new().await;
    for number in ["BBY01-807102506907", "BBY01-807102506999", "TGT-900"] {
        stage.order(number, "$10.00").await;
    }
    for written in ["BBY01-807102506907", "#bby01-807102506907", " # BbY01-807102506907 "] {
        let reply = stage.ask(&stage.viewer, "order", &[("number", written)]).await;
        assert_eq!(field(&reply, "Order number"), Some("`BBY01-807102506907`"), "{written}");
    }
    let reply = stage.ask(&stage.viewer, "order", &[("number", "bby01-80710250690")]).await;
    let text = text_of(&reply);
    assert!(text.contains("no order `bby01-80710250690`"), "{text}");
    assert!(text.contains("`BBY01-807102506907`") && !text.contains("TGT-900"), "{text}");
    assert!(is_private(&reply));
    for nonsense in
        ["@everyone `x` [y](https://evil.example)", "\u{0}", "' OR 1=1 --", "%", "999999999999999999999"]
    {
        let text = text_of(&stage.ask(&stage.viewer, "order", &[("number", nonsense)]).await);
        assert!(text.starts_with("There is no order `"), "{nonsense}: {text}");
        assert!(!text.trim_start_matches("There is no order ").contains("`x`"), "{text}");
    }
    let long = "9".repeat(6000);
    assert!(text_of(&stage.ask(&stage.viewer, "order", &[("number", &long)]).await).contains("no order"));
    stage.end(0).await;
}

#[tokio::test]
async fn without_any_orders_the_answer_says_so() {
    let stage = Stage::new().await;
    let text = text_of(&stage.ask(&stage.viewer, "order", &[("number", "TGT-900")]).await);
    assert_eq!(text, "There is no order `TGT-900`.");
    assert_eq!(stage.complete(&stage.viewer, "order", "").await, []);
    let list = stage.ask(&stage.viewer, "orders", &[]).await;
    assert!(text_of(&list).contains("no orders yet"), "{}", text_of(&list));
    assert!(buttons(&list).is_empty());
    stage.end(0).await;
}

#[tokio::test]
async fn autocompletion_prefers_the_number() {
    let stage = Stage::new().await;
    let named = |number: &str, product: &str, email: &str| {
        let mut card = card(number, "$10.00");
        card["embeds"][0]["fields"][0]["value"] = json!(product);
        card["embeds"][0]["fields"][3]["value"] = json!(email);
        card
    };
    stage.order_of("A-1", named("A-1", "Alpha Box", "zed@example.com")).await;
    stage.order_of("Z-2", named("Z-2", "Alpha Tin", "a-1@example.com")).await;
    stage.order_of("A-3", named("A-3", "Zed Figure", "x@example.com")).await;
    let numbers = async |typed: &str| {
        let choices = stage.complete(&stage.manager, "order", typed).await;
        choices.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!(numbers("").await, ["A-3", "Z-2", "A-1"], "the newest first");
    assert_eq!(numbers("#a-").await, ["A-3", "A-1"]);
    assert_eq!(numbers("a-1").await, ["A-1", "Z-2"], "the number before the e-mail address");
    assert_eq!(numbers("zed").await, ["A-3", "A-1"], "the product before the e-mail address");
    assert_eq!(numbers("alpha").await, ["Z-2", "A-1"]);
    assert_eq!(numbers("%").await, Vec::<String>::new());
    let choices = stage.complete(&stage.viewer, "order", "A-1").await;
    assert!(choices[0].0.contains("A-1") && choices[0].0.contains("Alpha Box"), "{choices:?}");

    for number in 0..30 {
        stage.hook.post(named(&format!("MANY-{number:02}"), &"😀".repeat(80), "x@example.com"));
    }
    stage.bot.until_orders(33).await;
    let choices = stage.complete(&stage.viewer, "order", "many").await;
    assert_eq!(choices.len(), 25);
    assert!(choices.iter().all(|(label, _)| label.encode_utf16().count() <= 100 && label.ends_with('…')));
    for command in ["edit", "cancel"] {
        assert_eq!(stage.complete(&stage.manager, command, "many").await, choices, "{command}");
    }
    stage.end(0).await;
}
