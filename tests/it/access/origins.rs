//! Pages of other sites, host names, and addresses behind a proxy.

use reqwest::Method;

use super::{LOCKED, create, locked};
use crate::support::app::{App, ORDERS, until};
use crate::support::home::Home;

const FRONT_END: &str =
    "origins = [\"http://localhost:3000\"]\npublic_url = \"https://orders.example.net/\"\n";

async fn preflight(app: &App, origin: &str) -> crate::support::app::Reply {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "PATCH"),
        ("access-control-request-headers", "authorization,content-type,if-match"),
    ];
    app.request(Method::OPTIONS, "/api/v2/orders/A-1", &headers, "").await
}

#[tokio::test]
async fn a_page_of_a_configured_origin_may_use_the_api() {
    let (app, admin) = locked(FRONT_END).await;
    for origin in ["http://localhost:3000", "https://orders.example.net"] {
        let asked = preflight(&app, origin).await;
        assert_eq!((asked.status, asked.header("access-control-allow-origin")), (200, origin));
        assert!(asked.header("access-control-allow-methods").contains("PATCH"));
        assert!(asked.header("access-control-allow-headers").contains("authorization"));
        assert_eq!(asked.header("access-control-allow-credentials"), "", "no cookies");
        let headers = [("origin", origin), ("authorization", &*format!("Bearer {admin}"))];
        let posted = app.request(Method::POST, ORDERS, &headers, "Order Number\nA-1\n").await;
        assert_eq!((posted.status, posted.header("access-control-allow-origin")), (200, origin));
        let refused = app.request(Method::GET, "/api/v2/orders", &[("origin", origin)], "").await;
        let page_sees = (refused.status, refused.header("access-control-allow-origin"));
        assert_eq!(page_sees, (401, origin), "the page can read why");
    }
}

#[tokio::test]
async fn other_pages_may_not() {
    let (app, admin) = locked(FRONT_END).await;
    for origin in
        ["http://localhost:3001", "https://evil.example", "null", "http://localhost:3000.evil.example"]
    {
        assert_eq!(preflight(&app, origin).await.header("access-control-allow-origin"), "", "{origin}");
        let headers = [("origin", origin), ("authorization", &*format!("Bearer {admin}"))];
        let posted = app.request(Method::POST, ORDERS, &headers, "Order Number\nA-1\n").await;
        assert_eq!((posted.status, &posted.json["code"]), (403, &"cross_origin".into()), "{origin}");
    }
    let open = App::start().await;
    let answer =
        open.request(Method::GET, "/api/v2/orders", &[("origin", "http://localhost:3000")], "").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test]
async fn with_tokens_every_host_name_is_answered() {
    let (app, admin) = locked("").await;
    let headers = [("host", "abc123.ngrok.io"), ("authorization", &*format!("Bearer {admin}"))];
    assert_eq!(app.request(Method::GET, "/api/v2/orders", &headers, "").await.status, 200);
    assert_eq!(app.request(Method::GET, "/api/v2/orders", &headers[..1], "").await.status, 401);
}

#[tokio::test]
async fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    for (trusted, expected) in [("", "127.0.0.1"), ("trusted_proxies = [\"127.0.0.0/8\"]", "203.0.113.9")] {
        let home = Home::new();
        let token = create(&home, "read").await;
        let app = App::start_in(home, &format!("{LOCKED}{trusted}")).await;
        let headers = [
            ("x-forwarded-for", "198.51.100.7, 203.0.113.9"),
            ("authorization", &*format!("Bearer {token}")),
        ];
        assert_eq!(app.request(Method::GET, "/api/v2/orders", &headers, "").await.status, 200);
        let from = async || app.sql().await.value("SELECT last_used_from FROM tokens").await;
        until("the use is stored", async || from().await == expected).await;
    }
}
