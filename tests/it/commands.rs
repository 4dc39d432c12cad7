//! The commands in Discord, end to end: what somebody asks in the double, and what they see of it.

mod backfill;
mod busy;
mod cancel;
mod edit;
mod export;
mod failing;
mod hostile;
mod import;
mod levels;
mod logs;
mod masking;
mod menus;
mod order;
mod orders;
mod registration;
mod stage;
mod stale;
mod stats;
mod status;
mod token;
