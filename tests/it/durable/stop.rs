//! The program is asked to stop while orders wait that cannot be written yet.

use std::time::Duration;

use crate::support::app::until;
use crate::support::load::{Load, assert_holds};
use crate::support::program::Program;

/// Orders that wait: one from each sender.
const WAITING: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn at_shutdown_each_waiting_order_is_stored_and_acknowledged_or_neither() {
    // The lock is released in time, or never.
    for released in [true, false] {
        let mut program = Program::start().await;
        let mut lock = program.sql().await;
        lock.lock().await;
        let own = sockets(&program);
        let load = Load::start(&program.url, "W", WAITING);
        until("all are connected", async || sockets(&program) >= own + WAITING).await;
        program.signal("TERM");
        program.line_with("a second signal stops at once").await;
        if released {
            lock.unlock().await;
        }
        let end = program.end_within(Duration::from_secs(10)).await;
        drop(lock);
        let seen = load.end().await;
        let mut sql = end.home.sql().await;
        let stored = assert_holds(&mut sql, &seen.acknowledged).await;
        if released {
            assert_eq!(end.code, Some(0), "{}", end.log);
            // A request that ROMS had not read yet is neither stored nor acknowledged.
            assert_eq!(stored, seen.acknowledged.len());
            assert!(stored >= WAITING / 2, "{stored} were stored");
        } else {
            assert_eq!((stored, seen.acknowledged.len()), (0, 0));
            assert!(seen.refused.len() >= WAITING / 2, "{} were told to try again", seen.refused.len());
        }
    }
}

/// How many sockets the program has open.
fn sockets(program: &Program) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", program.id())).unwrap();
    let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}
