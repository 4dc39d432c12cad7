//! The tables as SeaORM entities; seen by the store alone.

pub(super) mod order_events;
pub(super) mod orders;
pub(super) mod webhook_logs;
