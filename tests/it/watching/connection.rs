//! The connection to the gateway fails in every way, and no card is lost or doubled.

use std::time::Duration;

use super::stage::Stage;
use crate::support::bot::card;
use crate::support::discord::Fate;

/// A card before a fault, one during it, and one after: each is stored once.
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

/// The card that is posted during a fault.
fn during(stage: &Stage) {
    stage.hook.post(card("DURING-1", "$10.00"));
}

#[tokio::test]
async fn op_7_is_followed() {
    survive(async |stage| {
        stage.discord.gateway().reconnect();
        during(stage);
        stage.discord.gateway().until_resumes(1).await;
    })
    .await;
}

#[tokio::test]
async fn op_9_is_survived_where_the_session_may_be_resumed_and_where_not() {
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
async fn a_connection_that_is_cut_is_made_again() {
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
async fn discord_that_refuses_connections_for_five_seconds_is_outlasted() {
    survive(async |stage| {
        stage.discord.refuse_connections(Fate::Reset).await;
        during(stage);
        let path = "/health";
        stage.bot.until(path, "the loss is seen", |health| health["status"] == "degraded").await;
        // The outage itself.
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(stage.bot.order("DURING-1").await.is_none());
        stage.discord.accept_connections();
    })
    .await;
}

#[tokio::test]
async fn heartbeats_without_an_answer_end_a_connection() {
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
async fn a_black_hole_that_accepts_and_never_answers_is_left() {
    survive(async |stage| {
        let gateway = stage.discord.gateway();
        let handshakes = gateway.handshakes();
        gateway.black_hole(true);
        gateway.reset();
        during(stage);
        gateway.until_handshakes(handshakes + 2).await;
        // HTTP answers meanwhile.
        assert_eq!(stage.bot.get("/health").await["status"], "degraded");
        gateway.black_hole(false);
    })
    .await;
}
