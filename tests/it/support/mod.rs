//! What the tests stand on.

pub(crate) mod app;
#[expect(dead_code, reason = "not every test needs all of it")]
pub(crate) mod bot;
pub(crate) mod cluster;
#[expect(dead_code, reason = "the double can do more than the tests of one binary ask for")]
pub(crate) mod discord;
pub(crate) mod disk;
pub(crate) mod edge;
pub(crate) mod home;
pub(crate) mod load;
pub(crate) mod pipeline;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod sql;
