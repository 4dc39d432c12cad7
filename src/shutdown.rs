//! The signals that stop the process: Ctrl-C, SIGTERM, and SIGHUP, which a closed terminal sends.
//!
//! The first signal asks for an orderly end by cancelling a token. The second one ends the process at
//! once. A thread with its own runtime waits for them, so that the second signal works even if everything
//! else hangs.

use std::{io, process, thread};

use anyhow::Context;
use tokio::runtime;
use tokio_util::sync::CancellationToken;

/// Returns a token that the first signal cancels. From now on, signals no longer end the process by
/// themselves.
pub fn on_signals() -> anyhow::Result<CancellationToken> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _guard = runtime.enter();
        Signals::listen().context("cannot listen for signals")?
    };
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    let wait = move || {
        runtime.block_on(async {
            let signal = signals.next().await;
            tracing::info!("{}: stopping; a second signal stops at once", signal.reason);
            cancelled.cancel();
            process::exit(signals.next().await.exit_code)
        })
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(stop)
}

/// A signal that stops the process.
#[derive(Clone, Copy, Debug)]
struct StopSignal {
    /// The event, for the log.
    reason: &'static str,
    /// 128 plus the number of the signal, as shells report a process that the signal ended.
    exit_code: i32,
}

const INTERRUPT: StopSignal = StopSignal { reason: "interrupted", exit_code: 130 };
#[cfg(unix)]
const TERMINATE: StopSignal = StopSignal { reason: "asked to terminate", exit_code: 143 };
#[cfg(unix)]
const HANGUP: StopSignal = StopSignal { reason: "the terminal was closed", exit_code: 129 };

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// `None` if the process was started to ignore it, as `nohup` does.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    async fn next(&mut self) -> StopSignal {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => INTERRUPT,
            _ = self.terminate.recv() => TERMINATE,
            _ = hangup => HANGUP,
        }
    }
}

/// Whether SIGHUP, signal 1, is ignored. Only Linux tells without unsafe code; elsewhere it counts as not
/// ignored.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> StopSignal {
        // `None` would mean that no further signal can come.
        match self.0.recv().await {
            Some(()) => INTERRUPT,
            None => std::future::pending().await,
        }
    }
}
