//! The process is killed repeatedly while it works.

use std::time::Duration;

use roms::store::{OrderFilter, Store};
use serde_json::json;
use tokio::time::{interval, timeout};

use super::program::home;
use super::stage::price;
use crate::support::bot::card;
use crate::support::discord::{Discord, Fault};
use crate::support::program::Program;

const CARDS: u64 = 1000;

/// How long storing the cards between two kills may take.
const DEADLINE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn reactions_that_are_due_at_a_kill_are_sent_after_the_restart() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let program = Program::start_in(home(&discord, &channel, "")).await;
    discord.until_ready().await;
    let store = Store::open(&program.home().url()).await.unwrap();
    discord.fail("PUT", "/channels/*/messages/*/reactions", Fault::Hang, usize::MAX);
    let messages: Vec<u64> = (0..50).map(|n| hook.post(card(&format!("DUE-{n}"), "$1.00"))).collect();
    let mut polls = interval(Duration::from_millis(2));
    let stored = async {
        while store.count_orders(&OrderFilter::default()).await.unwrap().count < 50 {
            polls.tick().await;
        }
    };
    timeout(DEADLINE, stored).await.expect("50 orders");
    program.signal("KILL");
    let end = program.end().await;
    assert!(messages.iter().all(|message| channel.reactions(*message).is_empty()));
    discord.heal();
    let program = Program::start_in(end.home).await;
    for message in &messages {
        channel.until_reaction(*message, "✅").await;
    }
    // They are recorded, so that the next start sends none of them again.
    let mut polls = interval(Duration::from_millis(2));
    let recorded = async {
        while !store.due_reactions(0, 1000).await.unwrap().is_empty() {
            polls.tick().await;
        }
    };
    timeout(DEADLINE, recorded).await.expect("no reaction is due");
    store.close().await.unwrap();
    program.signal("TERM");
    program.end().await;
}

#[tokio::test]
async fn a_process_that_is_killed_three_times_stores_each_of_a_thousand_cards_once() {
    let discord = Discord::start().await;
    let channel = discord.guild("Buyers").channel("checkouts");
    let hook = channel.webhook("Refract");
    let home = home(&discord, &channel, "");
    let mut program = Program::start_in(home).await;
    discord.until_ready().await;
    let store = Store::open(&program.home().url()).await.unwrap();
    let orders = async || store.count_orders(&OrderFilter::default()).await.unwrap().count;
    let until = async |count: u64| {
        let mut polls = interval(Duration::from_millis(2));
        let stored = async {
            loop {
                polls.tick().await;
                let found = orders().await;
                if found >= count {
                    return found;
                }
            }
        };
        timeout(DEADLINE, stored).await.unwrap_or_else(|_| panic!("not {count} orders in time"))
    };
    let mut posted = 0;
    for kill in 1..=3 {
        // Some are posted while it runs, the others after it was killed.
        for _ in 0..200 {
            hook.post(card(&format!("KILL-{posted}"), &format!("${posted}.25")));
            posted += 1;
        }
        until(kill * 100).await;
        program.signal("KILL");
        let end = program.end().await;
        assert_eq!(end.code, None);
        for _ in 0..130 {
            hook.post(card(&format!("KILL-{posted}"), &format!("${posted}.25")));
            posted += 1;
        }
        program = Program::start_in(end.home).await;
    }
    for n in posted..CARDS {
        hook.post(card(&format!("KILL-{n}"), &format!("${n}.25")));
    }
    assert_eq!(until(CARDS).await, CARDS);
    for n in 0..CARDS {
        let order = store.order(&format!("KILL-{n}")).await.unwrap().unwrap();
        assert_eq!(price(&order), Some(i64::try_from(n * 100 + 25).unwrap()));
        assert_eq!(store.events(order.id, 0, 100).await.unwrap().len(), 1);
    }
    program.signal("TERM");
    assert_eq!(program.end().await.code, Some(0));
    hook.post(json!({"content": "bye"}));
    assert!(discord.unknown_requests().is_empty(), "{:?}", discord.unknown_requests());
}
