//! Writing: the batch transaction, and the small writes beside it.

pub(crate) mod batch;
pub(crate) mod cursors;
pub(crate) mod insert;
pub(crate) mod logs;
pub(crate) mod orders;
pub(crate) mod sums;
mod views;
