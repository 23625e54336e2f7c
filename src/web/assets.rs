//! Style sheet, script and icon: in the binary, named by their content so that browsers may keep them for ever.

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

/// All of them. Nothing else is looked for: a build for debugging reads them from the source folder, by their name.
const NAMES: [&str; 3] = ["app.css", "app.js", "icon.svg"];

/// Addresses of the assets, for the frame of every page.
#[derive(Debug, Clone, Serialize)]
pub struct AssetLinks {
    pub style: String,
    pub script: String,
    pub icon: String,
}

static LINKS: LazyLock<AssetLinks> =
    LazyLock::new(|| AssetLinks { style: link(NAMES[0]), script: link(NAMES[1]), icon: link(NAMES[2]) });

/// Where this build's assets are.
pub fn links() -> &'static AssetLinks {
    &LINKS
}

fn link(name: &str) -> String {
    let file = Files::get(name).expect("the asset is in the binary");
    format!("/assets/{}/{name}", Digest::of(&file.data).short())
}

/// `GET /assets/{digest}/{name}`. The digest only keeps old copies apart; any leads to this build's file.
pub async fn show(Path((_digest, name)): Path<(String, String)>) -> Response {
    let Some(file) = NAMES.iter().find(|known| **known == name).and_then(|known| Files::get(known)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
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
    (headers, file.data).into_response()
}
