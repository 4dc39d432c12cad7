//! Many interactions at once, and restarts of ROMS or of the session meanwhile.

use std::time::Duration;

use futures_util::future::{join_all, select_all};
use roms::order::Status;

use super::stage::{Stage, buttons, is_private, text_of};
use crate::support::discord::{Fault, interactions::Interaction};

#[tokio::test]
async fn of_two_simultaneous_cancellations_one_wins_and_the_other_is_refused() {
    let stage = Stage::new().await;
    let order = stage.order("TGT-900", "$10.00").await;
    let questions = [
        stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await,
        stage.ask(&stage.admin, "cancel", &[("number", "TGT-900")]).await,
    ];
    // Both buttons are pressed before either change can be stored.
    let mut sql = stage.bot.sql().await;
    sql.lock().await;
    let pressed = [
        stage.press(&stage.manager, &questions[0], "Cancel the order"),
        stage.press(&stage.admin, &questions[1], "Cancel the order"),
    ];
    for asked in &pressed {
        assert_eq!(asked.callback().await["type"], 6);
    }
    // Readers do not wait, so by now both handlers have read the order.
    stage.ask(&stage.viewer, "order", &[("number", "TGT-900")]).await;
    sql.unlock().await;
    let answer_to = async |asked: &crate::support::discord::interactions::Interaction| {
        tokio::select! {
            reply = asked.update() => reply,
            reply = asked.until_reply("a word", |_| true) => reply,
        }
    };
    let answers = [answer_to(&pressed[0]).await, answer_to(&pressed[1]).await];
    let done = answers.iter().filter(|reply| buttons(reply) == ["Undo"]).count();
    assert_eq!(done, 1, "{:?}", answers.each_ref().map(text_of));
    assert_eq!(stage.bot.order("TGT-900").await.unwrap().fields.status, Some(Status::Cancelled));
    assert_eq!(stage.events_of(&order).await.len(), 2, "one event, by one of them");
    let undo = answers.iter().find(|reply| buttons(reply) == ["Undo"]).unwrap();
    stage.press_and_update(&stage.manager, undo, "Undo").await;
    assert_eq!(stage.bot.order("TGT-900").await.unwrap().fields.status, Some(Status::Verified));
    stage.end(0).await;
}

#[tokio::test]
async fn many_simultaneous_interactions_are_all_answered() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let asked: Vec<_> =
        (0..100).map(|_| stage.slash(&stage.viewer, "order", &[("number", "TGT-900")])).collect();
    for reply in join_all(asked.iter().map(Interaction::answer)).await {
        assert!(text_of(&reply).contains("Example Console"), "{}", text_of(&reply));
    }
    stage.end(0).await;
}

#[tokio::test]
async fn too_many_simultaneous_interactions_are_turned_away() {
    /// How many interactions ROMS answers at the same time.
    const LIMIT: usize = 128;
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let mut sql = stage.bot.sql().await;
    // A list stores its filter, so it waits for the lock.
    sql.lock().await;
    let asked: Vec<_> = (0..LIMIT + 10).map(|_| stage.slash(&stage.viewer, "orders", &[])).collect();
    // All others wait for the lock, so the first answer is a refusal.
    let (refused, ..) = select_all(asked.iter().map(|asked| Box::pin(asked.answer()))).await;
    assert!(text_of(&refused).contains("ROMS is busy") && is_private(&refused), "{}", text_of(&refused));
    assert_eq!(stage.complete(&stage.viewer, "order", "tgt").await, []);
    sql.unlock().await;
    for reply in join_all(asked.iter().map(Interaction::answer)).await {
        let text = text_of(&reply);
        assert!(text.contains("TGT-900") || text.contains("ROMS is busy"), "{text}");
    }
    let number = [("number", "TGT-900")];
    let answered = stage.ask(&stage.viewer, "order", &number).await;
    assert!(text_of(&answered).contains("Example Console"), "{}", text_of(&answered));
    stage.end(0).await;
}

#[tokio::test]
async fn an_answer_survives_the_end_of_the_session() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let question = stage.ask(&stage.manager, "cancel", &[("number", "TGT-900")]).await;
    let mut sql = stage.bot.sql().await;
    sql.lock().await;
    let pressed = stage.press(&stage.manager, &question, "Cancel the order");
    pressed.callback().await;
    stage.discord.gateway().forget_sessions();
    stage.discord.gateway().reset();
    sql.unlock().await;
    assert!(text_of(&pressed.update().await).contains("is cancelled"));
    stage.until_listening().await;
    stage.end(0).await;
}

#[tokio::test]
async fn a_backfill_interrupted_by_a_restart_says_so() {
    let mut stage = Stage::new().await;
    let history = format!("/channels/{}/messages", stage.channel.id());
    stage.discord.fail("GET", &history, Fault::Late(Duration::from_secs(30)), 1000);
    let asked = stage.slash(&stage.admin, "backfill", &[("channel", "checkouts"), ("since", "1 day")]);
    asked.callback().await;
    stage.discord.until_requests("GET", &history, stage.discord.count("GET", &history) + 1).await;
    stage.restart_with(|_| {}).await;
    assert!(text_of(&asked.answer().await).contains("is restarting"), "{}", text_of(&asked.answer().await));
    stage.discord.heal();
    // The channel is free for the next backfill.
    let asked = stage.slash(&stage.admin, "backfill", &[("channel", "checkouts"), ("since", "1 day")]);
    asked.until_reply("counts", |reply| text_of(reply).contains("messages read")).await;
    stage.end(0).await;
}
