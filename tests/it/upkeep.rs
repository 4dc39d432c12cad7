//! Looking after the database: migrations, cursors, retention and the write-ahead log.

mod cursors;
mod log_file;
mod migrations;
mod retention;
