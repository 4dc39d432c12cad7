//! Administration of the database: connecting, migrating, backup, restore, retention, purge and deletion.

pub(crate) mod backup;
pub(crate) mod connect;
mod delete;
mod file;
pub(crate) mod purge;
pub(crate) mod restore;
mod retention;
mod temp_file;
