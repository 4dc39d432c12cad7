//! `roms outbox …`: the events and cards that ROMS sends to others.

use std::io::Write;

use anyhow::bail;

use super::{open_existing, table::write_rows};
use crate::{
    clock,
    config::Config,
    store::{Delivery, DeliveryFilter, DeliveryState, Store, Target},
};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List what could not be sent, newest first.
    List {
        /// List everything that is to be sent or was sent.
        #[arg(long)]
        all: bool,
        /// Maximum number of rows.
        #[arg(long, value_name = "ROWS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
        limit: u64,
    },
    /// Send again what could not be sent: one delivery, or all.
    Retry(Which),
    /// Delete what could not be sent: one delivery, or all.
    Discard(Which),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// The id of the delivery, as `roms outbox list` shows it.
    id: Option<i64>,
    /// Everything that could not be sent.
    #[arg(long)]
    all: bool,
}

impl Which {
    fn dead(&self) -> DeliveryFilter {
        let state = Some(DeliveryState::Dead);
        DeliveryFilter { id: self.id, state, ..DeliveryFilter::default() }
    }
}

impl Command {
    pub(crate) async fn run(self, config: &Config, out: &mut impl Write) -> anyhow::Result<()> {
        let store = open_existing(config).await?;
        match self {
            Self::List { all, limit } => {
                let state = (!all).then_some(DeliveryState::Dead);
                list(&store, &DeliveryFilter { state, ..DeliveryFilter::default() }, limit, out).await?;
            }
            Self::Retry(which) => {
                find(&store, &which.dead(), "roms outbox list").await?;
                let retried = store.retry_deliveries(&which.dead(), clock::now()).await?;
                writeln!(out, "{retried} to send. A running ROMS sends them now.")?;
            }
            Self::Discard(which) => {
                find(&store, &which.dead(), "roms outbox list").await?;
                let discarded = store.discard_dead_deliveries(&which.dead()).await?;
                writeln!(out, "{discarded} discarded.")?;
            }
        }
        store.close().await?;
        Ok(())
    }
}

/// Fails if the filter names a delivery that does not exist. `list` is the command that lists the deliveries, for the
/// error.
pub(crate) async fn find(store: &Store, filter: &DeliveryFilter, list: &str) -> anyhow::Result<()> {
    match filter.id {
        Some(id) if store.deliveries(filter, 1).await?.is_empty() => {
            bail!("there is no delivery {id} here; `{list}` shows all")
        }
        _ => Ok(()),
    }
}

/// Prints one line per delivery.
pub(crate) async fn list(
    store: &Store,
    filter: &DeliveryFilter,
    limit: u64,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let deliveries = store.deliveries(filter, limit).await?;
    if deliveries.is_empty() {
        writeln!(out, "There is nothing to show.")?;
        return Ok(());
    }
    let mut rows =
        vec![["ID", "TO", "EVENT", "STATE", "ATTEMPTS", "LAST (UTC)", "RESULT"].map(str::to_owned)];
    for delivery in deliveries {
        let to = match delivery.target {
            Target::Relay(token) => store.token_name(token).await?.map(|name| format!("relay {name}")),
            Target::Endpoint(id) => store.endpoint(id, clock::now()).await?.map(|endpoint| endpoint.name),
        };
        rows.push([
            delivery.id.to_string(),
            to.unwrap_or_else(|| "deleted".to_owned()),
            delivery.event.clone(),
            delivery.state.as_str().to_owned(),
            delivery.attempts.to_string(),
            delivery.attempted_at.map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M:%S").to_string()),
            result(&delivery),
        ]);
    }
    write_rows(out, &rows)
}

fn result(delivery: &Delivery) -> String {
    let status = delivery.status.map(|status| status.to_string());
    let answer = delivery.answer.clone().filter(|answer| !answer.is_empty());
    let parts = match &delivery.error {
        Some(error) => vec![Some(error.clone()), answer],
        None => vec![status, answer],
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join(": ")
}
