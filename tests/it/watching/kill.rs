//! The process is killed in the middle of its work, again and again.

use std::time::Duration;

use roms::store::{OrderFilter, Store};
use serde_json::json;

use super::program::home;
use super::stage::price;
use crate::support::bot::card;
use crate::support::discord::Discord;
use crate::support::program::Program;

const CARDS: u64 = 1000;

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
        let end = tokio::time::Instant::now() + Duration::from_secs(40);
        loop {
            let found = orders().await;
            if found >= count {
                return found;
            }
            assert!(tokio::time::Instant::now() < end, "{found} of {count} orders");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let mut posted = 0;
    for kill in 1..=3 {
        // Some while it runs, the rest while it is gone.
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
        assert_eq!(store.events(order.id).await.unwrap().len(), 1);
    }
    program.signal("TERM");
    assert_eq!(program.end().await.code, Some(0));
    hook.post(json!({"content": "bye"}));
    assert!(discord.unknown_requests().is_empty(), "{:?}", discord.unknown_requests());
}
