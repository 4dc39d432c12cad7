//! Adds to the outbox what a batch has to send: order events for the endpoints, and cards for the relays.

use std::collections::HashSet;

use super::Job;
use super::merge_batch::{LogTarget, MergedBatch, MergedMessage};
use super::parse::ParsedMessage;
use crate::clock;
use crate::outbox::Outbox;
use crate::store::{Batch, NewDelivery, StoreError, Target};
use crate::webhook::EventType;

/// The `event` of a card that is passed on.
const CARD: &str = "card";

/// Adds the deliveries of a batch whose rows are written. Returns whether there are any. Without an endpoint and a relay
/// it does nothing.
pub(crate) async fn save(
    batch: &Batch,
    jobs: &[Job],
    merged: &MergedBatch,
    outbox: &Outbox,
) -> Result<bool, StoreError> {
    let mut deliveries = events(jobs, merged, outbox);
    for (parsed, message) in messages(jobs, merged) {
        if let (Some(token), Some(log_id)) = (parsed.message.token, message.receipt.log_id)
            && is_passed_on(parsed, message)
            && outbox.has_relay(batch, token).await?
        {
            deliveries.push(NewDelivery { target: Target::Relay(token), subject: log_id, event: CARD });
        }
    }
    if deliveries.is_empty() {
        return Ok(false);
    }
    batch.save_deliveries(&deliveries, clock::now()).await?;
    Ok(true)
}

fn messages<'a>(
    jobs: &'a [Job],
    merged: &'a MergedBatch,
) -> impl Iterator<Item = (&'a ParsedMessage, &'a MergedMessage)> {
    jobs.iter().filter_map(Job::message).zip(&merged.messages)
}

/// The order events, for each endpoint that receives their type. A replay and an old message cause none: reading a
/// history or an improved parser would flood the endpoints. `roms webhook replay --since` sends those.
fn events(jobs: &[Job], merged: &MergedBatch, outbox: &Outbox) -> Vec<NewDelivery> {
    let endpoints = outbox.endpoints();
    if endpoints.is_empty() || merged.recorded.is_empty() {
        return Vec::new();
    }
    let now = clock::now();
    let is_silent =
        |parsed: &ParsedMessage| parsed.replay.is_some() || outbox.is_too_old(parsed.message.at, now);
    let silent: HashSet<i64> = messages(jobs, merged)
        .filter(|(parsed, _)| is_silent(parsed))
        .filter_map(|(_, message)| message.receipt.log_id)
        .collect();
    let mut deliveries = Vec::new();
    for (id, event) in merged.event_ids.iter().zip(&merged.recorded) {
        if event.log_id.is_some_and(|log_id| silent.contains(&log_id)) {
            continue;
        }
        let kind = EventType::of_step(event.event_type == "created", &event.changes);
        let receivers = endpoints.iter().filter(|(_, types)| types.contains(kind));
        deliveries.extend(receivers.map(|(endpoint, _)| NewDelivery {
            target: Target::Endpoint(*endpoint),
            subject: *id,
            event: kind.as_str(),
        }));
    }
    deliveries
}

/// Whether a message of a URL token is passed on: every new one that arrived whole, also one that is no order, as it
/// would have appeared in Discord without ROMS. A sender's repetition is not.
fn is_passed_on(parsed: &ParsedMessage, message: &MergedMessage) -> bool {
    message.target == LogTarget::Insert && parsed.message.refused.is_none() && !message.is_retry_of(parsed)
}
