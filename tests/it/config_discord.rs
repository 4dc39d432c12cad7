//! `[discord]` and `[[discord.channels]]` as users see them.

use std::path::Path;

use chrono::TimeDelta;
use roms::config::{Discord, EXAMPLE, Token, Trust};

use crate::config::{load, load_with_secret, refusal};

const ID: &str = "1112223334445556667";

/// Loads a file in which `rest` follows a `[discord]` section with token and guild.
fn discord(rest: &str) -> Discord {
    let config = load(&with_guild(rest), &[]).unwrap_or_else(|report| panic!("{report}"));
    config.discord().expect("there is a token").clone()
}

fn with_guild(rest: &str) -> String {
    format!("[discord]\ntoken = \"abc.def-1_2\"\nguilds = [\"{ID}\"]\n{rest}")
}

/// The one problem of a channel section that begins on line 4 and has `rest` after its id.
fn refused_channel(rest: &str) -> String {
    refusal(&with_guild(&format!("[[discord.channels]]\nid = \"5\"\n{rest}")), &[])
}

#[test]
fn without_a_token_there_is_no_discord() {
    for file in
        ["", "[discord]\ntoken = \" \"", "[discord]\nguilds = [\"1\"]\n[[discord.channels]]\nid = \"2\""]
    {
        assert_eq!(load(file, &[]).unwrap().discord(), None, "for\n{file}");
    }
}

#[test]
fn a_token_alone_has_the_documented_defaults() {
    let config = load("", &[("ROMS__DISCORD__TOKEN", "abc.def")]).unwrap();

    let expected = Discord {
        token: Token::new("abc.def".to_owned()),
        api_url: None,
        guilds: Vec::new(),
        required: false,
        notice_channel: None,
        channels: Vec::new(),
    };
    assert_eq!(config.discord(), Some(&expected));
}

#[test]
fn the_token_can_be_read_from_a_file() {
    let read = |path: &Path| {
        assert_eq!(path, Path::new("/run/secrets/token"));
        Ok("abc.def\n".to_owned())
    };
    let env = [("ROMS__DISCORD__TOKEN_FILE", "/run/secrets/token")];
    let config = load_with_secret("", &env, read).unwrap();
    assert_eq!(config.discord().unwrap().token.expose(), "abc.def");
}

#[test]
fn every_key_but_the_channels_can_be_a_variable() {
    let env = [
        ("ROMS__DISCORD__TOKEN", "abc.def"),
        ("ROMS__DISCORD__API_URL", "http://127.0.0.1:4000/"),
        ("ROMS__DISCORD__GUILDS", "11, 12,"),
        ("ROMS__DISCORD__REQUIRED", "true"),
        ("ROMS__DISCORD__NOTICE_CHANNEL", "13"),
    ];
    let discord = load("[discord]\nguilds = [1]\nrequired = false", &env).unwrap().discord;

    assert_eq!(discord.api_url.as_deref(), Some("http://127.0.0.1:4000"));
    assert_eq!(discord.guilds, [11, 12]);
    assert!(discord.required);
    assert_eq!(discord.notice_channel, Some(13));

    for name in ["ROMS__DISCORD__CHANNELS", "ROMS__DISCORD__CHANNELS__0__ID"] {
        assert_eq!(
            refusal("", &[(name, "1")]),
            format!(
                "environment variable {name}: [[discord.channels]] can only be set in the configuration file"
            )
        );
    }
}

#[test]
fn ids_are_texts_or_integers() {
    let found = discord("notice_channel = 9223372036854775807\n[[discord.channels]]\nid = 42");
    assert_eq!(found.notice_channel, Some(i64::MAX));
    assert_eq!(found.channels[0].id, 42);
    assert_eq!(found.guilds, [1_112_223_334_445_556_667]);
}

#[test]
fn a_channel_needs_its_id_only() {
    let channel = discord("[[discord.channels]]\nid = \"5\"").channels.remove(0);

    assert_eq!((channel.id, channel.name.as_str()), (5, "5"));
    assert_eq!(channel.trust, Trust::Webhooks);
    assert!(channel.react);
    assert_eq!(channel.history, TimeDelta::days(7));
    assert_eq!(channel.edits, TimeDelta::days(3));
    assert!(!channel.forwarded && !channel.threads);
}

#[test]
fn a_channel_can_set_every_key() {
    let found = discord(
        "[[discord.channels]]\nid = 5\nname = \"checkouts\"\nreact = false\nhistory = \"12 hours\"\nedits = \"1 day\"\n\
         forwarded = true\nthreads = true\ntrust = { webhooks = [\"7\", 8], authors = [9] }\n\
         [[discord.channels]]\nid = 6\n[discord.channels.trust]\napplications = [10]",
    );

    let [first, second] = found.channels.as_slice() else { panic!("{:?}", found.channels) };
    assert_eq!(first.name, "checkouts");
    assert!(!first.react);
    assert_eq!(first.history, TimeDelta::hours(12));
    assert_eq!(first.edits, TimeDelta::days(1));
    assert!(first.forwarded && first.threads);
    let trust = Trust::Listed { webhooks: vec![7, 8], applications: Vec::new(), authors: vec![9] };
    assert_eq!(first.trust, trust);
    let trust = Trust::Listed { webhooks: Vec::new(), applications: vec![10], authors: Vec::new() };
    assert_eq!(second.trust, trust);
}

#[test]
fn history_is_a_time_span() {
    let cases = [
        ("7 days", TimeDelta::days(7)),
        ("30m", TimeDelta::minutes(30)),
        ("1day 12h", TimeDelta::hours(36)),
        ("0", TimeDelta::zero()),
    ];
    for (text, expected) in cases {
        let found = discord(&format!("[[discord.channels]]\nid = 5\nhistory = \"{text}\""));
        assert_eq!(found.channels[0].history, expected, "{text}");
    }
    for text in ["", "week", "-1 day", "7", "200 years", "99999999999999999999 days"] {
        assert_eq!(
            refused_channel(&format!("history = \"{text}\"")),
            format!(
                "config.toml:6:11: discord.channels.history: `{text}` is not a time span; expected one such as \
                 `7 days`, `12 hours` or `30m`; `0` is nothing"
            )
        );
    }
}

#[test]
fn every_problem_names_its_place_and_what_is_expected() {
    let id = "expected an id such as \"1112223334445556667\": in Discord, turn on Developer Mode, right-click, \
              Copy ID";
    let cases = [
        ("[discord]\ntokn = \"x\"", "2:1: unknown key `tokn` in [discord]; did you mean `token`?".to_owned()),
        (
            "[discord]\nrequired = \"true\"",
            "2:12: discord.required: expected true or false, without quotes, not string".to_owned(),
        ),
        (
            "[discord]\nguilds = \"5\"",
            "2:10: discord.guilds: expected a list in brackets, not string".to_owned(),
        ),
        ("[discord]\nguilds = [1, 0]", format!("2:14: discord.guilds: {id}")),
        ("[discord]\nguilds = [\"-4\"]", format!("2:11: discord.guilds: {id}")),
        ("[discord]\nguilds = [9223372036854775808]", format!("2:11: discord.guilds: {id}")),
        ("[discord]\nnotice_channel = \"#orders\"", format!("2:18: discord.notice_channel: {id}")),
        (
            "[discord]\nchannels = 5",
            "2:1: `discord.channels` is a section: write [[discord.channels]] on a line of its own"
                .to_owned(),
        ),
        (
            "[discord.channels]\nid = 5",
            "1:10: `discord.channels` is a section: write [[discord.channels]] on a line of its own"
                .to_owned(),
        ),
        (
            "[[discord.channels]]\nid = 5",
            "1:1: discord.channels: a channel is watched only if its guild is listed: set `guilds` under \
             [discord] to the ids of your guilds"
                .to_owned(),
        ),
    ];
    for (file, expected) in cases {
        assert_eq!(refusal(file, &[]), format!("config.toml:{expected}"), "for\n{file}");
    }
}

#[test]
fn a_channel_is_refused_at_its_place() {
    let trust = "expected \"webhooks\", or ids as in { webhooks = [\"1112223334445556667\"] }; `applications` \
                 and `authors` can be listed as well";
    let cases = [
        ("histroy = \"1d\"", "6:1: unknown key `histroy` in [[discord.channels]]; did you mean `history`?".to_owned()),
        ("react = 1", "6:9: discord.channels.react: expected true or false, without quotes, not integer".to_owned()),
        ("name = 5", "6:8: discord.channels.name: expected a text in quotes, not integer".to_owned()),
        ("trust = \"all\"", format!("6:9: discord.channels.trust: `all` is unknown; {trust}")),
        ("trust = {}", format!("6:9: discord.channels.trust: it is empty; {trust}")),
        (
            "trust = { authors = [] }",
            format!("6:9: discord.channels.trust: it is empty; {trust}"),
        ),
        (
            "trust = { users = [1], authors = [2] }",
            "6:11: unknown key `users` in [discord.channels.trust]; known here: webhooks, applications, authors"
                .to_owned(),
        ),
        ("[[discord.channels]]\nid = 5", "6:1: discord.channels: 5 is listed twice".to_owned()),
        ("[[discord.channels]]\nname = \"x\"", "6:1: discord.channels: `id` is missing".to_owned()),
    ];
    for (rest, expected) in cases {
        assert_eq!(refused_channel(rest), format!("config.toml:{expected}"), "for\n{rest}");
    }
}

#[test]
fn all_problems_of_channels_are_reported_at_once() {
    let file = with_guild("[[discord.channels]]\nid = 0\nreact = 1\n[[discord.channels]]\nid = \"x\"");
    let report = load(&file, &[]).unwrap_err();
    for place in ["config.toml:5:6: ", "config.toml:6:9: ", "config.toml:8:6: "] {
        assert!(report.contains(place), "{place} is missing in\n{report}");
    }
}

#[test]
fn the_address_of_the_api_is_https_or_on_this_machine() {
    let taken =
        ["https://discord.example", "http://localhost:4000", "http://127.0.0.1:4000", "http://[::1]:4000"];
    for url in taken {
        assert_eq!(discord(&format!("api_url = \"{url}/\"")).api_url.as_deref(), Some(url));
    }
    let refused =
        ["discord.example", "ftp://discord.example", "https://", "https://me:hunter2@discord.example"];
    for url in refused {
        let line = refusal(&with_guild(&format!("api_url = \"{url}\"")), &[]);
        assert!(line.starts_with("config.toml:4:11: discord.api_url: "), "{line}");
        assert!(line.contains("expected an address such as https://discord.example"), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }
    for url in ["http://discord.example", "http://10.0.0.1:4000", "http://localhost.example"] {
        let line = refusal(&with_guild(&format!("api_url = \"{url}\"")), &[]);
        assert!(line.contains("plain http would send the token readable"), "{line}");
    }
}

#[test]
fn the_token_is_never_shown() {
    let secret = "hunter2";
    let files = [
        "[discord]\ntoken = \"Bot hunter2\"",
        "[discord]\ntoken = [\"hunter2\"]",
        "[discord]\ntoken = hunter2",
        "[discord]\nguilds = [\"hunter2\"]",
        "[discord]\nnotice_channel = \"hunter2\"",
    ];
    for file in files {
        let report = load(file, &[]).unwrap_err();
        assert!(report.contains("config.toml:2:"), "{report}");
        assert!(!report.contains(secret), "{report}");
    }
    let config = load("", &[("ROMS__DISCORD__TOKEN", secret)]).unwrap();
    assert!(!config.to_masked_toml().unwrap().contains(secret));
    assert!(!format!("{config:?}").contains(secret));
}

#[test]
fn the_output_of_check_config_keeps_the_discord_section() {
    let file = format!(
        "[discord]\ntoken = \"***\"\napi_url = \"https://discord.example\"\nguilds = [1, 2]\nrequired = true\n\
         notice_channel = \"3\"\n\
         [[discord.channels]]\nid = {ID}\nname = \"a \\\"b\\\"\"\nhistory = \"90m\"\nreact = false\n\
         [[discord.channels]]\nid = 5\nhistory = \"0\"\nforwarded = true\ntrust = {{ authors = [6, 7] }}\n"
    );
    let config = load(&file, &[]).unwrap();
    let shown = config.to_masked_toml().unwrap();

    assert_eq!(load(&shown, &[]).unwrap(), config, "{shown}");
    assert!(shown.contains(&format!("[[discord.channels]]\nid = \"{ID}\"\n")), "{shown}");
}

#[test]
fn check_config_shows_guilds_and_channels_without_a_token() {
    let file = "[discord]\nguilds = [1]\n[[discord.channels]]\nid = 5\n";
    let shown = load(file, &[]).unwrap().to_masked_toml().unwrap();
    assert!(shown.contains("token = \"\"\n") && shown.contains("guilds = [\"1\"]\n"), "{shown}");
    assert!(shown.contains("[[discord.channels]]\nid = \"5\"\n"), "{shown}");
}

#[test]
fn the_channel_of_the_example_file_shows_the_defaults() {
    let example: Vec<_> = EXAMPLE
        .lines()
        .skip_while(|line| *line != "# [[discord.channels]]")
        .take_while(|line| line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| !line.starts_with('#'))
        .collect();

    let shown = discord(&example.join("\n"));
    assert_eq!(shown, discord(&format!("[[discord.channels]]\nid = \"{ID}\"")));
    let names: Vec<_> = example.iter().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["id", "name", "trust", "react", "history", "edits", "forwarded", "threads"]);
}
