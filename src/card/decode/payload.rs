//! A payload as JSON, with what senders get wrong put right: halves of surrogate pairs, and
//! numbers longer than a decoder keeps.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::error::Category;

/// Digits before the point that every decoder keeps; more are those of an id, not of an amount.
const SURE_DIGITS: usize = 15;

/// A payload as JSON: `None` where it does not begin like JSON, an error where it only begins so.
/// Depth is bounded by the decoder.
pub(crate) fn decode(payload: &str) -> Option<Result<Value, String>> {
    let payload = payload.trim_start_matches('\u{feff}').trim();
    if !payload.starts_with(['{', '[', '"']) {
        return None;
    }
    let quoted = with_long_numbers_quoted(payload);
    // The last tells of an error where it stands in the payload.
    let decoded = serde_json::from_str(&quoted)
        .or_else(|_| serde_json::from_str(&without_lone_surrogates(&quoted)))
        .or_else(|_| serde_json::from_str(payload));
    Some(decoded.map_err(|error| explained(&error)))
}

fn explained(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if error.to_string().starts_with("recursion limit") {
        return format!(
            "the payload is JSON that is nested too deep: ROMS reads fewer than 128 levels (line {line}, column {column})"
        );
    }
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        _ => "a sign is out of place",
    };
    format!("the payload begins like JSON but is not: {what} at line {line}, column {column}")
}

/// Makes strings of the numbers whose digits would not all be kept: a tracking number is no
/// quantity. Amounts keep their decimals, which may be the rounding of a sender's calculation.
fn with_long_numbers_quoted(payload: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut kept = 0;
    let mut in_string = false;
    let mut escaped = false;
    let mut number = None;
    // What begins like JSON ends in no number: a sign always stands behind one.
    for (at, byte) in payload.bytes().enumerate() {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        in_string = byte == b'"';
        match (byte, number) {
            (b'-' | b'0'..=b'9', None) => number = Some(at),
            (b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9', Some(_)) | (_, None) => {}
            (_, Some(from)) => {
                number = None;
                let literal = payload.get(from..at).unwrap_or_default();
                if loses_digits(literal) {
                    out.push_str(payload.get(kept..from).unwrap_or_default());
                    out.extend(["\"", literal, "\""]);
                    kept = at;
                }
            }
        }
    }
    if kept == 0 {
        return Cow::Borrowed(payload);
    }
    out.push_str(payload.get(kept..).unwrap_or_default());
    Cow::Owned(out)
}

/// Whether a number has more digits than are sure to be kept, not counting plain decimals.
fn loses_digits(literal: &str) -> bool {
    let mantissa = literal.split(['e', 'E']).next().unwrap_or_default();
    let counted = if mantissa == literal { literal.split('.').next().unwrap_or_default() } else { mantissa };
    counted.bytes().filter(u8::is_ascii_digit).count() > SURE_DIGITS
}

/// JavaScript lets half of a surrogate pair pass as `\ud83d`; it becomes U+FFFD.
fn without_lone_surrogates(payload: &str) -> String {
    let mut out = String::with_capacity(payload.len());
    let mut rest = payload;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let (escape, behind) =
            match (code_unit(after), after.get(5..).and_then(|next| code_unit(next.strip_prefix('\\')?))) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (after.get(..11), after.get(11..)),
                (Some(0xd800..=0xdfff), _) => (Some("ufffd"), after.get(5..)),
                _ => {
                    let next = after.chars().next().map_or(0, char::len_utf8);
                    (after.get(..next), after.get(next..))
                }
            };
        out.push('\\');
        out.push_str(escape.unwrap_or_default());
        rest = behind.unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The code unit of an escape without its backslash: `u` and four hexadecimal digits.
fn code_unit(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix('u')?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}
