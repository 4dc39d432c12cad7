//! Every page at desktop and phone width, dark and light: no error in the console, and nothing serious for axe-core.

use super::card;
use crate::support::app::App;
use crate::support::browser::{Browser, DESKTOP, PHONE};

const PRODUCTS: [&str; 6] = [
    "Example Trading Cards: Ancient Origins Elite Trainer Box",
    "Example Console Slim Digital Edition 1TB",
    "STARLINK - Mini Kit",
    "Running Shoe 4 Retro Black Cat, men's size 10.5",
    "Graphics Card 5090 Founders Edition",
    "Plush Bear, limited edition",
];
const STORES: [&str; 4] = ["Target", "Best Buy US", "Walmart", "Pokemon Center"];
const STATUSES: [&str; 7] =
    ["verified", "shipped", "delivered", "cancelled", "pending", "unverified", "processing"];

const PAGES: [(&str, &str); 18] = [
    ("start", "/"),
    ("attention", "/orders?attention=not+received"),
    ("numbers", "/numbers?period=all"),
    ("stores", "/numbers?period=all&by=store"),
    ("log", "/log"),
    ("message", "/log/1"),
    ("rejected", "/log/2"),
    ("state", "/state"),
    ("orders", "/orders"),
    ("filtered", "/orders?status=shipped&search=example"),
    ("sorted", "/orders?sort=-total"),
    ("products", "/orders?group=product"),
    ("owners", "/numbers?period=all&by=owner"),
    ("order", "/orders/100-000000"),
    ("edit", "/orders/100-000000?edit=1"),
    ("sign-in", "/sign-in"),
    ("files", "/import"),
    ("error", "/orders?status=x"),
];

/// Stores orders that look like those of a group.
async fn fill(app: &App) {
    app.stored(&[&card(
        "100-000000",
        &[("Product", PRODUCTS[0]), ("Price", "$20.99"), ("Loyalty Number", "12")],
    )])
    .await;
    app.post("Order Number\nProduct\nExample Console\n**Reward Points**\n12\n").await;
    for n in 0..60_usize {
        let price = format!("${}.99", 20 + n * 37 % 900);
        let store = STORES[n % STORES.len()];
        let mut lines = vec![
            ("Product", PRODUCTS[n * 5 % PRODUCTS.len()]),
            ("Price", &price),
            ("Quantity", ["1", "1", "2", "4"][n % 4]),
            ("Status", STATUSES[n * 3 % STATUSES.len()]),
            ("Profile", ["Main", "Household 2", "Freight"][n % 3]),
            ("Email", "buyer@example.com"),
        ];
        if n % 3 == 0 {
            lines.push(("Tracking Number", "1Z999AA10123456784"));
        }
        let text = card(&format!("{}-{:06}", 100 + n, n * 7919), &lines);
        app.stored(&[&text.replace("| Target", &format!("| {store}"))]).await;
    }
    let embed = serde_json::json!({"embeds": [{
        "author": {"name": "Successful Checkout | Target"},
        "color": 5_763_719,
        "fields": [
            {"name": "Order Number", "value": "||#100-000000||", "inline": true},
            {"name": "Shipping Method", "value": "Standard", "inline": true},
            {"name": "Shipping Address", "value": "||1 Example Street\nSpringfield||"},
        ],
        "footer": {"text": "Refract"},
    }]});
    app.stored(&[&embed.to_string(), "Order Number\n100-000000\nStatus\nshipped\n"]).await;
}

#[tokio::test]
async fn every_page_is_accessible_in_both_themes_at_both_widths() {
    let app = App::start().await;
    fill(&app).await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    for (name, path) in PAGES {
        for (width, size) in [("desktop", DESKTOP), ("phone", PHONE)] {
            for theme in ["light", "dark"] {
                browser.resize(size).await;
                browser.prefer(theme).await;
                browser.goto(path).await;
                let is_settled = "!document.querySelector('#light') || document.querySelector('#light').dataset.state === 'live'";
                browser.until(is_settled).await;
                browser.screenshot(&format!("{name}-{width}-{theme}")).await;
                let faults = browser.accessibility_faults().await;
                assert!(faults.is_empty(), "{name}, {width}, {theme}:\n{}", faults.join("\n"));
                let is_wider = browser.js("return document.documentElement.scrollWidth > innerWidth").await;
                assert_eq!(is_wider, false, "{name}, {width}: the page scrolls sideways");
                // The answer 400 of the error page is an error of the console by itself.
                let errors = browser.errors().await;
                assert!(name == "error" || errors.is_empty(), "{name}, {width}, {theme}: {errors:?}");
            }
        }
    }
}
