//! `roms import` and `roms imports` on the command line.

use std::process::Output;

use serde_json::json;

use super::{card, example, value, with_cards};
use crate::cli::{err, out};
use crate::support::home::Home;
#[cfg(unix)]
use crate::support::terminal::Terminal;
use crate::watching::program::run;

/// Runs a command that succeeds, and returns what it prints.
pub(crate) async fn done(home: &Home, arguments: &[&str]) -> String {
    let output = run(home, arguments).await;
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    out(&output)
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", out(output));
    err(output)
}

#[tokio::test]
async fn tracking_numbers_are_shown_first_then_stored_and_undone() {
    let home = with_cards(&[&card("A-1"), &card("A-2")]).await;
    let file = example("tracking.csv");
    let file = file.to_str().unwrap();

    let dry = done(&home, &["import", file, "--dry-run"]).await;
    assert!(dry.contains("A file of tracking with 2 rows."), "{dry}");
    assert!(dry.contains("tracking_number: empty → 1Z999AA10123456784"), "{dry}");
    assert!(dry.ends_with("2 updated.\nDry run; nothing was stored.\n"), "{dry}");
    assert_eq!(value(&home, "A-1", "tracking_number").await, json!(null));
    assert_eq!(done(&home, &["imports"]).await, "No imports\n");

    let asked = run(&home, &["import", file]).await;
    assert!(refused(&asked).contains("run it in a terminal, which asks, or with --yes"));
    let report = home.path().join("report.csv");
    let stored = done(&home, &["import", file, "--yes", "--report", report.to_str().unwrap()]).await;
    assert!(stored.ends_with("Import 1: 2 updated. `roms imports undo 1` undoes it.\n"), "{stored}");
    assert_eq!(value(&home, "A-1", "tracking_number").await, "1Z999AA10123456784");
    let both = "9400111899223344556677, 9400111899223344556678";
    assert_eq!(value(&home, "A-2", "tracking_number").await, both);
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("2,updated,A-1,tracking_number: empty → 1Z999AA10123456784\r\n"), "{report}");

    // Its history names the person and the import.
    let events = "SELECT actor, source, import_id FROM order_events WHERE event_type = 'updated'";
    let events = home.sql().await.values(events).await;
    assert_eq!(events, vec![vec![json!("cli"), json!("manual_upload"), json!(1)]; 2]);

    let again = done(&home, &["import", file, "--yes"]).await;
    assert!(again.contains("This file was imported before, as import 1"), "{again}");
    assert!(done(&home, &["imports"]).await.contains("2 updated"));

    let undone = done(&home, &["imports", "undo", "1", "--yes"]).await;
    assert!(undone.ends_with("Import 2: 2 updated. `roms imports undo 2` undoes it.\n"), "{undone}");
    assert_eq!(value(&home, "A-1", "tracking_number").await, json!(null));
    // The undo is undone, too.
    done(&home, &["imports", "undo", "2", "--yes"]).await;
    assert_eq!(value(&home, "A-1", "tracking_number").await, "1Z999AA10123456784");
    let again = done(&home, &["import", file, "--yes"]).await;
    assert!(again.contains("This file was imported before"), "{again}");
    let listed = done(&home, &["imports"]).await;
    assert_eq!(listed.matches("finished, undone by import 3").count(), 1, "{listed}");
    home.sql().await.assert_sound().await;
}

#[tokio::test]
async fn an_undo_keeps_what_has_changed_since_and_says_so() {
    let home = with_cards(&[&card("A-1"), &card("A-2")]).await;
    done(&home, &["import", example("tracking.csv").to_str().unwrap(), "--yes"]).await;
    let later = home.path().join("later.csv");
    std::fs::write(&later, "Order #;Tracking\r\nA-1;1ZLATER\r\n").unwrap();
    done(&home, &["import", later.to_str().unwrap(), "--yes"]).await;

    let undone = done(&home, &["imports", "undo", "1", "--yes"]).await;
    assert!(undone.contains("kept, because it has changed since: tracking_number"), "{undone}");
    assert!(undone.contains("1 updated, 1 unchanged"), "{undone}");
    assert_eq!(value(&home, "A-1", "tracking_number").await, "1ZLATER");
    assert_eq!(value(&home, "A-2", "tracking_number").await, json!(null));
}

#[tokio::test]
async fn rows_that_cannot_be_used_say_why_and_the_others_are_stored() {
    let home = with_cards(&[&card("A-1"), &card("A-2")]).await;
    let file = home.path().join("received.csv");
    let text = "order_number,quantity\nA-1,2\nA-1,2\nA-2,1\nA-2,3\nnone,1\nA-1,many\n,4\n1.23457E+11,1\n";
    std::fs::write(&file, text).unwrap();
    let stored = done(&home, &["import", file.to_str().unwrap(), "--yes"]).await;
    for line in [
        "2    updated    A-1          qty_received: empty → 2",
        "3    unchanged  A-1          a copy of row 2",
        "4    ambiguous  A-2          row 5 states the same order differently",
        "6    bad        none         this stands in place of an order number",
        "7    bad        A-1          qty_received: `many` is not a quantity from 0 to 1,000,000",
        "8    bad                     no order number",
        "9    bad        1.23457E+11  a spreadsheet has shortened this number; format its column as text",
    ] {
        assert!(stored.contains(line), "{line}\n{stored}");
    }
    assert!(stored.ends_with(
        "Import 1: 1 updated, 1 unchanged, 2 ambiguous, 4 bad. `roms imports undo 1` undoes it.\n"
    ));
    assert_eq!(value(&home, "A-1", "qty_received").await, 2);
    assert_eq!(value(&home, "A-2", "qty_received").await, 0);
    let counts = "SELECT updated, unchanged, not_found, ambiguous, bad FROM imports";
    assert_eq!(home.sql().await.values(counts).await, [[1, 1, 0, 2, 4].map(|count| json!(count)).to_vec()]);
}

#[tokio::test]
async fn a_failed_checkout_in_a_file_of_cards_adds_no_order() {
    let home = with_cards(&[]).await;
    let file = home.path().join("cards.txt");
    let failed = "Checkout Failed | Target\nProduct\nMini Kit\nOrder Number\nA-9\n";
    std::fs::write(&file, format!("{}\n{failed}", card("A-1"))).unwrap();
    let stored = done(&home, &["import", file.to_str().unwrap(), "--kind", "cards", "--yes"]).await;
    assert!(stored.contains("not found  A-9"), "{stored}");
    assert_eq!(home.sql().await.values("SELECT order_number FROM orders").await, [[json!("A-1")].to_vec()]);
}

#[tokio::test]
async fn a_hidden_password_in_an_export_does_not_replace_the_stored_one() {
    let proxy = "192.0.2.1:8000:user:passw0rd";
    let home = with_cards(&[&format!("{}Proxy\n{proxy}\n", card("A-1"))]).await;
    let file = home.path().join("export.csv");
    std::fs::write(&file, "order_number,product,proxy_list\nA-1,Mini Kit,192.0.2.1:8000:***\n").unwrap();
    let stored = done(&home, &["import", file.to_str().unwrap(), "--yes"]).await;
    assert!(stored.contains("unchanged  A-1"), "{stored}");
    assert_eq!(value(&home, "A-1", "proxy_list").await, proxy);
}

#[tokio::test]
async fn cancellations_cancel_and_their_undo_restores_the_status() {
    let home = with_cards(&[&card("A-1"), &card("A-2")]).await;
    done(&home, &["import", example("cancellations.csv").to_str().unwrap(), "--yes"]).await;
    assert_eq!(value(&home, "A-1", "status").await, "cancelled");
    assert_eq!(value(&home, "A-1", "cancel_reason").await, "Item Demand");
    assert_eq!(value(&home, "A-2", "status").await, "cancelled");
    done(&home, &["imports", "undo", "1", "--yes"]).await;
    assert_eq!(value(&home, "A-1", "status").await, "verified");
    assert_eq!(value(&home, "A-1", "cancel_reason").await, json!(null));
}

#[tokio::test]
async fn a_report_never_overwrites_a_file() {
    let home = with_cards(&[&card("A-1")]).await;
    let file = home.path().join("list.csv");
    let content = "Order #,Tracking\nA-1,1ZABC\n";
    std::fs::write(&file, content).unwrap();
    let file = file.to_str().unwrap();
    for arguments in
        [&["import", file, "--yes", "--report", file][..], &["imports", "undo", "1", "--report", file]]
    {
        let said = refused(&run(&home, arguments).await);
        assert_eq!(said, format!("roms: the report {file} already exists and is not overwritten\n"));
    }
    assert_eq!(std::fs::read_to_string(file).unwrap(), content);
    assert_eq!(value(&home, "A-1", "tracking_number").await, json!(null));
}

#[tokio::test]
async fn the_columns_of_an_unknown_file_are_shown_in_short_and_without_control_characters() {
    let home = with_cards(&[&card("A-1")]).await;
    let file = home.path().join("list.csv");
    let headings: Vec<String> = (1..=50).map(|n| format!("\u{1b}[31m{n}{}", "x".repeat(1000))).collect();
    std::fs::write(&file, headings.join(",")).unwrap();
    let said = refused(&run(&home, &["import", file.to_str().unwrap(), "--dry-run"]).await);
    assert!(said.contains("no kind of file has these columns:  [31m1xxx"), "{said}");
    assert!(said.contains("…, and 40 more; name the kind"), "{said}");
    assert!(said.len() < 1000 && !said.contains('\u{1b}'), "{said}");
}

#[tokio::test]
async fn columns_are_named_and_remembered() {
    let home = with_cards(&[&card("A-1")]).await;
    let file = home.path().join("list.csv");
    std::fs::write(&file, "Bestellung;Paket\nA-1;1ZABC\n").unwrap();
    let file = file.to_str().unwrap();
    let unknown = run(&home, &["import", file, "--dry-run"]).await;
    assert!(refused(&unknown).contains("no kind of file has these columns: Bestellung, Paket"));
    let incomplete = run(&home, &["import", file, "--kind", "tracking", "--dry-run"]).await;
    assert!(refused(&incomplete).contains("--map \"Heading=order_number\""), "{}", err(&incomplete));
    let named = ["--map", "Bestellung=order_number", "--map", "paket=tracking_number"];
    let saving = async |how| {
        done(&home, &[&["import", file, how, "--save-mapping", "Lager"], &named[..]].concat()).await
    };
    let dry = saving("--dry-run").await;
    assert!(dry.contains("Dry run; the columns are not saved as `Lager`."), "{dry}");
    let saved = saving("--yes").await;
    assert!(saved.contains("The columns are saved as `Lager`."), "{saved}");
    done(&home, &["imports", "undo", "1", "--yes"]).await;
    done(&home, &["import", file, "--yes", "--mapping", "Lager"]).await;
    assert_eq!(value(&home, "A-1", "tracking_number").await, "1ZABC");
    for kind in [&["--kind", "tracking"][..], &[]] {
        let wrong = [&["import", file, "--map", "Sendung=tracking_number"], kind].concat();
        let said = refused(&run(&home, &wrong).await);
        assert!(
            said.contains("the file has no column `Sendung`; its columns are: Bestellung, Paket"),
            "{said}"
        );
    }
    let no_field = run(&home, &["import", file, "--map", "Paket=parcel_colour"]).await;
    assert_eq!(no_field.status.code(), Some(2), "{}", err(&no_field));
}

#[tokio::test]
async fn an_unknown_import_is_neither_continued_nor_undone() {
    let home = with_cards(&[]).await;
    for arguments in [&["imports", "continue", "99"][..], &["imports", "undo", "99", "--yes"]] {
        let said = refused(&run(&home, arguments).await);
        assert!(said.contains("there is no import 99; `roms imports` lists them"), "{said}");
    }
}

#[tokio::test]
async fn an_import_creates_no_database() {
    let home = Home::sqlite();
    let file = home.path().join("list.csv");
    std::fs::write(&file, "order number,product\nA-1,Kit\n").unwrap();
    for how in ["--dry-run", "--yes"] {
        let said = refused(&run(&home, &["import", file.to_str().unwrap(), how]).await);
        assert!(
            said.contains("there is no database at") && said.contains("`roms serve` creates a database"),
            "{said}"
        );
    }
    assert!(!home.database().exists());
}

#[tokio::test]
async fn a_small_import_shows_no_progress_and_counts_one_row() {
    let home = with_cards(&[&card("A-1")]).await;
    let file = home.path().join("list.csv");
    std::fs::write(&file, "order number,tracking number\nA-1,1ZABC\n").unwrap();
    let output = run(&home, &["import", file.to_str().unwrap(), "--yes"]).await;
    assert_eq!(err(&output), "");
    assert!(out(&output).contains("A file of tracking with 1 row.\n"), "{}", out(&output));
}

#[tokio::test]
async fn a_running_import_is_listed_with_a_hint() {
    let home = with_cards(&[&card("A-1"), &card("A-2")]).await;
    done(&home, &["import", example("tracking.csv").to_str().unwrap(), "--yes"]).await;
    let hint = "Import 1 is running. If its process was killed, ROMS notices within 5 seconds; then `roms imports \
                continue 1` continues it.";
    assert!(!done(&home, &["imports"]).await.contains("Import 1"));
    let running = "UPDATE imports SET state = 'running', claimed_at = '2999-01-31T00:00:00+00:00'";
    home.sql().await.run(running).await;
    let listed = done(&home, &["imports"]).await;
    assert!(listed.contains(hint), "{listed}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_person_at_a_terminal_answers_y_and_sees_no_bar_for_a_short_file() {
    let home = with_cards(&[&card("A-1"), &card("A-2")]).await;
    let mut terminal = Terminal::start(home.command(&["import", example("tracking.csv").to_str().unwrap()]));
    terminal.answer("This can be undone later. Continue (y or n)? ", "y\n").await;
    terminal.wait_for("Import 1: 2 updated.").await;
    assert!(!terminal.screen().contains("100 %"), "{}", terminal.screen());
    assert!(terminal.end().await.success());
    assert_eq!(value(&home, "A-1", "tracking_number").await, "1Z999AA10123456784");
}
