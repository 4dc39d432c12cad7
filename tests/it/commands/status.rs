//! `/status`: how ROMS is, and what is missing.

use super::stage::{Stage, field, is_private, said};
use crate::support::discord::permissions::READ_MESSAGE_HISTORY;

#[tokio::test]
async fn all_is_told_when_all_is_well() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    stage.read_again().await;
    let reply = stage.ask(&stage.admin, "status", &[]).await;
    let text = said(&reply);
    assert!(is_private(&reply));
    assert!(text.contains("All is well"), "{text}");
    assert!(field(&reply, "Gateway").unwrap().starts_with("connected"), "{text}");
    assert!(field(&reply, "Database").unwrap().contains("ms"), "{text}");
    assert_eq!(field(&reply, "Queue"), Some("0 messages wait"));
    assert!(field(&reply, "Last card").unwrap().contains("(created)"), "{text}");
    let channel = field(&reply, "checkouts").unwrap();
    assert!(channel.contains(&format!("<#{}> read up to <t:", stage.channel.id())), "{channel}");
    stage.end(0).await;
}

#[tokio::test]
async fn a_permission_that_is_missing_is_named() {
    let mut stage = Stage::before().await;
    stage.channel.deny(READ_MESSAGE_HISTORY);
    stage.begin().await;
    let missing = |health: &serde_json::Value| health.to_string().contains("Read Message History");
    stage.bot.until("/health", "it is seen", missing).await;
    let reply = stage.ask(&stage.admin, "status", &[]).await;
    assert!(said(&reply).contains("Something is wrong"), "{}", said(&reply));
    let channel = field(&reply, "checkouts").unwrap();
    assert!(channel.contains("the bot lacks Read Message History"), "{channel}");
    stage.end(0).await;
}
