//! Messages of the log, read again.

mod command;
mod dry;
mod keys;
mod rows;
