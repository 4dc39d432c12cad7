//! Rust source without what is no code.

/// The source with every comment and the content of every text replaced by spaces, so that what
/// remains is code, on the lines where it stood.
pub(super) fn blank_comments_and_texts(source: &str) -> String {
    let mut rest: Vec<char> = source.chars().rev().collect();
    let mut code = String::with_capacity(source.len());
    while let Some(c) = rest.pop() {
        match (c, rest.last().copied()) {
            ('/', Some('/')) => blank_while(&mut rest, &mut code, |c| c != '\n'),
            ('/', Some('*')) => blank_block_comment(&mut rest, &mut code),
            ('"', _) => blank_text(&mut rest, &mut code),
            ('r', Some('"' | '#')) if !ends_in_name(&code) => blank_raw_text(&mut rest, &mut code),
            ('\'', Some(_)) => blank_character(&mut rest, &mut code),
            _ => code.push(c),
        }
    }
    code
}

fn ends_in_name(code: &str) -> bool {
    // A `b` before the `r` of a raw byte text is no name.
    let before = code.strip_suffix('b').unwrap_or(code);
    before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

fn blank(c: char) -> char {
    if c == '\n' { '\n' } else { ' ' }
}

fn blank_while(rest: &mut Vec<char>, code: &mut String, more: impl Fn(char) -> bool) {
    while let Some(c) = rest.pop_if(|c| more(*c)) {
        code.push(blank(c));
    }
}

/// Block comments nest.
fn blank_block_comment(rest: &mut Vec<char>, code: &mut String) {
    let mut depth = 1;
    rest.pop();
    while let Some(c) = rest.pop() {
        code.push(blank(c));
        match (c, rest.last()) {
            ('/', Some('*')) => depth += 1,
            ('*', Some('/')) => depth -= 1,
            _ => continue,
        }
        rest.pop();
        if depth == 0 {
            return;
        }
    }
}

fn blank_text(rest: &mut Vec<char>, code: &mut String) {
    code.push('"');
    while let Some(c) = rest.pop() {
        match c {
            '"' => break,
            '\\' => code.extend(rest.pop().map(blank)),
            _ => code.push(blank(c)),
        }
    }
    code.push('"');
}

/// After the `r`: `"…"`, `#"…"#`, `##"…"##`; a raw name such as `r#type` is let through.
fn blank_raw_text(rest: &mut Vec<char>, code: &mut String) {
    let hashes = rest.iter().rev().take_while(|c| **c == '#').count();
    if rest.iter().rev().nth(hashes) != Some(&'"') {
        code.push('r');
        return;
    }
    rest.truncate(rest.len() - hashes - 1);
    code.push('"');
    while let Some(c) = rest.pop() {
        if c == '"' && rest.iter().rev().take(hashes).filter(|c| **c == '#').count() == hashes {
            rest.truncate(rest.len() - hashes);
            break;
        }
        code.push(blank(c));
    }
    code.push('"');
}

/// After a `'`: a character, or else the name of a lifetime, which is code.
fn blank_character(rest: &mut Vec<char>, code: &mut String) {
    let ahead = |at: usize| rest.len().checked_sub(at + 1).and_then(|index| rest.get(index)).copied();
    if ahead(0) == Some('\\') {
        // The escaped character itself may be a quote.
        rest.pop();
        rest.pop();
        blank_while(rest, code, |c| c != '\'');
        rest.pop();
    } else if ahead(1) == Some('\'') {
        rest.pop();
        rest.pop();
    }
    code.push(' ');
}

#[test]
fn only_code_remains() {
    let cases = [
        ("a // b", "a"),
        ("a /* b /* c */ \n */ d", "ad"),
        (r#"f("x \" y", z)"#, r#"f("",z)"#),
        ("r#\"a \" b\"# + br\"c\\\" + d", r#"""+b""+d"#),
        (r"g('a', '\'', '\u{7f}', h)", "g(,,,h)"),
        ("&'a x", "&ax"),
        ("r#type for x", "r#typeforx"),
    ];
    for (source, expected) in cases {
        let code = blank_comments_and_texts(source);
        assert_eq!(code.split_whitespace().collect::<String>(), expected, "{source}");
        assert_eq!(code.lines().count(), source.lines().count(), "{source}");
    }
}
