//! What is stored in the database, and what happens to messages while it fails.

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
