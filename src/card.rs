//! From a message to what its cards say: decode the payload, flatten it to text forms, parse each card. Pure.

pub mod decode;
pub mod flatten;
pub mod message;
pub mod outcome;
pub mod parse;
