//! `roms parse`: the forms in which it accepts a message, and its messages.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::cli::{err, out, roms};
use crate::support::program::Program;

#[test]
fn the_reply_to_a_message_without_a_card_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (input, why) in [
        ("", "the body is empty"),
        (" \n", "the body is empty"),
        ("[]", "no heading such as \"Successful Checkout | Store\" and no labels"),
        (r#"{"content":"hi","embeds":[{"color":1}]}"#, "no heading such as"),
    ] {
        let output = roms(folder.path(), &["parse", "-"], input);
        assert_eq!(output.status.code(), Some(1), "{input}");
        let said = err(&output);
        assert!(said.starts_with(&format!("roms: no order was read: {why}")), "{input}: {said}");
    }
}

const CARD: &str = "Successful Checkout | Store\nPrice\n$5.00\nOrder Number\n#A-1\n";

#[test]
fn control_characters_of_a_card_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let card =
        CARD.replace("Store", "Store\u{1b}]0;title\u{7}").replace("$5.00", "$5.00\nNotes\na\tb\u{9b}2J");
    let output = roms(folder.path(), &["parse", "-"], &card);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let said = out(&output);
    assert!(said.contains("Order Number\n"), "{said}");
    assert!(!said.chars().any(|c| c.is_control() && !['\n', '\t'].contains(&c)), "{said:?}");
}

#[tokio::test]
async fn a_message_of_the_log_is_read_from_the_database_and_from_a_saved_answer() {
    let program = Program::start().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(format!("{}/api/v2/webhooks/orders", program.url)).body(CARD);
    assert_eq!(post.send().await.unwrap().status(), 200);
    let log = client.get(format!("{}/api/v2/webhooks/logs/1", program.url)).send().await.unwrap();
    let folder = program.home().path();
    fs::write(folder.join("log.json"), log.text().await.unwrap()).unwrap();
    fs::write(folder.join("card.txt"), CARD).unwrap();

    let parse = |arguments: Vec<&'static str>| {
        let mut command = program.home().command(&[&["parse"], &arguments[..]].concat());
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    // The derived date of a body without one is the time of the command.
    let undated = |output: &Output| {
        let lines =
            out(output).lines().filter(|line| !line.contains("order_")).collect::<Vec<_>>().join("\n");
        (out(output).contains("order_number  A-1"), lines)
    };
    let expected = undated(&parse(vec!["card.txt"]).await.unwrap());
    assert!(expected.0, "{expected:?}");
    for arguments in [vec!["log.json"], vec!["--log", "1"]] {
        let output = parse(arguments.clone()).await.unwrap();
        assert_eq!(undated(&output), expected, "{arguments:?}: {}", err(&output));
    }
    let missing = parse(vec!["--log", "99"]).await.unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(err(&missing), "roms: the webhook log has no row 99\n");
    program.signal("TERM");
    assert_eq!(program.end().await.code, Some(0));
}

#[test]
fn a_test_case_of_this_repository_is_read_as_the_message_inside() {
    let folder = tempfile::tempdir().unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cards/refract_success_target.json");
    let case: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let whole = roms(folder.path(), &["parse", path], "");
    let inside = roms(folder.path(), &["parse"], &case["message"].to_string());
    assert!(out(&whole).contains("102000000000001"), "{}", err(&whole));
    assert_eq!(out(&whole), out(&inside));
}

#[test]
fn a_warning_says_only_that_its_own_value_was_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let output = roms(folder.path(), &["parse"], &format!("{CARD}Quantity\nlots\n"));
    assert!(out(&output).contains("quantity    1\n"), "{}", out(&output));
    let warning = "Warning: quantity: \"lots\" is not a number from 1 to 1,000,000; ignored\n";
    assert!(out(&output).contains(warning), "{}", out(&output));
}

#[test]
fn json_shows_what_would_be_stored_in_an_empty_database() {
    let folder = tempfile::tempdir().unwrap();
    let card = "Successful Checkout | Target\nProduct\n- 2x Bundle - M\n- 1x Tin\nPrice\n$86.41\nOrder Number\n#A-1\n\
        Order Cancelled | Target\nOrder Number\n#A-1\nTotal\nlots\nOrder Cancelled\nEmail\na@example.com\n\
        Test Webhook\nProduct\nX\n";
    let output = roms(folder.path(), &["parse", "--json"], card);
    let found: Value = serde_json::from_str(&out(&output)).unwrap_or_else(|_| panic!("{}", err(&output)));
    let cards = found["cards"].as_array().unwrap();
    let outcomes: Vec<_> = cards.iter().map(|card| card["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["created", "updated", "rejected"], "{found:#}");
    let order = &cards[0]["order"];
    assert_eq!((order["order_number"].as_str(), order["total"].as_f64()), (Some("A-1"), Some(86.41)));
    assert_eq!((order["quantity"].as_u64(), order["price"].as_f64()), (Some(3), None));
    let item = |at: usize| (order["items"][at]["product"].as_str(), order["items"][at]["quantity"].as_u64());
    assert_eq!((item(0), item(1)), ((Some("Bundle"), Some(2)), (Some("Tin"), Some(1))));
    assert_eq!(cards[1]["order"]["status"], "cancelled");
    assert!(cards[1]["warnings"][0].as_str().unwrap().starts_with("total: "), "{found:#}");
    assert_eq!(cards[2]["code"], "missing_order_number");
    assert_eq!(cards[2]["order"], Value::Null);
    let nothing = roms(folder.path(), &["parse", "--json"], "hello");
    assert!(out(&nothing).contains("not_an_order"), "{}", out(&nothing));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
