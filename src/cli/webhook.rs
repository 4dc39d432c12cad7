//! `roms webhook …`: the endpoints that receive order events. A running ROMS follows within a second.

use std::io::Write;

use anyhow::{anyhow, bail};
use chrono::{DateTime, Utc};

use super::{confirm_deletion, date::TypedDate, open_existing, open_or_create, outbox, table::write_rows};
use crate::{
    clock,
    config::Config,
    outbox::{TEST, check_address},
    store::{DeliveryFilter, Endpoint, EndpointSettings, NewDelivery, Store, Target},
    token::TokenName,
    webhook::{EndpointUrl, EventType, EventTypes},
};

/// The person who creates endpoints here.
const ACTOR: &str = "cli";
/// Why an endpoint was disabled here.
const BY_HAND: &str = "by hand";

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Create an endpoint and print its signing secret. It cannot be shown again.
    Create(Create),
    /// List the endpoints.
    List,
    /// Send a test event to an endpoint.
    Test(Name),
    /// Send no more events to an endpoint, until it is enabled again.
    Disable(Name),
    /// Send events to an endpoint again.
    Enable(Name),
    /// Give an endpoint a new signing secret and print it. The old one signs too for another day.
    Rotate(Name),
    /// Delete an endpoint and the record of its deliveries.
    Delete {
        #[command(flatten)]
        endpoint: Name,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
    /// List the deliveries to an endpoint, newest first.
    Deliveries {
        #[command(flatten)]
        endpoint: Name,
        /// Maximum number of rows.
        #[arg(long, value_name = "ROWS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
        limit: u64,
    },
    /// Send events again: one delivery, or everything since a date that the endpoint has not received.
    Replay {
        #[command(flatten)]
        endpoint: Name,
        /// Send this delivery again, even if it has arrived.
        #[arg(long, value_name = "ID", required_unless_present = "since", conflicts_with = "since")]
        delivery: Option<i64>,
        /// Send what the endpoint has not received of the changes since this date or time.
        #[arg(long, value_name = "DATE", value_parser = TypedDate::parse)]
        since: Option<TypedDate>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Name {
    /// The endpoint's name.
    name: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// A name, such as the program that will receive the events.
    #[arg(long, value_name = "NAME")]
    name: TokenName,
    /// The address to which events are posted.
    #[arg(long, value_name = "URL")]
    url: EndpointUrl,
    /// The events: order.created, order.updated, order.cancelled. Separate several with commas [default: all].
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<EventType>,
    /// Include e-mail addresses, names, addresses, profiles and proxies, which are masked otherwise.
    #[arg(long)]
    personal_data: bool,
    /// Allow a private address, such as that of a program on this machine.
    #[arg(long)]
    allow_private: bool,
}

impl Command {
    pub(crate) async fn run(self, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let store = match &self {
            Self::Create(_) => open_or_create(config).await?,
            _ => open_existing(config).await?,
        };
        self.run_on(&store, config, out).await?;
        store.close().await?;
        Ok(())
    }

    async fn run_on(self, store: &Store, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let now = clock::now();
        match self {
            Self::Create(create) => create.run(store, config, out).await?,
            Self::List => list(&store.endpoints(now).await?, out)?,
            Self::Test(Name { name }) => {
                let target = Target::Endpoint(find(store, &name).await?.id);
                let test = NewDelivery { target, subject: 0, event: TEST };
                store.queue_deliveries(&[test], now).await?;
                writeln!(
                    out,
                    "A running ROMS sends the test now; `roms webhook deliveries {name}` shows the answer."
                )?;
            }
            Self::Disable(Name { name }) => {
                store.disable_endpoint(find(store, &name).await?.id, BY_HAND, now).await?;
                writeln!(out, "Disabled {name}.")?;
            }
            Self::Enable(Name { name }) => {
                store.enable_endpoint(find(store, &name).await?.id).await?;
                writeln!(
                    out,
                    "Enabled {name}. `roms webhook replay {name} --since DATE` sends what it has missed."
                )?;
            }
            Self::Rotate(Name { name }) => {
                let id = find(store, &name).await?.id;
                let secret = store.rotate_endpoint_secret(id, now).await?.ok_or_else(|| unknown(&name))?;
                writeln!(out, "{}", secret.expose())?;
                writeln!(out, "Messages to {name} carry signatures of both secrets for a day.")?;
            }
            Self::Delete { endpoint: Name { name }, yes } => {
                let endpoint = find(store, &name).await?;
                list(std::slice::from_ref(&endpoint), out)?;
                confirm_deletion(yes, out)?;
                store.delete_endpoint(endpoint.id).await?;
                writeln!(out, "Deleted {name}.")?;
            }
            Self::Deliveries { endpoint: Name { name }, limit } => {
                let target = Target::Endpoint(find(store, &name).await?.id);
                let filter = DeliveryFilter { target: Some(target), ..DeliveryFilter::default() };
                outbox::list(store, &filter, limit, out).await?;
            }
            Self::Replay { endpoint: Name { name }, delivery, since } => {
                let endpoint = find(store, &name).await?;
                let since = since.map(|since| since.start(config.orders.timezone)).transpose()?;
                let queued = if let Some(since) = since {
                    store.replay_events(endpoint.id, endpoint.settings.event_types, since, now).await?
                } else {
                    let target = Some(Target::Endpoint(endpoint.id));
                    let filter = DeliveryFilter { target, id: delivery, ..DeliveryFilter::default() };
                    outbox::find(store, &filter, &format!("roms webhook deliveries {name}")).await?;
                    store.retry_deliveries(&filter, now).await?
                };
                writeln!(out, "{queued} to send. A running ROMS sends them now.")?;
            }
        }
        Ok(())
    }
}

async fn find(store: &Store, name: &str) -> anyhow::Result<Endpoint> {
    store.endpoint_named(name, clock::now()).await?.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> anyhow::Error {
    anyhow!("there is no webhook endpoint named {name}; `roms webhook list` shows all")
}

impl Create {
    async fn run(self, store: &Store, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let Self { name, url, events, personal_data, allow_private } = self;
        if check_address(url.expose(), allow_private || config.webhooks.allow_private).await.is_err() {
            bail!("the address {url} is private; use --allow-private if that is intended");
        }
        let event_types = EventTypes::new(events).unwrap_or(EventTypes::ALL);
        let settings = EndpointSettings { url, event_types, personal_data, allow_private };
        let (_, secret) = store.create_endpoint(&name, settings, ACTOR, clock::now()).await?;
        writeln!(out, "{}", secret.expose())?;
        writeln!(
            out,
            "This is the signing secret of {name}. Keep it; ROMS cannot show it again. {name} receives {event_types}."
        )?;
        writeln!(out, "`roms webhook test {name}` sends a test.")?;
        Ok(())
    }
}

/// Prints one line per endpoint.
fn list(endpoints: &[Endpoint], out: &mut impl Write) -> anyhow::Result<()> {
    if endpoints.is_empty() {
        writeln!(
            out,
            "There are no webhook endpoints. Create one with `roms webhook create --name NAME --url URL`."
        )?;
        return Ok(());
    }
    let time = |time: DateTime<Utc>| time.format("%Y-%m-%d %H:%M").to_string();
    let mut rows =
        vec![["NAME", "ADDRESS", "EVENTS", "PERSONAL DATA", "CREATED (UTC)", "STATE"].map(str::to_owned)];
    rows.extend(endpoints.iter().map(|endpoint| {
        let state = match (endpoint.disabled_at, endpoint.failing_since) {
            (Some(at), _) => {
                format!("disabled {}: {}", time(at), endpoint.disabled_reason.as_deref().unwrap_or_default())
            }
            (None, Some(since)) => format!("failing since {}", time(since)),
            (None, None) => "in use".to_owned(),
        };
        [
            endpoint.name.clone(),
            endpoint.settings.url.to_string(),
            endpoint.settings.event_types.to_string(),
            if endpoint.settings.personal_data { "included" } else { "masked" }.to_owned(),
            time(endpoint.created_at),
            state,
        ]
    }));
    write_rows(out, &rows)
}
