//! Which pages may read the API from a browser: the configured origins, and no others.

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The layer for a list of origins; `*` among them means all. Credentials are never allowed: a page that may
/// read does not thereby become the admin.
pub fn layer(origins: &[String]) -> CorsLayer {
    let origin = match origins.iter().any(|origin| origin == "*") {
        true => AllowOrigin::any(),
        false => AllowOrigin::list(origins.iter().filter_map(|origin| origin.parse().ok())),
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([header::IF_NONE_MATCH, HeaderName::from_static("last-event-id")])
        .expose_headers([header::ETAG, header::RETRY_AFTER])
}
