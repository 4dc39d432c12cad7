//! Tokens: the secret, its hash, the kind, the scopes, the name, and what a sender's token has besides. Pure.

use std::fmt;
use std::str::FromStr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

/// Every token begins with this, so that leak scanners find it.
const PREFIX: &str = "roms_";
/// Base62 digits of 256 bits.
const DIGITS: usize = 43;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Every signing secret begins with this, as Standard Webhooks has it.
const SIGNING_PREFIX: &str = "whsec_";
/// The longest name of a token.
const MAX_NAME: usize = 64;

/// The text of a token. It is shown once, when the token is created. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// SHA-256 of a token's text. The database stores only this. A slow hash is not needed, because 256 random bits
/// cannot be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

/// The way in which a token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// In a header of each request.
    Api,
    /// In the path of a link, for programs that can only take a URL. It can only ingest, or only read tables of orders.
    Url,
}

/// The secret with which a sender signs its requests. The server needs it to check a signature, so the database stores
/// it as it is. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(String);

/// The Discord webhook to which the cards of a token are passed on. The address holds the webhook's token, so `Debug`
/// hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct RelayUrl(Url);

/// The text is not the address of a Discord webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the address of a Discord webhook, such as https://discord.com/api/webhooks/ID/TOKEN")]
pub struct RelayUrlError;

/// One thing that a token permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Send cards.
    Ingest,
    /// Read orders, with personal data masked.
    Read,
    /// Read orders with e-mail addresses, names, addresses, profiles and proxies.
    ReadPii,
    /// Change orders.
    Write,
    /// Everything, including the webhook log and the access log.
    Admin,
}

/// The scopes of a token, at least one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scopes(u8);

/// The name of a token: letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

/// The text is not the name of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 64 letters, digits, `-`, `_` or `.`, such as `refract`")]
pub struct TokenNameError;

/// The text names an unknown scope, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the scopes are ingest, read, read:pii, write and admin; separate several with commas")]
pub struct ScopeError;

/// The text is not a time that a token may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a time such as \"90 days\" or \"12 hours\"")]
pub struct LifetimeError;

impl Secret {
    /// The token of 256 random bits.
    #[must_use]
    pub fn from_random(mut number: [u8; 32]) -> Self {
        let mut text = PREFIX.to_owned();
        for _ in 0..DIGITS {
            // Divides the big-endian number by 62, byte by byte. The remainder is the next digit.
            let mut remainder = 0_u32;
            for byte in &mut number {
                let dividend = (remainder << 8) | u32::from(*byte);
                *byte = u8::try_from(dividend / 62).unwrap_or_default();
                remainder = dividend % 62;
            }
            let digit = usize::try_from(remainder).ok().and_then(|digit| ALPHABET.get(digit));
            text.extend(digit.copied().map(char::from));
        }
        Self(text)
    }

    /// Reads a token that a client sent; `None` if the text does not have the form of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let is_token = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_alphanumeric());
        is_token.then(|| Self(text.to_owned()))
    }

    /// The text, for the person who creates the token.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four characters, by which people recognize a token.
    #[must_use]
    pub fn last_four(&self) -> &str {
        self.0.len().checked_sub(4).and_then(|start| self.0.get(start..)).unwrap_or_default()
    }

    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(&self.0).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl TokenKind {
    /// The name in the database and in lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Url => "url",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Api, Self::Url].into_iter().find(|kind| kind.as_str() == name)
    }
}

impl SigningSecret {
    /// The secret of 256 random bits, in the form of Standard Webhooks.
    #[must_use]
    pub fn from_random(number: [u8; 32]) -> Self {
        Self(format!("{SIGNING_PREFIX}{}", BASE64_STANDARD.encode(number)))
    }

    /// A secret that was configured or read from the database.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the person who creates it and for checking signatures.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The key for Standard Webhooks: the bytes behind `whsec_`, or else the text itself.
    #[must_use]
    pub fn standard_key(&self) -> Vec<u8> {
        let encoded = self.0.strip_prefix(SIGNING_PREFIX);
        encoded
            .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok())
            .unwrap_or_else(|| self.0.as_bytes().to_vec())
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(***)")
    }
}

impl RelayUrl {
    /// The address, for the request to the webhook.
    #[must_use]
    pub fn expose(&self) -> &Url {
        &self.0
    }
}

impl FromStr for RelayUrl {
    type Err = RelayUrlError;

    fn from_str(text: &str) -> Result<Self, RelayUrlError> {
        let url = Url::parse(text).map_err(|_| RelayUrlError)?;
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.fragment().is_none();
        let segments: Vec<&str> = url.path_segments().into_iter().flatten().collect();
        let is_webhook = matches!(segments.as_slice(), [.., "webhooks", id, token]
            if !id.is_empty() && id.bytes().all(|digit| digit.is_ascii_digit()) && !token.is_empty());
        if is_plain && is_webhook { Ok(Self(url)) } else { Err(RelayUrlError) }
    }
}

impl fmt::Debug for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelayUrl(***)")
    }
}

impl SecretHash {
    /// The hash that the database stores as hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).ok()?;
        Some(Self(hash))
    }

    /// The first eight bytes: the key under which a table of tokens keeps the hash.
    #[must_use]
    pub fn key(&self) -> u64 {
        self.0.first_chunk().copied().map(u64::from_be_bytes).unwrap_or_default()
    }

    /// Compares in a time that does not depend on where the hashes differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for SecretHash {
    /// As hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 5] = [Self::Ingest, Self::Read, Self::ReadPii, Self::Write, Self::Admin];

    /// The name in commands and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Read => "read",
            Self::ReadPii => "read:pii",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(ScopeError)
    }
}

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);
    /// Only sending cards.
    pub const INGEST: Self = Self(Scope::Ingest.bit());
    /// Seeing orders.
    pub const VIEWER: Self = Self(Scope::Read.bit());
    /// Seeing and changing orders, with personal data.
    pub const MANAGER: Self = Self(Scope::Read.bit() | Scope::ReadPii.bit() | Scope::Write.bit());
    /// Everything.
    pub const ADMIN: Self = Self(Scope::Admin.bit());

    /// These scopes.
    ///
    /// # Errors
    /// If there is none.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Result<Self, ScopeError> {
        let bits = scopes.into_iter().fold(0, |bits, scope| bits | scope.bit());
        if bits == 0 { Err(ScopeError) } else { Ok(Self(bits)) }
    }

    /// Whether the scopes permit reading and nothing else.
    #[must_use]
    pub fn only_read(self) -> bool {
        let read = Scope::Read.bit() | Scope::ReadPii.bit();
        self.0 & read != 0 && self.0 & !read == 0
    }

    /// Whether a token with these scopes may do this. `admin` includes every scope, and `read:pii` includes `read`.
    #[must_use]
    pub fn allow(self, scope: Scope) -> bool {
        let has = |scope: Scope| self.0 & scope.bit() != 0;
        has(scope) || has(Scope::Admin) || scope == Scope::Read && has(Scope::ReadPii)
    }
}

impl FromStr for Scopes {
    type Err = ScopeError;

    /// Reads names with commas between them.
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let scopes: Vec<Scope> = text.split(',').map(|name| name.trim().parse()).collect::<Result<_, _>>()?;
        Self::new(scopes)
    }
}

/// Reads how long a token works.
///
/// # Errors
/// If the text is not a time, or the time is zero.
pub fn parse_lifetime(text: &str) -> Result<TimeDelta, LifetimeError> {
    let lifetime =
        humantime::parse_duration(text.trim()).ok().and_then(|time| TimeDelta::from_std(time).ok());
    lifetime.filter(|lifetime| *lifetime > TimeDelta::zero()).ok_or(LifetimeError)
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Scope::ALL.into_iter().filter(|scope| self.0 & scope.bit() != 0).map(Scope::as_str);
        f.write_str(&names.collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TokenName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenName {
    type Err = TokenNameError;

    fn from_str(text: &str) -> Result<Self, TokenNameError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = (1..=MAX_NAME).contains(&text.len()) && text.chars().all(is_plain);
        if is_name { Ok(Self(text.to_owned())) } else { Err(TokenNameError) }
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{RelayUrl, Scope, Scopes, Secret, SecretHash, SigningSecret, TokenName};

    #[test]
    fn a_token_keeps_all_of_its_256_bits() {
        let zero = Secret::from_random([0; 32]);
        assert_eq!(zero.expose(), format!("roms_{}", "0".repeat(43)));
        let mut one = [0; 32];
        one[0] = 1;
        assert_ne!(Secret::from_random(one), zero, "the highest byte counts");
        let most = Secret::from_random([255; 32]);
        assert_eq!(most.expose().len(), 48);
        assert_eq!(Secret::parse(most.expose()), Some(most.clone()));
        assert!(most.expose().ends_with(most.last_four()) && most.last_four().len() == 4);
        assert!(!format!("{most:?}").contains(most.last_four()));
    }

    #[test]
    fn other_texts_are_not_tokens() {
        let right = Secret::from_random([7; 32]);
        let longer = format!("{}0", right.expose());
        let foreign = right.expose().replace("roms_", "ghp__");
        for text in ["", "roms_", &longer, &foreign, &format!("roms_{}", "é".repeat(43)), &"x".repeat(48)] {
            assert_eq!(Secret::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_hash_survives_the_way_into_the_database() {
        let hash = Secret::from_random([7; 32]).hash();
        let stored = SecretHash::from_hex(&hash.to_string()).unwrap();
        assert!(stored.matches(&hash) && stored.key() == hash.key());
        assert!(!stored.matches(&Secret::from_random([8; 32]).hash()));
        assert_eq!(SecretHash::from_hex("12"), None);
    }

    #[test]
    fn scopes_include_what_they_imply_and_nothing_else() {
        let scopes = |text: &str| text.parse::<Scopes>().unwrap();
        let allowed = |text: &str| Scope::ALL.map(|scope| scopes(text).allow(scope));
        assert_eq!(allowed("ingest"), [true, false, false, false, false]);
        assert_eq!(allowed("read"), [false, true, false, false, false]);
        assert_eq!(allowed("read:pii"), [false, true, true, false, false]);
        assert_eq!(allowed("write"), [false, false, false, true, false]);
        assert_eq!(allowed("admin"), [true; 5]);
        assert_eq!(scopes("write, ingest").to_string(), "ingest,write");
        for text in ["", "reads", "ingest;read", "READ"] {
            assert!(text.parse::<Scopes>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_relay_address_is_that_of_a_webhook() {
        for url in
            ["https://discord.com/api/webhooks/12/abc", "http://127.0.0.1:9/api/v10/webhooks/1/x?wait=true"]
        {
            let relay: RelayUrl = url.parse().unwrap();
            assert_eq!(relay.expose().as_str(), url);
            assert_eq!(format!("{relay:?}"), "RelayUrl(***)");
        }
        for text in [
            "",
            "discord.com/api/webhooks/1/x",
            "https://discord.com/api/webhooks/1",
            "ftp://h/webhooks/1/x",
            "https://u:p@discord.com/api/webhooks/1/x",
            "https://discord.com/api/webhooks/one/x",
        ] {
            assert!(text.parse::<RelayUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_signing_secret_is_not_shown() {
        let secret = SigningSecret::from_random([7; 32]);
        assert!(secret.expose().starts_with("whsec_BwcH"), "{}", secret.expose());
        assert_eq!(format!("{secret:?}"), "SigningSecret(***)");
    }

    #[test]
    fn names_are_plain() {
        for name in ["refract", "Refract-2.1", "a_b"] {
            assert_eq!(name.parse::<TokenName>().unwrap().as_str(), name);
        }
        for name in ["", "a b", "a\nb", "é", &"x".repeat(65)] {
            assert!(name.parse::<TokenName>().is_err(), "{name}");
        }
    }
}
