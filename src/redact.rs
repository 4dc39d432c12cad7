//! Hiding the credentials inside proxies, wherever they stand: in a field, in a text of many
//! lines, in the JSON that a message came as.
//!
//! | written | shown |
//! |---|---|
//! | `scheme://user:pass@host:port` | `scheme://***@host:port` |
//! | `user:pass@host:port` | `***@host:port` |
//! | `host:port@user:pass` | `host:port@***` |
//! | `host:port:user:pass` | `host:port:***` |
//! | `user:pass:host:port` | `***:host:port` |
//!
//! What reads as two of these at once is hidden whole. Rather too much is hidden than too little,
//! but an e-mail address, a URL with a port and a time of day are no credentials. A password that
//! holds white space, a comma, a bar or a quotation mark ends there, for these stand between
//! proxies.

use std::borrow::Cow;

/// What stands in the place of credentials.
const MASK: &str = "***";
/// Between a scheme and what it is of, plain and as some write it in JSON.
const SCHEME_ENDS: [&str; 2] = ["://", ":\\/\\/"];
/// Digits of a port.
const PORT_DIGITS: usize = 5;
/// Signs of the longest IPv6 address, with its zone.
const IPV6_LENGTH: usize = 64;
/// Where the host of a URL has ended.
const AUTHORITY_ENDS: [char; 4] = ['/', '\\', '?', '#'];

/// The text with the credentials in it hidden. Hiding again changes nothing.
#[must_use]
pub fn credentials(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut changed = false;
    let mut rest = text;
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(word_length(rest));
        match hidden(word) {
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

/// How far a text goes until something that separates proxies.
fn word_length(text: &str) -> usize {
    let mut signs = text.char_indices();
    while let Some((at, sign)) = signs.next() {
        let ends = match sign {
            '\\' => match signs.next() {
                Some((_, next)) => separates_escaped(next),
                None => false,
            },
            _ => separates(sign),
        };
        if ends {
            return at;
        }
    }
    text.len()
}

/// The length of the separator that a text begins with.
fn gap_length(text: &str) -> usize {
    let mut signs = text.chars();
    match (signs.next(), signs.next()) {
        (Some('\\'), Some(next)) if separates_escaped(next) => '\\'.len_utf8() + next.len_utf8(),
        (Some(sign), _) if separates(sign) => sign.len_utf8(),
        _ => 0,
    }
}

fn separates(sign: char) -> bool {
    sign.is_whitespace() || sign.is_control() || matches!(sign, '|' | ',' | '"' | '`')
}

/// The escapes of JSON for such signs.
fn separates_escaped(sign: char) -> bool {
    matches!(sign, 'n' | 'r' | 't' | '"') || separates(sign)
}

/// A word without its credentials, where it has any. A word may hold several URLs.
fn hidden(word: &str) -> Option<String> {
    let mut shown = String::with_capacity(word.len());
    let mut changed = false;
    let mut rest = word;
    let mut is_url = false;
    loop {
        let (part, end, behind) = split_at_scheme(rest);
        let hidden = hidden_part(part, is_url);
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

/// What stands before the end of a scheme, that end, and what stands behind it.
fn split_at_scheme(text: &str) -> (&str, &str, &str) {
    let split = text.match_indices(':').find_map(|(at, _)| {
        let (part, rest) = text.split_at_checked(at)?;
        SCHEME_ENDS.into_iter().find_map(|end| Some((part, end, rest.strip_prefix(end)?)))
    });
    split.unwrap_or((text, "", ""))
}

/// What stands before, between or behind schemes; `is_url` where a scheme stands before it.
fn hidden_part(part: &str, is_url: bool) -> Option<String> {
    let hidden = read_as_proxy(part, is_url)?;
    // What is left may read as a proxy once more.
    Some(if read_as_proxy(&hidden, is_url).is_none() { hidden } else { MASK.to_owned() })
}

fn read_as_proxy(part: &str, is_url: bool) -> Option<String> {
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

/// `user:pass@host:port`; in a URL also `user@host:port`.
fn before_host(part: &str, is_url: bool) -> Option<String> {
    let mut signs = part.rmatch_indices('@');
    signs.find_map(|(at, _)| {
        let (before, rest) = part.split_at_checked(at)?;
        let host = address(rest.strip_prefix('@')?)?;
        let is_login = is_url || before.contains(':');
        let is_proxy = is_login && (host == Host::Dotted || host_start(before, true).is_none());
        is_proxy.then(|| format!("{MASK}{rest}"))
    })
}

/// `user:pass@host` in a URL.
fn before_plain_host(part: &str) -> Option<String> {
    let authority = part.split(AUTHORITY_ENDS).next()?;
    let (_, rest) = part.split_at_checked(authority.rfind('@')?)?;
    Some(format!("{MASK}{rest}"))
}

/// `host:port@user:pass`
fn behind_host(part: &str) -> Option<String> {
    let (before, behind) = part.split_once('@')?;
    let is_proxy = behind.contains(':') && address(behind) != Some(Host::Dotted);
    let start = host_start(before, true).filter(|_| is_proxy)?;
    Some(shown_to(before, start, '@'))
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
            return is_login.then(|| shown_to(word.get(..end).unwrap_or_default(), start, ':'));
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

/// A host and its port up to where the login begins; what stands before the host may be a name
/// for it, or with a colon in it a login too.
fn shown_to(host_and_port: &str, start: usize, sign: char) -> String {
    let name = host_and_port.get(..start).unwrap_or_default();
    if name.matches(':').nth(1).is_some() { MASK.to_owned() } else { format!("{host_and_port}{sign}{MASK}") }
}

/// Which kind of host a text gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    /// An IP address, or a name with a dot.
    Dotted,
    /// Another name.
    Plain,
}

/// The kind of host that a text begins with, where a port follows.
fn address(text: &str) -> Option<Host> {
    if let Some(inside) = text.strip_prefix('[') {
        let length = inside.char_indices().take(IPV6_LENGTH).find(|(_, sign)| *sign == ']')?.0;
        let (host, rest) = inside.split_at_checked(length)?;
        return (is_ipv6(host) && starts_with_port(rest.strip_prefix("]:")?)).then_some(Host::Dotted);
    }
    let (host, rest) = text.split_at(text.find(|sign| !is_of_host(sign)).unwrap_or(text.len()));
    let is_address = !host.is_empty() && starts_with_port(rest.strip_prefix(':')?);
    is_address.then_some(if is_dotted(host) { Host::Dotted } else { Host::Plain })
}

/// Where the IP address or name with a dot begins that a text ends in, with its port or without.
fn host_start(text: &str, with_port: bool) -> Option<usize> {
    let text = if with_port { text.rsplit_once(':').filter(|(_, port)| is_port(port))?.0 } else { text };
    let mut signs = text.char_indices().rev();
    if let Some(inside) = text.strip_suffix(']') {
        let start = signs.take(IPV6_LENGTH).find(|(_, sign)| *sign == '[')?.0;
        let host = inside.get(start..)?.strip_prefix('[')?;
        return is_ipv6(host).then_some(start);
    }
    let start = signs.by_ref().take_while(|(_, sign)| is_of_host(*sign)).last()?.0;
    is_dotted(text.get(start..)?).then_some(start)
}

/// Whether a port, and no longer word, stands at the beginning.
fn starts_with_port(text: &str) -> bool {
    let (port, rest) = text.split_at(text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len()));
    is_port(port) && !rest.trim_start_matches(['.', '-', '_']).starts_with(char::is_alphanumeric)
}

fn is_port(text: &str) -> bool {
    (1..=PORT_DIGITS).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// An IPv4 address, or a name with a dot. An amount has no four parts.
fn is_dotted(host: &str) -> bool {
    let is_number = host.chars().all(|sign| sign.is_ascii_digit() || sign == '.');
    let has_labels = host.rsplit_once('.').is_some_and(|(name, last)| !name.is_empty() && !last.is_empty());
    has_labels && host.chars().all(is_of_host) && (!is_number || host.split('.').count() == 4)
}

fn is_ipv6(host: &str) -> bool {
    host.contains(':') && host.chars().all(|sign| sign.is_ascii_hexdigit() || matches!(sign, ':' | '.' | '%'))
}

fn is_of_host(sign: char) -> bool {
    sign.is_alphanumeric() || matches!(sign, '.' | '-' | '_')
}
