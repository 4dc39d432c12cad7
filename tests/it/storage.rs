//! What lies in the database, and what becomes of messages when it does not play along.

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
