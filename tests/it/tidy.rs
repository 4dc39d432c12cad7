//! The house rules that the compiler does not know: what each floor may name, and how a file
//! looks. The tables are the rules; the tests at the end show that each of them bites.

mod paths;
mod source;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use paths::Mention;
use source::blank_comments_and_texts;

/// The floors from the top down, and the modules on each. Imports point down, or stay on a floor.
const FLOORS: [&[&str]; 5] = [
    &["main", "cli", "app", "telemetry", "shutdown"],
    EDGES,
    &["ingest"],
    &["store", "feed", "status", "chart", "clock"],
    PURE,
];

/// These never import each other.
const EDGES: &[&str] = &["discord", "http"];

/// No I/O, no async, no clock.
const PURE: &[&str] = &["card", "order", "config", "redact"];

/// Libraries that only some modules may name; a name also covers those it begins, so `tower` is
/// `tower_http` too.
const HOMES: [(&[&str], &[&str]); 4] = [
    (&["serenity", "poise"], &["discord"]),
    (&["axum", "tower", "utoipa", "hyper"], &["http"]),
    (&["sea_orm", "sqlx"], &["store"]),
    (&["clap"], &["cli", "main"]),
];

/// What pure modules must not name, and why.
const IMPURE: [(&[&str], &str); 13] = [
    (&["tokio"], "is async"),
    (&["tokio_util"], "is async"),
    (&["futures_util"], "is async"),
    (&["async"], "is async"),
    (&["await"], "is async"),
    (&["std", "fs"], "is I/O"),
    (&["std", "net"], "is I/O"),
    (&["std", "env"], "reads the surroundings"),
    (&["std", "process"], "reads the surroundings"),
    (&["Utc", "now"], "is a clock"),
    (&["Local", "now"], "is a clock"),
    (&["SystemTime", "now"], "is a clock"),
    (&["Instant", "now"], "is a clock"),
];

const LONGEST_FILE: usize = 1000;

/// A broken rule, and where.
struct Violation {
    file: PathBuf,
    line: usize,
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.rule)
    }
}

#[test]
fn the_house_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut violations = Vec::new();
    for folder in ["src", "migration/src", "tests", "benches", "examples", "docs", "fuzz"] {
        for file in files_under(&root.join(folder)) {
            let name = file.strip_prefix(root).expect("the file is in the repository");
            let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            violations.extend(match (extension, folder) {
                ("rs", "src") => check_source(name, &read(&file), true),
                ("rs", "migration/src") => check_source(name, &read(&file), false),
                ("rs", _) => check_allow(name, &blank_comments_and_texts(&read(&file))),
                ("md", _) => check_allow(name, &read(&file)),
                _ => Vec::new(),
            });
        }
    }
    let report: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(report.is_empty(), "the house rules are broken:\n{}", report.join("\n"));
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// All files in a folder and those below it, in a fixed order. A missing folder has none.
fn files_under(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
        .into_iter()
        .filter(|path| !path.ends_with("target"))
        .flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] })
        .collect()
}

/// Every rule for a file of production code; the floors only where `floors` says so.
fn check_source(file: &Path, text: &str, floors: bool) -> Vec<Violation> {
    let code = blank_comments_and_texts(text);
    let mut violations = check_form(file, text);
    violations.extend(check_allow(file, &code));
    if floors && file != Path::new("src/lib.rs") {
        violations.extend(check_floors(file, &code));
    }
    violations
}

fn check_form(file: &Path, text: &str) -> Vec<Violation> {
    let violation = |line, rule: &str| Violation { file: file.to_owned(), line, rule: rule.to_owned() };
    let mut violations = Vec::new();
    if !text.starts_with("//!") {
        violations.push(violation(1, "a file begins with a `//!` header that says what it is for"));
    }
    if text.lines().count() > LONGEST_FILE {
        violations
            .push(violation(LONGEST_FILE + 1, "a file has at most 300 lines: split it by what it does"));
    }
    violations
}

fn check_allow(file: &Path, code: &str) -> Vec<Violation> {
    let found = code.lines().enumerate().filter(|(_, line)| {
        let line: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        line.contains("#[allow(") || line.contains("#![allow(")
    });
    let rule = "a lint is set aside with `#[expect(…, reason = \"…\")]`, never with `allow`";
    found.map(|(at, _)| Violation { file: file.to_owned(), line: at + 1, rule: rule.to_owned() }).collect()
}

fn check_floors(file: &Path, code: &str) -> Vec<Violation> {
    let inside = file.strip_prefix("src").expect("a file of src").with_extension("");
    let names: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    let module = names.first().expect("a file has a name").as_ref();
    let violation = |line, rule| Violation { file: file.to_owned(), line, rule };
    let Some(floor) = floor_of(module) else {
        return vec![violation(1, format!("module `{module}` is on no floor: give it one in FLOORS"))];
    };

    let broken = |mention: &Mention| {
        broken_home(module, mention)
            .or_else(|| broken_floor(module, floor, names.len(), mention))
            .or_else(|| broken_purity(module, mention))
    };
    let code = if PURE.contains(&module) { without_unit_tests(code) } else { code };
    paths::mentions(code)
        .iter()
        .filter_map(|mention| Some(violation(mention.line, broken(mention)?)))
        .collect()
}

/// 0 is the top.
fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|modules| modules.contains(&module))
}

fn broken_home(module: &str, mention: &Mention) -> Option<String> {
    let library = mention.path.first().filter(|_| mention.is_path())?;
    let covers = |name: &&str| library == name || library.starts_with(&format!("{name}_"));
    let (_, homes) = HOMES.iter().find(|(libraries, _)| libraries.iter().any(covers))?;
    (!homes.contains(&module))
        .then(|| format!("`{library}` is named only in {}, not in `{module}`", homes.join(" and ")))
}

fn broken_floor(module: &str, floor: usize, depth: usize, mention: &Mention) -> Option<String> {
    let other = module_of_ours(depth, mention).filter(|other| *other != module)?;
    if EDGES.contains(&module) && EDGES.contains(&other) {
        return Some(format!("edges never import each other: `{module}` names `{other}`"));
    }
    (floor_of(other)? < floor).then(|| format!("imports point down only: `{other}` is above `{module}`"))
}

/// The module right below the root that a path leads to, by `crate::` or by enough `super::`.
fn module_of_ours(depth: usize, mention: &Mention) -> Option<&str> {
    let supers = mention.path.iter().take_while(|part| *part == "super").count();
    let at_root = match mention.path.first()?.as_str() {
        "crate" | "roms" => 1,
        _ if supers >= depth => supers,
        _ => return None,
    };
    mention.path.get(at_root).map(String::as_str)
}

fn broken_purity(module: &str, mention: &Mention) -> Option<String> {
    if !PURE.contains(&module) {
        return None;
    }
    if mention.path == ["unwrap"] && mention.is_method {
        return Some(format!("`{module}` is pure and total: no `.unwrap()`"));
    }
    let has = |name: &[&str]| mention.path.windows(name.len()).any(|part| part == name);
    let (name, why) = IMPURE.iter().find(|(name, _)| has(name))?;
    Some(format!("`{module}` is pure, and `{}` {why}", name.join("::")))
}

/// The code before the unit tests, which by custom stand last.
fn without_unit_tests(code: &str) -> &str {
    code.split_once("#[cfg(test)]\nmod ").map_or(code, |(before, _)| before)
}

/// The first rule that a file breaks, with its line.
fn first_violation(file: &str, text: &str) -> Option<(usize, String)> {
    let text = format!("//! Header.\n{text}");
    check_source(Path::new(file), &text, true).into_iter().next().map(|found| (found.line, found.rule))
}

#[test]
fn each_rule_catches_what_it_is_for() {
    let cases = [
        ("src/store.rs", "use serenity::all::Http;", "`serenity` is named only in discord"),
        ("src/app.rs", "use tower_http::limit::RequestBodyLimitLayer;", "`tower_http` is named only in http"),
        ("src/ingest/writer.rs", "fn f() -> sea_orm::DbErr {}", "`sea_orm` is named only in store"),
        ("src/app.rs", "use clap::Parser;", "`clap` is named only in cli and main"),
        ("src/merge.rs", "use crate::store::Store;", "`store` is above `merge`"),
        ("src/store/orders.rs", "use crate::{feed::Feed, http::Reply};", "`http` is above `store`"),
        ("src/ingest.rs", "type T = crate::{self as x, app::App};", "`app` is above `ingest`"),
        ("src/order/status.rs", "use super::super::ingest::Ingest;", "`ingest` is above `order`"),
        ("src/http/ws.rs", "use crate::discord::Gateway;", "edges never import each other"),
        ("src/new.rs", "", "`new` is on no floor"),
        ("src/parse.rs", "use tokio::sync::mpsc;", "`tokio` is async"),
        ("src/parse.rs", "async fn f() {}", "`async` is async"),
        ("src/config.rs", "use std::{io, fs::File};", "`std::fs` is I/O"),
        ("src/config.rs", "use std::{\n    io,\n    env,\n};", "`std::env` reads the surroundings"),
        ("src/message.rs", "let now = chrono::Utc::now();", "`Utc::now` is a clock"),
        ("src/parse/money.rs", "fn f(x: Option<u8>) { x.unwrap(); }", "no `.unwrap()`"),
        ("src/http.rs", "#[allow(dead_code)]\nfn f() {}", "`#[expect("),
    ];
    for (file, text, rule) in cases {
        let found = first_violation(file, text);
        assert!(found.as_ref().is_some_and(|(_, found)| found.contains(rule)), "{file}: {text}: {found:?}");
    }
}

#[test]
fn what_the_rules_allow_is_let_through() {
    let cases = [
        ("src/discord/gateway.rs", "use serenity::all::Http;\nuse crate::{ingest::Ingest, store::Store};"),
        ("src/parse.rs", "// tokio::spawn and crate::store\nconst A: &str = \"use tokio::fs; .unwrap()\";"),
        (
            "src/parse.rs",
            "/// See [`crate::ingest`].\nuse crate::order::{Order, Patch};\nuse super::message;",
        ),
        ("src/parse.rs", "fn f() {}\n\n#[cfg(test)]\nmod tests { fn g() { None::<u8>.unwrap(); } }"),
        ("src/order/status.rs", "use super::Order;\nlet tower = x.unwrap_or(1);"),
        ("src/ingest.rs", "use tokio::sync::mpsc;\nlet now = Utc::now();"),
        ("src/main.rs", "use clap::Parser;\nroms::cli::Cli::parse();"),
    ];
    for (file, text) in cases {
        assert_eq!(first_violation(file, text), None, "{file}: {text}");
    }
}

#[test]
fn a_violation_is_reported_on_its_own_line() {
    let found = first_violation("src/order.rs", "use crate::{\n    merge,\n    store::Store,\n};");
    assert_eq!(found.map(|(line, _)| line), Some(4));
}

#[test]
fn a_file_has_a_header_and_an_end() {
    let rule = |text: &str| check_form(Path::new("src/order.rs"), text).first().map(ToString::to_string);
    assert_eq!(rule(&"//! Header.\n".repeat(300)), None);
    assert!(rule("// Header.\n").is_some_and(|rule| rule.starts_with("src/order.rs:1: a file begins with")));
    assert!(rule(&"//! Header.\n".repeat(301)).is_some_and(|rule| rule.contains("at most 300 lines")));
}
