//! The tables as SeaORM entities; seen by the store alone.

pub(super) mod channel_cursors;
pub(super) mod derived_tables;
pub(super) mod discord_views;
pub(super) mod gateway_identifies;
pub(super) mod order_events;
pub(super) mod order_sums;
pub(super) mod orders;
pub(super) mod webhook_logs;
