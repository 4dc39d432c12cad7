//! Writing: the transaction of a batch, and small writes outside of batches.

pub(crate) mod batch;
pub(crate) mod cursors;
pub(crate) mod insert;
pub(crate) mod items;
pub(crate) mod legacy;
pub(crate) mod logs;
pub(crate) mod orders;
pub(crate) mod renumber;
pub(crate) mod state;
pub(crate) mod sums;
pub(crate) mod versions;
mod views;
