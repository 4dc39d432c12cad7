//! telemetry (stub).
