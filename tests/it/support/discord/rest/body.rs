//! Parses requests: path, query, and a body that is JSON, a form, or multipart with files.

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::Request,
    http::header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value;

use super::reply::Reply;

/// An uploaded file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

/// A request.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) method: String,
    /// Path and query, without `/api/v10`.
    pub(super) path: String,
    /// The path's segments, decoded.
    pub(super) segments: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) authorization: Option<String>,
    pub(super) body: Value,
    pub(super) files: Vec<File>,
}

impl Ask {
    pub(super) async fn read(request: Request, largest: usize) -> Result<Self, Reply> {
        let (parts, body) = request.into_parts();
        let header = |name| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
        let whole = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let known = whole.strip_prefix("/api/v10").filter(|rest| rest.starts_with('/'));
        let path = known.unwrap_or(whole).to_owned();
        let (plain, query) = path.split_once('?').unwrap_or((&path, ""));
        let segments = plain.trim_matches('/').split('/').map(decode).collect();
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let bytes = axum::body::to_bytes(body, largest)
            .await
            .map_err(|_| Reply::error(413, 40005, "Request entity too large"))?;
        let boundary = header(CONTENT_TYPE).and_then(|kind| multer::parse_boundary(kind).ok());
        let is_form = header(CONTENT_TYPE).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
        let (body, files) = match boundary {
            None if is_form => {
                let pairs = form_urlencoded::parse(&bytes).into_owned();
                (Value::Object(pairs.map(|(name, value)| (name, value.into())).collect()), Vec::new())
            }
            Some(boundary) => multipart(bytes, boundary).await?,
            None if bytes.is_empty() => (Value::Null, Vec::new()),
            None => {
                let malformed = |_| Reply::error(400, 50109, "The request body contains invalid JSON.");
                (serde_json::from_slice(&bytes).map_err(malformed)?, Vec::new())
            }
        };
        let method = parts.method.to_string();
        // Only paths below /api/v10 are endpoints.
        let segments = if known.is_some() { segments } else { vec![String::new()] };
        Ok(Self { method, segments, query, authorization: header(AUTHORIZATION), body, files, path })
    }
}

/// `payload_json` and the other parts.
async fn multipart(bytes: Bytes, boundary: String) -> Result<(Value, Vec<File>), Reply> {
    let malformed = |_| Reply::invalid_form("body", "not multipart");
    let whole = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes)]);
    let mut parts = multer::Multipart::new(whole, boundary);
    let (mut body, mut files) = (Value::Null, Vec::new());
    while let Some(part) = parts.next_field().await.map_err(malformed)? {
        if part.name() == Some("payload_json") {
            let text = part.text().await.map_err(malformed)?;
            body =
                serde_json::from_str(&text).map_err(|_| Reply::invalid_form("payload_json", "not JSON"))?;
        } else {
            let name = part.file_name().unwrap_or("unnamed").to_owned();
            let content_type = part.content_type().map(ToString::to_string).unwrap_or_default();
            files.push(File { name, content_type, bytes: part.bytes().await.map_err(malformed)? });
        }
    }
    Ok((body, files))
}

/// Decodes the percent encoding of a path segment.
fn decode(segment: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), segment.as_bytes());
    while let Some((first, tail)) = rest.split_first() {
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        if let Some(byte) = tail.get(..2).filter(|_| *first == b'%').and_then(hex) {
            bytes.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
