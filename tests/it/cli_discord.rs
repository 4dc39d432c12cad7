//! The command line of `roms discord …`.

use std::{fs, path::Path};

use crate::cli::{err, out, roms};

const CHANNEL: &str = "[discord]\nguilds = [1]\n[[discord.channels]]\nid = 5\nname = \"checkouts\"\n";

fn folder_with(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), config).unwrap();
    folder
}

fn with_token() -> String {
    CHANNEL.replace("[discord]\n", "[discord]\ntoken = \"abc.def\"\napi_url = \"http://127.0.0.1:1\"\n")
}

/// Runs a command line that must be refused, and returns its standard error.
fn unusable(folder: &Path, arguments: &[&str]) -> String {
    let output = roms(folder, arguments, "");
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
    assert_eq!(out(&output), "");
    err(&output)
}

#[test]
fn without_a_token_each_command_says_how_to_configure_one() {
    let folder = folder_with(CHANNEL);

    for command in [&["invite-url"][..], &["check"], &["backfill", "--channel", "5"]] {
        let error = unusable(folder.path(), &[&["discord"], command].concat());
        for name in
            ["[discord]", "ROMS__DISCORD__TOKEN ", "ROMS__DISCORD__TOKEN_FILE", "docs/discord-setup.md"]
        {
            assert!(error.contains(name), "{name} is missing in {error}");
        }
    }
}

#[test]
fn backfill_refuses_a_channel_that_is_not_configured() {
    let folder = folder_with(&with_token());

    let error = unusable(folder.path(), &["discord", "backfill", "--channel", "6"]);

    assert!(error.starts_with("roms: channel 6 is not in the configuration"), "{error}");
    assert!(error.ends_with("Configured: 5 (checkouts)\n"), "{error}");
}

#[test]
fn backfill_refuses_an_invalid_date_or_id() {
    let folder = folder_with(&with_token());
    let cases = [
        (
            ["--channel=5", "--since=yesterday"],
            "expected a date such as 2026-01-31, 31 January 2026 or 2026-01-31T18:00:00Z",
        ),
        (["--channel=5", "--since=9999-01-01"], "this is in the future"),
        (["--channel=checkouts", "--since=2026-01-31"], "invalid digit"),
        (["--channel=0", "--since=2026-01-31"], "0 is not in 1.."),
    ];
    for (arguments, expected) in cases {
        let error = unusable(folder.path(), &[&["discord", "backfill"], &arguments[..]].concat());
        assert!(error.contains(expected), "{error}");
    }
}
