//! The configuration as users see it: accepted values, refused values and error messages.

use std::{io, path::Path};

use roms::config::{Config, DatabaseUrl, EXAMPLE, File, NumberMissing};

/// Loads a `config.toml` with this text, and these variables.
pub(crate) fn load(text: &str, env: &[(&str, &str)]) -> Result<Config, String> {
    load_with_secret(text, env, |_| Err(io::Error::from(io::ErrorKind::NotFound)))
}

pub(crate) fn load_with_secret(
    text: &str,
    env: &[(&str, &str)],
    read_secret: impl Fn(&Path) -> io::Result<String>,
) -> Result<Config, String> {
    let file = File { name: "config.toml", text };
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(Some(file), env, read_secret).map_err(|error| error.to_string())
}

/// The one problem of a configuration.
pub(crate) fn refusal(text: &str, env: &[(&str, &str)]) -> String {
    let report = load(text, env).expect_err("this configuration must be refused");
    let mut lines = report.lines().skip(1);
    let line = lines.next().expect("a problem").trim().to_owned();
    assert_eq!(lines.next(), None, "one problem only");
    line
}

#[test]
fn without_a_file_everything_has_its_documented_default() {
    let config = Config::load(None, [], |_| unreachable!("no secret is named")).unwrap();

    assert_eq!(config.database.url.expose(), "sqlite://roms_v2.db");
    assert_eq!(config.database.url.sqlite_path(), Some(Path::new("roms_v2.db")));
    assert_eq!(config.http.bind.to_string(), "127.0.0.1:8001");
    assert!(config.http.hosts.is_empty());
    assert_eq!(config.discord(), None);
    assert_eq!(config.orders.timezone.name(), "UTC");
    assert_eq!(config.orders.currency.code(), "USD");
    assert_eq!(config.orders.number_missing, NumberMissing::MessageId);
    assert_eq!(config.retention.raw, Some(chrono::TimeDelta::days(90)));
}

#[test]
fn the_example_file_equals_the_defaults_and_names_every_key() {
    let defaults = Config::load(None, [], |_| unreachable!("no secret is named")).unwrap();

    assert_eq!(load(EXAMPLE, &[]).unwrap(), defaults);
    let without_comments: String =
        EXAMPLE.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
    // Removing the commented channel section leaves blank lines.
    let without_gaps = without_comments.replace("\n\n\n", "\n\n");
    assert_eq!(without_gaps.trim_start(), defaults.to_masked_toml().unwrap());
}

#[test]
fn the_output_of_check_config_is_an_equal_configuration() {
    let odd = load("[database]\nurl = 'sqlite://a \"quoted\" \\ path.db'", &[]).unwrap();
    assert_eq!(load(&odd.to_masked_toml().unwrap(), &[]).unwrap(), odd);
}

#[test]
fn a_file_changes_what_it_names_and_nothing_else() {
    let config = load("[orders]\ntimezone = \"America/New_York\"\nnumber_missing = \"reject\"", &[]).unwrap();

    assert_eq!(config.orders.timezone.name(), "America/New_York");
    assert_eq!(config.orders.number_missing, NumberMissing::Reject);
    assert_eq!(config.orders.currency.code(), "USD");
}

#[test]
fn a_variable_wins_over_the_file() {
    let file = "[http]\nbind = \"127.0.0.1:1111\"";
    let config = load(file, &[("ROMS__HTTP__BIND", "127.0.0.1:2222"), ("PATH", "/bin")]).unwrap();
    assert_eq!(config.http.bind.port(), 2222);
}

#[test]
fn a_secret_can_be_read_from_a_file() {
    let read = |path: &Path| {
        assert_eq!(path, Path::new("/run/secrets/db"));
        Ok("sqlite://secret.db\r\n".to_owned())
    };
    let config = load_with_secret("", &[("ROMS__DATABASE__URL_FILE", "/run/secrets/db")], read).unwrap();
    assert_eq!(config.database.url.expose(), "sqlite://secret.db");
}

#[test]
fn an_unreadable_secret_file_is_reported_with_its_variable() {
    assert_eq!(
        refusal("", &[("ROMS__DATABASE__URL_FILE", "/nowhere")]),
        "environment variable ROMS__DATABASE__URL_FILE: cannot read the file it names: entity not found"
    );
}

#[test]
fn a_secret_given_twice_is_refused() {
    let env = [("ROMS__DATABASE__URL", "sqlite://a.db"), ("ROMS__DATABASE__URL_FILE", "/b")];
    assert_eq!(
        refusal("", &env),
        "environment variable ROMS__DATABASE__URL_FILE: ROMS__DATABASE__URL is set as well; unset one of the two"
    );
}

#[test]
fn every_problem_names_its_place_and_what_is_expected() {
    let cases = [
        ("[http]\nbnid = \"x\"", "config.toml:2:1: unknown key `bnid` in [http]; did you mean `bind`?"),
        ("[log]\nlevel = \"x\"", "config.toml:2:1: unknown key `level` in [log]; known here: filter, format"),
        ("\n[htpp]\nbind = \"x\"", "config.toml:2:2: unknown section [htpp]; did you mean `http`?"),
        ("http = 5", "config.toml:1:1: `http` is a section: write [http] on a line of its own"),
        ("[http]\n  bind = 8001", "config.toml:2:10: http.bind: expected a text in quotes, not integer"),
        (
            "[http]\nbind = \"localhost\"",
            "config.toml:2:8: http.bind: `localhost` is not an address with a port; expected one such as \
             127.0.0.1:8001 or [::1]:8001",
        ),
        (
            "[orders]\ntimezone = \"EST5\"",
            "config.toml:2:12: orders.timezone: `EST5` is not a time zone; expected an IANA name such as `UTC` or \
             `America/New_York`",
        ),
        (
            "[orders]\ncurrency = \"usd\"",
            "config.toml:2:12: orders.currency: `usd` is not a currency that ROMS can store; expected the ISO 4217 \
             code of one with at most two decimals, such as `USD` or `EUR`",
        ),
        (
            "[orders]\nnumber_missing = \"drop\"",
            "config.toml:2:18: orders.number_missing: `drop` is unknown; expected `message_id` or `reject`",
        ),
        (
            "[retention]\nraw_days = \"90\"",
            "config.toml:2:12: retention.raw_days: expected a whole number, without quotes, not string",
        ),
        (
            "[retention]\nraw_days = -1",
            "config.toml:2:12: retention.raw_days: expected a whole number from 0 to 36500",
        ),
        (
            "[log]\nformat = \"xml\"",
            "config.toml:2:10: log.format: `xml` is unknown; expected `pretty` or `json`",
        ),
        (
            "[database]\nurl = \"mysql://u:hunter2@h/d\"",
            "config.toml:2:7: database.url: not a database that ROMS knows; expected sqlite://PATH, such as \
             sqlite://roms_v2.db or sqlite:///var/lib/roms/roms.db, or postgres://USER:PASSWORD@HOST:PORT/DATABASE",
        ),
    ];
    for (file, expected) in cases {
        assert_eq!(refusal(file, &[]), expected, "for\n{file}");
    }
}

#[test]
fn a_database_on_several_hosts_is_shown_without_its_password() {
    let text = "postgres://u:hunter2@one:5432,two/roms?target_session_attrs=read-write&sslmode=require";
    let url: DatabaseUrl = text.parse().unwrap();
    assert_eq!(url.to_string(), "postgres://one:5432,two/roms");
    assert_eq!(
        url.hosts(),
        [
            "postgres://u:hunter2@one:5432/roms?sslmode=require",
            "postgres://u:hunter2@two/roms?sslmode=require"
        ]
    );
    for wrong in ["postgres://u:hunter2@one,/roms", "postgres://u:hunter2@one,two:x/roms"] {
        let refused = wrong.parse::<DatabaseUrl>().unwrap_err();
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}

#[test]
fn zero_days_of_retention_keep_messages_forever() {
    let never = load("[retention]\nraw_days = 0", &[]).unwrap();
    assert_eq!(never.retention.raw, None);
    assert_eq!(load(&never.to_masked_toml().unwrap(), &[]).unwrap(), never);
    let month = load("", &[("ROMS__RETENTION__RAW_DAYS", "30")]).unwrap();
    assert_eq!(month.retention.raw, Some(chrono::TimeDelta::days(30)));
}

#[test]
fn an_invalid_log_filter_is_refused_with_an_example() {
    let line = refusal("[log]\nfilter = \"info,sqlx=loud\"", &[]);
    assert!(line.starts_with("config.toml:2:10: log.filter: "), "{line}");
    assert!(line.ends_with("expected a level, then exceptions: `info,sqlx=warn`"), "{line}");
}

#[test]
fn an_unknown_variable_is_refused_by_name() {
    assert_eq!(
        refusal("", &[("ROMS__HTTP__BNID", "127.0.0.1:1")]),
        "environment variable ROMS__HTTP__BNID: no such setting; did you mean `ROMS__HTTP__BIND`?"
    );
    // Only secrets can be read from a file.
    assert!(
        refusal("", &[("ROMS__HTTP__BIND_FILE", "x")]).contains("ROMS__HTTP__BIND_FILE: no such setting")
    );
}

#[test]
fn a_variable_with_single_underscores_is_refused_with_the_right_name() {
    for name in ["ROMS_HTTP_BIND", "ROMS__HTTP_BIND", "ROMS_HTTP__BIND"] {
        assert_eq!(
            refusal("", &[(name, "127.0.0.1:1")]),
            format!(
                "environment variable {name}: no such setting; section and key are separated by two underscores: \
                 `ROMS__HTTP__BIND`"
            )
        );
    }
    assert!(refusal("", &[("ROMS_DATABASE_URL_FILE", "x")]).ends_with("`ROMS__DATABASE__URL_FILE`"));
    load("", &[("ROMS_VERSION", "1")]).expect("a variable of something else is ignored");
}

#[test]
fn a_value_in_place_of_a_section_is_reported_even_beside_a_variable() {
    let line = refusal("http = 5", &[("ROMS__HTTP__BIND", "127.0.0.1:1")]);
    assert!(line.starts_with("config.toml:1:1: `http` is a section"), "{line}");
    let report =
        load("[http]\nbind = 5", &[("ROMS__HTTP__HOSTS", "a b"), ("ROMS__LOG__FORMAT", "")]).unwrap_err();
    assert_eq!(report.lines().count(), 4, "{report}");
}

#[test]
fn an_address_that_others_can_reach_needs_tokens() {
    for bind in ["0.0.0.0:8001", "[::]:8001", "192.168.1.5:8001"] {
        assert!(load("", &[("ROMS__HTTP__BIND", bind)]).unwrap().http.requires_tokens(), "{bind}");
    }
    for bind in ["127.0.0.1:8001", "[::1]:8001"] {
        assert!(!load("", &[("ROMS__HTTP__BIND", bind)]).unwrap().http.requires_tokens(), "{bind}");
        let env = [("ROMS__HTTP__BIND", bind), ("ROMS__HTTP__REQUIRE_AUTH", "true")];
        assert!(load("", &env).unwrap().http.requires_tokens(), "{bind}");
    }
}

#[test]
fn origins_addresses_and_networks_are_checked() {
    let config = load(
        "[http]\norigins = [\"HTTP://LocalHost:3000/\", \"https://a.example:443\"]\n\
         public_url = \"https://orders.example.net/roms/\"\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]",
        &[],
    )
    .unwrap();
    assert_eq!(
        config.http.allowed_origins(),
        ["http://localhost:3000", "https://a.example", "https://orders.example.net"]
    );
    assert_eq!(config.http.base_url(), "https://orders.example.net/roms");
    assert_eq!(load(&config.to_masked_toml().unwrap(), &[]).unwrap(), config);
    for (key, value, expected) in [
        ("origins", "[\"localhost:3000\"]", "is not the origin of a page"),
        ("origins", "[\"http://localhost:3000/app\"]", "is not the origin of a page"),
        ("origins", "[\"*\"]", "is not the origin of a page"),
        ("public_url", "\"orders.example.net\"", "is not an address such as"),
        ("public_url", "\"https://a.example/?x=1\"", "is not an address such as"),
        ("trusted_proxies", "[\"proxy\"]", "is not an IP address or network"),
    ] {
        let line = refusal(&format!("[http]\n{key} = {value}"), &[]);
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn hosts_are_plain_names_in_any_case() {
    let listed = load("[http]\nhosts = [\"Orders.Example.net\", \"roms\"]", &[]).unwrap();
    assert_eq!(listed.http.hosts, ["orders.example.net", "roms"]);
    assert_eq!(load(&listed.to_masked_toml().unwrap(), &[]).unwrap(), listed);
    let variable = load("", &[("ROMS__HTTP__HOSTS", "orders.example.net, roms")]).unwrap();
    assert_eq!(variable.http.hosts, listed.http.hosts);

    for host in [
        "https://a.example",
        "a.example:443",
        "a.example/",
        "a example",
        " a",
        "",
        "a..b",
        "*.a",
        "bücher",
        "192.168.1.5",
    ] {
        assert_eq!(
            refusal(&format!("[http]\nhosts = [\"ok.example\", \"{host}\"]"), &[]),
            format!(
                "config.toml:2:24: http.hosts: `{host}` is not a plain host name; expected one such as \
                 `orders.example.net`, without scheme, port, path and spaces, and with `xn--` for letters \
                 other than a to z. IP addresses need not be listed"
            )
        );
    }
    assert_eq!(
        refusal("[http]\nhosts = \"a.example\"", &[]),
        "config.toml:2:9: http.hosts: expected a list in brackets, not string"
    );
}

#[test]
fn a_postgresql_address_is_shown_without_user_and_password() {
    for (url, shown) in [
        ("postgres://roms:hunter2@db.example:5433/orders", "postgres://db.example:5433/orders"),
        (
            "postgresql://roms:hunter2%40%2f@db.example/orders?sslmode=verify-full",
            "postgres://db.example/orders",
        ),
        ("postgres://hunter2:hunter2@[::1]/orders", "postgres://[::1]/orders"),
        ("postgres://roms:hunter2@%2Frun%2Fpostgresql/orders", "postgres://%2Frun%2Fpostgresql/orders"),
        ("postgres://roms:a@hunter2@db.example/orders", "postgres://db.example/orders"),
    ] {
        let config = load("", &[("ROMS__DATABASE__URL", url)]).unwrap();
        assert_eq!(config.database.url.expose(), url);
        assert_eq!(config.database.url.sqlite_path(), None);
        assert_eq!(config.database.url.to_string(), shown);
        assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
        let masked = config.to_masked_toml().unwrap();
        assert!(masked.contains(&format!("url = \"{shown}\"")) && !masked.contains("hunter2"), "{masked}");
    }
}

#[test]
fn an_unusable_postgresql_address_is_refused_with_what_is_expected() {
    for (url, expected) in [
        ("postgres://roms:hunter2@db.example", "names no database"),
        ("postgres://roms:hunter2@db.example/a/b", "names no database"),
        ("postgres://roms:123/hunter2@db", "names no database"),
        ("sqlite://roms:hunter2@db/orders", "no user and password"),
        ("postgres:///orders?application_name=hunter2", "names no host"),
        ("postgres://roms:hunter2@/orders", "not the address of a PostgreSQL database"),
        ("postgres://roms:hunter2/x@db/orders", "percent codes for special characters"),
        ("postgres://roms:hunter2#x@db/orders", "percent codes for special characters"),
        ("postgres://roms:hunter2?x@db/orders", "percent codes for special characters"),
        ("postgres://roms@db/orders?password=hunter2", "may stand only sslmode, sslrootcert"),
        (
            "postgres://roms@db/orders?sslmode=hunter2",
            "disable, allow, prefer, require, verify-ca, verify-full",
        ),
        ("postgres://roms:hunter2@db/orders?host=/run", "may stand only sslmode, sslrootcert"),
    ] {
        let line = refusal("", &[("ROMS__DATABASE__URL", url)]);
        assert!(line.starts_with("environment variable ROMS__DATABASE__URL: database.url: "), "{line}");
        assert!(line.contains(expected) && !line.contains("hunter2"), "{line}");
    }
}

#[test]
fn no_report_repeats_a_secret() {
    let secret = "hunter2";
    let files = [
        "[database]\nurl = hunter2",
        "[database]\nurl = \"mysql://u:hunter2@h/d\"",
        "[database]\nurl = \"hunter2",
        "[database]\nurl = [\"hunter2\"]",
        "[database]\nurl = \"sqlite://?key=hunter2\"",
        "[database]\nurl = \"a\"\nurl = \"hunter2\"",
    ];
    for file in files {
        let report = load(file, &[]).unwrap_err();
        assert!(report.contains("config.toml:"), "{report}");
        assert!(!report.contains(secret), "{report}");
    }
    let report = load("", &[("ROMS__DATABASE__URL", "mysql://u:hunter2@h/d")]).unwrap_err();
    assert!(!report.contains(secret), "{report}");
}

#[test]
fn all_problems_are_reported_at_once() {
    let file = "[http]\nbind = \"nowhere\"\n\n[orders]\ntimezone = \"Mars\"\ncurency = \"EUR\"\n";
    let report = load(file, &[("ROMS__LOG__FORMAT", "xml"), ("ROMS__NONE", "1")]).unwrap_err();

    let wrong = ["ROMS__LOG__FORMAT", "ROMS__NONE", "config.toml:2:8", "config.toml:5:12", "config.toml:6:1"];
    for place in wrong {
        assert!(report.contains(place), "{place} is missing in\n{report}");
    }
    assert_eq!(report.lines().count(), 1 + wrong.len(), "{report}");
}

#[test]
fn a_syntax_error_is_reported_with_its_place() {
    let line = refusal("[http]\nbind = ", &[]);
    assert!(line.starts_with("config.toml:2:"), "{line}");
    assert!(line.contains("this is not valid TOML"), "{line}");
}
