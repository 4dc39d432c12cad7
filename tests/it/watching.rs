//! ROMS watches Discord, end to end: messages in a channel of the double become orders, log rows and
//! reactions.

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
mod numbers;
mod odd;
pub(crate) mod program;
mod rechecks;
mod refused;
mod rest;
pub(crate) mod stage;
mod threads;
mod trust;
