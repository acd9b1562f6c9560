//! The dashboard: plain modules, inside the binary, served by the API they read.
//!
//! It contacts nothing but this port, and has the browser enforce that: no other origin, no script or style
//! inside the page, no frame around it, and no text that becomes markup, whatever a miner's name is (trusted
//! types).

#[cfg(test)]
mod tests;

use axum::{
    Router,
    extract::Path,
    http::{
        HeaderName, HeaderValue,
        header::{
            CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    response::{IntoResponse, Response},
    routing::get,
};

use crate::problem::Problem;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// The headers of every file.
const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // The same as the policy's frame-ancestors, for browsers that do not support that.
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of `web/`.
struct File {
    name: &'static str,
    kind: &'static str,
    content: &'static [u8],
}

macro_rules! files {
    ($($name:literal is $kind:ident),* $(,)?) => {
        &[$(File { name: $name, kind: $kind, content: include_bytes!(concat!("../web/", $name)) }),*]
    };
}

/// Served at `/`.
const PAGE: &str = "index.html";

const FILES: &[File] = files! {
    "index.html" is HTML,
    "base.css" is CSS,
    "parts.css" is CSS,
    "icon.svg" is SVG,
    "admin.js" is SCRIPT,
    "api.js" is SCRIPT,
    "charts.js" is SCRIPT,
    "dom.js" is SCRIPT,
    "format.js" is SCRIPT,
    "live.js" is SCRIPT,
    "main.js" is SCRIPT,
    "operator-admin.js" is SCRIPT,
    "page-miner.js" is SCRIPT,
    "page-operator.js" is SCRIPT,
    "page-pool.js" is SCRIPT,
    "parts.js" is SCRIPT,
    "theme.js" is SCRIPT,
    "words.js" is SCRIPT,
};

/// The page at `/` and its files below `/dashboard/`. The outer router adds entity tags.
pub fn router() -> Router {
    Router::new()
        .route("/", get(async || file(PAGE)))
        .route("/dashboard/{name}", get(async |Path(name): Path<String>| file(&name)))
}

fn file(name: &str) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return Problem::not_found(format!("the dashboard has no file '{name}': start at /")).into_response();
    };
    let mut response = file.content.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.kind));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
