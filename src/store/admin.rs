//! Administration of the database: connecting, migrating, backup, restore, retention, purge and deletion, and the
//! database of the old system.

pub(crate) mod backup;
mod before_upgrade;
pub(crate) mod connect;
mod delete;
mod file;
pub(crate) mod legacy;
pub(crate) mod purge;
pub(crate) mod restore;
mod retention;
mod temp_file;
