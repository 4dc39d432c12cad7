//! Looking after the database: connecting, migrating, backup, restore, retention and purge.

pub(crate) mod backup;
pub(crate) mod connect;
mod draft;
mod file;
pub(crate) mod purge;
pub(crate) mod restore;
mod retention;
