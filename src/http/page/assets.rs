//! The files that the page loads: style sheet, script, icon and manifest. They are part of the binary.
//!
//! The name of a file contains a hash of its content, so that browsers keep it for good and still load a new release.

use std::sync::LazyLock;

use axum::{
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use sha2::{Digest as _, Sha256};

use crate::http::error::ApiError;
use crate::http::query::PathSegment;

/// The folder in URLs.
const FOLDER: &str = "/assets/";
/// Hexadecimal digits of the hash in a name.
const HASH_DIGITS: usize = 12;
const KEEP_FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// A file under its hashed path.
struct Asset {
    path: String,
    content_type: &'static str,
    content: String,
}

/// The style sheet.
static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("page", "css", "text/css; charset=utf-8", include_str!("../../../assets/page/page.css").into())
});

/// htmx, its extensions, and the page's own script, in one file: htmx starts as soon as it has loaded, and must find
/// its extensions then.
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let parts = [
        include_str!("../../../assets/vendor/htmx.min.js"),
        include_str!("../../../assets/vendor/hx-sse.min.js"),
        include_str!("../../../assets/vendor/hx-upsert.min.js"),
        include_str!("../../../assets/page/page.js"),
    ];
    Asset::new("page", "js", "text/javascript; charset=utf-8", parts.join("\n;\n"))
});

static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("icon", "svg", "image/svg+xml", include_str!("../../../assets/page/icon.svg").into())
});

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, content: String) -> Self {
        let hash = hex::encode(Sha256::digest(&content));
        let hash: String = hash.chars().take(HASH_DIGITS).collect();
        Self { path: format!("{FOLDER}{name}-{hash}.{extension}"), content_type, content }
    }
}

pub(crate) fn style_path() -> &'static str {
    &STYLE.path
}

pub(crate) fn script_path() -> &'static str {
    &SCRIPT.path
}

pub(crate) fn icon_path() -> &'static str {
    &ICON.path
}

/// The service worker. It must be at the root, and a browser looks for a new one by itself.
pub(crate) async fn worker() -> Response {
    static WORKER: LazyLock<String> =
        LazyLock::new(|| with_paths(include_str!("../../../assets/page/worker.js")));
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], WORKER.as_str()).into_response()
}

/// The manifest, with which a phone can install the page.
pub(crate) async fn manifest() -> Response {
    static MANIFEST: LazyLock<String> =
        LazyLock::new(|| with_paths(include_str!("../../../assets/page/manifest.json")));
    ([(CONTENT_TYPE, "application/manifest+json")], MANIFEST.as_str()).into_response()
}

fn with_paths(text: &str) -> String {
    text.replace("STYLE", style_path()).replace("SCRIPT", script_path()).replace("ICON", icon_path())
}

/// Serves a file under its hashed name.
pub(crate) async fn file(PathSegment(name): PathSegment) -> Result<Response, ApiError> {
    let assets: [&'static Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    let asset = assets.into_iter().find(|asset| asset.path.strip_prefix(FOLDER) == Some(name.as_str()));
    let asset = asset.ok_or(ApiError::UnknownRoute)?;
    let headers = [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, KEEP_FOR_GOOD)];
    Ok((headers, asset.content.as_str()).into_response())
}
