//! The integration tests: one binary, one file for each behaviour, everything from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![expect(clippy::similar_names, reason = "a receiver and what it received are clear")]

mod access;
mod backups;
mod card_lines;
mod changes;
mod cli;
mod cli_discord;
mod commands;
mod config;
mod config_access;
mod config_discord;
mod demo;
mod discord_check;
mod discord_feedback;
mod discord_rest;
mod docs;
mod double;
mod durable;
mod editing;
mod export;
mod failover;
mod finding;
mod fleet;
mod gateway;
mod guide;
mod hosts;
mod importing;
mod init;
mod items;
mod layers;
mod legacy;
mod live;
mod log_ids;
mod merging;
mod message_edits;
mod metrics;
mod numbers;
mod openapi;
mod outgoing;
#[cfg(unix)]
mod page;
mod poolers;
mod purge;
mod reading;
mod reading_command;
mod reading_failures;
mod reads;
mod redaction;
mod replaying;
mod senders;
mod service;
mod shutdown;
mod sign_in;
mod start;
mod storage;
mod support;
mod upkeep;
mod watching;
mod webhook;
