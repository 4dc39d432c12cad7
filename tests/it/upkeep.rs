//! What ROMS does for its database while it serves.

mod log_file;
mod retention;
