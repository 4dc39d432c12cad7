//! Reading back: orders, their history, the log, and what else answers to GET.

mod log;
mod orders;
mod routes;
