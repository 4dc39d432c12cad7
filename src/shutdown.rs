//! The signals that stop the process.
//!
//! The first SIGINT (Ctrl-C) or SIGTERM asks for an orderly end, by a token that everything that
//! runs listens to. The second one ends the process at once. Both are waited for on a thread and
//! a runtime of their own: the second one must work above all when the rest hangs.

use std::{convert::Infallible, io, process, thread};

use anyhow::Context;
use tokio::runtime;
use tokio_util::sync::CancellationToken;

/// A token that the first signal cancels. From here on signals no longer end the process by
/// themselves.
///
/// # Errors
/// When the system refuses a thread or a signal handler.
pub fn on_signals() -> anyhow::Result<CancellationToken> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _guard = runtime.enter();
        Signals::listen().context("cannot listen for signals")?
    };
    let stop = CancellationToken::new();
    let cancelled = stop.clone();
    let wait = move || match runtime.block_on(stop_then_exit(signals, &cancelled)) {};
    thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(stop)
}

async fn stop_then_exit(mut signals: Signals, stop: &CancellationToken) -> Infallible {
    let signal = signals.next().await;
    tracing::info!("{}: stopping; a second signal stops at once", signal.name());
    stop.cancel();
    let signal = signals.next().await;
    process::exit(signal.exit_code())
}

/// A signal that stops the process.
#[derive(Clone, Copy, Debug)]
enum Signal {
    /// SIGINT, or Ctrl-C.
    Interrupt,
    /// SIGTERM.
    #[cfg(unix)]
    Terminate,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupted",
            #[cfg(unix)]
            Self::Terminate => "told to terminate",
        }
    }

    /// 128 and the number of the signal, as shells report a process that a signal ended.
    const fn exit_code(self) -> i32 {
        match self {
            Self::Interrupt => 130,
            #[cfg(unix)]
            Self::Terminate => 143,
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Signal {
        // `None` would mean that no further signal can come.
        match self.0.recv().await {
            Some(()) => Signal::Interrupt,
            None => std::future::pending().await,
        }
    }
}
