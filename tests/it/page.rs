//! The web page in a real browser.

mod bulk;
mod list;
mod live;
mod log;
mod looks;
mod order;
mod sign_in;

use crate::support::app::App;
use crate::support::browser::Browser;

/// A ROMS, and a browser that shows its list of orders.
async fn open(app: &App) -> Option<Browser> {
    let browser = Browser::start(&app.url("")).await?;
    browser.goto("/orders").await;
    browser.until_live().await;
    Some(browser)
}

/// A card with these lines of label and value.
fn card(number: &str, lines: &[(&str, &str)]) -> String {
    let lines = lines.iter().map(|(label, value)| format!("{label}\n{value}\n"));
    format!("Successful Checkout | Target\nOrder Number\n{number}\n{}", lines.collect::<String>())
}
