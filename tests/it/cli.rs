//! Commands on the command line: output and exit codes.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::access::locked;
use crate::support::app::App;
use crate::support::program::command;

/// Runs `roms` in a folder, without environment variables, with `input` on standard input.
pub(crate) fn roms(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_roms"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("the program reads its input");
    drop(stdin);
    child.wait_with_output().expect("the program ends")
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn check_config_shows_the_values_in_force() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), "[orders]\ncurrency = \"EUR\"\n").unwrap();

    let output = roms(folder.path(), &["check-config"], "");

    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(out(&output).contains("currency = \"EUR\"\n"), "{}", out(&output));
    assert!(out(&output).contains("bind = \"127.0.0.1:8001\"\n"), "{}", out(&output));
}

#[test]
fn a_broken_configuration_stops_every_command_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.toml"), "[http]\nbind = \"everywhere\"\n").unwrap();

    for command in [&["check-config"][..], &["serve"], &["migrate"], &["parse"], &[]] {
        let output = roms(folder.path(), command, "");
        assert_eq!(output.status.code(), Some(2), "{command:?}");
        assert!(err(&output).contains("config.toml:2:8: http.bind: "), "{}", err(&output));
    }
}

#[test]
fn a_missing_configuration_file_is_an_error_if_the_command_line_names_it() {
    let folder = tempfile::tempdir().unwrap();

    let output = roms(folder.path(), &["--config", "mine.toml", "check-config"], "");

    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("cannot read the configuration file mine.toml"), "{}", err(&output));
}

#[test]
fn send_sample_reports_a_missing_server_in_one_line() {
    let folder = tempfile::tempdir().unwrap();

    // Nothing listens on port 1, because only the administrator may.
    let output = roms(folder.path(), &["send-sample", "--url", "http://127.0.0.1:1"], "");

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        err(&output),
        "roms: nothing answers at http://127.0.0.1:1: is ROMS running? Start it with `roms`, or `cargo run \
         --release`\n"
    );
}

#[tokio::test]
async fn health_is_one_line_and_an_exit_code() {
    let app = App::start().await;
    let (url, folder) = (app.url(""), tempfile::tempdir().unwrap());
    let check = async || {
        let mut check = command(folder.path(), &["health", "--url", &url]);
        tokio::task::spawn_blocking(move || check.output().unwrap()).await.unwrap()
    };
    let well = check().await;
    assert_eq!((well.status.code(), out(&well)), (Some(0), "healthy\n".to_owned()), "{}", err(&well));

    app.sql().await.run("ALTER TABLE seaql_migrations RENAME TO gone").await;
    let ill = check().await;
    assert_eq!((ill.status.code(), out(&ill)), (Some(1), String::new()));
    assert!(err(&ill).starts_with("roms: unhealthy") && err(&ill).lines().count() == 1, "{}", err(&ill));
    drop(app);

    let gone = roms(folder.path(), &["health", "--url", "http://127.0.0.1:1"], "");
    assert_eq!(gone.status.code(), Some(1));
    assert_eq!(err(&gone), "roms: no answer from http://127.0.0.1:1: nothing answers\n");
}

#[test]
fn the_password_of_an_address_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["health", "send-sample"] {
        for url in ["http://user:canary@127.0.0.1:1", "ftp://user:canary@127.0.0.1:1"] {
            let output = roms(folder.path(), &[command, "--url", url], "");
            assert_ne!(output.status.code(), Some(0));
            let shown = out(&output) + &err(&output);
            assert!(shown.contains("127.0.0.1:1") && !shown.contains("canary"), "{shown}");
        }
    }
}

#[test]
fn a_wrong_value_is_repeated_unless_it_may_be_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, shown) in [
        (&["init", "--timezone", "Europe/Nowhere"][..], "'Europe/Nowhere' for '--timezone <ZONE>'"),
        (&["webhook", "create", "--name", "a", "--url", "n8n.example"], "'n8n.example' for '--url <URL>'"),
        (
            &["webhook", "create", "--name", "a", "--url", "ftp://h.example/canary"],
            "'ftp://h.example/***' for",
        ),
        (&["orders", "--limit", "many"], "'many' for '--limit <N>'"),
    ] {
        let refused = err(&roms(folder.path(), arguments, ""));
        assert!(refused.contains(shown) && !refused.contains("canary"), "{refused}");
    }
}

#[test]
fn a_folder_in_place_of_a_database_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("backups")).unwrap();
    for command in ["restore", "import-legacy"] {
        let output = roms(folder.path(), &[command, "backups"], "");
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(err(&output), "roms: backups is a folder; name the database file in it\n", "{command}");
    }
}

#[tokio::test]
async fn a_token_comes_from_a_file_or_the_environment_and_never_from_the_command_line() {
    let (app, token) = locked("").await;
    let (url, folder) = (app.url(""), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("token"), format!("{token}\n")).unwrap();
    fs::write(folder.path().join("other"), "password").unwrap();
    let run = async |arguments: &[&str], variable: &str| {
        let mut sample = command(folder.path(), &[arguments, &["--url", &url]].concat());
        sample.env("ROMS_TOKEN", variable);
        tokio::task::spawn_blocking(move || sample.output().unwrap()).await.unwrap()
    };
    let without = run(&["send-sample"], "").await;
    assert_eq!(without.status.code(), Some(1));
    assert!(err(&without).contains("This needs a valid token"), "{}", err(&without));
    for (arguments, variable) in [
        (&["send-sample", "--token-file", "token"][..], ""),
        (&["send-sample"], &token),
        (&["health", "--token-file", "token"], ""),
    ] {
        let output = run(arguments, variable).await;
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", err(&output));
        assert!(!out(&output).contains(&token));
    }
    for (arguments, variable, place) in [
        (&["send-sample", "--token-file", "other"][..], token.as_str(), "other"),
        (&["health"], "password", "ROMS_TOKEN"),
        (&["health", "--token-file", "none"], "", "cannot read none"),
    ] {
        let output = run(arguments, variable).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(err(&output).contains(place) && !err(&output).contains("password"), "{}", err(&output));
    }
    assert_eq!(
        roms(folder.path(), &["health", "--token", &token], "").status.code(),
        Some(2),
        "no such option"
    );
}

#[test]
fn send_sample_asks_for_the_scheme_of_an_address() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["127.0.0.1:9099", "localhost:9099", "roms.example"] {
        let output = roms(folder.path(), &["send-sample", "--url", url], "");
        assert_eq!(output.status.code(), Some(2));
        assert!(
            err(&output).contains(&format!("begin it with http://, as in http://{url}")),
            "{}",
            err(&output)
        );
    }
    for command in ["send-sample", "health"] {
        let output = roms(folder.path(), &[command, "--url", "user:secret@localhost:8001"], "");
        let error = err(&output);
        assert!(error.contains("begin it with http://, as in http://***@localhost:8001"), "{error}");
        assert!(!error.contains("user") && !error.contains("secret"), "{error}");
    }
    let output = roms(folder.path(), &["send-sample", "--url", "ftp://roms.example"], "");
    assert!(err(&output).contains("expected an address such as http://127.0.0.1:8001"), "{}", err(&output));
}

#[test]
fn commands_that_read_the_database_do_not_create_one() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["orders"][..],
        &["order", "A-1"],
        &["imports"],
        &["replay", "--dry-run"],
        &["replay"],
        &["purge", "--email", "a@b.example", "--dry-run"],
        &["purge", "--email", "a@b.example", "--yes"],
    ] {
        let output = roms(folder.path(), command, "");
        assert_eq!(output.status.code(), Some(1), "{command:?}: {}", out(&output));
        let error = err(&output);
        assert!(error.starts_with("roms: there is no database at roms_v2.db; go to the folder"), "{error}");
        assert!(error.contains("--config") && error.contains("`roms serve`"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{command:?}");
    }
}

#[test]
fn restore_says_that_a_file_is_not_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("junk.db"), "junk ".repeat(1000)).unwrap();

    let output = roms(folder.path(), &["restore", "junk.db"], "");

    assert_eq!(output.status.code(), Some(1));
    assert_eq!(err(&output), "roms: junk.db is not an SQLite database, so it cannot be a backup of ROMS\n");
}

#[test]
fn parse_shows_an_order_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let card = "Successful Checkout | Store\nPrice\n$99.99\nOrder Number\n#TEST-001\nTotal\nlots\n";

    let output = roms(folder.path(), &["parse"], card);

    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let words: Vec<String> =
        out(&output).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in ["order_number TEST-001", "price 99.99", "status verified", "currency USD"] {
        assert!(words.iter().any(|found| found == line), "{line} is missing in\n{}", out(&output));
    }
    assert!(words.iter().any(|line| line.starts_with("Warning: total: ")), "{}", out(&output));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn parse_gives_the_reason_for_a_rejected_card() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("card.txt"), "Successful Checkout | Store\nPrice\n$99.99\n").unwrap();

    let output = roms(folder.path(), &["parse", "card.txt"], "");

    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("Rejected: the card states no order number"), "{}", out(&output));
    assert_eq!(err(&output), "roms: no order was read\n");
}
