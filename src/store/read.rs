//! Queries: single orders, pages, statistics, the webhook log and autocompletion.

pub(crate) mod attention;
mod autocomplete;
pub(crate) mod buckets;
pub(crate) mod filter;
pub(crate) mod logs;
pub(crate) mod messages;
pub(crate) mod orders;
pub(crate) mod pages;
pub(crate) mod period;
pub(crate) mod replay;
pub(crate) mod sorted;
pub(crate) mod stats;
pub(crate) mod totals;
