//! http (stub).
