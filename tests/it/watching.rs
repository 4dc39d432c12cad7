//! Discord watched, end to end: what happens in a channel of the double, and what of it is stored,
//! shown and logged.

mod canary;
mod changes;
mod cli;
mod connection;
mod copies;
mod durable;
mod history;
mod kill;
mod live;
mod notices;
mod odd;
pub(crate) mod program;
mod refused;
mod rest;
pub(crate) mod stage;
mod trust;
