//! Tells systemd when ROMS accepts orders, that it is alive, and when it stops. Does nothing unless systemd
//! started ROMS with `Type=notify`.

use sd_notify::NotifyState;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::ingest::Ingest;

/// Notifies systemd until `stop` is cancelled.
pub(crate) async fn run(ingest: &Ingest, stop: &CancellationToken) {
    let mut failing = ingest.failing();
    let writable = async { drop(failing.wait_for(|failing| !failing).await) };
    if stop.run_until_cancelled(writable).await.is_some() {
        notify(NotifyState::Ready);
        stop.run_until_cancelled(feed_watchdog()).await;
    }
    stop.cancelled().await;
    notify(NotifyState::Stopping);
}

/// Tells systemd, twice per watchdog interval, that this task still runs. systemd restarts a process that
/// falls silent. A database that is away is no reason to restart, so it does not count.
async fn feed_watchdog() {
    let Some(interval) = sd_notify::watchdog_enabled() else { return };
    loop {
        notify(NotifyState::Watchdog);
        sleep(interval / 2).await;
    }
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "cannot notify systemd");
    }
}
