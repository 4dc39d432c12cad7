//! Components and commands of another release, forged ones, and interactions that cannot be decoded.

use serde_json::json;

use super::stage::{Stage, is_private, text_of};

#[tokio::test]
async fn unknown_components_and_commands_are_out_of_date() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let page = stage.ask(&stage.admin, "orders", &[]).await;
    let long = format!("list:{}", "9".repeat(95));
    for custom_id in [
        "",
        ":",
        "order",
        "order:",
        "order:x",
        "order:-1",
        "order:4711",
        "order:99999999999999999999",
        "history:4711",
        "share:x",
        "edit:4711",
        "edit:",
        "list:1",
        "list:x:first:0:1",
        "list:1:sideways:0:1",
        "list:4711:next:1:2",
        "cancel:4711:verified",
        "cancel:1",
        "keep:4711",
        "undo:1:lost:5",
        "undo:1:verified:99999999999999999999",
        "undo:4711:verified:5",
        "logs:-:x",
        "logs",
        "replay:4711",
        "replay:x",
        "store:x:y:z",
        "store:1",
        "save:1",
        "fancy:1:2:3",
        "paginate-😀",
        &long,
    ] {
        let pressed = stage.admin.press(&stage.channel, page.message, custom_id);
        let reply = pressed.until_reply("an answer", |_| true).await;
        assert!(text_of(&reply).contains("out of date"), "{custom_id}: {}", text_of(&reply));
        assert!(is_private(&reply) && reply.message != page.message, "{custom_id}");
    }
    for (custom_id, values) in [
        ("open", &["x"][..]),
        ("open", &["4711"]),
        ("open", &[]),
        ("log", &["4711"]),
        ("log", &["-"]),
        ("pick", &["1"]),
    ] {
        let reply = stage.admin.select(&stage.channel, page.message, custom_id, values).answer().await;
        assert!(text_of(&reply).contains("out of date"), "{custom_id} {values:?}: {}", text_of(&reply));
    }
    // A user select is answered too.
    let data = json!({"component_type": 5, "custom_id": "open", "values": [stage.viewer.id().to_string()], "resolved": {}});
    let reply = stage.admin.interact(&stage.channel, 3, data, Some(page.message)).answer().await;
    assert!(text_of(&reply).contains("out of date"), "{}", text_of(&reply));

    let unknown = stage.ask(&stage.admin, "unheard-of", &[]).await;
    assert!(text_of(&unknown).contains("out of date"), "{}", text_of(&unknown));
    let refused = stage.ask(&stage.viewer, "unheard-of", &[]).await;
    assert!(is_private(&refused), "{}", text_of(&refused));
    // A command that Discord registered with other options.
    for options in [
        json!([]),
        json!([{"name": "number", "type": 4, "value": 7}]),
        json!([{"name": "order", "type": 3, "value": "x"}]),
    ] {
        let reply = stage.admin.slash(&stage.channel, "order", options.clone()).answer().await;
        let text = text_of(&reply);
        assert!(text.contains("out of date") || text.contains("no order"), "{options}: {text}");
    }
    assert_eq!(stage.log.count("ERROR"), 0, "none of this is an error for the operator");
    stage.end(0).await;
}

#[tokio::test]
async fn an_interaction_that_cannot_be_decoded_is_logged_and_answered() {
    let stage = Stage::new().await;
    let asked = stage.admin.interact(&stage.channel, 2, json!({"name": 7}), None);
    let reply = asked.answer().await;
    assert!(text_of(&reply).starts_with("ROMS could not read this request."), "{}", text_of(&reply));
    assert!(is_private(&reply));
    let typing = stage.admin.interact(&stage.channel, 4, json!({"name": 7}), None);
    assert_eq!(typing.callback().await, json!({"type": 8, "data": {"choices": []}}));
    // An interaction without a token cannot be answered.
    for odd in [json!({}), json!({"id": "1", "type": 2}), json!({"token": 7}), json!([]), json!("x")] {
        stage.discord.gateway().dispatch("INTERACTION_CREATE", odd);
    }
    stage.order("TGT-901", "$10.00").await;
    let logged = || stage.log.count("ROMS could not read an interaction");
    stage.until_log("ROMS could not read an interaction").await;
    stage.ask(&stage.admin, "help", &[]).await;
    assert_eq!(logged(), 7, "{}", stage.log.text());
    let log = stage.log.text();
    assert!(!log.contains(asked.token()) && !log.contains(typing.token()), "{log}");
    stage.end(0).await;
}
