//! The resources of the API, one file each.

pub(crate) mod discord_health;
pub(crate) mod docs;
pub(crate) mod health;
pub(crate) mod live;
pub(crate) mod logs;
pub(crate) mod orders;
pub(crate) mod params;
pub(crate) mod responses;
pub(crate) mod webhook;
pub(crate) mod wire;
