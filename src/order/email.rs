//! An e-mail address, and the search for it in any kind of text.

use std::fmt;

/// Maximum length of an address. <https://www.rfc-editor.org/errata/eid1690>
const MAX_LENGTH: usize = 254;

/// How a message may write the `@` of an address.
const AT_SIGNS: [&str; 5] = ["@", "%40", "u0040", "&#", "&commat"];

/// An e-mail address. `Debug` hides it, so that it does not get into logs.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

/// The text is not an e-mail address. The error does not repeat it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address; expected one such as name@example.com")]
pub struct EmailAddressError;

impl EmailAddress {
    /// Parses an address in any case.
    pub fn parse(text: &str) -> Result<Self, EmailAddressError> {
        let address = text.trim().to_lowercase();
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>(),;:\\\"[]".contains(c);
        match address.split_once('@') {
            Some((name, host))
                if !name.is_empty()
                    && !host.contains('@')
                    && host.starts_with(char::is_alphanumeric)
                    && host.ends_with(char::is_alphanumeric)
                    && address.chars().all(is_plain)
                    && address.len() <= MAX_LENGTH =>
            {
                Ok(Self(address))
            }
            _ => Err(EmailAddressError),
        }
    }

    /// Whether a text contains this address in any case, also if it is escaped as JSON, form, HTML or Discord's
    /// markup or contains invisible characters. `joann@example.com` does not contain `ann@example.com`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        AT_SIGNS.iter().any(|at| text.contains(at))
            && decodings(text).iter().any(|text| self.is_word_in(text))
    }

    fn is_word_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        text.match_indices(&self.0).any(|(at, found)| {
            let (before, after) = (text.get(..at), text.get(at + found.len()..));
            !ends_in_name(before.unwrap_or_default()) && !continues_host(after.unwrap_or_default())
        })
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

/// Whether the text before an address is part of a longer name. Punctuation alone is markup.
fn ends_in_name(before: &str) -> bool {
    before.trim_end_matches(['.', '_', '%', '+', '-']).ends_with(char::is_alphanumeric)
}

/// Whether the text after an address continues its host. A full stop alone ends a sentence.
fn continues_host(after: &str) -> bool {
    after.trim_start_matches(['.', '-']).starts_with(char::is_alphanumeric)
}

/// The text, decoded in each way that it may be encoded.
fn decodings(text: &str) -> Vec<String> {
    let mut wrapped = vec![text.to_owned()];
    if text.contains('%') {
        let parts = form_urlencoded::parse(text.as_bytes()).flat_map(|(name, value)| [name, value]);
        wrapped.push(parts.collect::<Vec<_>>().join("\n"));
    }
    let mut decodings = Vec::new();
    for text in wrapped {
        // Markup in JSON is escaped twice.
        let once = without_escapes(&text);
        let twice = without_escapes(&once);
        let visible = |text: String| html_escape::decode_html_entities(&text).replace(is_invisible, "");
        decodings.extend([text, once, twice].map(visible));
    }
    decodings
}

/// Decodes the escapes of JSON and markup.
fn without_escapes(text: &str) -> String {
    let mut rest = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(c) = rest.next() {
        let escaped = if c == '\\' { rest.next() } else { None };
        match escaped {
            None => plain.push(c),
            Some('n' | 'r' | 't' | 'b' | 'f') => plain.push('\n'),
            Some('u') => {
                let code: String = rest.clone().take(4).collect();
                match u32::from_str_radix(&code, 16).ok().and_then(char::from_u32) {
                    Some(c) => {
                        plain.push(c);
                        rest = rest.as_str().get(code.len()..).unwrap_or_default().chars();
                    }
                    None => plain.push('u'),
                }
            }
            Some(sign) => plain.push(sign),
        }
    }
    plain
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::EmailAddress;

    #[test]
    fn an_address_is_found_however_it_is_written() {
        let address = EmailAddress::parse(" Woozy_Byes+x@iCloud.com").unwrap();
        for text in [
            "woozy_byes+x@icloud.com",
            "Email\nWOOZY_BYES+X@ICLOUD.COM\nPrice",
            "||woozy_byes+x@icloud.com||, <woozy_byes+x@icloud.com>. _woozy_byes+x@icloud.com_",
            "(to woozy_byes+x@icloud.com.)",
            r#"{"value":"woozy_byes+x\u0040icloud.com"}"#,
            r#"{"content":"Email\nwoozy_byes+x@icloud.com\nPrice"}"#,
            r#"{"content":"Email\n\u0077oozy\\_byes+x@icloud.com"}"#,
            r"woozy\_byes+x@icloud.com",
            "payload_json=%7B%22content%22%3A%22Email%5Cnwoozy_byes%2Bx%40icloud.com%22%7D",
            "a=1&email=woozy_byes%2Bx%5Cu0040icloud.com&b",
            "woozy_byes+x&#64;icloud.com, mailto:woozy_byes+x&commat;icloud.com?subject=x",
            "woozy_\u{200b}byes+x@icloud\u{200b}.com",
        ] {
            assert!(address.is_in(text), "{text}");
        }
    }

    #[test]
    fn other_addresses_are_not_found() {
        let address = EmailAddress::parse("ann@example.com").unwrap();
        for text in [
            "",
            "@",
            "joann@example.com",
            "jo.ann@example.com",
            "jo-ann@example.com",
            "jo+ann@example.com",
            "ann@example.com.au",
            "ann@example.community",
            "ann@example.com-shop.net",
            "ann @example.com",
            "ann@sub.example.com",
            r"\uD800 ann at example.com \u \",
        ] {
            assert!(!address.is_in(text), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_not_an_address_is_refused_without_repeating_it() {
        for text in
            ["", "ann", "@example.com", "ann@", "a b@example.com", "a@b@c", "<a@b.c>", "a@.", "a@b,c@d"]
        {
            let error = EmailAddress::parse(text).unwrap_err();
            assert!(text.is_empty() || !error.to_string().contains(&format!("`{text}`")), "{text}");
        }
        assert!(!format!("{:?}", EmailAddress::parse("a@b.c").unwrap()).contains("b.c"));
    }
}
