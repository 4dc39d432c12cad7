//! `roms parse` says why it shows nothing.

use crate::cli::{err, roms};

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
