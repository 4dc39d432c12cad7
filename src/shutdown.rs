//! shutdown (stub).
