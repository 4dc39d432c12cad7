//! Reading a message: decoding wire formats, flattening to the text form, parsing cards. Pure.

pub mod decode;
pub mod flatten;
pub mod message;
pub mod outcome;
pub mod parse;
