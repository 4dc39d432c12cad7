//! `[sign_in]`: half a configuration is refused with what is missing.

use crate::config::{load, refusal};
use crate::support::home::Home;

const ID: &str = "[sign_in]\nclient_id = \"1112223334445556667\"\n";
const SECRET: &str = "client_secret = \"canary\"\n";
const BOT: &str = "[discord]\ntoken = \"x\"\n";
const GUILDS: &str = "guilds = [\"1112223334445556668\"]\n";
const HTTP: &str = "[http]\npublic_url = \"https://orders.example\"\n";

#[test]
fn each_missing_part_is_named_with_what_to_do() {
    let cases = [
        (format!("[sign_in]\n{SECRET}"), "sign_in.client_id is missing: copy it from the developer portal"),
        (ID.to_owned(), "sign_in.client_secret is missing: copy it from the developer portal"),
        (format!("{ID}{SECRET}"), "sign_in needs the bot, which reads the roles of people: set `token`"),
        (format!("{ID}{SECRET}{BOT}"), "set `guilds` under [discord]"),
        (format!("{ID}{SECRET}{BOT}{GUILDS}"), "set `public_url` under [http]"),
        (format!("{ID}{SECRET}{BOT}{GUILDS}{HTTP}"), "set `require_auth = true` under [http]"),
    ];
    for (file, expected) in cases {
        let report = refusal(&file, &[]);
        assert!(report.contains(expected) && !report.contains("canary"), "{file}: {report}");
    }
    let whole = format!("{ID}{SECRET}{BOT}{GUILDS}{HTTP}require_auth = true\n");
    let config = load(&whole, &[]).unwrap();
    assert_eq!(config.sign_in.client_secret.expose(), "canary");
    let masked = config.to_masked_toml().unwrap();
    assert!(masked.contains("client_secret = \"***\"") && !masked.contains("canary"), "{masked}");
    assert!(!format!("{config:?}").contains("canary"));
}

#[test]
fn the_secret_can_be_in_a_file_of_its_own() {
    let home = Home::sqlite();
    std::fs::write(home.path().join("secret"), "canary\n").unwrap();
    let file = format!("{ID}client_secret_file = \"secret\"\n{BOT}{GUILDS}{HTTP}require_auth = true\n");
    std::fs::write(home.path().join("config.toml"), file).unwrap();
    let output = home.command(&["check-config"]).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("client_secret = \"***\"") && !text.contains("canary"), "{text}");
}
