//! ROMS keeps the orders that a group of buyers places with the Refract checkout bot.
//!
//! # The way of one message
//!
//! ```text
//! HTTP webhook ─┐
//!  (Discord) ───┼─> Message ─> Ingest ─────────────────> Receipt ─> HTTP status, reaction, report
//!  (files) ─────┘              │ one transaction: log row, merged order, event
//!                              │ flatten -> parse -> merge (pure)
//!                              └─> Feed ─> WebSocket
//! ```
//!
//! # Floors
//!
//! Imports point down only; `tests/it/tidy.rs` holds the house to it.
//!
//! | floor | modules | may do |
//! |---|---|---|
//! | wiring | [`app`], [`cli`], [`telemetry`], [`shutdown`], `main` | everything |
//! | edges | [`http`], [`discord`], which never import each other | speak a protocol, call [`ingest`] and [`store`] |
//! | pipeline | [`ingest`] | the one place that writes |
//! | state | [`store`], [`feed`], [`status`] | the database; the broadcast; how Discord stands |
//! | pure | [`message`], [`flatten`], [`parse`], [`order`], [`merge`], [`outcome`], [`config`], [`redact`] | no I/O, no async, no clock |
//!
//! # What always holds
//!
//! - An edge answers only after the commit is durable.
//! - One writer owns all writes; what waits is written in one transaction, and a bad message
//!   fails alone.
//! - Every message with a card, and every HTTP body, leaves a row in `webhook_logs`.
//! - Money is never a float in here: [`order::Amount`] is whole hundredths.

pub mod app;
pub mod card;
pub mod chart;
pub mod cli;
pub mod config;
pub mod discord;
pub mod feed;
pub mod http;
pub mod ingest;
pub mod order;
pub mod redact;
pub mod shutdown;
pub mod status;
pub mod store;
pub mod telemetry;
