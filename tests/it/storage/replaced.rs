//! The file of the database is removed or replaced while ROMS serves.
#![cfg(unix)]

use std::fs;

use serde_json::json;

use crate::support::app::{App, until};
use crate::support::edge::Log;
use crate::support::home::Home;

#[tokio::test]
async fn nothing_is_acknowledged_while_the_path_leads_to_another_file() {
    for is_replaced in [false, true] {
        let (log, _listening) = Log::listen();
        let app = App::start_in(Home::sqlite(), "").await;
        app.stored(&["Order Number\nA-1\n"]).await;
        let (file, aside) = (app.home().database(), app.home().path().join("aside.db"));

        fs::rename(&file, &aside).unwrap();
        if is_replaced {
            fs::copy(&aside, &file).unwrap();
        }
        assert_eq!(app.get("/health").await.status, 503, "before any message arrives");
        for _ in 0..2 {
            let reply = app.post("Order Number\nA-2\n").await;
            assert_eq!((reply.status, &reply.json["code"]), (503, &json!("storage_unavailable")));
        }
        assert_eq!(log.count("was removed or replaced"), 1, "{}", log.text());
        assert_eq!(log.count("ERROR"), 1, "{}", log.text());

        fs::rename(&aside, &file).unwrap();
        until("health recovers", async || app.get("/health").await.status == 200).await;
        let reply = app.post("Order Number\nA-2\n").await;
        assert_eq!((reply.status, &reply.json["outcome"]), (200, &json!("created")));
        let home = app.stop().await;
        assert_eq!(home.sql().await.count("orders").await, 2);
    }
}
