//! The handlers of the API and their wire types, one file for each resource.

pub(crate) mod access_log;
pub(crate) mod changes;
pub(crate) mod discord_webhook;
pub(crate) mod docs;
pub(crate) mod export;
pub(crate) mod health;
pub(crate) mod imports;
pub(crate) mod live;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod order_body;
pub(crate) mod order_patch;
pub(crate) mod orders;
pub(crate) mod replay;
pub(crate) mod stats;
pub(crate) mod webhook;
pub(crate) mod webhook_deliveries;
pub(crate) mod webhook_endpoints;
