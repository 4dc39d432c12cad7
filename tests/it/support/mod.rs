//! Everything that several tests share: ROMS in and out of the test process, databases, and the Discord
//! double.

pub(crate) mod app;
#[expect(dead_code, reason = "not every test uses all of it")]
pub(crate) mod bot;
#[cfg(unix)]
pub(crate) mod browser;
pub(crate) mod cluster;
#[expect(dead_code, reason = "benches and the example use more of the double than the tests do")]
pub(crate) mod discord;
pub(crate) mod disk;
pub(crate) mod edge;
pub(crate) mod home;
pub(crate) mod load;
#[cfg(unix)]
pub(crate) mod pgbouncer;
pub(crate) mod pipeline;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod receiver;
pub(crate) mod sql;
#[cfg(unix)]
pub(crate) mod terminal;
