//! Queries: single orders, pages, statistics, the webhook log and autocompletion.

mod autocomplete;
pub(crate) mod fetch;
pub(crate) mod filter;
pub(crate) mod logs;
pub(crate) mod messages;
pub(crate) mod orders;
pub(crate) mod pages;
pub(crate) mod plan;
pub(crate) mod replay;
mod similar;
pub(crate) mod stats;
pub(crate) mod totals;
