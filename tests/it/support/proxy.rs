//! A TCP proxy between ROMS and a PostgreSQL server. It can cut or freeze connections, lose their traffic, and drop the
//! replies to commits.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
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

/// The state of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// Traffic passes.
    Healthy,
    /// All connections are closed, and new ones are refused.
    Cut,
    /// Connections stay open, but no traffic passes.
    Frozen,
    /// Connections stay open, but what is sent on them is lost. A connection that was used meanwhile stays silent.
    Lossy,
    /// Commits reach the server, but the connection closes instead of returning the reply.
    DropsCommitReplies,
}

/// A proxy in front of one server.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    network: watch::Sender<Network>,
    server: Arc<Mutex<String>>,
    accepted: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts a healthy proxy to the server at this address.
    pub(crate) async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (network, state) = watch::channel(Network::Healthy);
        let server = Arc::new(Mutex::new(server));
        let accepted = Arc::default();
        tokio::spawn(accept(listener, Arc::clone(&server), Arc::clone(&accepted), state));
        Self { address, network, server, accepted }
    }

    /// Sends new connections to the server at this address. Existing ones stay where they are.
    pub(crate) fn lead_to(&self, server: String) {
        *self.server.lock().unwrap() = server;
    }

    /// How many connections were accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Changes the state of the network.
    pub(crate) fn set(&self, network: Network) {
        self.network.send_replace(network);
    }
}

async fn accept(
    mut listener: TcpListener,
    server: Arc<Mutex<String>>,
    count: Arc<AtomicUsize>,
    mut state: watch::Receiver<Network>,
) {
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
                count.fetch_add(1, Ordering::SeqCst);
                let server = server.lock().unwrap().clone();
                // Without a server, the client's connection ends, as that of a proxy such as HAProxy does.
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                let committing = Arc::<AtomicBool>::default();
                let (from_client, client_write) = client.into_split();
                let (from_server, server_write) = server.into_split();
                let to_server = pump(from_client, server_write, state.clone(), Direction::ToServer, Arc::clone(&committing));
                let to_client = pump(from_server, client_write, state.clone(), Direction::ToClient, committing);
                // When one direction ends, close both.
                tokio::spawn(async move { tokio::select! { () = to_server => {}, () = to_client => {} } });
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

/// Copies bytes in one direction while the network allows it, until one side closes or the network is
/// cut.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<Network>,
    direction: Direction,
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
        if *state.borrow() == Network::Lossy {
            drop(state.wait_for(|network| *network == Network::Cut).await);
            return;
        }
        let drops_replies = *state.borrow() == Network::DropsCommitReplies;
        match direction {
            Direction::ToServer if drops_replies && bytes.windows(6).any(|word| word == b"COMMIT") => {
                committing.store(true, Ordering::SeqCst);
            }
            Direction::ToClient if committing.load(Ordering::SeqCst) => return,
            _ => {}
        }
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
