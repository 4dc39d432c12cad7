//! Decodes the bytes of a text file: UTF-8, UTF-16 or Windows-1252, with or without a byte order mark.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::card::message::without_nul;

/// Bytes to examine to recognise UTF-16 without a byte order mark.
const SAMPLE: usize = 1024;

/// Decodes the text of a file. Bytes that are invalid in its encoding become replacement characters.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let (text, ..) = encoding(bytes).decode(bytes);
    without_nul(text.into_owned())
}

fn encoding(bytes: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding;
    }
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    let zeros = |at: usize| sample.iter().skip(at).step_by(2).filter(|byte| **byte == 0).count();
    // In UTF-16, every second byte of text in Latin letters is 0.
    match (zeros(0), zeros(1)) {
        (0, odd) if odd * 4 > sample.len() => UTF_16LE,
        (even, 0) if even * 4 > sample.len() => UTF_16BE,
        _ if std::str::from_utf8(bytes).is_ok() => UTF_8,
        _ => WINDOWS_1252,
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn a_text_is_the_same_in_every_encoding() {
        let text = "Größe;Preis €\r\nÖl;1";
        let utf_16 =
            |to_bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
        let (little, big) = (utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes));
        let with_mark = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        let windows = b"Gr\xf6\xdfe;Preis \x80\r\n\xd6l;1".to_vec();
        let encoded = [
            text.as_bytes().to_vec(),
            with_mark(b"\xef\xbb\xbf", text.as_bytes()),
            with_mark(b"\xff\xfe", &little),
            with_mark(b"\xfe\xff", &big),
            little,
            big,
            windows,
        ];
        for bytes in encoded {
            assert_eq!(decode(&bytes), text, "{bytes:?}");
        }
    }
}
