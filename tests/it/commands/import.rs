//! `/import`: shows an attached file, stores it after a confirmation, and undoes it.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use roms::feed::Feed;
use roms::files::{Field, Kind};
use roms::ingest::Ingest;
use roms::store::{ImportState, SavedMapping};
use tokio::net::TcpListener;

use super::stage::{Stage, buttons, is_private, text_of};
use crate::importing::fixtures::fixtures;
use crate::support::app::until;

/// Rows of a file that takes long.
const LONG: usize = 20_000;

/// A server that keeps attachments, as Discord does. Returns its address.
async fn attachments() -> String {
    let tracking = "order number,tracking number\nTGT-900,1Z999AA10123456784\nTGT-901,1Z2\n";
    let large = vec![b'x'; 20 * 1024 * 1024 + 1];
    let rows = (0..LONG).map(|n| format!("X-{n},1Z{n}"));
    let head = ["order number,tracking number", "TGT-900,1Z999AA10123456784"].map(str::to_owned);
    let long = head.into_iter().chain(rows).collect::<Vec<_>>().join("\n");
    let files = Router::new()
        .route("/tracking.csv", get(async move || tracking))
        .route("/large.csv", get(async move || large))
        .route("/long.csv", get(async move || long))
        .route("/unnamed.csv", get(async || "Ref,Paket\nTGT-900,1Z3\n"))
        .route("/colours.csv", get(async || "colour,shape\nred,round\n"))
        .route("/fixtures/{name}", get(fixture));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, files).await });
    format!("http://{address}")
}

async fn fixture(Path(name): Path<String>) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/files");
    std::fs::read(folder.join(name)).unwrap()
}

async fn until_finished(stage: &Stage, id: i64) {
    let is_finished = async || {
        let import = stage.bot.store().import(id).await.unwrap();
        import.is_some_and(|import| import.state == ImportState::Finished)
    };
    until("the import is finished", is_finished).await;
}

#[tokio::test]
async fn an_attached_file_is_shown_imported_and_undone() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let files = attachments().await;
    let tracking = format!("{files}/tracking.csv");
    let asked = stage.manager.slash_with_file(&stage.channel, "import", &tracking, &[]);
    let shown = asked.answer().await;
    assert!(is_private(&shown));
    let text = text_of(&shown);
    assert!(text.contains("`tracking.csv`, a file of tracking: 1 updated, 1 not found."), "{text}");
    assert!(text.contains("3 not found: `TGT-901` there is no such order"), "{text}");
    assert_eq!(buttons(&shown), ["Store 1 row", "Discard"]);
    let report = String::from_utf8(shown.files[0].bytes.to_vec()).unwrap();
    assert!(report.contains("2,updated,TGT-900,tracking_number: empty → 1Z999AA10123456784"), "{report}");
    let tracked = async || stage.bot.order("TGT-900").await.unwrap().fields.tracking_number;
    assert_eq!(tracked().await, None, "nothing happens before the confirmation");

    stage.press_and_update(&stage.manager, &shown, "Store 1 row").await;
    until_finished(&stage, 1).await;
    assert_eq!(tracked().await.as_deref(), Some("1Z999AA10123456784"));
    let again = stage.manager.slash_with_file(&stage.channel, "import", &tracking, &[]).answer().await;
    let text = text_of(&again);
    assert!(text.contains("This file was imported before. Import 1 is finished: "), "{text}");
    let undo = stage.press_and_update(&stage.manager, &again, "Undo").await;
    assert_eq!(buttons(&undo), ["Restore 1 order", "Discard"]);
    stage.press_and_update(&stage.manager, &undo, "Restore 1 order").await;
    until_finished(&stage, 2).await;
    assert_eq!(tracked().await, None);

    // The file is a new import after the undo. This one is interrupted, as by a crash, and continued.
    let shown = stage.manager.slash_with_file(&stage.channel, "import", &tracking, &[]).answer().await;
    assert_eq!(buttons(&shown), ["Store 1 row", "Discard"]);
    let orders = stage.bot.config.orders.clone();
    let (ingest, writer) = Ingest::start(stage.bot.store().clone(), Feed::new(1), orders);
    drop(ingest.claim_import(3).await.unwrap());
    ingest.close();
    writer.await.unwrap();
    let again = stage.manager.slash_with_file(&stage.channel, "import", &tracking, &[]).answer().await;
    let text = text_of(&again);
    assert!(text.contains("Import 3 is running after 0 of 2 rows") && !text.contains("Nothing"), "{text}");
    assert_eq!(buttons(&again), ["Continue", "Undo"]);
    stage.press_and_update(&stage.manager, &again, "Continue").await;
    until_finished(&stage, 3).await;
    assert_eq!(tracked().await.as_deref(), Some("1Z999AA10123456784"));
    stage.end(0).await;
}

#[tokio::test]
async fn each_form_of_a_file_is_recognised() {
    let stage = Stage::new().await;
    let files = attachments().await;
    for (path, kind) in fixtures() {
        let url = format!("{files}/fixtures/{}", path.file_name().unwrap().to_str().unwrap());
        let shown = stage.manager.slash_with_file(&stage.channel, "import", &url, &[]).answer().await;
        let text = text_of(&shown);
        assert!(text.contains(&format!("a file of {kind}: ")), "{url}: {text}");
    }
    stage.end(0).await;
}

#[tokio::test]
async fn files_that_are_no_files_of_discord_are_refused() {
    let stage = Stage::new().await;
    let files = attachments().await;
    for (file, expected) in [
        (format!("{files}/large.csv"), "The file is larger than 20 MB"),
        (format!("{files}/colours.csv"), "no kind of file has these columns: colour, shape"),
        (format!("{files}/missing.csv"), "could not be downloaded"),
        ("http://169.254.169.254/secret.csv".to_owned(), "Something went wrong"),
        ("https://cdn.discordapp.com.evil.example/x.csv".to_owned(), "Something went wrong"),
    ] {
        let reply = stage.manager.slash_with_file(&stage.channel, "import", &file, &[]).answer().await;
        assert!(text_of(&reply).contains(expected), "{file}: {}", text_of(&reply));
    }
    stage.end(0).await;
}

#[tokio::test]
async fn saved_columns_are_used_by_their_name() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let file = format!("{}/unnamed.csv", attachments().await);
    let import = async |columns: &str| {
        let asked = stage.manager.slash_with_file(&stage.channel, "import", &file, &[("columns", columns)]);
        text_of(&asked.answer().await)
    };
    let unknown = import("Lager").await;
    assert!(
        unknown.contains("No columns are saved as `Lager`. Save them on the page, under Files."),
        "{unknown}"
    );
    let mapping = [("Ref", Field::OrderNumber), ("Paket", Field::Order("tracking_number"))];
    let mapping = mapping.map(|(heading, field)| (heading.to_owned(), field)).to_vec();
    let saved = SavedMapping { name: "Lager".to_owned(), kind: Kind::Tracking, mapping };
    stage.bot.store().save_mapping(&saved, "cli", chrono::Utc::now()).await.unwrap();
    let shown = import("Lager").await;
    assert!(shown.contains("`unnamed.csv`, a file of tracking: 1 updated."), "{shown}");
    let choices = stage.complete_option(&stage.manager, "import", "columns", "Lag").await;
    assert_eq!(choices, [("Lager".to_owned(), "Lager".to_owned())]);
    assert_eq!(stage.complete_option(&stage.manager, "import", "columns", "x").await, []);
    stage.end(0).await;
}

#[tokio::test]
async fn an_import_that_was_started_is_not_discarded() {
    let stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let file = format!("{}/tracking.csv", attachments().await);
    let shown = stage.manager.slash_with_file(&stage.channel, "import", &file, &[]).answer().await;
    stage.press_and_update(&stage.manager, &shown, "Store 1 row").await;
    until_finished(&stage, 1).await;
    let said = text_of(&stage.press_and_update(&stage.manager, &shown, "Discard").await);
    assert!(said.contains("It was started already. Import 1 is finished: "), "{said}");
    stage.end(0).await;
}

#[tokio::test]
async fn an_import_is_released_when_roms_stops() {
    let mut stage = Stage::new().await;
    stage.order("TGT-900", "$10.00").await;
    let file = format!("{}/long.csv", attachments().await);
    let shown = stage.manager.slash_with_file(&stage.channel, "import", &file, &[]).answer().await;
    drop(stage.press(&stage.manager, &shown, "Store 1 row"));
    let stored = async |stage: &Stage| stage.bot.store().import(1).await.unwrap().unwrap();
    until("some rows are stored", async || stored(&stage).await.done > 0).await;
    stage.restart_with(|_| ()).await;
    let import = stored(&stage).await;
    assert!((import.done as usize) < LONG, "it stopped in the middle");
    assert_eq!((import.state, import.claimed_at), (ImportState::Running, None));
    stage.end(0).await;
}
