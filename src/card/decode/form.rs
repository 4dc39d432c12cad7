//! Bodies that wrap their payload, as forms do: `payload_json` or `content` in multipart or
//! url-encoded form.

use futures_util::{FutureExt, stream};

/// What a multipart or form body wraps; `None` where the text is no such body, or one without
/// a field of ours.
#[must_use]
pub fn wrapped_payload(text: &str) -> Option<String> {
    let fields = if let Some(boundary) = boundary(text) {
        multipart_fields(text, boundary)
    } else if is_form(text) {
        form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    } else {
        return None;
    };
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
    field("payload_json").or_else(|| field("content"))
}

/// The boundary of a multipart body: its first line, when a part's header follows. A text that
/// merely opens with a line of dashes has none.
fn boundary(text: &str) -> Option<&str> {
    let (line, rest) = text.split_once("\r\n")?;
    let boundary = line.strip_prefix("--")?.trim_end();
    let header: String = rest.chars().take("content-".len()).collect();
    (!boundary.is_empty() && header.eq_ignore_ascii_case("content-")).then_some(boundary)
}

/// A form that opens with a field of ours may have been written by hand, spaces and all. One
/// that has it further on is told from a card by its first letter and its lack of white space.
fn is_form(text: &str) -> bool {
    let opens_with_ours = text.starts_with("payload_json=") || text.starts_with("content=");
    let is_encoded =
        text.starts_with(|first: char| first.is_ascii_alphanumeric()) && !text.contains(char::is_whitespace);
    opens_with_ours || (is_encoded && text.contains("&payload_json="))
}

/// The fields of a multipart body that is whole, up to the first one that cannot be read.
fn multipart_fields(text: &str, boundary: &str) -> Vec<(String, String)> {
    let whole = Ok::<_, std::io::Error>(text.as_bytes().to_vec());
    let mut parts = multer::Multipart::new(stream::iter([whole]), boundary);
    let mut fields = Vec::new();
    // All of it is in memory: a read that would wait waits for an end that never comes.
    while let Some(Ok(Some(part))) = parts.next_field().now_or_never() {
        let name = part.name().unwrap_or_default().to_owned();
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
