//! The bounded, patient way to Discord's REST API (stub).
