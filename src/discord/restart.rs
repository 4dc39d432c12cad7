//! Restarts tasks that panic.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

/// Delay before a task that panicked starts again. It bounds the log lines of a task that panics at
/// every start.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// Runs a task to its end. If it panics, logs that and starts it again.
pub(crate) async fn restart_on_panic<T: Future<Output = ()>>(name: &str, mut start: impl FnMut() -> T) {
    while AssertUnwindSafe(start()).catch_unwind().await.is_err() {
        tracing::error!("the task {name:?} panicked; starting it again");
        tokio::time::sleep(RESTART_DELAY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::restart_on_panic;

    #[tokio::test]
    async fn a_task_that_panics_starts_again_until_it_ends() {
        let mut starts = 0;
        restart_on_panic("test", || {
            starts += 1;
            let is_second = starts == 2;
            async move { assert!(is_second, "a panic on purpose") }
        })
        .await;
        assert_eq!(starts, 2);
    }
}
