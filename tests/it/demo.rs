//! `roms demo`: made-up orders through the real pipeline, and nothing left behind.

#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::support::app::until;
use crate::support::program::command;

async fn get(url: &str) -> Value {
    reqwest::get(url).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn the_demo_shows_orders_and_leaves_nothing_behind() {
    let (folder, temp) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The configuration in the folder and the environment do not count.
    fs::write(folder.path().join("config.toml"), "[database]\nurl = \"sqlite://mine.db\"\n").unwrap();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let mut demo = command(folder.path(), &["demo", "--port", &port]);
    let mut child =
        demo.env("TMPDIR", temp.path()).env("ROMS__DATABASE__URL", "sqlite://mine.db").spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let page =
        lines.by_ref().map(Result::unwrap).find_map(|line| line.strip_prefix("Open").map(str::to_owned));
    let page = page.unwrap().trim().to_owned();
    let base = page.split('/').take(3).collect::<Vec<_>>().join("/");
    assert!(!base.ends_with(&format!(":{port}")), "{base}");
    // The demo would block on a full pipe.
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());

    assert_eq!(reqwest::get(&page).await.unwrap().status(), 200);
    until("cards of every kind have arrived", async || {
        let outcomes = ["created", "updated", "rejected", "ignored"];
        let mut seen = 0;
        for outcome in outcomes {
            let logs = get(&format!("{base}/api/v2/webhooks/logs?outcome={outcome}")).await;
            seen += usize::from(logs["total"].as_u64().unwrap() > 0);
        }
        let cancelled = get(&format!("{base}/api/v2/orders?status=cancelled")).await;
        seen == outcomes.len() && cancelled["total"].as_u64().unwrap() > 0
    })
    .await;
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);

    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert_eq!(ended.code(), Some(0));
    assert_eq!(rest.join().unwrap().last().unwrap(), "The demo is over; its database is deleted.");
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only config.toml is there");
}
