//! Messages of the log, read again.

mod command;
mod dry;
mod http;
mod keys;
mod previous_release;
mod rows;
