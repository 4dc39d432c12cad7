//! Unwraps payloads that are sent as a form: `payload_json`, Slack's `payload` or `content`, multipart or URL-encoded.

use futures_util::{FutureExt, stream};
use multer::bytes::Bytes;

/// The longest first line of a multipart body: a boundary has at most 70 characters.
const MAX_BOUNDARY_LINE: usize = 100;
/// The fields that may hold a payload; the first one wins.
const PAYLOAD_FIELDS: [&str; 3] = ["payload_json", "payload", "content"];

/// The payload inside a multipart or URL-encoded body. `None` if the text is not such a body or has
/// none of the fields.
#[must_use]
pub fn wrapped_payload(text: &str) -> Option<String> {
    let fields = if let Some(boundary) = boundary(text) {
        multipart_fields(Bytes::copy_from_slice(text.as_bytes()), boundary)
    } else if is_form(text) {
        form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    } else {
        return None;
    };
    payload_of(&fields)
}

/// The payload inside a large multipart body, whose files are not copied. `None` if there is none.
pub(crate) fn multipart_payload(body: Bytes) -> Option<String> {
    let line = body.iter().take(MAX_BOUNDARY_LINE).position(|byte| *byte == b'\r')?;
    let header = body.get(..line + "\r\nContent-".len())?.to_vec();
    let beginning = String::from_utf8(header).ok()?;
    payload_of(&multipart_fields(body, boundary(&beginning)?))
}

fn payload_of(fields: &[(String, String)]) -> Option<String> {
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
    PAYLOAD_FIELDS.into_iter().find_map(field)
}

/// The boundary of a multipart body: its first line, if a part's header follows. (A text card may also
/// start with a line of dashes.)
fn boundary(text: &str) -> Option<&str> {
    let (line, rest) = text.split_once("\r\n")?;
    let boundary = line.strip_prefix("--")?.trim_end();
    let header: String = rest.chars().take("content-".len()).collect();
    (!boundary.is_empty() && header.eq_ignore_ascii_case("content-")).then_some(boundary)
}

/// A form that starts with one of the fields may have been written by hand, with spaces. If the field
/// comes later, only a text without white space is a form and not a card.
fn is_form(text: &str) -> bool {
    let starts_with_field =
        ["payload_json=", "payload=", "content="].iter().any(|field| text.starts_with(field));
    let is_encoded =
        text.starts_with(|first: char| first.is_ascii_alphanumeric()) && !text.contains(char::is_whitespace);
    starts_with_field || (is_encoded && text.contains("&payload_json="))
}

/// The fields of a complete multipart body that may hold a payload, up to the first one that cannot be read.
fn multipart_fields(body: Bytes, boundary: &str) -> Vec<(String, String)> {
    let mut parts = multer::Multipart::new(stream::iter([Ok::<_, std::io::Error>(body)]), boundary);
    let mut fields = Vec::new();
    // The whole body is in memory. A read that would have to wait means that the end is missing.
    while let Some(Ok(Some(part))) = parts.next_field().now_or_never() {
        let name = part.name().unwrap_or_default().to_owned();
        if !PAYLOAD_FIELDS.contains(&name.as_str()) {
            continue;
        }
        let Some(Ok(value)) = part.bytes().now_or_never() else { break };
        fields.push((name, String::from_utf8_lossy(&value).into_owned()));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::wrapped_payload;

    #[test]
    fn forms_and_multipart_bodies_are_unwrapped() {
        let multipart = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nno\r\n\
             --x\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\r\n{\"content\":\"hi\"}\r\n--x--\r\n";
        let cases = [
            (multipart, r#"{"content":"hi"}"#),
            ("payload_json=%7B%22a%22%3A1%7D", r#"{"a":1}"#),
            ("username=x&payload_json=%5B%5D", "[]"),
            ("payload=%7B%22text%22%3A1%7D", r#"{"text":1}"#),
            ("content=Order+Number%0A%23A-1", "Order Number\n#A-1"),
        ];
        for (body, payload) in cases {
            assert_eq!(wrapped_payload(body).as_deref(), Some(payload), "{body}");
        }
    }

    #[test]
    fn cards_are_neither_forms_nor_multipart() {
        let cards = [
            "Successful Checkout | Store\nProduct\nA & B\nLink\nhttp://x/?a=1&payload_json=2",
            "-----\r\nSuccessful Checkout | Store\r\n-----\r\n",
            r#"{"content":"http://x/?a=1&payload_json=2"}"#,
            "--x\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\ncut off",
            "",
        ];
        for card in cards {
            assert_eq!(wrapped_payload(card), None, "{card}");
        }
    }
}
