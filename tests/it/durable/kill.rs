//! The program is killed in the middle of its work, and started again.

use std::time::Duration;

use tokio::time::timeout;

use super::end;
use crate::support::home::Home;
use crate::support::load::{Load, assert_holds};
use crate::support::program::Program;

/// The number of senders, and the number of rounds with them.
const ROUNDS: [(usize, usize); 3] = [(1, 7), (16, 7), (64, 6)];
/// A killed program must accept orders again this long after its start.
const RESTART_DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn after_each_of_twenty_kills_every_acknowledged_order_is_there_once() {
    let mut program = Program::start().await;
    let mut acknowledged = Vec::new();
    for (senders, rounds) in ROUNDS {
        for round in 0..rounds {
            let load = Load::start(&program.url, &format!("K{senders}-{round}-"), senders);
            // A different number of orders in each round, so that the kill comes at a different moment.
            load.until_more(senders * 3 + round * 7).await;
            program.signal("KILL");
            acknowledged.extend(load.end().await.acknowledged);
            let killed = program.end().await;
            assert_eq!(killed.code, None);

            program = restart(killed.home).await;
            let orders = assert_holds(&mut program.sql().await, &acknowledged).await;
            let unanswered = orders - acknowledged.len();
            assert!(unanswered <= 20 * 64, "{unanswered} orders without an answer");
        }
    }
    end(program).await;
}

/// Starts the program on the database of a killed one, and waits until it accepts orders.
async fn restart(home: Home) -> Program {
    let started = async {
        let program = Program::start_in(home).await;
        let ready = reqwest::get(format!("{}/health/ready", program.url)).await.unwrap();
        assert_eq!(ready.status(), 200);
        program
    };
    timeout(RESTART_DEADLINE, started).await.expect("it accepts orders within 10 seconds of its start")
}
