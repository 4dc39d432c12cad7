//! Hides the credentials of proxies, in a single value, a text of many lines or the JSON of a message.
//!
//! | written | shown |
//! |---|---|
//! | `scheme://user:pass@host:port` | `scheme://***@host:port` |
//! | `user:pass@host:port` | `***@host:port` |
//! | `host:port@user:pass` | `host:port@***` |
//! | `host:port:user:pass` | `host:port:***` |
//! | `user:pass:host:port` | `***:host:port` |
//! | `host:port:pass` | `host:port:***` |
//! | `host port user pass`, also with `|`, `,` or `;` between the parts | `host port ***` |
//! | `host:port user pass`, `host:port|user:pass` and so on | `host:port ***` |
//! | `user pass host port`, `user:pass host:port` and so on | `*** host port` |
//! | the values of `Password`, `Proxy User` and similar labels | `***` |
//!
//! `lists` finds the forms whose parts stand side by side, and the labels.
//!
//! A text that matches two of these forms is hidden as a whole: hiding too much is better than hiding too little.
//! E-mail addresses, URLs with a port and times of day are not credentials. White space, a comma, a bar or a
//! quotation mark ends a password, because these separate proxies.

mod lists;

use std::borrow::Cow;

use lists::Label;

/// Replaces credentials.
const MASK: &str = "***";
/// The end of a URL scheme, plain and as escaped in JSON.
const SCHEME_ENDS: [&str; 2] = ["://", ":\\/\\/"];
/// Maximum digits of a port.
const MAX_PORT_DIGITS: usize = 5;
/// Maximum characters of an IPv6 address with its zone.
const MAX_IPV6: usize = 64;
/// Maximum searches of one text. It is searched again each time something in it was hidden.
const MAX_SEARCHES: usize = 4;
/// Characters that end the host of a URL.
const AUTHORITY_ENDS: [char; 4] = ['/', '\\', '?', '#'];

/// Replaces the credentials in a text by `***`. Doing it again changes nothing.
#[must_use]
pub fn credentials(text: &str) -> Cow<'_, str> {
    redact(text, Label::None)
}

/// Like [`credentials`], for the value of a label or a column. If the label mentions proxies, a host needs no dot. The
/// value of a label for passwords is hidden as a whole.
#[must_use]
pub fn labelled<'a>(label: &str, value: &'a str) -> Cow<'a, str> {
    redact(value, lists::meaning(label))
}

/// Hides credentials until no more are found: after a part of a text is hidden, the words beside it may look like a host and
/// a port. A text that still changes in the last of [`MAX_SEARCHES`] is hidden as a whole.
fn redact(text: &str, label: Label) -> Cow<'_, str> {
    let mut shown = match redact_once(text, label) {
        Cow::Borrowed(_) => return Cow::Borrowed(text),
        Cow::Owned(shown) => shown,
    };
    for _ in 1..MAX_SEARCHES {
        match redact_once(&shown, label) {
            Cow::Borrowed(_) => return Cow::Owned(shown),
            Cow::Owned(again) => shown = again,
        }
    }
    Cow::Borrowed(MASK)
}

fn redact_once(text: &str, label: Label) -> Cow<'_, str> {
    match redact_words(text) {
        Cow::Borrowed(text) => lists::redact(text, label),
        Cow::Owned(text) => Cow::Owned(lists::redact(&text, label).into_owned()),
    }
}

/// Replaces the credentials in each word.
fn redact_words(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut changed = false;
    let mut rest = text;
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(word_length(rest));
        match redact_word(word) {
            Some(hidden) => {
                changed = true;
                shown.push_str(&hidden);
            }
            None => shown.push_str(word),
        }
        let (gap, behind) = behind.split_at(gap_length(behind));
        shown.push_str(gap);
        rest = behind;
    }
    if changed { Cow::Owned(shown) } else { Cow::Borrowed(text) }
}

/// The length of the text up to a separator.
fn word_length(text: &str) -> usize {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let ends = match c {
            '\\' => match chars.next() {
                Some((_, next)) => separates_escaped(next),
                None => false,
            },
            _ => separates(c),
        };
        if ends {
            return at;
        }
    }
    text.len()
}

/// The length of the separator at the start of a text.
fn gap_length(text: &str) -> usize {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some('\\'), Some(next)) if separates_escaped(next) => '\\'.len_utf8() + next.len_utf8(),
        (Some(c), _) if separates(c) => c.len_utf8(),
        _ => 0,
    }
}

fn separates(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '|' | ',' | '"' | '`')
}

/// Whether a JSON escape stands for a separator.
fn separates_escaped(c: char) -> bool {
    matches!(c, 'n' | 'r' | 't' | '"') || separates(c)
}

/// The word without its credentials, or `None` if it has none. A word may contain several URLs.
fn redact_word(word: &str) -> Option<String> {
    let mut shown = String::with_capacity(word.len());
    let mut changed = false;
    let mut rest = word;
    let mut is_url = false;
    loop {
        let (part, end, behind) = split_at_scheme(rest);
        let hidden = redact_part(part, is_url);
        changed |= hidden.is_some();
        shown.push_str(hidden.as_deref().unwrap_or(part));
        shown.push_str(end);
        if end.is_empty() {
            return changed.then_some(shown);
        }
        rest = behind;
        is_url = true;
    }
}

/// The text before the end of a scheme, that end, and the text after it.
fn split_at_scheme(text: &str) -> (&str, &str, &str) {
    let split = text.match_indices(':').find_map(|(at, _)| {
        let (part, rest) = text.split_at_checked(at)?;
        SCHEME_ENDS.into_iter().find_map(|end| Some((part, end, rest.strip_prefix(end)?)))
    });
    split.unwrap_or((text, "", ""))
}

/// Hides the credentials of a text without schemes. `is_url` means that a scheme comes before it.
fn redact_part(part: &str, is_url: bool) -> Option<String> {
    let hidden = redact_proxy(part, is_url)?;
    // The rest may still look like a proxy.
    Some(if redact_proxy(&hidden, is_url).is_none() { hidden } else { MASK.to_owned() })
}

fn redact_proxy(part: &str, is_url: bool) -> Option<String> {
    let found =
        [before_host(part, is_url), behind_host(part), listed_behind(part, is_url), listed_before(part)];
    let mut found = found.into_iter().flatten();
    let hidden = match (found.next(), found.next()) {
        (Some(hidden), None) => hidden,
        (Some(_), Some(_)) => MASK.to_owned(),
        (None, _) => before_plain_host(part).filter(|_| is_url)?,
    };
    (hidden != part).then_some(hidden)
}

/// Masks the login in `user:pass@host:port`, and in a URL also in `user@host:port`.
fn before_host(part: &str, is_url: bool) -> Option<String> {
    let mut chars = part.rmatch_indices('@');
    chars.find_map(|(at, _)| {
        let (before, rest) = part.split_at_checked(at)?;
        let host = address(rest.strip_prefix('@')?)?;
        let is_login = is_url || before.contains(':');
        let is_proxy = is_login && (host == Host::Dotted || host_start(before, true).is_none());
        is_proxy.then(|| format!("{MASK}{rest}"))
    })
}

/// Masks the login in `user:pass@host`. Only for URLs: elsewhere this may be an e-mail address.
fn before_plain_host(part: &str) -> Option<String> {
    let authority = part.split(AUTHORITY_ENDS).next()?;
    let (_, rest) = part.split_at_checked(authority.rfind('@')?)?;
    Some(format!("{MASK}{rest}"))
}

/// Masks the login in `host:port@user:pass`.
fn behind_host(part: &str) -> Option<String> {
    let (before, behind) = part.split_once('@')?;
    let is_proxy = behind.contains(':') && address(behind) != Some(Host::Dotted);
    let start = host_start(before, true).filter(|_| is_proxy)?;
    // In `us.er:1234@gateway:80`, either side may be the host, so hide both.
    let is_clear = address(behind).is_none();
    Some(if is_clear { hide_after(before, start, '@') } else { MASK.to_owned() })
}

/// `host:port:user:pass`
fn listed_behind(word: &str, is_url: bool) -> Option<String> {
    let mut colons = word.match_indices(':').map(|(at, _)| at).peekable();
    let mut is_first = is_url;
    while let Some(at) = colons.next() {
        let end = *colons.peek()?;
        let (before, port) = (word.get(..at)?, word.get(at..end)?.strip_prefix(':')?);
        let start = host_start(before, false).or((is_first && at > 0).then_some(0));
        is_first = false;
        if let Some(start) = start.filter(|_| is_port(port)) {
            let is_login = word.get(end..)?.strip_prefix(':')?.contains(':');
            return is_login.then(|| hide_after(word.get(..end).unwrap_or_default(), start, ':'));
        }
    }
    None
}

/// `user:pass:host:port`
fn listed_before(word: &str) -> Option<String> {
    let (before, port) = word.rsplit_once(':')?;
    let (login, host) = before.rsplit_once(':')?;
    let is_proxy = login.contains(':') && is_dotted(host) && starts_with_port(port);
    is_proxy.then(|| format!("{MASK}:{host}:{port}"))
}

/// Keeps the host and port and hides the login after them. Text before the host may be a name; if it contains
/// colons it may be a login too and everything is hidden.
fn hide_after(host_and_port: &str, start: usize, c: char) -> String {
    let name = host_and_port.get(..start).unwrap_or_default();
    if name.matches(':').nth(1).is_some() { MASK.to_owned() } else { format!("{host_and_port}{c}{MASK}") }
}

/// The kind of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    /// An IP address, or a name with a dot.
    Dotted,
    /// A name without a dot.
    Plain,
}

/// The kind of host at the start of a text, if a port follows.
fn address(text: &str) -> Option<Host> {
    if let Some(inside) = text.strip_prefix('[') {
        let length = inside.char_indices().take(MAX_IPV6).find(|(_, c)| *c == ']')?.0;
        let (host, rest) = inside.split_at_checked(length)?;
        return (is_ipv6(host) && starts_with_port(rest.strip_prefix("]:")?)).then_some(Host::Dotted);
    }
    let (host, rest) = text.split_at(text.find(|c| !is_host_char(c)).unwrap_or(text.len()));
    let is_address = !host.is_empty() && starts_with_port(rest.strip_prefix(':')?);
    is_address.then_some(if is_dotted(host) { Host::Dotted } else { Host::Plain })
}

/// Where the dotted host at the end of a text starts. `with_port` means that its port follows.
fn host_start(text: &str, with_port: bool) -> Option<usize> {
    let text = if with_port { text.rsplit_once(':').filter(|(_, port)| is_port(port))?.0 } else { text };
    let mut chars = text.char_indices().rev();
    if let Some(inside) = text.strip_suffix(']') {
        let start = chars.take(MAX_IPV6).find(|(_, c)| *c == '[')?.0;
        let host = inside.get(start..)?.strip_prefix('[')?;
        return is_ipv6(host).then_some(start);
    }
    let start = chars.by_ref().take_while(|(_, c)| is_host_char(*c)).last()?.0;
    is_dotted(text.get(start..)?).then_some(start)
}

/// Whether a text starts with a port that is not part of a longer word.
fn starts_with_port(text: &str) -> bool {
    let (port, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    is_port(port) && !rest.trim_start_matches(['.', '-', '_']).starts_with(char::is_alphanumeric)
}

fn is_port(text: &str) -> bool {
    (1..=MAX_PORT_DIGITS).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// Whether a host is an IPv4 address or a name with a dot. An amount of money does not have four parts.
fn is_dotted(host: &str) -> bool {
    let is_number = host.chars().all(|c| c.is_ascii_digit() || c == '.');
    let has_labels = host.rsplit_once('.').is_some_and(|(name, last)| !name.is_empty() && !last.is_empty());
    has_labels && host.chars().all(is_host_char) && (!is_number || host.split('.').count() == 4)
}

fn is_ipv6(host: &str) -> bool {
    host.contains(':') && host.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '%'))
}

fn is_host_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_')
}
