//! The paths that Rust code names, groups taken apart.

/// A path in the code: `std::fs::File`, or one part of `use std::{fs::File, io}`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// Its parts.
    pub(super) path: Vec<String>,
    /// The line of its last part, from 1.
    pub(super) line: usize,
    /// Whether it follows a dot.
    pub(super) is_method: bool,
    /// Whether it follows `use` or `extern crate`.
    is_import: bool,
}

impl Mention {
    /// Whether this names a path, and not a local variable, a field or a method.
    pub(super) fn is_path(&self) -> bool {
        !self.is_method && (self.is_import || self.path.len() > 1)
    }
}

struct Token {
    text: String,
    line: usize,
}

/// Every path in code without comments and texts.
pub(super) fn mentions(code: &str) -> Vec<Mention> {
    let tokens = tokens(code);
    let mut mentions = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_name(&tokens[at].text) {
            let before = at.checked_sub(1).map_or("", |before| &tokens[before].text);
            let first = mentions.len();
            let (is_method, is_import) = (before == ".", matches!(before, "use" | "crate"));
            at = read_path(&tokens, at, &[], &mut mentions);
            for mention in mentions.iter_mut().skip(first) {
                mention.is_method = is_method;
                mention.is_import = is_import;
            }
        } else {
            at += 1;
        }
    }
    mentions
}

/// Reads the path that begins at `at` and every path of its groups; gives what comes after.
fn read_path(tokens: &[Token], mut at: usize, prefix: &[String], mentions: &mut Vec<Mention>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut path = prefix.to_vec();
    let mut line = 0;
    while is_name(text(at)) {
        path.push(text(at).to_owned());
        line = tokens[at].line;
        at += 1;
        if text(at) != "::" {
            break;
        }
        at += 1;
        if text(at) == "{" {
            return read_group(tokens, at + 1, &path, mentions);
        }
    }
    mentions.push(Mention { path, line, is_method: false, is_import: false });
    at
}

/// Reads the paths of a group up to its closing brace.
fn read_group(tokens: &[Token], mut at: usize, prefix: &[String], mentions: &mut Vec<Mention>) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "}" => return at + 1,
            "as" => at += 2,
            name if is_name(name) => at = read_path(tokens, at, prefix, mentions),
            _ => at += 1,
        }
    }
    at
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names and numbers, `::`, and every other sign by itself.
fn tokens(code: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut joins = false;
    for c in code.chars() {
        let in_name = c.is_alphanumeric() || c == '_';
        match tokens.last_mut() {
            Some(last) if joins && in_name && !last.text.ends_with(':') => last.text.push(c),
            Some(last) if joins && c == ':' && last.text == ":" => last.text.push(c),
            _ if c.is_whitespace() => line += usize::from(c == '\n'),
            _ => tokens.push(Token { text: c.to_string(), line }),
        }
        joins = in_name || c == ':';
    }
    tokens
}

#[test]
fn groups_are_taken_apart() {
    let code = "use a::{b, c::{d as x, self},\n e};\nlet y = f::g(h).i();";
    let found: Vec<String> = mentions(code)
        .into_iter()
        .map(|mention| {
            format!(
                "{}{}@{}",
                if mention.is_method { "." } else { "" },
                mention.path.join("::"),
                mention.line
            )
        })
        .collect();
    let expected =
        ["use@1", "a::b@1", "a::c::d@1", "a::c::self@1", "a::e@2", "let@3", "y@3", "f::g@3", "h@3", ".i@3"];
    assert_eq!(found, expected);
}
