//! The webhook: the bodies that it accepts, its answers, and the log row of each message.

mod answers;
mod bodies;
mod overload;
mod refusals;
mod repeats;

/// A card with this number and these further lines.
fn card(number: &str, lines: &str) -> String {
    format!("Successful Checkout | Store\nProduct\nThing\nPrice\n$9.99\nOrder Number\n#{number}\n{lines}")
}
