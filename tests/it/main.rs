//! The integration tests: one binary, one file for each behaviour, everything from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod cards;
mod cli;
mod config;
mod double;
mod gateway;
mod support;
mod tidy;
