//! Style sheet, script and icon: in the binary, named by their content so that browsers may keep them for ever.
//! A browser asks for one style sheet and one script; each is made of one file for each area of the pages.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::Embed;
use serde::Serialize;

use crate::id::Digest;

#[derive(Embed)]
#[folder = "src/web/assets"]
struct Files;

/// What browsers ask for, and the files that each is made of, in this order. Nothing else is looked for: a build for
/// debugging reads them from the source folder, by their name.
const ASSETS: [(&str, &[&str]); 3] = [
    ("app.css", &["app.css", "run.css", "output.css", "lists.css", "handoff.css", "oncall.css"]),
    ("app.js", &["app.js", "run.js", "output.js", "lists.js", "handoff.js"]),
    ("icon.svg", &["icon.svg"]),
];

/// Addresses of the assets, for the frame of every page.
#[derive(Debug, Clone, Serialize)]
pub struct AssetLinks {
    pub style: String,
    pub script: String,
    pub icon: String,
}

static LINKS: LazyLock<AssetLinks> =
    LazyLock::new(|| AssetLinks { style: link("app.css"), script: link("app.js"), icon: link("icon.svg") });

/// Where this build's assets are.
pub fn links() -> &'static AssetLinks {
    &LINKS
}

fn link(name: &str) -> String {
    let bytes = read(name).expect("the asset is in the binary");
    format!("/assets/{}/{name}", Digest::of(&bytes).short())
}

/// The bytes of an asset; none if there is none of this name.
fn read(name: &str) -> Option<Cow<'static, [u8]>> {
    let (_, parts) = ASSETS.iter().find(|(known, _)| *known == name)?;
    if let [whole] = parts {
        return Some(Files::get(whole)?.data);
    }
    let files: Option<Vec<_>> = parts.iter().map(|part| Some(Files::get(part)?.data)).collect();
    Some(Cow::Owned(files?.join(&b'\n')))
}

/// `GET /assets/{digest}/{name}`. The digest only keeps old copies apart; any leads to this build's file.
pub async fn show(Path((_digest, name)): Path<(String, String)>) -> Response {
    let Some(bytes) = read(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, bytes).into_response()
}
