//! The integration tests: one binary, one file for each behaviour, everything from outside.

mod cards;
mod config;
mod tidy;
