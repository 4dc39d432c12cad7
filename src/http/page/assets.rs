//! The files that the page loads: style sheet, script, icon and manifest. They are part of the binary.
//!
//! The name of a file contains a hash of its content, so that browsers can keep it forever and still
//! load a changed file.

use std::borrow::Cow;
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
    content: Cow<'static, [u8]>,
}

/// The style sheet.
static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("page", "css", "text/css; charset=utf-8", include_bytes!("../../../assets/page/page.css"))
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
    Asset::new("page", "js", "text/javascript; charset=utf-8", parts.join("\n;\n").into_bytes())
});

static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../../../assets/page/icon.svg"))
});

/// The icon as PNG, for phones that install the page. The files are drawn from the SVG.
static PICTURES: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("icon-192", "png", "image/png", include_bytes!("../../../assets/page/icon-192.png")),
        Asset::new("icon-512", "png", "image/png", include_bytes!("../../../assets/page/icon-512.png")),
        Asset::new(
            "icon-maskable",
            "png",
            "image/png",
            include_bytes!("../../../assets/page/icon-maskable.png"),
        ),
    ]
});

impl Asset {
    fn new(
        name: &str,
        extension: &str,
        content_type: &'static str,
        content: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        let content = content.into();
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
    let [small, large, maskable] = &*PICTURES;
    let paths = [
        ("STYLE", style_path()),
        ("SCRIPT", script_path()),
        ("ICON", icon_path()),
        ("VERSION", &version()),
        ("PICTURE192", small.path.as_str()),
        ("PICTURE512", large.path.as_str()),
        ("PICTUREMASKABLE", maskable.path.as_str()),
    ];
    paths.into_iter().fold(text.to_owned(), |text, (name, path)| text.replace(name, path))
}

/// Changes with everything that a browser keeps for the time without a connection.
fn version() -> String {
    let offline = [include_str!("templates/offline.html"), include_str!("templates/base.html")];
    let kept = [style_path(), script_path(), icon_path()].into_iter().chain(offline);
    let hash = kept.fold(Sha256::new(), Sha256::chain_update).finalize();
    hex::encode(hash).chars().take(HASH_DIGITS).collect()
}

/// Serves a file under its hashed name.
pub(crate) async fn file(PathSegment(name): PathSegment) -> Result<Response, ApiError> {
    let assets: [&'static Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    let asset = assets
        .into_iter()
        .chain(PICTURES.iter())
        .find(|asset| asset.path.strip_prefix(FOLDER) == Some(name.as_str()));
    let asset = asset.ok_or(ApiError::UnknownRoute)?;
    let headers = [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, KEEP_FOR_GOOD)];
    Ok((headers, &*asset.content).into_response())
}
