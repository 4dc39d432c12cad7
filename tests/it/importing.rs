//! Files that people import: what each kind reads, what is stored, and how it is undone.

mod claims;
pub(crate) mod command;
pub(crate) mod fixtures;
mod formats;
mod interrupted;
mod kinds;
mod malformed;
#[cfg(unix)]
mod page;
mod several_items;
mod undo;

use std::path::{Path, PathBuf};

use crate::support::home::Home;
use crate::support::pipeline::Pipeline;

/// An example file that users can download.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/imports").join(name)
}

/// A database with these cards.
pub(crate) async fn with_cards(cards: &[&str]) -> Home {
    let pipeline = Pipeline::start().await;
    for (card, minute) in cards.iter().zip(0..) {
        pipeline.post(card, minute).await;
    }
    pipeline.end().await
}

/// The card of an order of two mini kits.
pub(crate) fn card(number: &str) -> String {
    format!(
        "Successful Checkout | Best Buy US\nOrder Number\n{number}\nProduct\nMini Kit\nPrice\n$299.99\nQuantity\n2\n"
    )
}

/// The value of one column of an order, as JSON.
pub(crate) async fn value(home: &Home, number: &str, column: &str) -> serde_json::Value {
    let sql = format!("SELECT {column} FROM orders WHERE order_number = '{number}'");
    home.sql().await.value(&sql).await
}
