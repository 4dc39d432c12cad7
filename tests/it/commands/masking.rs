//! Viewers see personal data masked, and cannot find it out by searching. Managers see it.

use serde_json::{Value, json};

use super::stage::{Stage, custom_id, field, text_of};
use crate::redaction::FORMS;
use crate::support::bot::card;

/// Every personal value of the card contains this word.
const PERSONAL: &str = "canary";

/// A card with every kind of personal data.
fn personal(number: &str, note: &str) -> Value {
    let mut card = card(number, "$10.00");
    let fields = card["embeds"][0]["fields"].as_array_mut().unwrap();
    for (name, value) in [
        ("Profile", "Canary profile"),
        ("Customer", "Canary Person"),
        ("Shipping Address", "1 Canary Street"),
        ("Worksheet", "Canary value"),
        ("Notes", note),
    ] {
        fields.push(json!({"name": name, "value": value}));
    }
    card
}

fn has_personal(text: &str) -> bool {
    text.to_lowercase().contains(PERSONAL)
}

#[tokio::test]
async fn a_viewer_sees_personal_data_masked_and_a_manager_sees_it() {
    let stage = Stage::new().await;
    let message = stage.hook.post(personal("TGT-900", "canary note"));
    stage.bot.until_order("TGT-900", |_| true).await;
    stage.channel.edit(message, personal("TGT-900", "canary note two"));
    stage.bot.until_order("TGT-900", |order| order.fields.notes.as_deref() == Some("canary note two")).await;
    for (person, sees) in [(&stage.viewer, false), (&stage.manager, true), (&stage.admin, true)] {
        let order = stage.ask(person, "order", &[("number", "TGT-900")]).await;
        let history = stage.press_and_update(person, &order, "History").await;
        let menu = person.menu(&stage.channel, "Show order", message).answer().await;
        let list = stage.ask(person, "orders", &[]).await;
        let opened = stage.choose(person, &list, "TGT-900").answer().await;
        for reply in [&order, &history, &menu, &opened] {
            let text = text_of(reply);
            assert_eq!(has_personal(&text), sees, "{text}");
            assert!(sees || text.contains(r"\*\*\*"), "{text}");
        }
        assert!(!has_personal(&text_of(&list)), "the list shows no personal data");
        let email = if sees { "canary@example.com" } else { r"\*\*\*" };
        assert_eq!(field(&order, "E-mail"), Some(email));
        assert_eq!(field(&order, "Proxy").unwrap().contains("203.0.113.7"), sees);
    }
    stage.end(0).await;
}

#[tokio::test]
async fn an_admin_sees_no_credentials_of_proxies() {
    let stage = Stage::new().await;
    let mut card = card("TGT-900", "$10.00");
    let fields = card["embeds"][0]["fields"].as_array_mut().unwrap();
    fields.retain(|field| field["name"] != "Proxy Details");
    let forms = FORMS.map(|form| form.replace('P', "8000").replace('S', "hunterPass").replace('U', "hunter"));
    fields.push(json!({"name": "Proxy Used", "value": "gateway 8000 hunter hunterPass"}));
    fields.push(json!({"name": "Proxy Lines", "value": forms.join("\n").replace('H', "gateway")}));
    fields.push(json!({"name": "Lines", "value": forms.join("\n").replace('H', "gate.example.io")}));
    stage.order_of("TGT-900", card).await;
    let order = stage.ask(&stage.admin, "order", &[("number", "TGT-900")]).await;
    let history = stage.press_and_update(&stage.admin, &order, "History").await;
    let logs = stage.ask(&stage.admin, "logs", &[]).await;
    let log = stage.choose(&stage.admin, &logs, "created").answer().await;
    let texts = [&order, &history, &logs, &log].map(text_of);
    let files = log.files.iter().map(|file| String::from_utf8(file.bytes.to_vec()).unwrap());
    for text in texts.into_iter().chain(files) {
        let line = text.lines().find(|line| line.contains("hunter"));
        assert_eq!(line, None, "{text}");
    }
    assert!(text_of(&order).contains("gateway 8000"), "{}", text_of(&order));
    stage.end(0).await;
}

#[tokio::test]
async fn a_viewer_cannot_find_out_personal_data_by_searching() {
    let stage = Stage::new().await;
    stage.order_of("TGT-900", personal("TGT-900", "")).await;
    for search in ["canary@example.com", "example.com", "canary", "ca", "CANARY PROFILE"] {
        let found = async |person| text_of(&stage.ask(person, "orders", &[("search", search)]).await);
        assert_eq!(found(&stage.viewer).await, "No orders match.", "{search}");
        assert!(found(&stage.manager).await.contains("TGT-900"), "{search}");
        assert_eq!(stage.complete(&stage.viewer, "order", search).await, [], "{search}");
        assert_eq!(stage.complete(&stage.manager, "order", search).await.len(), 1, "{search}");
    }
    for found in ["tgt-9", "#TGT", "console"] {
        let list = text_of(&stage.ask(&stage.viewer, "orders", &[("search", found)]).await);
        assert!(list.contains("TGT-900"), "{found}: {list}");
    }
    for filter in [("email", "canary@example.com"), ("profile", "Canary profile")] {
        let refused = text_of(&stage.ask(&stage.viewer, "orders", &[filter]).await);
        assert!(refused.contains("You need the manager level"), "{refused}");
        let list = stage.ask(&stage.manager, "orders", &[filter]).await;
        // A forged button names the manager's list.
        let forged = stage.viewer.press(&stage.channel, list.message, &custom_id(&list, "First"));
        let refused = text_of(&forged.until_reply("a refusal", |_| true).await);
        assert!(refused.contains("You need the manager level") && !has_personal(&refused), "{refused}");
    }
    // The index of a choice: profile is the third.
    let by_profile = json!([{"name": "by", "type": 4, "value": 2}]);
    let refused = text_of(&stage.viewer.slash(&stage.channel, "stats", by_profile.clone()).answer().await);
    assert!(refused.contains("You need the manager level"), "{refused}");
    let sums = text_of(&stage.manager.slash(&stage.channel, "stats", by_profile).answer().await);
    assert!(has_personal(&sums), "{sums}");
    stage.end(0).await;
}
