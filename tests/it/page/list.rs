//! The list: search, filters, pages, and the back button.

use super::{card, open};
use crate::support::app::App;

#[tokio::test]
async fn search_filter_and_back_button_follow_the_url() {
    let app = App::start().await;
    for (number, product, status) in [
        ("A-1", "Example Console", "verified"),
        ("A-2", "Example Card Box", "shipped"),
        ("A-3", "Example Console", "shipped"),
    ] {
        app.stored(&[&card(number, &[("Product", product), ("Price", "$10.00"), ("Status", status)])]).await;
    }
    let Some(browser) = open(&app).await else { return };
    browser.until_numbers(&["A-3", "A-2", "A-1"]).await;
    assert!(browser.texts("#totals").await[0].starts_with("3 orders"));

    browser.fill("#search", "console").await;
    browser.until_numbers(&["A-3", "A-1"]).await;
    assert_eq!(browser.path().await, "/orders?search=console");
    assert_eq!(browser.js("return document.activeElement.id").await, "search", "typing can go on");

    browser.js("const it = document.querySelector('[name=status]'); it.value = 'shipped'; it.dispatchEvent(new Event('change', {bubbles: true}))").await;
    browser.until_numbers(&["A-3"]).await;
    assert_eq!(browser.path().await, "/orders?search=console&status=shipped");
    assert_eq!(browser.texts(".chip").await, ["shipped\n×"]);

    browser.client.back().await.unwrap();
    browser.until_numbers(&["A-3", "A-1"]).await;
    assert_eq!(browser.path().await, "/orders?search=console");
    browser.until("document.querySelector('[name=status]').value === ''").await;

    browser.goto("/orders?search=console&status=shipped").await;
    browser.until_numbers(&["A-3"]).await;
    browser.click(".chip").await;
    browser.until_numbers(&["A-3", "A-1"]).await;
    browser.fill("#search", "nothing has this").await;
    browser.until("document.querySelector('#empty')?.innerText.includes('No order matches')").await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn pages_lead_to_older_orders_and_back() {
    let app = App::start().await;
    let numbers: Vec<String> = (1..=120).map(|n| format!("A-{n}")).collect();
    for number in &numbers {
        app.stored(&[&card(number, &[])]).await;
    }
    let page = |range: std::ops::RangeInclusive<usize>| -> Vec<&str> {
        range.rev().map(|n| numbers[n - 1].as_str()).collect()
    };
    let Some(browser) = open(&app).await else { return };
    browser.until_numbers(&page(71..=120)).await;
    browser.click("#next").await;
    browser.until_numbers(&page(21..=70)).await;
    browser.click("#next").await;
    browser.until_numbers(&page(1..=20)).await;
    browser.click(".pager a").await;
    browser.until_numbers(&page(21..=70)).await;
    browser.client.back().await.unwrap();
    browser.until_numbers(&page(1..=20)).await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_wrong_parameter_is_explained_on_a_page() {
    let app = App::start().await;
    for path in ["/orders?status=sent", "/orders?nonsense=1", "/orders?before=x", "/live/orders?seen=x"] {
        let reply = app.get(path).await;
        assert_eq!(reply.status, 400, "{path}");
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
        assert!(reply.text.contains("Bad parameter"), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_hostile_product_stays_text() {
    let app = App::start().await;
    let evil = r#"<img src=x onerror=alert(1)></td><script>alert(2)</script><hx-partial hx-target="body">x</hx-partial>"#;
    app.stored(&[&card("A-1", &[("Product", evil)])]).await;
    let Some(browser) = open(&app).await else { return };
    let shown = browser.texts("#rows .c-product").await;
    assert!(shown[0].contains("onerror") && shown[0].contains("hx-partial"), "{shown:?}");
    // The same as a live row.
    app.stored(&[&card("A-2", &[("Product", evil)])]).await;
    browser.until_numbers(&["A-2", "A-1"]).await;
    assert_eq!(browser.texts("#rows .c-product").await, [shown[0].clone(), shown[0].clone()]);
    assert_eq!(browser.js("return document.querySelectorAll('#rows img, #rows script').length").await, 0);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
