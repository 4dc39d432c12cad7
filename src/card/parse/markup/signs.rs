//! Which signs of markup a line holds: one look at it spares most lines the search for each kind.

/// A set of kinds of signs.
pub(crate) type Signs = u8;

/// Nothing that has a part in markup, in a link or in what is never seen.
pub(crate) const NONE: Signs = 0;
/// A code tick.
pub(crate) const TICK: Signs = 1;
/// A bar, of which two make a spoiler.
pub(crate) const BAR: Signs = 1 << 1;
/// A bracket of a link.
pub(crate) const BRACKET: Signs = 1 << 2;
/// A marker that may enclose a value.
pub(crate) const WRAPPER: Signs = 1 << 3;
/// The sign of a quoted message or of a custom emoji.
pub(crate) const ANGLE: Signs = 1 << 4;
/// A colon, of which emoji and links have one.
pub(crate) const COLON: Signs = 1 << 5;
/// The beginning of an HTML entity.
pub(crate) const AMPERSAND: Signs = 1 << 6;
/// Anything but visible ASCII and spaces.
pub(crate) const ODD: Signs = 1 << 7;

/// The kind of each byte.
const KINDS: [Signs; 256] = {
    let mut kinds = [ODD; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        kinds[byte as usize] = kind(byte);
        byte += 1;
    }
    kinds
};

const fn kind(byte: u8) -> Signs {
    match byte {
        b'`' => TICK,
        b'|' => BAR,
        b'[' | b']' => BRACKET,
        b'*' | b'_' | b'~' => WRAPPER,
        b'<' | b'>' => ANGLE,
        b':' => COLON,
        b'&' => AMPERSAND,
        _ => NONE,
    }
}

/// The kinds of signs that a line holds.
pub(crate) fn of(line: &str) -> Signs {
    line.bytes().fold(NONE, |signs, byte| signs | KINDS[usize::from(byte)])
}
