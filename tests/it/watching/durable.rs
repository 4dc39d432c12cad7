//! The database stalls, or the program is stopped while Discord hangs: nothing is lost.

use std::time::Duration;

use tokio::time::timeout;

use super::stage::Stage;
use crate::support::bot::card;
use crate::support::discord::Fault;

/// How long a stop may take. It is less than the seven seconds after which ROMS would stop anyway,
/// without finishing its work.
const STOP_DEADLINE: Duration = Duration::from_secs(6);

#[tokio::test]
async fn cards_posted_while_the_database_is_locked_are_stored_later() {
    let stage = Stage::new().await;
    stage.mark().await;
    let channel = super::stage::id(stage.channel.id());
    let cursor = async || stage.bot.store().cursors(&[channel]).await.unwrap()[&channel].message;
    let before = cursor().await;
    // Another process holds the write lock for longer than ROMS waits.
    let mut sql = stage.bot.sql().await;
    sql.lock().await;
    let posted: Vec<u64> = (0..150).map(|n| stage.hook.post(card(&format!("LOCK-{n}"), "$10.00"))).collect();
    let failed = "the database does not accept messages";
    stage.until_log(failed).await;
    assert!(cursor().await < super::stage::id(posted[0]), "the cursor moved from {before}");
    sql.unlock().await;
    stage.bot.until_orders(151).await;
    for message in [posted[0], posted[149]] {
        stage.channel.until_reaction(message, "✅").await;
    }
    stage.read_again().await;
    assert!(cursor().await >= super::stage::id(posted[149]));
    assert_eq!(stage.log.count(failed), 1, "{}", stage.log.text());
    stage.end().await;
}

#[tokio::test]
async fn an_edit_of_an_old_card_while_the_database_is_locked_is_applied_later() {
    let stage = Stage::new().await;
    let hour_ago = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    let old = stage.hook.draft(card("OLD-EDIT", "$10.00")).at(hour_ago).post();
    stage.bot.until_order("OLD-EDIT", |_| true).await;
    stage.mark().await;
    stage.read_again().await;
    let mut sql = stage.bot.sql().await;
    sql.lock().await;
    stage.channel.edit(old, card("OLD-EDIT", "$99.00"));
    stage.until_log("the database does not accept messages").await;
    sql.unlock().await;
    stage.bot.until_order("OLD-EDIT", |order| super::stage::price(order) == Some(9900)).await;
    stage.end().await;
}

#[tokio::test]
async fn it_stops_in_time_while_the_gateway_never_answers() {
    let mut stage = Stage::new().await;
    stage.mark().await;
    let gateway = stage.discord.gateway();
    gateway.black_hole(true);
    gateway.stall();
    timeout(STOP_DEADLINE, stage.bot.stop()).await.expect("the stop is not delayed").unwrap();
    stage.end().await;
}

#[tokio::test]
async fn it_stops_in_time_while_rest_never_answers() {
    let mut stage = Stage::new().await;
    stage.mark().await;
    stage.discord.fail("*", "/", Fault::Hang, usize::MAX);
    for _ in 0..10 {
        stage.hook.post(serde_json::json!({"content": ""}));
    }
    stage.hook.post(card("LAST-1", "$10.00"));
    let path = format!("/channels/{}/messages/*", stage.channel.id());
    stage.discord.until_requests("GET", &path, 10).await;
    timeout(STOP_DEADLINE, stage.bot.stop()).await.expect("the stop is not delayed").unwrap();
    // Everything received before the stop is stored.
    assert!(stage.bot.order("LAST-1").await.is_some());
    stage.end().await;
}

#[tokio::test]
async fn it_stops_in_time_before_it_knows_its_own_ids() {
    let mut stage = Stage::before(|_, _| {}).await;
    stage.discord.fail("*", "/", Fault::Hang, usize::MAX);
    stage.start().await;
    stage.discord.until_requests("*", "/", 1).await;
    timeout(STOP_DEADLINE, stage.bot.stop()).await.expect("the stop is not delayed").unwrap();
    stage.end().await;
}
