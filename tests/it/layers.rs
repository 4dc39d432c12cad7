//! Tests the rules of the source tree that the compiler does not know: which module may import
//! which, and where each library may be used. `src/lib.rs` explains the layers.
//!
//! Each file is split into tokens, so comments and strings do not count, and macro bodies do.

use std::{
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The layers from top to bottom, and the modules in each. Imports point down or stay in the layer.
const LAYERS: [&[&str]; 5] = [
    &["main", "cli", "app", "telemetry", "shutdown"],
    EDGES,
    &["ingest", "outbox"],
    &["store", "feed", "export", "status", "metrics", "chart", "clock", "sign_in"],
    PURE,
];

/// Modules that speak a protocol. They never import each other.
const EDGES: &[&str] = &["discord", "http"];

/// Modules without I/O, async code or clocks, except in their unit tests.
const PURE: &[&str] = &["card", "order", "files", "config", "redact", "log_limit", "token", "webhook"];

/// Libraries that only some modules may use. `tower` stands for `tower_http` and so on, too.
const LIBRARY_HOMES: [(&[&str], &[&str]); 8] = [
    (&["serenity", "poise", "oauth2"], &["discord"]),
    (&["axum", "tower", "utoipa", "hyper", "askama"], &["http"]),
    (&["sea_orm", "sea_query_sqlx", "sqlx"], &["store"]),
    (&["clap"], &["cli", "main"]),
    (&["csv"], &["export", "files"]),
    (&["rust_xlsxwriter"], &["export"]),
    (&["calamine", "encoding_rs", "zip"], &["files"]),
    (&["metrics_exporter_prometheus"], &["metrics"]),
];

/// Libraries that pure modules must not use, and why. Addresses of `std::net` are plain values and allowed.
const IMPURE: [(&[&str], &str); 13] = [
    (&["async"], "is async"),
    (&["await"], "is async"),
    (&["futures_util"], "is async"),
    (&["tokio"], "is async"),
    (&["tokio_util"], "is async"),
    (&["std", "env"], "reads the environment"),
    (&["std", "fs"], "is I/O"),
    (&["std", "net", "TcpListener"], "is I/O"),
    (&["std", "net", "TcpStream"], "is I/O"),
    (&["std", "net", "ToSocketAddrs"], "is I/O"),
    (&["std", "net", "UdpSocket"], "is I/O"),
    (&["std", "process"], "starts or ends processes"),
    (&["std", "thread"], "starts threads or waits"),
];

/// Files that may use something impure, and why.
const EXCEPTIONS: [(&str, &str); 1] = [
    // multer only has an async interface. All bytes are in memory, so `now_or_never` never waits.
    ("src/card/decode/form.rs", "futures_util"),
];

#[test]
fn the_source_tree_follows_its_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "migration/src", "tests", "benches", "examples", "fuzz/src", "fuzz/fuzz_targets"];
    let files: Vec<PathBuf> = folders.iter().flat_map(|folder| rust_files(&root.join(folder))).collect();
    assert!(files.len() > 100, "the source files are missing");
    let violations: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let name = file.strip_prefix(root).unwrap().to_str().unwrap();
            violations(name, &fs::read_to_string(file).unwrap())
        })
        .collect();
    assert!(violations.is_empty(), "broken rules:\n{}", violations.join("\n"));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The rules that a file breaks, as `file:line: rule`.
fn violations(file: &str, text: &str) -> Vec<String> {
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    // The path of the module inside the crate: `src/discord/rest.rs` is `discord`, `rest`.
    let module: Option<Vec<String>> = file
        .strip_prefix("src/")
        .filter(|file| *file != "lib.rs")
        .map(|file| file.trim_end_matches(".rs").split('/').map(str::to_owned).collect());
    let mut broken = Vec::new();
    if !text.starts_with("//!") {
        broken.push((1, "a file begins with a `//!` header that says what it is for".to_owned()));
    }
    for path in paths(tokens, &CodePath::default()) {
        let rule = if path.parts == ["allow"] && path.in_attribute {
            Some("use `#[expect(…, reason = \"…\")]` instead of `#[allow]`".to_owned())
        } else {
            module.as_ref().and_then(|module| broken_rule(file, module, &path))
        };
        broken.extend(rule.map(|rule| (path.line, rule)));
    }
    broken.into_iter().map(|(line, rule)| format!("{file}:{line}: {rule}")).collect()
}

fn broken_rule(file: &str, module: &[String], path: &CodePath) -> Option<String> {
    let top = module.first()?.as_str();
    let Some(layer) = layer_of(top) else { return Some(format!("`{top}` is in no layer: add it to LAYERS")) };

    if let Some(inner) = path.inside_crate(module) {
        return match inner.first().map(String::as_str) {
            None if path.is_open => Some("import modules, not the crate root, by name".to_owned()),
            None => None,
            Some(other) if other == top => None,
            Some(other) if EDGES.contains(&top) && EDGES.contains(&other) => {
                Some(format!("edges never import each other: `{top}` uses `{other}`"))
            }
            Some(other) => match layer_of(other) {
                None => Some(format!("`{other}` is in no layer: name the module where it is defined")),
                Some(others) => {
                    (others < layer).then(|| format!("imports point down: `{other}` is above `{top}`"))
                }
            },
        };
    }

    let library = path.parts.first()?;
    let is_home_of = |name: &&str| library == name || library.starts_with(&format!("{name}_"));
    if path.is_import || path.parts.len() > 1 {
        let homes = LIBRARY_HOMES.iter().find(|(libraries, _)| libraries.iter().any(is_home_of));
        if let Some((_, homes)) = homes.filter(|(_, homes)| !homes.contains(&top)) {
            return Some(format!("`{library}` is used only in {}", homes.join(" and ")));
        }
    }

    if !PURE.contains(&top) || path.in_tests || EXCEPTIONS.contains(&(file, library)) {
        return None;
    }
    if path.parts.len() > 1 && path.parts.ends_with(&["now".to_owned()]) {
        return Some(format!("`{top}` is pure, and `{}` reads a clock", path.parts.join("::")));
    }
    // `core` and `std` count as one library. After `use std::net;`, the code can name anything in it.
    let hides_rest = path.is_open || path.is_import;
    let library = if library == "core" { "std" } else { library };
    let parts: Vec<&str> =
        std::iter::once(library).chain(path.parts[1..].iter().map(String::as_str)).collect();
    let (name, why) = IMPURE
        .iter()
        .find(|(name, _)| parts.starts_with(name) || (hides_rest && name.starts_with(&parts)))?;
    Some(format!("`{top}` is pure, and `{}` {why}", name.join("::")))
}

/// 0 is the top.
fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// A path in code: `std::fs::File`, or one branch of `use std::{fs::File, io}`.
#[derive(Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts about one path")]
struct CodePath {
    parts: Vec<String>,
    /// The line of its last part.
    line: usize,
    /// Whether it stands in a `use` or an `extern crate`.
    is_import: bool,
    in_attribute: bool,
    /// Whether it stands in an item with `#[cfg(test)]`.
    in_tests: bool,
    /// Whether it ends in `*` or is renamed with `as`: then the code uses more than the path tells.
    is_open: bool,
    /// How many `mod name { … }` of its file are around it.
    inline_modules: usize,
}

impl CodePath {
    /// The path from the crate root, if it begins with `crate`, `super` or `self`.
    fn inside_crate(&self, file_module: &[String]) -> Option<Vec<String>> {
        let mut from_root = match self.parts.first()?.as_str() {
            "crate" | "roms" => Vec::new(),
            "self" | "super" => [file_module, &vec![String::new(); self.inline_modules]].concat(),
            _ => return None,
        };
        for part in &self.parts {
            match part.as_str() {
                "crate" | "roms" | "self" => {}
                "super" => drop(from_root.pop()),
                _ => from_root.push(part.clone()),
            }
        }
        Some(from_root)
    }
}

/// All paths in the tokens, each branch of a `use` group on its own. `around` is the path in front of
/// a `use` group, and empty elsewhere.
fn paths(tokens: TokenStream, around: &CodePath) -> Vec<CodePath> {
    let mut found: Vec<CodePath> = Vec::new();
    let mut path: Option<CodePath> = None;
    let mut context = around.clone();
    let (mut colons, mut is_attribute, mut is_module, mut is_test) = (0, false, false, false);
    for token in tokens {
        let continues = colons == 2;
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                colons += 1;
                continue;
            }
            TokenTree::Ident(ident) => {
                let name = ident.to_string().trim_start_matches("r#").to_owned();
                let mut current = path.take_if(|_| continues).unwrap_or_else(|| context.clone());
                found.extend(path.take().map(|path| CodePath { is_open: name == "as", ..path }));
                context.is_import |= matches!(name.as_str(), "use" | "extern");
                is_module |= name == "mod";
                current.line = ident.span().start().line;
                current.parts.extend(Some(name).filter(|name| name != "self" || current.parts.is_empty()));
                path = Some(current);
            }
            TokenTree::Group(group) => {
                let before = path.take();
                let is_use_group = continues && group.delimiter() == Delimiter::Brace;
                let inside = before.clone().filter(|_| is_use_group).unwrap_or_else(|| CodePath {
                    in_attribute: context.in_attribute || is_attribute,
                    in_tests: context.in_tests || is_test,
                    inline_modules: context.inline_modules + usize::from(is_module),
                    ..CodePath::default()
                });
                found.extend(before.filter(|_| !is_use_group));
                found.extend(paths(group.stream(), &inside));
                is_test = if is_attribute {
                    is_test || group.stream().to_string().replace(' ', "") == "cfg(test)"
                } else {
                    is_test && group.delimiter() != Delimiter::Brace
                };
                (is_attribute, is_module) = (false, false);
            }
            TokenTree::Punct(punct) => {
                let is_glob = punct.as_char() == '*' && (continues || !around.parts.is_empty());
                let globbed = path.take().or_else(|| is_glob.then(|| context.clone()));
                found.extend(globbed.map(|path| CodePath { is_open: is_glob, ..path }));
                is_attribute = punct.as_char() == '#' || (is_attribute && punct.as_char() == '!');
                context.is_import = around.is_import || (context.is_import && punct.as_char() != ';');
                is_module &= punct.as_char() != ';';
                is_test &= punct.as_char() != ';';
            }
            TokenTree::Literal(_) => found.extend(path.take()),
        }
        colons = 0;
    }
    found.extend(path);
    found
}

#[test]
fn each_rule_finds_what_breaks_it() {
    let cases = [
        ("src/store.rs", "use serenity::all::Http;", "`serenity` is used only in discord"),
        ("src/app.rs", "use tower_http::limit::RequestBodyLimitLayer;", "`tower_http` is used only in http"),
        ("src/app.rs", "extern crate axum as web;", "`axum` is used only in http"),
        ("src/app.rs", "#[poise::command]\nfn f() {}", "`poise` is used only in discord"),
        ("src/ingest/writer.rs", "fn f() -> sea_orm::DbErr {}", "`sea_orm` is used only in store"),
        ("src/ingest/writer.rs", "fn f() { x as sqlx::Id }", "`sqlx` is used only in store"),
        ("src/app.rs", "use r#clap::Parser;", "`clap` is used only in cli and main"),
        ("src/order/merge.rs", "use crate::store::Store;", "`store` is above `order`"),
        (
            "src/order/merge.rs",
            "macro_rules! m { () => { $crate::store::get() } }",
            "`store` is above `order`",
        ),
        ("src/store/orders.rs", "use crate::{feed::Feed, http::Reply};", "`http` is above `store`"),
        ("src/ingest.rs", "type T = crate::{self as x, app::App};", "import modules, not the crate root"),
        ("src/ingest.rs", "use crate::*;", "import modules, not the crate root"),
        ("src/ingest.rs", "use super::{feed, *};", "import modules, not the crate root"),
        ("src/ingest.rs", "use crate as root;", "import modules, not the crate root"),
        ("src/order/status.rs", "use super::super::ingest::Ingest;", "`ingest` is above `order`"),
        ("src/order/status.rs", "mod a { use super::super::super::http::X; }", "`http` is above `order`"),
        ("src/ingest.rs", "use self::super::cli::Cli;", "`cli` is above `ingest`"),
        ("src/http/live.rs", "use crate::discord::Gateway;", "edges never import each other"),
        ("src/new.rs", "fn f() {}", "`new` is in no layer"),
        ("src/order.rs", "use crate::Store;", "`Store` is in no layer"),
        ("src/card/parse.rs", "use tokio::sync::mpsc;", "`tokio` is async"),
        ("src/card/parse.rs", "async fn f() {}", "`async` is async"),
        ("src/card/parse.rs", "m!(x.await)", "`await` is async"),
        ("src/card/parse.rs", "use futures_util::StreamExt;", "`futures_util` is async"),
        ("src/config.rs", "use std::{io, fs::File};", "`std::fs` is I/O"),
        ("src/config.rs", "use std::{\n    io,\n    env,\n};", "`std::env` reads the environment"),
        ("src/config.rs", "use core::net::ToSocketAddrs;", "`std::net::ToSocketAddrs` is I/O"),
        ("src/config.rs", "use std::net::*;", "`std::net::TcpListener` is I/O"),
        ("src/config.rs", "use std::net;", "`std::net::TcpListener` is I/O"),
        ("src/config.rs", "use std as s;", "`std::env` reads the environment"),
        ("src/card.rs", "let now = chrono::Utc::now();", "`chrono::Utc::now` reads a clock"),
        ("src/card.rs", "#[cfg(test)] mod a {} fn f() { Utc::now() }", "`Utc::now` reads a clock"),
        ("src/card.rs", "#[cfg(test)] mod a; fn f() { Utc::now() }", "`Utc::now` reads a clock"),
        ("src/http.rs", "#[allow(dead_code)]\nfn f() {}", "instead of `#[allow]`"),
        ("tests/it/cards.rs", "#![cfg_attr(test, allow(dead_code))]", "instead of `#[allow]`"),
    ];
    for (file, code, rule) in cases {
        let found = violations(file, &format!("//! Header.\n{code}"));
        assert!(found.iter().any(|found| found.contains(rule)), "{file}: {code}: {found:?}");
    }
    assert!(
        violations("tests/it/a.rs", "// No header.")[0].starts_with("tests/it/a.rs:1: a file begins with")
    );
}

#[test]
fn code_that_follows_the_rules_passes() {
    let cases = [
        ("src/discord/gateway.rs", "use serenity::all::Http;\nuse crate::{ingest::Ingest, store::Store};"),
        ("src/card/parse.rs", "// tokio::spawn and crate::store\nconst A: &str = \"use tokio::fs;\";"),
        (
            "src/card/parse.rs",
            "/// See [`crate::ingest`].\nuse crate::order::{self, Order};\nuse super::message;",
        ),
        ("src/card/decode/form.rs", "use futures_util::FutureExt;"),
        ("src/config.rs", "use std::net::{IpAddr, SocketAddr};\npub(crate) fn f(now: Time) { now.x() }"),
        ("src/order.rs", "mod merge;\nfn f() { let tower = x.unwrap_or(1); }\nmod tests { use super::*; }"),
        ("src/order.rs", "#[cfg(test)] mod tests { use std::fs; #[test] fn f(a: B) { Utc::now() } }"),
        ("src/order/status.rs", "use super::Status;\nfn f() { allow(1) * super::ALL }"),
        ("src/ingest.rs", "use tokio::sync::mpsc;\nlet now = Utc::now();"),
        ("src/main.rs", "use clap::Parser;\nroms::cli::Cli::parse();"),
        ("src/lib.rs", "pub mod app;\npub use store::Store;"),
    ];
    for (file, code) in cases {
        assert_eq!(violations(file, &format!("//! Header.\n{code}")), [""; 0], "{file}: {code}");
    }
}

#[test]
fn a_violation_names_its_file_and_line() {
    let found = violations("src/order.rs", "//! Header.\nuse crate::{\n    redact,\n    store::Store,\n};");
    assert_eq!(found, ["src/order.rs:4: imports point down: `store` is above `order`"]);
}
