//! Administration of the database: connecting, migrating, backup, restore, retention and purge.

pub(crate) mod backup;
pub(crate) mod connect;
mod file;
pub(crate) mod purge;
pub(crate) mod restore;
mod retention;
mod temp_file;
