//! Hides the user and password of a proxy whose parts stand side by side, as in `host port user pass`.
//!
//! Such a list is easier to confuse with prose than `user:pass@host:port`: `shop.example 2026 holo pack` may be a
//! sentence. So the host must be an IP address, or a name in lower case with a usual port. Under a label that mentions
//! proxies, any host counts.
//!
//! Below, a *piece* is a line or a JSON string, and a *login* is a user and a password.

use std::borrow::Cow;

use super::{MASK, MAX_IPV6, is_dotted, is_host_char, is_ipv6, is_port};

/// Labels for a login inside the description of a proxy. A label that mentions proxies ends in one of them, as in
/// `Proxy Password`.
const LOGIN_LABELS: [&str; 9] =
    ["user", "username", "pass", "password", "passwd", "pw", "login", "auth", "credentials"];
/// Ends of labels for a password in any text.
const PASSWORD_LABEL_ENDS: [&str; 2] = ["password", "passwd"];
/// A label for a password that is also an everyday word.
const PASS: &str = "pass";
/// JSON keys whose value is a label: the name of an embed's field.
const NAME_KEYS: [&str; 3] = ["name", "title", "label"];
/// Parts of a list that are searched for the next proxy.
const MAX_LOOKAHEAD: usize = 16;
/// Maximum bytes of a label for the login of a proxy.
const MAX_LABEL: usize = 40;
/// Pieces of JSON between the name of an embed's field and its value.
const BETWEEN_NAME_AND_VALUE: [&str; 5] = ["name", "value", "inline", "true", "false"];

/// The meaning of a piece, as stated by the pieces before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// Nothing.
    None,
    /// It is a proxy.
    Proxy,
    /// It is the user or the password of a proxy.
    Login,
}

/// The meaning of the value of a label.
pub(crate) fn meaning(label: &str) -> Label {
    if is_login_label(label, Label::None) {
        Label::Login
    } else if names_proxy(label) {
        Label::Proxy
    } else {
        Label::None
    }
}

/// Hides logins in each line and each JSON string of a text. `outer` is the label of the whole text.
pub(crate) fn redact(text: &str, outer: Label) -> Cow<'_, str> {
    if !may_hold_login(text, outer) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::new();
    let mut changed = false;
    let mut label = outer;
    let mut json = JsonPosition::at_start(text, outer);
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(piece_length(rest));
        let hidden = match label {
            Label::Login if json.is_between_strings() => hide_number(piece),
            Label::Login => hide_whole(piece),
            label => redact_piece(piece, label),
        };
        changed |= hidden.is_some();
        shown.push_str(hidden.as_deref().unwrap_or(piece));
        label = json.label_behind(piece, behind, label, hidden.is_some());
        let (end, behind) = behind.split_at(piece_end_length(behind));
        shown.push_str(end);
        rest = behind;
    }
    if changed { Cow::Owned(shown) } else { Cow::Borrowed(text) }
}

/// A position in a text. If the text is JSON, it knows the objects and lists around it.
#[derive(Debug)]
struct JsonPosition {
    is_json: bool,
    in_string: bool,
    /// The label of the whole text.
    outer: Label,
    /// The labels of the objects and lists that are open here.
    open: Vec<Label>,
    /// Whether the next string is the value of one of [`NAME_KEYS`].
    is_behind_name_key: bool,
}

impl JsonPosition {
    fn at_start(text: &str, outer: Label) -> Self {
        let is_json = text.trim_start().starts_with(['{', '[']);
        Self { is_json, in_string: false, outer, open: Vec::new(), is_behind_name_key: false }
    }

    fn is_between_strings(&self) -> bool {
        self.is_json && !self.in_string
    }

    /// The label of the object or list around this position.
    fn around(&self) -> Label {
        self.open.last().copied().unwrap_or(self.outer)
    }

    /// Moves behind a piece. Returns the meaning of the next piece.
    fn label_behind(&mut self, piece: &str, behind: &str, label: Label, is_hidden: bool) -> Label {
        let mut label = label;
        if self.is_between_strings() {
            for c in piece.chars() {
                match c {
                    '{' | '[' => {
                        self.open.push(if label == Label::Proxy { label } else { self.around() });
                    }
                    '}' | ']' => {
                        self.open.pop();
                        label = self.around();
                    }
                    _ => {}
                }
            }
        }
        let value = json_value(behind);
        let is_name = value.is_some() || self.is_behind_name_key;
        let is_value = self.is_json && self.in_string && behind.starts_with('"') && !is_name;
        let next = next_label(piece, label, self.around(), is_hidden, is_name).filter(|_| !is_value);
        // A login is a text or a number.
        let is_login = value.is_none_or(|value| !value.starts_with(['t', 'f', 'n', '[', '{']));
        if self.in_string {
            self.is_behind_name_key = value.is_some() && NAME_KEYS.contains(&piece);
        }
        self.in_string ^= behind.starts_with('"');
        match next {
            Some(Label::Login) if !is_login => self.around(),
            Some(label) => label,
            None => self.around(),
        }
    }
}

/// The value of a JSON key. The text starts with the quotation mark at the end of the key.
fn json_value(text: &str) -> Option<&str> {
    let text = text.strip_prefix('"').or_else(|| text.strip_prefix("\\\""))?;
    Some(text.trim_start().strip_prefix(':')?.trim_start())
}

/// A quick check. Without a label that mentions proxies or passwords, a login stands beside a port, and beside a host that
/// has a dot or a bracket.
fn may_hold_login(text: &str, label: Label) -> bool {
    label != Label::None
        || mentions(text, &[b"prox", b"pass"])
        || (text.contains(['.', '[']) && text.bytes().any(|byte| byte.is_ascii_digit()))
}

/// Whether a label or a text mentions proxies.
fn names_proxy(text: &str) -> bool {
    mentions(text, &[b"prox"])
}

/// Whether a text contains one of some words, which begin with `p`.
fn mentions(text: &str, words: &[&[u8; 4]]) -> bool {
    text.as_bytes().array_windows().any(|found: &[u8; 4]| {
        matches!(found[0], b'p' | b'P') && words.iter().any(|word| found.eq_ignore_ascii_case(*word))
    })
}

/// The length of the text up to the end of its line or JSON string.
fn piece_length(text: &str) -> usize {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let ends = match c {
            '\\' => matches!(chars.next(), Some((_, 'n' | 'r' | '"'))),
            _ => matches!(c, '"' | '\n' | '\r'),
        };
        if ends {
            return at;
        }
    }
    text.len()
}

/// The length of the separator at the start of a text.
fn piece_end_length(text: &str) -> usize {
    let length = if text.starts_with('\\') { 2 } else { 1 };
    length.min(text.len())
}

/// The meaning of the next piece, as stated by a piece and the label in front of it; `None` if they state none. `is_name`
/// means that the piece is a JSON key or the name of a field.
fn next_label(piece: &str, label: Label, around: Label, is_hidden: bool, is_name: bool) -> Option<Label> {
    let content = piece.trim_matches(|c: char| !c.is_alphanumeric());
    if (content.is_empty() && !piece.contains(MASK)) || BETWEEN_NAME_AND_VALUE.contains(&content) {
        return Some(label);
    }
    let is_label = is_name || piece.trim_start().starts_with("**") || !content.eq_ignore_ascii_case(PASS);
    if is_label && is_login_label(content, around) && !piece.contains(MASK) {
        return Some(Label::Login);
    }
    // The value of a label for proxies may be a list of several lines.
    let is_list = label == Label::Proxy && (is_hidden || piece.contains(MASK));
    (is_list || names_proxy(content)).then_some(Label::Proxy)
}

/// Whether the value of a label is a user or a password. `around` is the label of the JSON object around it.
fn is_login_label(text: &str, around: Label) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-');
    if text.len() > MAX_LABEL || !text.chars().all(is_name) {
        return false;
    }
    let text = text.to_lowercase();
    let ends_in = |ends: &[&str]| ends.iter().any(|end| text.ends_with(end));
    text == PASS
        || ends_in(&PASSWORD_LABEL_ENDS)
        || (around == Label::Proxy && LOGIN_LABELS.contains(&&*text))
        || (names_proxy(&text) && ends_in(&LOGIN_LABELS))
}

fn hide_whole(piece: &str) -> Option<String> {
    let content = piece.trim_matches(|c: char| c.is_whitespace() || matches!(c, '|' | ',' | ':' | '\\'));
    let is_value = !content.is_empty() && content != MASK && !BETWEEN_NAME_AND_VALUE.contains(&content);
    is_value.then(|| piece.replacen(content, MASK, 1))
}

/// Hides a JSON number behind its key. The mask is a JSON string.
fn hide_number(piece: &str) -> Option<String> {
    let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
    let start = piece.find(|c: char| c.is_ascii_digit() || c == '-')?;
    let (before, rest) = piece.split_at_checked(start)?;
    let behind = rest.trim_start_matches(is_of_number);
    Some(format!("{before}\"{MASK}\"{behind}"))
}

/// A part of a proxy, with the separator in front of it.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    /// Where the part starts in its piece.
    start: usize,
    text: &'a str,
    /// The separator in front of the part, without the spaces around it. Empty for spaces alone.
    gap: &'a str,
}

impl Token<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Hides the logins in a line or a JSON string.
fn redact_piece(piece: &str, label: Label) -> Option<String> {
    if let Some((name, value)) = piece.split_once(':')
        && is_login_label(name.trim_matches(|c: char| !c.is_alphanumeric()), Label::None)
    {
        return hide_whole(value).map(|hidden| format!("{name}:{hidden}"));
    }
    let tokens = tokens(piece);
    let is_labelled = label == Label::Proxy || names_proxy(piece);
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at + 1 < tokens.len() {
        let [before, behind] = logins_beside(&tokens, at, is_labelled).unwrap_or_default();
        hidden.extend(before);
        hidden.extend(behind);
        at = match (before, behind) {
            (_, Some((_, end))) => tokens.partition_point(|token| token.start < end),
            (Some(_), None) => at + 2,
            (None, None) => at + 1,
        };
    }
    let mut shown = String::new();
    let mut copied = 0;
    for (start, end) in hidden {
        // A login between two proxies may be found for both.
        if start >= copied {
            shown.push_str(piece.get(copied..start)?);
            shown.push_str(MASK);
        }
        copied = copied.max(end);
    }
    shown.push_str(piece.get(copied..)?);
    (shown != piece).then_some(shown)
}

/// The starts and the ends of the logins in front of a proxy and behind it. The host of the proxy is the token `at`.
/// Between two proxies, a login may belong to either one.
///
/// | written | hidden |
/// |---|---|
/// | `host port user pass`, `host port user:pass` | behind the port |
/// | `host:port user pass`, `host:port user:pass`, `host:port@user:pass`, `host:port:pass` | behind the port |
/// | `user pass host port`, `user:pass host:port` | in front of the host |
///
/// A space here stands for spaces, a bar, a comma, a semicolon or a colon.
fn logins_beside(tokens: &[Token<'_>], at: usize, is_labelled: bool) -> Option<[Option<(usize, usize)>; 2]> {
    let (host, port) = (tokens.get(at)?, tokens.get(at + 1)?);
    if !is_proxy(host, port, is_labelled) {
        return None;
    }
    let is_clear = is_labelled || is_ipv4(host.text);
    let rest = tokens.get(at + 2..)?;
    let mut pairs = rest.array_windows().take(MAX_LOOKAHEAD);
    let next = pairs.position(|[host, port]: &[Token<'_>; 2]| is_proxy(host, port, false));
    let behind = login_behind(port, rest.get(..next.unwrap_or(rest.len()))?, is_clear);
    // In front of the host, if another proxy follows or the list ends behind the port.
    let ends = behind.is_none() && rest.first().is_none_or(|next| next.gap != host.gap);
    let before = if next.is_some() || ends { login_before(tokens, at, is_clear) } else { None };
    Some([before, behind])
}

/// The login in the parts behind a port, up to the next proxy of the list.
fn login_behind(port: &Token<'_>, login: &[Token<'_>], is_clear: bool) -> Option<(usize, usize)> {
    let (first, last) = (login.first()?, login.last()?);
    let fits = if port.gap == ":" { is_list(first.gap) || first.gap == "@" } else { port.gap == first.gap };
    let is_login = match first.gap {
        "" => login.len() == 2 || (is_clear && login.len() > 2),
        gap => login.len() > 1 || gap == port.gap,
    };
    (fits && is_login && first.text != MASK).then(|| (first.start, last.end()))
}

/// The login in the two parts in front of the host, which is the token `at`.
fn login_before(tokens: &[Token<'_>], at: usize, is_clear: bool) -> Option<(usize, usize)> {
    let (user, pass) = (tokens.get(at.checked_sub(2)?)?, tokens.get(at - 1)?);
    let (host, port) = (tokens.get(at)?, tokens.get(at + 1)?);
    let fits = is_list(host.gap)
        && (port.gap == ":" || port.gap == host.gap)
        && (pass.gap == ":" || pass.gap == host.gap);
    let is_login = match host.gap {
        "" => is_clear && (at == 2 || pass.gap == ":" || matches!(user.gap, ":" | "|")),
        _ => true,
    };
    let is_other = pass.text == MASK || is_proxy(user, pass, false);
    (fits && is_login && !is_other).then(|| (user.start, pass.end()))
}

/// Whether two parts are the host and the port of a proxy.
fn is_proxy(host: &Token<'_>, port: &Token<'_>, is_labelled: bool) -> bool {
    is_list(port.gap) && is_port(port.text) && may_be_host(host.text, port.text, is_labelled)
}

fn is_list(gap: &str) -> bool {
    matches!(gap, "" | "|" | "," | ";" | ":")
}

/// The parts of a piece between separators. An IPv6 address in brackets is one part.
fn tokens(piece: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut end = 0;
    while let Some(rest) = piece.get(end..) {
        let start = end + gap_length(rest, end > 0);
        let Some(text) = piece.get(start..).filter(|text| !text.is_empty()) else { break };
        let length = ipv6_length(text).unwrap_or_else(|| text.find(separates).unwrap_or(text.len()));
        let gap = piece.get(end..start).unwrap_or_default();
        let gap = gap.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\\' | 't'));
        tokens.push(Token { start, text: text.get(..length).unwrap_or_default(), gap });
        end = start + length;
    }
    tokens
}

/// The length of the separators at the start of a text. In JSON, a tab is `\t`; at the start of a line, a backslash
/// escapes the line.
fn gap_length(text: &str, may_be_tab: bool) -> usize {
    let mut rest = text;
    while let Some(next) = rest
        .strip_prefix("\\t")
        .filter(|_| may_be_tab)
        .or_else(|| rest.chars().next().filter(|c| separates(*c)).and_then(|c| rest.get(c.len_utf8()..)))
    {
        rest = next;
    }
    text.len() - rest.len()
}

fn separates(c: char) -> bool {
    c.is_whitespace() || matches!(c, '|' | ',' | ';' | ':' | '@' | '/' | '`' | '"' | '\\')
}

/// The length of the IPv6 address in brackets at the start of a text.
fn ipv6_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix('[')?;
    let length = inside.char_indices().take(MAX_IPV6).find(|(_, c)| *c == ']')?.0;
    is_ipv6(inside.get(..length)?).then_some(length + 2)
}

fn may_be_host(host: &str, port: &str, is_labelled: bool) -> bool {
    let plain = host.trim_start_matches(['*', '(', '>', '<', '=']);
    if ipv6_length(plain).is_some() || is_ipv4(plain) {
        return true;
    }
    let is_usual_port = port.len() > 3 || matches!(port, "80" | "443");
    if is_labelled {
        let is_name =
            !plain.is_empty() && plain.chars().all(is_host_char) && plain.contains(char::is_alphabetic);
        return is_name && (is_usual_port || is_dotted(plain));
    }
    let ends_in_letters = plain.rsplit('.').next().is_some_and(|end| end.chars().all(char::is_alphabetic));
    is_usual_port && is_dotted(plain) && ends_in_letters && !plain.contains(char::is_uppercase)
}

fn is_ipv4(host: &str) -> bool {
    is_dotted(host) && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}
