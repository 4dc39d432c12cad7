//! The whole program in the test's process, watching channels of the double with short times.

use std::time::Duration;

use roms::config::Config;
use roms::discord::Timing;
use roms::order::Order;
use roms::store::{LogEntry, LogFilter, Options, OrderFilter, Store};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::app::{soon, until_ok};
use super::discord::{Channel, Discord};
use super::home::Home;
use super::sql::Sql;

/// ROMS with its own database.
pub(crate) struct Bot {
    pub(crate) config: Config,
    home: Home,
    running: Option<Running>,
    store: Store,
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
    address: std::net::SocketAddr,
}

/// Times short enough for a test.
pub(crate) fn timing() -> Timing {
    Timing {
        ready_timeout: Duration::from_secs(3),
        silence_timeout: Duration::from_secs(3),
        poll_interval: Duration::from_millis(50),
        reconnect_delay: Duration::from_millis(50),
        max_reconnect_delay: Duration::from_millis(400),
        history_interval: Duration::from_millis(500),
        outage_interval: Duration::from_millis(100),
        disconnected_interval: Duration::from_millis(200),
        refetch_delay: Duration::from_millis(100),
        notice_delay: Duration::from_millis(300),
        retry_delay: Duration::from_millis(20),
        request_timeout: Duration::from_secs(5),
        refusal_pause: Duration::from_secs(1),
        max_refusal_pause: Duration::from_secs(1),
        close_timeout: Duration::from_secs(1),
    }
}

impl Bot {
    /// Starts it and waits until it is connected.
    pub(crate) async fn start(discord: &Discord, channels: &[&Channel]) -> Self {
        let bot = Self::configured(discord, channels, "").await.run(timing()).await;
        discord.until_ready().await;
        bot
    }

    /// Configures ROMS without starting it. `more` are further lines for each channel's section.
    pub(crate) async fn configured(discord: &Discord, channels: &[&Channel], more: &str) -> Self {
        Self::configured_in(Home::new(), discord, channels, more).await
    }

    /// Like [`Self::configured`], in a given folder.
    pub(crate) async fn configured_in(
        home: Home,
        discord: &Discord,
        channels: &[&Channel],
        more: &str,
    ) -> Self {
        let mut text = format!(
            "[discord]\ntoken = \"{}\"\napi_url = \"{}\"\nguilds = [\"{}\"]\n",
            discord.token(),
            discord.api_url(),
            channels[0].guild_id(),
        );
        let sections = channels.iter().map(|channel| {
            format!("[[discord.channels]]\nid = \"{}\"\nname = \"checkouts\"\n{more}\n", channel.id())
        });
        text.extend(sections);
        let config = home.config(&text);
        let store = Store::open_with(&home.url(), Options::of(&config)).await.unwrap();
        Self { config, home, running: None, store }
    }

    /// Starts it.
    pub(crate) async fn run(mut self, timing: Timing) -> Self {
        self.start_again(timing).await;
        self
    }

    /// Starts it on the existing database.
    pub(crate) async fn start_again(&mut self, timing: Timing) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let store = Store::open_with(&self.config.database.url, Options::of(&self.config)).await.unwrap();
        let (config, stop) = (self.config.clone(), CancellationToken::new());
        let stopped = stop.clone();
        let task =
            tokio::spawn(async move { roms::app::run(listener, store, &config, timing, stopped).await });
        self.running = Some(Running { stop, task, address });
    }

    /// Stops it gracefully.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        running.stop.cancel();
        soon(running.task).await.expect("ROMS does not panic")
    }

    /// Waits until it stops by itself.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        let running = self.running.take().expect("ROMS is running");
        soon(running.task).await.expect("ROMS does not panic")
    }

    /// The JSON of a route.
    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        reqwest::get(format!("{}{path}", self.url())).await.unwrap().json().await.unwrap()
    }

    /// Its HTTP address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.running.as_ref().expect("ROMS is running").address)
    }

    /// The order with a number.
    pub(crate) async fn order(&self, number: &str) -> Option<Order> {
        self.store.order(number).await.unwrap()
    }

    /// The number of orders.
    pub(crate) async fn orders(&self) -> u64 {
        self.store.count_orders(&OrderFilter::default()).await.unwrap().count
    }

    /// The webhook log, newest first.
    pub(crate) async fn logs(&self) -> Vec<LogEntry> {
        self.store.logs(&LogFilter::default(), 1000).await.unwrap().items
    }

    /// Waits until an order satisfies a condition, and returns it.
    pub(crate) async fn until_order(&self, number: &str, is: impl Fn(&Order) -> bool) -> Order {
        let ask = async || match self.order(number).await {
            Some(order) if is(&order) => Ok(order),
            other => Err(other),
        };
        until_ok(&format!("order {number}"), ask).await
    }

    /// Waits until there are `count` orders.
    pub(crate) async fn until_orders(&self, count: u64) {
        let ask = async || match self.orders().await {
            orders if orders == count => Ok(()),
            orders => Err(orders),
        };
        until_ok(&format!("{count} orders"), ask).await;
    }

    /// Its database.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Waits until the JSON of a route satisfies a condition, and returns it.
    pub(crate) async fn until(
        &self,
        path: &str,
        what: &str,
        is: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let ask = async || {
            let answer = self.get(path).await;
            if is(&answer) { Ok(answer) } else { Err(answer) }
        };
        until_ok(&format!("{path}: {what}"), ask).await
    }

    /// Waits until the webhook log satisfies a condition, and returns it, newest first.
    pub(crate) async fn until_logs(&self, what: &str, is: impl Fn(&[LogEntry]) -> bool) -> Vec<LogEntry> {
        let ask = async || {
            let logs = self.logs().await;
            if is(&logs) { Ok(logs) } else { Err(logs) }
        };
        until_ok(what, ask).await
    }

    /// A direct connection to its database.
    pub(crate) async fn sql(&self) -> Sql {
        self.home.sql().await
    }
}

/// A card of Refract with an order number.
pub(crate) fn card(number: &str, price: &str) -> serde_json::Value {
    serde_json::json!({"embeds": [{
        "author": {"name": "Successful Checkout | Target"},
        "fields": [
            {"name": "Product", "value": "Example Console", "inline": true},
            {"name": "Price", "value": price, "inline": true},
            {"name": "Order Number", "value": format!("||#{number}||"), "inline": true},
            {"name": "Email", "value": "||canary@example.com||", "inline": true},
            {"name": "Proxy Details", "value": "||http://user:canary@203.0.113.7:8000||", "inline": true},
        ],
    }]})
}
