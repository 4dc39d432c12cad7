//! Reading over HTTP: orders, their history, the webhook log, health and the index.

mod log;
mod orders;
mod routes;
mod stats;
