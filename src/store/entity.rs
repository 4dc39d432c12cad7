//! The tables as SeaORM entities. Only the store uses them.

pub(crate) mod access_log;
pub(crate) mod channel_cursors;
pub(crate) mod derived_tables;
pub(crate) mod discord_views;
pub(crate) mod gateway_identifies;
pub(crate) mod idempotency_keys;
pub(crate) mod import_mappings;
pub(crate) mod imports;
pub(crate) mod order_events;
pub(crate) mod order_items;
pub(crate) mod order_sums;
pub(crate) mod orders;
pub(crate) mod outbox;
pub(crate) mod rows;
pub(crate) mod saved_views;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod webhook_endpoints;
pub(crate) mod webhook_logs;
