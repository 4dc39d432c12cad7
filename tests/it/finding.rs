//! Finding orders among many: pages, totals, search, completion, sums, and the way between
//! messages and orders.

mod complete;
mod index;
mod messages;
mod pages;
mod search;
mod shelf;
mod sums;
mod trigrams;
mod views;
