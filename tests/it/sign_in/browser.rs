//! Signing in with Discord in a real browser.

use super::{Group, always_ask};
use crate::access::create;
use crate::support::app::ORDERS;
use crate::support::browser::{Browser, DESKTOP, PHONE};
use crate::support::home::Home;

#[tokio::test]
async fn a_browser_signs_in_with_discord_and_follows_the_roles_of_its_person() {
    let (group, home) = (Group::start().await, Home::new());
    let token = create(&home, "ingest").await;
    let app = group.app_in(home, always_ask()).await;
    let bearer = format!("Bearer {token}");
    let card = "Order Number\nA-1\nEmail\nbuyer@example.com\n";
    let stored = app.request(reqwest::Method::POST, ORDERS, &[("authorization", &bearer)], card).await;
    assert_eq!(stored.status, 200, "{}", stored.text);
    let Some(browser) = Browser::start(&app.url("")).await else { return };
    let ann = group.member("Ann", Some("manager"));
    group.discord.sign_in_as(Some(&ann));

    for theme in ["light", "dark"] {
        browser.prefer(theme).await;
        browser.goto("/orders?search=A-1").await;
        assert_eq!(browser.path().await, "/sign-in?next=%2Forders%3Fsearch%3DA-1");
        for (name, size) in [("desktop", DESKTOP), ("phone", PHONE)] {
            browser.resize(size).await;
            browser.screenshot(&format!("sign-in-discord-{name}-{theme}")).await;
            assert_eq!(browser.accessibility_faults().await, Vec::<String>::new());
        }
    }
    browser.resize(DESKTOP).await;
    browser.click(".discord").await;
    browser.until_numbers(&["A-1"]).await;
    assert_eq!(browser.path().await, "/orders?search=A-1");
    browser.until_live().await;
    assert_eq!(browser.js("return document.cookie").await, "", "no script can read the session");
    browser.goto("/orders/A-1").await;
    browser.until("document.querySelector('.details')?.innerText.includes('buyer@example.com')").await;

    // The open page loses its rights by itself.
    browser.goto("/orders").await;
    browser.until_live().await;
    group.give_level(&ann, Some("viewer"));
    browser.goto("/orders/A-1").await;
    browser.until("document.querySelector('.details')?.innerText.includes('***')").await;
    assert!(!browser.client.source().await.unwrap().contains("buyer@example.com"));
    browser.goto("/orders").await;
    browser.until_live().await;
    ann.leave(&group.guild);
    browser.until("location.pathname === '/sign-in'").await;
    drop(browser.errors().await);

    // On a phone, signing out and the theme are behind "More".
    group.give_level(&ann, Some("admin"));
    browser.goto("/state").await;
    browser.click(".discord").await;
    browser.until("document.querySelector('h1').innerText === 'State'").await;
    for theme in ["light", "dark"] {
        browser.prefer(theme).await;
        browser.resize(PHONE).await;
        browser.goto("/state").await;
        assert!(!browser.find("#theme").await.is_displayed().await.unwrap());
        let fits = "return document.querySelector('.more').getBoundingClientRect().right <= 390 && innerWidth === 390";
        assert_eq!(browser.js(fits).await, true, "the bar at the bottom fits a phone");
        browser.click(".more").await;
        assert!(browser.find("#theme").await.is_displayed().await.unwrap());
        assert!(browser.find("form[action='/sign-out'] button").await.is_displayed().await.unwrap());
        browser.screenshot(&format!("more-phone-{theme}")).await;
        assert_eq!(browser.accessibility_faults().await, Vec::<String>::new());
        browser.resize(DESKTOP).await;
        browser.goto("/state").await;
        assert!(browser.find("#theme").await.is_displayed().await.unwrap());
        browser.screenshot(&format!("state-signed-in-{theme}")).await;
        assert_eq!(browser.accessibility_faults().await, Vec::<String>::new());
    }
    browser.resize(PHONE).await;
    browser.goto("/orders").await;
    browser.click(".more").await;
    browser.click("form[action='/sign-out'] button").await;
    browser.until("location.pathname === '/sign-in'").await;
    browser.goto("/orders").await;
    assert_eq!(browser.path().await, "/sign-in?next=%2Forders");
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
