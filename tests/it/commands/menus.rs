//! The menu of a message: its orders, and reading it although its author is not trusted.

use serde_json::{Value, json};

use super::stage::{Stage, buttons, custom_id, field, is_private, options, text_of};
use crate::support::bot::card;
use crate::watching::stage::odd_card;

/// Posts a message by an untrusted author.
fn theirs(stage: &Stage, message: Value) -> u64 {
    let ann = stage.discord.user("Ann");
    ann.draft(&stage.channel, message).post()
}

#[tokio::test]
async fn the_orders_of_a_message_are_shown() {
    let stage = Stage::new().await;
    let one = stage.hook.post(card("TGT-900", "$10.00"));
    let two = stage
        .hook
        .post(json!({"embeds": [card("A-1", "$1.00")["embeds"][0], card("B-2", "$2.00")["embeds"][0]]}));
    let none = stage.hook.post(json!({"content": "hello"}));
    stage.bot.until_orders(3).await;
    let shown = stage.viewer.menu(&stage.channel, "Show order", one).answer().await;
    assert!(is_private(&shown));
    assert_eq!(field(&shown, "Order number"), Some("`TGT-900`"));
    assert_eq!(buttons(&shown), ["History", "Share"]);
    let several = stage.viewer.menu(&stage.channel, "Show order", two).answer().await;
    assert!(text_of(&several).contains("2 orders are stored from this message"), "{}", text_of(&several));
    assert_eq!(options(&several).len(), 2);
    let opened = stage.choose(&stage.viewer, &several, "B-2").answer().await;
    assert_eq!(field(&opened, "Order number"), Some("`B-2`"));
    let nothing = stage.viewer.menu(&stage.channel, "Show order", none).answer().await;
    assert!(text_of(&nothing).starts_with("No order is stored from this message."), "{}", text_of(&nothing));
    stage.end(0).await;
}

#[tokio::test]
async fn a_message_of_an_untrusted_author_is_previewed_and_then_stored() {
    let stage = Stage::new().await;
    let message = theirs(&stage, card("TGT-900", "$10.00"));
    stage.mark().await;
    assert!(stage.bot.order("TGT-900").await.is_none(), "it is not read by itself");
    let preview = stage.manager.menu(&stage.channel, "Read as order", message).answer().await;
    let text = text_of(&preview);
    assert!(is_private(&preview));
    assert!(text.contains("Nothing is stored yet") && text.contains("`TGT-900`"), "{text}");
    assert!(text.contains("Example Console") && text.contains("10.00"), "{text}");
    assert_eq!(buttons(&preview), ["Store"]);
    assert!(stage.bot.order("TGT-900").await.is_none());

    let stored = stage.press_and_update(&stage.manager, &preview, "Store").await;
    assert!(text_of(&stored).starts_with("Stored: created."), "{}", text_of(&stored));
    assert_eq!(field(&stored, "Order number"), Some("`TGT-900`"));
    let order = stage.bot.order("TGT-900").await.expect("it is stored now");
    stage.channel.until_reaction(message, "✅").await;
    let history = stage.press_and_update(&stage.manager, &stored, "History").await;
    assert!(
        text_of(&history).contains(&format!("<@{}>", stage.manager.id())),
        "who stored it: {}",
        text_of(&history)
    );
    assert_eq!(stage.events_of(&order).await.len(), 1);

    let again = stage.manager.menu(&stage.channel, "Read as order", message).answer().await;
    let again = stage.press_and_update(&stage.manager, &again, "Store").await;
    assert!(text_of(&again).contains("already stored"), "{}", text_of(&again));
    assert_eq!(stage.events_of(&order).await.len(), 1);
    let shown = stage.viewer.menu(&stage.channel, "Show order", message).answer().await;
    assert_eq!(field(&shown, "Order number"), Some("`TGT-900`"));
    stage.end(0).await;
}

#[tokio::test]
async fn a_forged_button_reads_nothing_in_another_channel() {
    let stage = Stage::new().await;
    let secret = stage.guild.channel("secret");
    let hidden = stage.discord.user("Ann").draft(&secret, card("SECRET-1", "$10.00")).post();
    let message = theirs(&stage, card("TGT-900", "$10.00"));
    let preview = stage.manager.menu(&stage.channel, "Read as order", message).answer().await;
    let seen = custom_id(&preview, "Store");
    let forged = format!("store:{}:{hidden}:{}", secret.id(), seen.rsplit(':').next().unwrap());
    let pressed = stage.manager.press(&stage.channel, preview.message, &forged);
    let reply = pressed.until_reply("a refusal", |_| true).await;
    assert!(text_of(&reply).contains("out of date") && is_private(&reply), "{}", text_of(&reply));
    assert!(pressed.replies().iter().all(|reply| !text_of(reply).contains("SECRET-1")));
    stage.end(0).await;
}

#[tokio::test]
async fn a_preview_counts_the_cards_that_it_leaves_out() {
    let stage = Stage::new().await;
    let embeds = (0..8).map(|at| card(&format!("TGT-{at}"), "$10.00")["embeds"][0].clone());
    let message = theirs(&stage, json!({"embeds": embeds.collect::<Vec<_>>()}));
    let preview = stage.manager.menu(&stage.channel, "Read as order", message).answer().await;
    assert!(text_of(&preview).contains("3 more cards are not shown"), "{}", text_of(&preview));
    stage.end(0).await;
}

#[tokio::test]
async fn a_message_that_changes_after_its_preview_is_previewed_again() {
    let stage = Stage::new().await;
    let message = theirs(&stage, card("TGT-900", "$10.00"));
    let preview = stage.manager.menu(&stage.channel, "Read as order", message).answer().await;
    stage.channel.edit(message, card("TGT-900", "$99.00"));
    let again = stage.press_and_update(&stage.manager, &preview, "Store").await;
    assert!(
        text_of(&again).contains("has changed") && text_of(&again).contains("99.00"),
        "{}",
        text_of(&again)
    );
    assert!(stage.bot.order("TGT-900").await.is_none());
    let stored = stage.press_and_update(&stage.manager, &again, "Store").await;
    assert!(text_of(&stored).starts_with("Stored: created."), "{}", text_of(&stored));
    assert_eq!(stage.bot.order("TGT-900").await.unwrap().fields.price.unwrap().hundredths(), 9900);

    let message = theirs(&stage, card("TGT-901", "$10.00"));
    let preview = stage.manager.menu(&stage.channel, "Read as order", message).answer().await;
    stage.channel.delete(message);
    let gone = stage.press(&stage.manager, &preview, "Store").until_reply("a refusal", |_| true).await;
    assert!(text_of(&gone).contains("has been deleted") && is_private(&gone), "{}", text_of(&gone));
    assert!(stage.bot.order("TGT-901").await.is_none());
    stage.end(0).await;
}

#[tokio::test]
async fn a_message_without_an_order_says_so() {
    let stage = Stage::new().await;
    let hello = theirs(&stage, json!({"content": "hello"}));
    let reply = stage.manager.menu(&stage.channel, "Read as order", hello).answer().await;
    assert!(text_of(&reply).starts_with("There is no order in this message"), "{}", text_of(&reply));
    assert!(buttons(&reply).is_empty());
    let failed = theirs(&stage, odd_card("TGT-1", &json!({"author": {"name": "Checkout Failed | Target"}})));
    let reply = stage.manager.menu(&stage.channel, "Read as order", failed).answer().await;
    assert!(text_of(&reply).contains("Not an order") && buttons(&reply).is_empty(), "{}", text_of(&reply));
    // The bot's own messages repeat the text of cards, and are refused.
    let order = stage.order("TGT-900", "$10.00").await;
    let shown = stage.ask(&stage.manager, "order", &[("number", order.number.as_str())]).await;
    let shared = stage.press(&stage.manager, &shown, "Share").until_reply("a post", |_| true).await;
    let reply = stage.manager.menu(&stage.channel, "Read as order", shared.message).answer().await;
    assert!(text_of(&reply).contains("The bot wrote this message itself"), "{}", text_of(&reply));
    stage.end(1).await;
}

#[tokio::test]
async fn a_message_that_serenity_cannot_decode_is_read() {
    let stage = Stage::new().await;
    for (at, odd) in [
        json!({"footer": {"icon_url": "https://example.test/x.png"}}),
        json!({"timestamp": "today"}),
        json!({"color": -1, "thumbnail": {"width": "wide"}}),
        json!({"fields": [
            {"name": "Order Number", "value": "ODD-3"}, {"name": "Price", "value": "$10.00"},
            {"name": "Product", "value": null}, {"name": "Empty", "inline": null},
        ]}),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("ODD-{at}");
        let message = theirs(&stage, odd_card(&number, &odd));
        let nothing = stage.viewer.menu(&stage.channel, "Show order", message).answer().await;
        assert!(
            text_of(&nothing).starts_with("No order is stored from this message."),
            "{odd}: {}",
            text_of(&nothing)
        );
        let preview = stage.manager.menu(&stage.channel, "Read as order", message).answer().await;
        assert!(text_of(&preview).contains(&format!("`{number}`")), "{odd}: {}", text_of(&preview));
        let stored = stage.press_and_update(&stage.manager, &preview, "Store").await;
        assert!(text_of(&stored).starts_with("Stored: created."), "{odd}: {}", text_of(&stored));
        let shown = stage.viewer.menu(&stage.channel, "Show order", message).answer().await;
        assert_eq!(field(&shown, "Order number"), Some(format!("`{number}`").as_str()), "{odd}");
    }
    stage.end(0).await;
}

#[tokio::test]
async fn a_channel_that_the_bot_cannot_read_is_reported() {
    let stage = Stage::new().await;
    let secret = stage.guild.channel("secret");
    let ann = stage.discord.user("Ann");
    let message = ann.draft(&secret, card("TGT-900", "$10.00")).post();
    secret.deny(crate::support::discord::permissions::READ_MESSAGE_HISTORY);
    let reply = stage.manager.menu(&secret, "Read as order", message).answer().await;
    let text = text_of(&reply);
    assert!(text.contains("Read Message History") || text.contains("has been deleted"), "{text}");
    stage.end(0).await;
}

#[tokio::test]
async fn a_message_full_of_orders_is_shown_within_discords_limits() {
    let stage = Stage::new().await;
    let cards: Vec<String> = (1..=40)
        .map(|number| {
            format!(
                "Successful Checkout | Target\nProduct\nTin {number}\nPrice\n$1.00\nOrder Number\nN-{number}"
            )
        })
        .collect();
    let many = json!({"embeds": [{"description": cards.join("\n\n")}]});
    let trusted = stage.hook.post(many.clone());
    stage.bot.until_orders(40).await;
    let shown = stage.viewer.menu(&stage.channel, "Show order", trusted).answer().await;
    assert!(text_of(&shown).contains("40 orders are stored from this message"), "{}", text_of(&shown));
    assert_eq!(options(&shown).len(), 25);
    let logs = stage.ask(&stage.admin, "logs", &[]).await;
    let log = stage.choose(&stage.admin, &logs, "created").answer().await;
    assert!(text_of(&log).contains("`N-1`"), "{}", text_of(&log));

    let crowded = |number: u32| {
        let mut card = card(&format!("L-{number}"), "$10.00");
        let fields = card["embeds"][0]["fields"].as_array_mut().unwrap();
        fields.extend((0..18).map(|at| json!({"name": format!("Label {at}"), "value": "*".repeat(1024)})));
        card["embeds"][0].clone()
    };
    let theirs = theirs(&stage, json!({"embeds": (1..=10).map(crowded).collect::<Vec<_>>()}));
    let preview = stage.manager.menu(&stage.channel, "Read as order", theirs).answer().await;
    assert_eq!(buttons(&preview), ["Store"], "{}", text_of(&preview));
    let text = text_of(&preview);
    assert!(text.contains("`L-1`") && text.contains('…'), "{text}");
    let stored = stage.press_and_update(&stage.manager, &preview, "Store").await;
    assert_eq!(options(&stored).len(), 10, "{}", text_of(&stored));
    stage.end(0).await;
}
