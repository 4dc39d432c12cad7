//! `roms parse`: the forms in which it accepts a message, and its messages.

use std::fs;

use serde_json::Value;

use crate::cli::{err, out, roms};
use crate::support::program::Program;

#[test]
fn a_message_without_a_card_is_told_why() {
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
    let expected = out(&parse(vec!["card.txt"]).await.unwrap());
    assert!(expected.contains("A-1"), "{expected}");
    for arguments in [vec!["log.json"], vec!["--log", "1"]] {
        let output = parse(arguments.clone()).await.unwrap();
        assert_eq!(out(&output), expected, "{arguments:?}: {}", err(&output));
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
    assert!(out(&output).contains("quantity      1\n"), "{}", out(&output));
    let warning = "Warning: quantity: \"lots\" is not a number from 1 to 1,000,000; ignored\n";
    assert!(out(&output).contains(warning), "{}", out(&output));
}
