//! The program is killed in the middle of its work, and started again.

use std::time::{Duration, Instant};

use super::end;
use crate::support::load::{Load, assert_holds};
use crate::support::program::Program;

/// Senders, and rounds with so many.
const ROUNDS: [(usize, usize); 3] = [(1, 7), (16, 7), (64, 6)];

#[tokio::test(flavor = "multi_thread")]
async fn after_each_of_twenty_kills_every_acknowledged_order_is_there_once() {
    let mut program = Program::start().await;
    let (mut acknowledged, mut slowest) = (Vec::new(), Duration::ZERO);
    for (senders, rounds) in ROUNDS {
        for round in 0..rounds {
            let load = Load::start(&program.url, &format!("K{senders}-{round}-"), senders);
            // Each time after another number of orders, so that another moment is hit.
            load.until_more(senders * 3 + round * 7).await;
            program.signal("KILL");
            acknowledged.extend(load.end().await.acknowledged);
            let killed = program.end().await;
            assert_eq!(killed.code, None);

            let started = Instant::now();
            program = Program::start_in(killed.home).await;
            slowest = slowest.max(started.elapsed());
            let orders = assert_holds(&mut program.sql().await, &acknowledged).await;
            let unanswered = orders - acknowledged.len();
            assert!(unanswered <= 20 * 64, "{unanswered} orders that nobody was told of");
        }
    }
    println!("{} orders acknowledged, restart in {slowest:?} at most", acknowledged.len());
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
    end(program).await;
}
