//! Storing messages in the database, and treating messages while it fails.

mod by_hand;
mod cursors;
mod faults;
mod money;
mod opening;
mod outages;
mod postgres;
mod processes;
mod replaced;
mod schema;
mod sqlite;
