//! A network between ROMS and a PostgreSQL server that can be cut, frozen, or lose an answer.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// How the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// As it should be.
    Whole,
    /// Every connection breaks, and none can be made.
    Cut,
    /// Nothing arrives any more, and nobody is told.
    Frozen,
    /// Commits reach the server; their answers are lost, and with them the connection.
    LosesCommits,
}

/// The network to one server.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    network: watch::Sender<Network>,
}

impl Proxy {
    /// A network, whole, to the server at this address.
    pub(crate) async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (network, state) = watch::channel(Network::Whole);
        tokio::spawn(accept(listener, server, state));
        Self { address, network }
    }

    /// From now on it is like this.
    pub(crate) fn becomes(&self, network: Network) {
        self.network.send_replace(network);
    }
}

async fn accept(mut listener: TcpListener, server: String, mut state: watch::Receiver<Network>) {
    let address = listener.local_addr().unwrap();
    loop {
        if *state.borrow_and_update() == Network::Cut {
            drop(listener);
            if state.wait_for(|network| *network != Network::Cut).await.is_err() {
                return;
            }
            listener = TcpListener::bind(address).await.unwrap();
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            accepted = listener.accept() => {
                let (client, _) = accepted.unwrap();
                let server = TcpStream::connect(&server).await.unwrap();
                let committing = Arc::<AtomicBool>::default();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let there = pump(from_client, to_server, state.clone(), Way::There, Arc::clone(&committing));
                let back = pump(from_server, to_client, state.clone(), Way::Back, committing);
                // Where one way ends, both do.
                tokio::spawn(async move { tokio::select! { () = there => {}, () = back => {} } });
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

/// Hands on what comes, as the network allows, until an end closes or the network is cut.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<Network>,
    way: Way,
    committing: Arc<AtomicBool>,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = tokio::select! {
            cut = state.wait_for(|network| *network == Network::Cut) => { drop(cut); return }
            read = from.read(&mut buffer) => read.unwrap_or(0),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() || state.wait_for(|network| *network != Network::Frozen).await.is_err() {
            return;
        }
        let loses = *state.borrow() == Network::LosesCommits;
        match way {
            Way::There if loses && bytes.windows(6).any(|word| word == b"COMMIT") => {
                committing.store(true, Ordering::SeqCst);
            }
            Way::Back if committing.load(Ordering::SeqCst) => return,
            _ => {}
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
