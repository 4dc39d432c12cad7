//! API tokens: how they are made and revoked, and what they permit.

mod command;
