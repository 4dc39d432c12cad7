//! flatten (stub).
