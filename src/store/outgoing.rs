//! Outgoing webhooks: the endpoints that receive events, and the outbox of everything that is to be sent.

pub(crate) mod deliveries;
pub(crate) mod endpoints;
pub(crate) mod queue;
