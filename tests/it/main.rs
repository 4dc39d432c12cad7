//! One binary for all integration tests.

mod double;
mod support;
