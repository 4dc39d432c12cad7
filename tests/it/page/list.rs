//! The list: search, filters, pages, and the back button.

use fantoccini::key::Key;
use reqwest::Method;

use super::{card, open};
use crate::support::app::App;
use crate::support::browser::{Browser, DESKTOP, PHONE};

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

#[tokio::test]
async fn long_texts_and_many_items_stay_inside_the_page() {
    let app = App::start().await;
    let (word, profile, notes) = ("W".repeat(700), "W".repeat(200), "n".repeat(5_000));
    let lines = [
        ("Product", &*word),
        ("Profile", &*profile),
        ("Notes", &notes),
        ("Quantity", "2"),
        ("Price", "$1.00"),
    ];
    app.stored(&[
        &card("A-1", &lines),
        &card(&"1234567890".repeat(20), &[("Product", "لعبة إلكترونية جديدة 🧸")]),
    ])
    .await;
    let items = (1..=200).map(|n| format!("Product\nItem {n}\nPrice\n$1.00\nQuantity\n1\n"));
    app.stored(&[
        &card("A-2", &[]).replace("Order Number", &format!("{}Order Number", items.collect::<String>()))
    ])
    .await;
    let Some(browser) = open(&app).await else { return };
    for size in [DESKTOP, PHONE] {
        browser.resize(size).await;
        for path in
            ["/", "/orders", "/orders?group=product", "/orders/A-1", "/orders/A-1?edit=1", "/orders/A-2"]
        {
            browser.goto(path).await;
            let is_wider = browser.js("return document.documentElement.scrollWidth > innerWidth").await;
            assert_eq!(is_wider, false, "{path} at {size:?} scrolls sideways");
        }
        // A long profile leaves room for the product.
        browser.goto("/orders?search=A-1").await;
        let width = browser.js("return document.querySelector('#o1 .c-product').clientWidth").await;
        assert!(width.as_u64().unwrap() >= 100, "{width} at {size:?}");
    }
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_list_is_sorted_by_the_head_of_a_column() {
    let app = App::start().await;
    for (number, price) in [("A-1", "$20.00"), ("A-2", "$9.00"), ("A-3", "$100.00")] {
        app.stored(&[&card(number, &[("Price", price)])]).await;
    }
    app.stored(&[&card("A-4", &[])]).await;
    let Some(browser) = open(&app).await else { return };
    browser.click("thead a[href*='total']").await;
    browser.until_numbers(&["A-3", "A-1", "A-2", "A-4"]).await;
    assert_eq!(browser.path().await, "/orders?sort=-total");
    assert_eq!(browser.texts("th[aria-sort=descending]").await, ["Total"]);
    browser.click("thead a[href*='total']").await;
    browser.until_numbers(&["A-2", "A-1", "A-3", "A-4"]).await;

    // A sorted list never moves by itself: a change is made in its place, and a new order waits.
    browser.until_live().await;
    app.stored(&["Order Number\nA-2\nStatus\nshipped\n", &card("A-5", &[("Price", "$1.00")])]).await;
    browser.until("document.querySelector('#o2 .c-status').innerText === 'shipped'").await;
    browser.until("document.querySelector('#held button').innerText === '1 new'").await;
    browser.until_numbers(&["A-2", "A-1", "A-3", "A-4"]).await;
    browser.click("#held button").await;
    browser.until_numbers(&["A-5", "A-2", "A-1", "A-3", "A-4"]).await;

    browser.client.back().await.unwrap();
    browser.until("document.querySelector('th[aria-sort=descending]')").await;
    browser.click(".chip").await;
    browser.until_numbers(&["A-5", "A-4", "A-3", "A-2", "A-1"]).await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn orders_are_grouped_by_product() {
    let app = App::start().await;
    for (number, product, units, status) in [
        ("A-1", "Example Console", "2", "verified"),
        ("A-2", "Example Console", "3", "cancelled"),
        ("A-3", "Card Box", "1", "shipped"),
        ("A-4", "Example Console", "4", "delivered"),
    ] {
        let lines = [("Product", product), ("Quantity", units), ("Price", "$10.00"), ("Status", status)];
        app.stored(&[&card(number, &lines)]).await;
    }
    app.request(Method::PATCH, "/api/v2/orders/A-4", &[], r#"{"qty_received": 3}"#).await;
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    browser.goto("/orders?group=product").await;
    let cells = browser.texts("#rows td").await;
    assert_eq!(cells[..6], ["Example Console", "3", "6", "3", "$60.00", "1"]);
    assert_eq!(cells[6..], ["Card Box", "1", "1", "0", "$10.00", "0"]);
    browser.click("#rows a").await;
    browser.until_numbers(&["A-4", "A-2", "A-1"]).await;
    assert_eq!(browser.path().await, "/orders?product=Example+Console");
    assert_eq!(app.get("/orders?group=store").await.status, 400);

    // The sorting of orders does not apply to products, and the file has the products of the list.
    browser.goto("/orders?group=product&sort=-total&search=console").await;
    assert_eq!(browser.texts(".chip").await, ["By product\n×"]);
    let file = browser.js("return document.querySelector('.files a').getAttribute('href')").await;
    assert_eq!(file, "/export/products?search=console&format=csv");
    let file = app.get(file.as_str().unwrap()).await;
    let lines: Vec<&str> = file.text.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(lines[0], "product,orders,cancelled_or_refunded,units,units_received,spend_USD,average_USD");
    assert_eq!(lines[1..], ["Example Console,3,1,6,3,60.00,30.00"], "{}", file.text);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn fields_suggest_the_names_that_orders_have() {
    let app = App::start().await;
    for (number, product) in
        [("A-1", "Example Console"), ("A-2", "Example Console"), ("A-3", "Console 5% <b>")]
    {
        app.stored(&[&card(number, &[("Product", product), ("Profile", "Main")])]).await;
    }
    let Some(browser) = open(&app).await else { return };
    browser.click("[name=store]").await;
    browser.until("document.querySelector('#store-names option')?.value === 'Target'").await;
    browser.click(".filters details summary").await;
    browser.fill("[name=product]", "cONSOLE").await;
    browser.until("document.querySelectorAll('#product-names option').length === 2").await;
    let values = "return [...document.querySelectorAll('#product-names option')].map((it) => it.value)";
    assert_eq!(browser.js(values).await, serde_json::json!(["Example Console", "Console 5% <b>"]));
    browser.fill("[name=product]", "5%").await;
    browser.until("document.querySelectorAll('#product-names option').length === 1").await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn pictures_are_shown_only_if_the_configuration_allows_it() {
    let pictured = |url: &str| {
        serde_json::json!({"embeds": [{
            "author": {"name": "Successful Checkout | Target"},
            "fields": [{"name": "Order Number", "value": "A-1"}, {"name": "Product", "value": "Example Console"}],
            "thumbnail": {"url": url},
        }]})
        .to_string()
    };
    let (secure, plain) = ("https://pictures.example/1.png", "http://pictures.example/1.png");
    for (toml, url, is_shown) in [
        ("", secure, false),
        ("[page]\npictures = true", secure, true),
        ("[page]\npictures = true", plain, false),
    ] {
        let app = App::start_with(toml).await;
        app.stored(&[&pictured(url)]).await;
        for path in ["/orders", "/orders/A-1"] {
            let page = app.get(path).await;
            assert_eq!(page.text.contains(&format!("src=\"{url}\"")), is_shown, "{path}, {toml}, {url}");
            let policy = page.header("content-security-policy");
            assert_eq!(policy.contains("img-src 'self' https:"), !toml.is_empty(), "{policy}");
        }
    }
}

#[tokio::test]
async fn the_keyboard_reaches_everything_in_a_list() {
    let app = App::start().await;
    for (number, product) in [("A-1", "Example Console"), ("A-2", "Card Box"), ("A-3", "Example Console")] {
        app.stored(&[&card(number, &[("Product", product)])]).await;
    }
    let Some(browser) = open(&app).await else { return };
    let at = "document.querySelector('#rows > .at')?.dataset.number";
    browser.press("/").await;
    browser.until("document.activeElement.id === 'search'").await;
    browser.find("#search").await.send_keys("console").await.unwrap();
    browser.until_numbers(&["A-3", "A-1"]).await;
    browser.find("#search").await.send_keys(&char::from(Key::Enter).to_string()).await.unwrap();
    browser.until(&format!("{at} === 'A-3'")).await;
    browser.press("j").await;
    browser.until(&format!("{at} === 'A-1'")).await;
    // The row stays marked when it changes, and after the way back from its page.
    app.stored(&["Order Number\nA-1\nStatus\nshipped\n"]).await;
    browser.until("document.querySelector('#o1 .c-status').innerText === 'shipped'").await;
    browser.until(&format!("{at} === 'A-1'")).await;
    browser.press_key(Key::Enter).await;
    browser.until("location.pathname === '/orders/A-1'").await;
    browser.client.back().await.unwrap();
    browser.until_numbers(&["A-3", "A-1"]).await;
    browser.until(&format!("{at} === 'A-1'")).await;
    browser.press("k").await;
    browser.until(&format!("{at} === 'A-3'")).await;
    browser.press("x").await;
    browser.until("document.querySelector('#picked').innerText === '1 chosen'").await;
    browser.press_key(Key::Escape).await;
    browser.until("!document.querySelector('#rows > .at')").await;
    browser.press("?").await;
    browser.until("document.querySelector('#keys').open").await;
    browser.press_key(Key::Escape).await;
    browser.until("!document.querySelector('#keys').open").await;
    browser.press("gn").await;
    browser.until("location.pathname === '/numbers'").await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
