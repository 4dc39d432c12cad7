//! The gateway connection fails in every way, and no card is lost or stored twice.

use std::time::Duration;

use roms::discord::Timing;

use super::stage::Stage;
use crate::support::bot::{card, timing};
use crate::support::discord::Fate;

/// Posts a card before, during and after a failure. Each must be stored exactly once.
async fn survive(fault: impl AsyncFnOnce(&Stage)) {
    let stage = Stage::new().await;
    stage.hook.post(card("BEFORE-1", "$10.00"));
    stage.bot.until_order("BEFORE-1", |_| true).await;
    fault(&stage).await;
    stage.bot.until_order("DURING-1", |_| true).await;
    stage.until_listening().await;
    let after = stage.hook.post(card("AFTER-1", "$10.00"));
    stage.channel.until_reaction(after, "✅").await;
    stage.read_again().await;
    assert_eq!((stage.bot.orders().await, stage.bot.logs().await.len()), (4, 4));
    for number in ["BEFORE-1", "DURING-1", "AFTER-1"] {
        let order = stage.bot.order(number).await.unwrap();
        assert_eq!(stage.events_of(&order).await.len(), 1, "{number}");
    }
    let path = "/health";
    stage.bot.until(path, "all is well again", |health| health["status"] == "healthy").await;
    stage.end().await;
}

/// Posts the card of the failure.
fn during(stage: &Stage) {
    stage.hook.post(card("DURING-1", "$10.00"));
}

#[tokio::test]
async fn a_reconnect_request_loses_nothing() {
    survive(async |stage| {
        stage.discord.gateway().reconnect();
        during(stage);
        stage.discord.gateway().until_resumes(1).await;
    })
    .await;
}

#[tokio::test]
async fn an_invalid_session_loses_nothing_whether_resumable_or_not() {
    for resumable in [true, false] {
        survive(async |stage| {
            let gateway = stage.discord.gateway();
            let (resumes, identifies) = (gateway.resumes(), gateway.identifies());
            gateway.invalidate(resumable);
            during(stage);
            if resumable {
                gateway.until_resumes(resumes + 1).await;
            } else {
                gateway.until_identifies(identifies + 1).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_broken_connection_loses_nothing() {
    for reset in [true, false] {
        survive(async |stage| {
            let gateway = stage.discord.gateway();
            let handshakes = gateway.handshakes();
            if reset {
                gateway.reset();
            } else {
                gateway.hang_up();
            }
            during(stage);
            gateway.until_handshakes(handshakes + 1).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_discord_that_refuses_connections_for_a_while_loses_nothing() {
    survive(async |stage| {
        stage.discord.refuse_connections(Fate::Reset).await;
        during(stage);
        let path = "/health";
        stage.bot.until(path, "the loss is seen", |health| health["status"] == "degraded").await;
        // ROMS replaces its client at least once meanwhile.
        stage.until_log("no session within").await;
        assert!(stage.bot.order("DURING-1").await.is_none());
        stage.discord.accept_connections();
    })
    .await;
}

#[tokio::test]
async fn without_a_session_cards_come_from_the_history_within_seconds() {
    let mut stage = Stage::before(|_, _| {}).await;
    let timing = Timing { history_interval: Duration::from_mins(10), ..timing() };
    stage.bot.start_again(timing).await;
    stage.until_listening().await;
    stage.mark().await;
    // The connection breaks, and every new one hangs.
    let gateway = stage.discord.gateway();
    gateway.black_hole(true);
    gateway.reset();
    during(&stage);
    stage.bot.until_order("DURING-1", |_| true).await;
    stage.end().await;
}

#[tokio::test]
async fn missing_heartbeat_acknowledgements_lose_nothing() {
    survive(async |stage| {
        let gateway = stage.discord.gateway();
        let handshakes = gateway.handshakes();
        gateway.acknowledges(false);
        gateway.forget_sessions();
        during(stage);
        gateway.until_handshakes(handshakes + 1).await;
        gateway.acknowledges(true);
    })
    .await;
}

#[tokio::test]
async fn a_gateway_that_accepts_and_never_answers_loses_nothing() {
    survive(async |stage| {
        let gateway = stage.discord.gateway();
        let handshakes = gateway.handshakes();
        gateway.black_hole(true);
        gateway.reset();
        during(stage);
        gateway.until_handshakes(handshakes + 2).await;
        // HTTP still works.
        assert_eq!(stage.bot.get("/health").await["status"], "degraded");
        gateway.black_hole(false);
    })
    .await;
}
