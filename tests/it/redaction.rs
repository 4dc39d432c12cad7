//! Hides credentials inside proxies, and nothing else.

use std::borrow::Cow;

use proptest::prelude::*;
use roms::redact::credentials;
use serde_json::{Value, json};

#[test]
fn credentials_are_hidden_in_every_form() {
    let cases = [
        ("http://user:secret@1.2.3.4:8080", "http://***@1.2.3.4:8080"),
        ("socks5h://user:secret@gate.example.io:1080/", "socks5h://***@gate.example.io:1080/"),
        ("http://secret@gate.example.io:8080", "http://***@gate.example.io:8080"),
        ("user:secret@gate.example.io:80", "***@gate.example.io:80"),
        ("user:secret@localhost:80", "***@localhost:80"),
        ("user:se@cr:et@1.2.3.4:80", "***@1.2.3.4:80"),
        ("1.2.3.4:80@user:secret", "1.2.3.4:80@***"),
        ("1.2.3.4:80:user:secret", "1.2.3.4:80:***"),
        ("1.2.3.4:80:user:se:cr@et", "1.2.3.4:80:***"),
        ("http://1.2.3.4:80:user:secret", "http://1.2.3.4:80:***"),
        ("http://gateway:80:user:secret", "http://gateway:80:***"),
        (
            "resi-edge.example.com:5959:user-zone_a-country-us;session=9x;ttl=10:secret",
            "resi-edge.example.com:5959:***",
        ),
        (
            "user-zone_a-country-us;session=9x:secret:resi-edge.example.com:5959",
            "***:resi-edge.example.com:5959",
        ),
        ("user:secret:1.2.3.4:80", "***:1.2.3.4:80"),
        ("me@mail.example:secret:1.2.3.4:80", "***:1.2.3.4:80"),
        ("[2001:db8::1]:80:user:secret", "[2001:db8::1]:80:***"),
        ("user:secret@[2001:db8::1]:80", "***@[2001:db8::1]:80"),
        ("Proxy: 1.2.3.4:80:user:secret", "Proxy: 1.2.3.4:80:***"),
        ("Proxy:1.2.3.4:80:user:secret", "Proxy:1.2.3.4:80:***"),
        ("proxy=1.2.3.4:80:user:secret", "proxy=1.2.3.4:80:***"),
        ("**1.2.3.4:80:user:secret**", "**1.2.3.4:80:***"),
        ("||user:secret@1.2.3.4:80||", "||***@1.2.3.4:80||"),
        ("Resi | http://user:secret@1.2.3.4:80/", "Resi | http://***@1.2.3.4:80/"),
        ("[proxy](http://user:secret@1.2.3.4:80)", "[proxy](http://***@1.2.3.4:80)"),
        (
            "http://x.example/?via=http://user:secret@1.2.3.4:80",
            "http://x.example/?via=http://***@1.2.3.4:80",
        ),
        (
            "1.2.3.4:80:user:secret,5.6.7.8:80:user:secret|user:secret@h.io:1\nuser:secret:h.io:2 a",
            "1.2.3.4:80:***,5.6.7.8:80:***|***@h.io:1\n***:h.io:2 a",
        ),
        (
            "Proxy Details\n\\1.2.3.4:80:user:secret\nEmail\na@b.c",
            "Proxy Details\n\\1.2.3.4:80:***\nEmail\na@b.c",
        ),
        ("1.2.3.4:80:secret", "1.2.3.4:80:***"),
        ("gate.example.io:8000:secret", "gate.example.io:8000:***"),
        ("1.2.3.4 80 user secret", "1.2.3.4 80 ***"),
        ("Resi: gate.example.io 8000 user secret", "Resi: gate.example.io 8000 ***"),
        ("gate.example.io\t8000\tuser\tsecret", "gate.example.io\t8000\t***"),
        ("gate.example.io|8000|user|secret", "gate.example.io|8000|***"),
        ("||gate.example.io|8000|user|secret||", "||gate.example.io|8000|***||"),
        ("gate.example.io | 8000 | user | secret", "gate.example.io | 8000 | ***"),
        ("gate.example.io,8000,user,secret", "gate.example.io,8000,***"),
        ("gate.example.io;8000;user;secret", "gate.example.io;8000;***"),
        ("gate.example.io 8000 user:secret", "gate.example.io 8000 ***"),
        ("gate.example.io:8000 user secret", "gate.example.io:8000 ***"),
        ("gate.example.io:8000|user|secret", "gate.example.io:8000|***"),
        ("gate.example.io:8000 user:secret", "gate.example.io:8000 ***"),
        ("user|secret|gate.example.io|8000", "***|gate.example.io|8000"),
        ("[2001:db8::1]|8000|user|secret", "[2001:db8::1]|8000|***"),
        ("1.2.3.4|80|user|secret 5.6.7.8|80|user|secret", "1.2.3.4|80|*** 5.6.7.8|80|***"),
        // Between two proxies, a login may belong to either one.
        ("1.2.3.4:8000|user|secret|5.6.7.8:8000", "1.2.3.4:8000|***|5.6.7.8:8000"),
        ("1.2.3.4,8000,user,secret,5.6.7.8,8000", "1.2.3.4,8000,***,5.6.7.8,8000"),
        ("user|secret|1.2.3.4|8000|user|secret|5.6.7.8|8000", "***|1.2.3.4|8000|***|5.6.7.8|8000"),
        // Below a label for proxies, a host needs no dot.
        ("Proxy: gateway 8000 user secret", "Proxy: gateway 8000 ***"),
        (
            "Proxy Used\n\\gateway|8000|user|secret\nEmail\na@b.c",
            "Proxy Used\n\\gateway|8000|***\nEmail\na@b.c",
        ),
        ("Proxies\ngateway:8000:secret\nother:8000:user:secret", "Proxies\ngateway:8000:***\nother:8000:***"),
        ("Proxy\nuser secret gateway 8000", "Proxy\n*** gateway 8000"),
        ("Proxy Password\nsecret\nEmail\na@b.c", "Proxy Password\n***\nEmail\na@b.c"),
        ("Proxy User: user", "Proxy User: ***"),
        ("Password: secret", "Password: ***"),
        ("**Pass**\nsecret\nEmail\na@b.c", "**Pass**\n***\nEmail\na@b.c"),
        ("account password\n123456", "account password\n***"),
        // An ambiguous proxy is hidden completely.
        ("us.er:1234:1.2.3.4:80", "***"),
        ("us.er:1234@gateway:80", "***"),
        ("me@mail.example:1234:1.2.3.4:80", "***"),
    ];
    for (text, shown) in cases {
        assert_eq!(credentials(text), shown, "{text}");
        assert_eq!(credentials(shown), shown, "{text}, again");
    }
}

#[test]
fn credentials_are_hidden_inside_json() {
    let message = json!({
        "content": "a\nuser:secret@1.2.3.4:80\t1.2.3.4:80:user:secret\r\n\"user:secret:h.io:80\"\\",
        "embeds": [{"fields": [{"name": "Proxy", "value": "||http://user:secret@1.2.3.4:80/||", "inline": true}]}],
        "nested": json!({"proxy": "1.2.3.4:80:user:sec\"ret"}).to_string(),
        "timestamp": "2026-01-31T05:56:00.123456+00:00",
    });
    let text = message.to_string();
    let shown = credentials(&text);
    let value: Value = serde_json::from_str(&shown).expect("it is still JSON");
    assert_eq!(value["content"], "a\n***@1.2.3.4:80\t1.2.3.4:80:***\r\n\"***:h.io:80\"\\");
    assert_eq!(value["embeds"][0]["fields"][0]["value"], "||http://***@1.2.3.4:80/||");
    assert_eq!(value["timestamp"], message["timestamp"]);
    assert!(!shown.contains("user"), "{shown}");
    let fields = json!({"embeds": [{"fields": [
        {"inline": true, "name": "Proxy Details", "value": "gateway 8000 user secret"},
        {"inline": true, "name": "Product", "value": "Topps 2025 Chrome Baseball"},
    ]}], "proxy_password": "secret", "proxy": "gateway|8000|user|secret\ngateway:8000:secret"});
    for text in [fields.to_string(), format!("{fields:#}")] {
        let shown = credentials(&text);
        let value: Value = serde_json::from_str(&shown).expect("it is still JSON");
        assert_eq!(value["embeds"][0]["fields"][0]["value"], "gateway 8000 ***");
        assert_eq!(value["embeds"][0]["fields"][1], fields["embeds"][0]["fields"][1]);
        assert_eq!(value["proxy"], "gateway|8000|***\ngateway:8000:***");
        assert_eq!(value["proxy_password"], "***");
    }
    let object = json!({
        "proxy": {"host": "gateway", "port": 8000, "username": "user", "password": "secret", "auth": null},
        "account": {"pass": true, "username": "me", "password": "secret", "pin": {"password": 1234}},
        "fields": [{"name": "Proxy", "value": "gateway:8000:secret"}, {"name": "User", "value": "alice#1"},
            {"name": "3DS", "value": "Pass"}, {"name": "Price", "value": "$5"}],
        "product": "Season Pass", "username": "Refract", "price": "1.00",
        "proxies": [{"auth": {"type": "basic"}, "host": "h", "pw": "secret", "username": "user"}, "other:80:secret"],
    });
    for text in [object.to_string(), format!("{object:#}")] {
        let shown: Value = serde_json::from_str(&credentials(&text)).expect("it is still JSON");
        let mut expected = object.clone();
        let logins = ["/proxy/username", "/proxy/password", "/account/password", "/account/pin/password"];
        for path in logins.into_iter().chain(["/proxies/0/pw", "/proxies/0/username"]) {
            *expected.pointer_mut(path).expect("a value") = json!("***");
        }
        expected["fields"][0]["value"] = json!("gateway:8000:***");
        expected["proxies"][1] = json!("other:80:***");
        assert_eq!(shown, expected);
    }
    let escaped = r#"{"proxy":"http:\/\/user:secret@1.2.3.4:80\/","other":"\u26a01.2.3.4:80:user:secret"}"#;
    let hidden = r#"{"proxy":"http:\/\/***@1.2.3.4:80\/","other":"\u26a01.2.3.4:80:***"}"#;
    assert_eq!(credentials(escaped), hidden);
}

#[test]
fn a_text_without_credentials_is_unchanged() {
    let texts = [
        "",
        "woozy_byes28@icloud.com",
        "Email: woozy_byes28@icloud.com, second@mail.example",
        "Email:woozy_byes28@icloud.com",
        "mailto:woozy_byes28@icloud.com",
        "Wealth Resi | http://resi-edge-pool.wealthproxies.com:5959/",
        "1.2.3.4:8080",
        "gate.example.io:8080",
        "05:56:00 PM",
        "2026-01-31T17:56:00Z 2026-01-31T17:56:00.123456+05:30",
        "#BBY01-807102506907",
        "||#200012-0018||",
        "<t:1700000000:f> <:tick:123456789012345678> <@123456789012345678> @everyone",
        "https://discord.com/channels/1112223334445556667/1112223334445556668",
        "https://www.bestbuy.com:443/site/a:b:c/1.p?skuId=1&ref=x:y#z",
        "https://medium.example/@someone/post-1",
        "Price: $1,299.99: 2: 3: 4",
        "fe80::1:2:3:4",
        "C:\\Users\\me: a: b: c",
        r#"{"a":1,"b":[2,3],"c":{"d":"e"}}"#,
        "Topps 2025 Chrome Baseball",
        "Dr.Who 2026 Glow Edition",
        "Pokemon|1999|Base|Set",
        "Proxy Details\nResi\nProduct\nTopps 2025 Chrome Baseball\nTopps|2025|Chrome|Baseball",
        "Proxy\nOculus 25 US Resi",
        "Product\nSeason Pass\nQuantity\n1",
        "3DS\nPass\nPrice\n$5",
        "Proxy: gate.example.io:8000, US",
        "src/main.rs:12:5",
        "Ends at 05:56:00, starts 31.01.2026:12:30",
    ];
    for text in texts {
        assert!(
            matches!(credentials(text), Cow::Borrowed(same) if same == text),
            "{text}: {}",
            credentials(text)
        );
    }
}

#[test]
fn every_payload_takes_linear_time() {
    // With a quadratic search, each of these would take minutes.
    for part in
        ["]:", "[", "@", "@[", "://", ":\\/\\/", "a@", "h.io:80:", ":@", "1.", "://a/@", "\\", "@h:80"]
    {
        let text = part.repeat(2_000_000 / part.len());
        assert!(credentials(&text).len() <= text.len());
    }
    for part in ["a 1000|", "a.b 1000|", "a.b|1000|c|d "] {
        assert!(!credentials(&format!("proxy {}", part.repeat(200_000 / part.len()))).is_empty());
    }
    let behind_a_path = format!("http://{}/{}", "a".repeat(1_000_000), "@".repeat(1_000_000));
    assert_eq!(credentials(&behind_a_path), behind_a_path);
}

/// Texts built from the parts of proxies.
fn any_text() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "user", "se-cr_et", "1.2.3.4", "h.io", "80", "65535", "123456", ":", "@", "://", ":\\/\\/", "http",
        "/", "|", ",", "\n", "\\n", "\\\"", "\"", "[", "]", "::1", "***", " ", "\\", "é", "\u{200b}", "🦀",
        ".", "-", "=", ";", "?", "Proxy", " 8000 ", "|8000|", "gateway", "\t", ": ",
    ]);
    prop_oneof![prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat()), any::<String>()]
}

/// A proxy with a login, as people write it.
#[derive(Clone, Debug)]
struct Proxy {
    text: String,
    host: String,
    user: String,
    password: String,
}

impl Proxy {
    fn new(form: &str, (user, password, host, port): Parts) -> Self {
        let port = port.to_string();
        let part = |c| match c {
            'H' => host.as_str().to_owned(),
            'P' => port.clone(),
            'U' => user.clone(),
            'S' => password.clone(),
            c => c.to_string(),
        };
        let text = form.chars().map(part).collect();
        Self { text, host, user, password }
    }

    fn is_told_by(&self, text: &str) -> bool {
        text.contains(&self.user) || text.contains(&self.password)
    }
}

/// The forms of a proxy, with `H`, `P`, `U` and `S` for host, port, user and secret.
pub(crate) const FORMS: [&str; 30] = [
    "http://U:S@H:P",
    "U:S@H:P",
    "H:P@U:S",
    "H:P:U:S",
    "U:S:H:P",
    "http://H:P:U:S",
    "socks5://U:S@H:P/",
    "H:P:S",
    "http://H:P:S",
    "H P U S",
    "H\tP\tU\tS",
    "H|P|U|S",
    "H | P | U | S",
    "H,P,U,S",
    "H, P, U, S",
    "H;P;U;S",
    "H P U:S",
    "H|P|U:S",
    "H:P U S",
    "H:P U:S",
    "H:P|U|S",
    "H:P|U:S",
    "H:P,U:S",
    "H:P;U:S",
    "U|S|H|P",
    "U,S,H,P",
    "U;S;H;P",
    "U:S|H:P",
    "U|S|H:P",
    "H|P|S",
];

/// A user, a password, a host and a port.
type Parts = (String, String, String, u16);

fn any_parts() -> impl Strategy<Value = Parts> {
    let host = prop_oneof!["[a-z]{2,8}\\.[a-z]{2,3}", "[1-9]\\.[1-9]\\.[1-9]\\.[1-9]"];
    ("[a-zA-Z][a-zA-Z0-9_=-]{5,30}", "[a-zA-Z][a-zA-Z0-9!#$%^&*+~-]{5,20}", host, 1000_u16..)
}

fn any_form() -> impl Strategy<Value = &'static str> {
    prop::sample::select(FORMS.to_vec())
}

fn any_proxy() -> impl Strategy<Value = Proxy> {
    (any_form(), any_parts()).prop_map(|(form, parts)| Proxy::new(form, parts))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn redacting_twice_changes_nothing(text in any_text()) {
        let once = credentials(&text).into_owned();
        prop_assert_eq!(credentials(&once), once.as_str());
    }

    #[test]
    fn every_user_and_password_is_hidden(
        proxy in any_proxy(),
        before in prop::sample::select(vec!["", "Proxy: ", "||", "{\"proxy\":\"", "a\n", "Proxy Details\n"]),
        after in prop::sample::select(vec!["", "||", "\"}", "\\n", "\nb"]),
    ) {
        let text = format!("{before}{}{after}", proxy.text);
        let shown = credentials(&text);
        prop_assert!(!proxy.is_told_by(&shown), "{text}: {shown}");
        prop_assert!(shown.contains(&proxy.host) && shown.starts_with(before) && shown.ends_with(after), "{text}: {shown}");
    }
    #[test]
    fn every_login_of_a_list_is_hidden(
        form in any_form(),
        separator in prop::sample::select(vec!["|", " | ", ",", ", ", ";", " ", "\t", "\n"]),
        before in prop::sample::select(vec!["", "Proxies: ", "{\"proxies\":\""]),
        (first, second) in (any_parts(), any_parts()),
    ) {
        let proxies = [Proxy::new(form, first), Proxy::new(form, second)];
        let text = format!("{before}{}{separator}{}", proxies[0].text, proxies[1].text);
        let shown = credentials(&text);
        for proxy in proxies {
            prop_assert!(!proxy.is_told_by(&shown), "{text}: {shown}");
        }
    }
}
