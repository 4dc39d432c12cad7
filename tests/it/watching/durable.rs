//! The database stalls, or the program is stopped while Discord hangs: nothing is lost.

use std::time::{Duration, Instant};

use super::stage::Stage;
use crate::support::bot::card;
use crate::support::discord::Fault;

#[tokio::test]
async fn cards_that_come_while_the_database_is_locked_are_stored_afterwards() {
    let stage = Stage::new().await;
    stage.mark().await;
    let channel = super::stage::id(stage.channel.id());
    let cursor = async || stage.bot.store().cursors().await.unwrap()[&channel].message;
    let before = cursor().await;
    // Another process writes, for longer than ROMS waits for it.
    let mut sql = stage.bot.sql().await;
    sql.lock().await;
    let posted: Vec<u64> = (0..150).map(|n| stage.hook.post(card(&format!("LOCK-{n}"), "$10.00"))).collect();
    let failed = "the database does not take messages";
    let end = Instant::now() + Duration::from_secs(20);
    while stage.log.count(failed) == 0 {
        assert!(Instant::now() < end, "{}", stage.log.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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
async fn an_edit_of_an_old_card_while_the_database_is_locked_is_taken_afterwards() {
    let stage = Stage::new().await;
    let hour_ago = chrono::Utc::now() - chrono::TimeDelta::hours(1);
    let old = stage.hook.draft(card("OLD-EDIT", "$10.00")).at(hour_ago).post();
    stage.bot.until_order("OLD-EDIT", |_| true).await;
    stage.mark().await;
    stage.read_again().await;
    let mut sql = stage.bot.sql().await;
    sql.lock().await;
    stage.channel.edit(old, card("OLD-EDIT", "$99.00"));
    let end = Instant::now() + Duration::from_secs(20);
    while stage.log.count("the database does not take messages") == 0 {
        assert!(Instant::now() < end, "{}", stage.log.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    sql.unlock().await;
    stage.bot.until_order("OLD-EDIT", |order| super::stage::price(order) == Some(9900)).await;
    stage.end().await;
}

#[tokio::test]
async fn it_stops_in_time_where_the_gateway_is_a_black_hole() {
    let mut stage = Stage::new().await;
    stage.mark().await;
    let gateway = stage.discord.gateway();
    gateway.black_hole(true);
    gateway.stall();
    let began = Instant::now();
    stage.bot.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    stage.end().await;
}

#[tokio::test]
async fn it_stops_in_time_where_rest_never_answers() {
    let mut stage = Stage::new().await;
    stage.mark().await;
    stage.discord.fail("*", "/", Fault::Hang, usize::MAX);
    for _ in 0..10 {
        stage.hook.post(serde_json::json!({"content": ""}));
    }
    stage.hook.post(card("LAST-1", "$10.00"));
    let path = format!("/channels/{}/messages/*", stage.channel.id());
    stage.discord.until_requests("GET", &path, 10).await;
    let began = Instant::now();
    stage.bot.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    // What had come in is stored.
    assert!(stage.bot.order("LAST-1").await.is_some());
    stage.end().await;
}

#[tokio::test]
async fn it_stops_in_time_before_it_knows_who_it_is() {
    let mut stage = Stage::before(|_, _| {}).await;
    stage.discord.fail("*", "/", Fault::Hang, usize::MAX);
    stage.start().await;
    stage.discord.until_requests("*", "/", 1).await;
    let began = Instant::now();
    stage.bot.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    stage.end().await;
}
