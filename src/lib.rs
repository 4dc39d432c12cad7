//! ROMS is a self-hosted Discord bot that keeps a group's retail orders.
//!
//! A checkout bot posts a card to Discord for every checkout. ROMS reads the cards, stores each one as
//! an order, and shows the orders in Discord and over HTTP.
//!
//! # The path of a message
//!
//! ```text
//! Discord gateway ─┐
//! history (REST) ──┤
//! HTTP webhook ────┼─> Message ─> Ingest ──────────────────────────> Receipt ─> reaction, HTTP status, report
//! roms replay ─────┘               │ one transaction, one commit:
//!                                  │ webhook log, merged orders, items, events
//!                                  │ flatten -> parse -> merge (pure)
//!                                  └─> Feed ─> WebSocket, event stream
//! ```
//!
//! 1. An edge, [`discord`] or [`http`], builds a [`card::message::Message`] and calls [`ingest`].
//! 2. The caller's task flattens the message to the text form and parses its cards ([`card`]).
//! 3. One writer task collects the messages that are waiting, loads the orders they name, merges in
//!    memory ([`order::merge`]), and writes everything in one transaction ([`store`]).
//! 4. After the commit, each caller receives its receipt, and [`feed`] publishes the changed orders.
//!
//! # Layers
//!
//! Imports point down only. A test enforces this.
//!
//! | layer | modules | may do |
//! |---|---|---|
//! | wiring | [`app`], [`cli`], [`telemetry`], [`shutdown`], `main` | everything |
//! | edges | [`discord`], [`http`], which never import each other | speak a protocol; call [`ingest`] and [`store`] |
//! | pipeline | [`ingest`] | decide what a message changes |
//! | state | [`store`], [`feed`], [`export`], [`status`], [`metrics`], [`chart`], [`clock`], [`sign_in`] | the database; live updates; tables of orders; the state of the Discord connection; metrics; charts; the time; signing in |
//! | pure | [`card`], [`order`], [`files`], [`config`], [`redact`], [`log_limit`], [`token`] | no I/O, no async, no clock |
//!
//! Each large library has one home: serenity and poise in [`discord`], axum and utoipa in [`http`],
//! SeaORM in [`store`], clap in [`cli`], Prometheus in [`metrics`].
//!
//! # Invariants
//!
//! - An edge acknowledges a message only after its commit is durable.
//! - Only the writer of [`ingest`] creates and changes orders, events and log rows of messages. It
//!   commits waiting messages together. If a transaction fails because of one message, the writer
//!   retries them one by one, so a bad message never fails its neighbours.
//! - Other writes go directly to [`store`], each in its own transaction: history cursors, gateway
//!   identifies, marks for deleted messages and given reactions, stored filters of Discord buttons,
//!   API tokens, sessions and the access log, the list of imports, retention, purge, and the deletion of a test order. The documentation
//!   of [`ingest`] lists them and says why they cannot disturb the writer.
//! - Every message that holds a card, and every HTTP body, leaves a row in `webhook_logs`.
//! - Money is never a float: [`order::Amount`] counts hundredths.

pub mod app;
pub mod card;
pub mod chart;
pub mod cli;
pub mod clock;
pub mod config;
pub mod discord;
pub mod export;
pub mod feed;
pub mod files;
pub mod http;
pub mod ingest;
pub mod log_limit;
pub mod metrics;
pub mod order;
pub mod outbox;
pub mod redact;
pub mod shutdown;
pub mod sign_in;
pub mod status;
pub mod store;
pub mod telemetry;
pub mod token;
pub mod webhook;
