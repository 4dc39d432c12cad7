//! Many orders at once, saved views and columns.

use super::{card, open};
use crate::support::app::App;
use crate::support::browser::Browser;

#[tokio::test]
async fn many_orders_are_changed_at_once_and_the_change_undone() {
    let app = App::start().await;
    for number in ["A-1", "A-2", "A-3", "A-4"] {
        app.stored(&[&card(
            number,
            &[("Product", "Example Console"), ("Quantity", "2"), ("Status", "verified")],
        )])
        .await;
    }
    let Some(browser) = open(&app).await else { return };
    browser.click("#o1 .pick input").await;
    browser.js("document.querySelector('#o3 .pick input').dispatchEvent(new MouseEvent('click', {bubbles: true, shiftKey: true}))").await;
    browser.until("document.querySelector('#picked').innerText === '3 chosen'").await;
    browser.js("const it = document.querySelector('#bulk-status'); it.value = 'delivered'; it.dispatchEvent(new Event('change', {bubbles: true}))").await;
    browser.until("document.querySelector('.toast')?.innerText.includes('Changed 3')").await;
    let status =
        async |number: &str| app.get(&format!("/api/v2/orders/{number}")).await.json["status"].clone();
    assert_eq!(
        [status("A-1").await, status("A-3").await, status("A-4").await],
        ["delivered", "delivered", "verified"]
    );

    // Somebody changes one of them: the undo keeps that.
    app.stored(&["Order Number\nA-2\nStatus\nshipped\n"]).await;
    browser.click(".toast button").await;
    browser
        .until("[...document.querySelectorAll('.toast')].some((it) => it.innerText.includes('Undone for 2'))")
        .await;
    assert_eq!(
        [status("A-1").await, status("A-2").await, status("A-3").await],
        ["verified", "shipped", "verified"]
    );

    browser.goto("/orders?status=verified").await;
    browser.until_live().await;
    browser.click("#pick-all").await;
    browser.click("[data-bulk=received]").await;
    browser.until("document.querySelector('.toast')?.innerText.includes('Changed 3')").await;
    assert_eq!(app.get("/api/v2/orders/A-4").await.json["qty_received"], 2);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_view_is_saved_for_the_group_with_its_columns() {
    let app = App::start().await;
    app.stored(&[&card("A-1", &[("Status", "shipped"), ("Notes", "a note")]), &card("A-2", &[])]).await;
    let Some(browser) = open(&app).await else { return };
    browser.goto("/orders?status=shipped").await;
    browser.until_live().await;
    browser.click("#columns summary").await;
    browser.click("#columns input[value=notes]").await;
    browser.click("#show-columns").await;
    browser.until("document.querySelector('#rows .c-notes')?.innerText === 'a note'").await;
    save_view(&browser).await;
    browser.until("document.querySelector('.views a')?.innerText === 'On the <way>'").await;

    browser.goto("/orders").await;
    assert_eq!(browser.texts("thead th").await.last().unwrap(), "Notes", "the columns are remembered");
    browser.click(".views a").await;
    browser.until_numbers(&["A-1"]).await;
    // Another view of the same name replaces it only after a question.
    browser.goto("/orders?status=verified").await;
    save_view(&browser).await;
    browser.until("document.querySelector('h1').innerText === 'Replace the view?'").await;
    browser.click(".actions a").await;
    browser.until("location.search.includes('status=verified')").await;
    browser.click(".views a").await;
    browser.until_numbers(&["A-1"]).await;
    browser.goto("/orders?status=verified").await;
    save_view(&browser).await;
    browser.click(".edit .primary").await;
    browser.until("location.search.includes('status=verified')").await;
    assert_eq!(browser.texts(".views a").await, ["On the <way>"]);
    assert!(browser.errors().await.iter().all(|error| error.contains("409")));
    browser.js("window.confirm = () => true").await;
    browser.js("document.querySelector('.views button').click()").await;
    browser.until("!document.querySelector('.views')").await;
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

/// Saves the list under a name that is not harmless as markup.
async fn save_view(browser: &Browser) {
    browser.click(".save-view summary").await;
    browser.until("document.activeElement.name === 'name'").await;
    browser.fill(".save-view [name=name]", "On the <way>").await;
    browser.click(".save-view .primary").await;
}
