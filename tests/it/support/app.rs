//! Runs the real application inside the test process, on a free port and an empty database.

use std::{fmt::Debug, net::SocketAddr, time::Duration};

use reqwest::{Body, Client, Method, header::HeaderMap};
use roms::{
    app::{self, Timing},
    store::{Options, Store},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
    time::{Instant, interval, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{home::Home, sql::Sql};

/// The path of the webhook that accepts cards.
pub(crate) const ORDERS: &str = "/api/v2/webhooks/orders";

/// Stands for the address of the application in its configuration.
pub(crate) const ADDRESS: &str = "ADDRESS";

/// The deadline for every event that a test waits for. Generous, because the machine may be busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(40);

/// A running application.
pub(crate) struct App {
    pub(crate) address: SocketAddr,
    home: Home,
    client: Client,
    stop: CancellationToken,
    running: JoinHandle<anyhow::Result<()>>,
}

/// A complete HTTP response.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// `null` if the text is not JSON.
    pub(crate) json: Value,
}

impl App {
    /// Starts with the default configuration.
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts with this configuration and a database of its own.
    pub(crate) async fn start_with(toml: &str) -> Self {
        Self::start_in(Home::new(), toml).await
    }

    /// Starts with the folder and database of `home`.
    pub(crate) async fn start_in(home: Home, toml: &str) -> Self {
        Self::start_timed(home, toml, Timing::default()).await
    }

    /// Like [`Self::start_in`], with other times.
    pub(crate) async fn start_timed(home: Home, toml: &str, timing: Timing) -> Self {
        Self::start_with_all(home, toml, SocketAddr::from(([127, 0, 0, 1], 0)), timing).await
    }

    /// Starts with the folder and database of `home`, at an address.
    pub(crate) async fn start_at(home: Home, toml: &str, address: SocketAddr) -> Self {
        Self::start_with_all(home, toml, address, Timing::default()).await
    }

    async fn start_with_all(home: Home, toml: &str, address: SocketAddr, timing: Timing) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        let config = home.config(&toml.replace(ADDRESS, &address.to_string()));
        let store = Store::open_with(&config.database.url, Options::of(&config)).await.unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let running = tokio::spawn(async move { app::run(listener, store, &config, timing, stopped).await });
        let client = Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        Self { address, home, client, stop, running }
    }

    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// A second connection to the database.
    pub(crate) async fn sql(&self) -> Sql {
        self.home.sql().await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Posts a body to the webhook, without a `Content-Type`.
    pub(crate) async fn post(&self, body: impl Into<Body>) -> Reply {
        self.request(Method::POST, ORDERS, &[], body).await
    }

    /// Posts cards one after the other and asserts that each is stored.
    pub(crate) async fn stored(&self, cards: &[&str]) {
        for card in cards {
            let reply = self.post((*card).to_owned()).await;
            assert_eq!(reply.status, 200, "{card}: {}", reply.text);
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.request(Method::GET, path, &[], "").await
    }

    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let mut request = self.client.request(method, self.url(path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or_default();
        Reply { status, headers, text, json }
    }

    /// Sends these bytes, closes the sending side, and returns the whole response.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        soon(stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks the application to stop and does not wait.
    pub(crate) fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Stops the application and returns its folder and database.
    pub(crate) async fn stop(self) -> Home {
        self.stop.cancel();
        soon(self.running).await.unwrap().unwrap();
        self.home
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// Waits for a future, and panics if it is not ready before the deadline.
pub(crate) async fn soon<F: Future>(event: F) -> F::Output {
    timeout(DEADLINE, event).await.expect("the event happens before the deadline")
}

/// Calls `ask` until it returns true, and panics at the deadline.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    until_ok(what, async || ask().await.then_some(()).ok_or("false")).await;
}

/// Calls `ask` until it returns `Ok`, and panics with its last error at the deadline.
pub(crate) async fn until_ok<T, E: Debug>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, E>) -> T {
    let end = Instant::now() + DEADLINE;
    let mut polls = interval(Duration::from_millis(5));
    let mut last_error = None;
    while let Ok(answer) = timeout_at(end, ask()).await {
        match answer {
            Ok(value) => return value,
            Err(error) => last_error = Some(error),
        }
        polls.tick().await;
        if Instant::now() > end {
            break;
        }
    }
    panic!("not before the deadline: {what}; last answer: {last_error:#?}")
}
