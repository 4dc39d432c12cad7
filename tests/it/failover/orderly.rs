//! The processes of a fleet are restarted one after the other.

use super::ONE_AT_A_TIME;
use crate::durable::end;
use crate::support::home::Home;
use crate::support::load::{Load, assert_holds};
use crate::support::program::Program;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server"]
async fn a_rolling_restart_of_three_processes_loses_and_doubles_nothing() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let home = Home::postgres();
    let mut homes = vec![home.with_same_database(), home.with_same_database(), home.with_same_database()];
    let mut programs = Vec::new();
    for home in homes.drain(..) {
        programs.push(Program::start_in(home).await);
    }
    let mut acknowledged = Vec::new();
    for round in 0..programs.len() {
        let loads: Vec<Load> = programs
            .iter()
            .enumerate()
            .map(|(at, program)| Load::start(&program.url, &format!("R{round}-{at}-"), 4))
            .collect();
        for load in &loads {
            load.until_more(30).await;
        }
        let ended = end(programs.remove(0)).await;
        programs.push(Program::start_in(ended.home).await);
        for load in loads {
            acknowledged.extend(load.end().await.acknowledged);
        }
    }
    assert_holds(&mut home.sql().await, &acknowledged).await;
    for program in programs {
        end(program).await;
    }
}
