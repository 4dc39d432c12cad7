//! A TCP stream with a switch that can end, reset or stall it.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Bytes flow.
    Open,
    /// The other side reads the end of the stream (FIN).
    Ended,
    /// The other side gets "connection reset" (RST).
    Reset,
    /// Nothing is read or written, as with a pulled cable.
    Stalled,
}

/// The switch of one connection.
#[derive(Debug)]
pub(crate) struct Switch {
    fate: AtomicU8,
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Switch {
    pub(super) fn new() -> Arc<Self> {
        let fate = AtomicU8::new(Fate::Open as u8);
        Arc::new(Self { fate, reader: AtomicWaker::new(), writer: AtomicWaker::new() })
    }

    /// Turns the switch and wakes the tasks that wait for the stream. An end and a reset are final.
    pub(super) fn turn(&self, fate: Fate) {
        let is_final = |now| now == Fate::Ended as u8 || now == Fate::Reset as u8;
        let turned = |now| (!is_final(now)).then_some(fate as u8);
        if self.fate.fetch_update(Ordering::SeqCst, Ordering::SeqCst, turned).is_err() {
            return;
        }
        self.reader.wake();
        self.writer.wake();
    }

    fn fate(&self) -> Fate {
        match self.fate.load(Ordering::SeqCst) {
            0 => Fate::Open,
            1 => Fate::Ended,
            2 => Fate::Reset,
            _ => Fate::Stalled,
        }
    }
}

/// The stream itself.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    switch: Arc<Switch>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, switch: Arc<Switch>) -> Self {
        Self { stream, switch }
    }

    /// With zero linger, closing the stream sends RST.
    fn reset(&self) -> io::Error {
        self.stream.set_zero_linger().map_or_else(|error| error, |()| io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.switch.reader.register(cx.waker());
        match self.switch.fate() {
            Fate::Open => Pin::new(&mut self.stream).poll_read(cx, buf),
            Fate::Ended => Pin::new(&mut self.stream).poll_shutdown(cx).map(|_| Ok(())),
            Fate::Reset => Poll::Ready(Err(self.reset())),
            Fate::Stalled => Poll::Pending,
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.switch.writer.register(cx.waker());
        match self.switch.fate() {
            Fate::Open => Pin::new(&mut self.stream).poll_write(cx, buf),
            Fate::Ended => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Fate::Reset => Poll::Ready(Err(self.reset())),
            Fate::Stalled => Poll::Pending,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
