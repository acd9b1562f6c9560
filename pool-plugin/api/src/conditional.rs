//! Entity tags and compression, for every complete answer.

use std::io::Write;

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::Request,
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, VARY,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// A smaller answer fits into a packet uncompressed.
const WORTH_IT: usize = 1_024;
/// Larger ones are sent as they are: they are files, and read piece by piece.
const WHOLE: usize = 32 << 20;

/// Answers 304 to clients that have the answer already, and compresses the others for clients that support
/// it.
pub async fn conditional(request: Request, next: Next) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let response = next.run(request).await;
    let known_size = response.body().size_hint().exact();
    let whole = known_size.is_some_and(|size| size <= WHOLE as u64);
    if response.status() != StatusCode::OK || !whole || !matches!(method, Method::GET | Method::HEAD) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, WHOLE).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = tag(&bytes);
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(ETAG, value);
    }
    parts.headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    // May be stored, but must be revalidated each time: the figures change by the second.
    parts.headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    if has(&headers, &tag) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_TYPE);
        parts.headers.remove(CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    if bytes.len() < WORTH_IT || !takes_gzip(&headers) || !is_text(&parts.headers) {
        return Response::from_parts(parts, Body::from(bytes));
    }
    match pack(&bytes) {
        Ok(packed) => {
            parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            parts.headers.remove(CONTENT_LENGTH);
            Response::from_parts(parts, Body::from(packed))
        }
        Err(_) => Response::from_parts(parts, Body::from(bytes)),
    }
}

/// Weak, since the compressed answer has the same.
fn tag(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hex}\"")
}

fn has(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let asked = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    asked.flat_map(|list| list.split(',')).any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    offered.flat_map(|list| list.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0f32));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/")
        || kind.starts_with("application/json")
        || kind.contains("javascript")
        || kind.contains("svg")
}

fn pack(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_tag_is_known_in_any_form_of_it() {
        let tag = tag(b"x");
        let strong = tag.trim_start_matches("W/").to_owned();
        for known in [tag.clone(), strong.clone(), "*".into(), format!("\"a\", {tag}")] {
            assert!(has(&headers(IF_NONE_MATCH, &known), &tag), "{known}");
        }
        assert!(!has(&headers(IF_NONE_MATCH, "\"other\""), &tag));
    }

    #[test]
    fn gzip_is_used_for_those_who_take_it() {
        for (offered, taken) in
            [("gzip", true), ("br, GZIP;q=0.5", true), ("gzip;q=0", false), ("br", false), ("", false)]
        {
            assert_eq!(takes_gzip(&headers(ACCEPT_ENCODING, offered)), taken, "{offered}");
        }
    }
}
