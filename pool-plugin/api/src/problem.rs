//! Errors, all in one form: problem details (RFC 9457).

use axum::{
    Json,
    body::to_bytes,
    extract::Request,
    http::{
        HeaderValue, StatusCode,
        header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use pool_plugin::{ledger::ReadError, operate::view::PageError};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// Limit for the quoted part of an error that is not ours.
const LONGEST_DETAIL: usize = 500;

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Always about:blank: the status says what kind of problem it is
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The status in words
    title: String,
    status: u16,
    /// What happened, and what to do
    detail: String,
    /// Seconds after which to try again
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("error").to_lowercase(),
            status: status.as_u16(),
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub fn too_many(detail: impl Into<String>, retry_after: u64) -> Self {
        let retry_after = Some(retry_after.max(1));
        Self { retry_after, ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        tracing::debug!(%error, "could not answer a request from the database");
        let detail = "the database cannot be read at the moment: try again";
        Self { retry_after: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }
}

impl From<PageError> for Problem {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Cursor => Self::not_found(error.to_string()),
            PageError::Read(error) => error.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The library's texts for requests that it cannot read, with ours.
const REFUSALS: [(&str, &str); 5] = [
    ("Failed to deserialize query string: ", "the parameters cannot be used"),
    ("Invalid URL: ", "the path cannot be used"),
    ("Failed to deserialize the JSON body into the target type: ", "the order cannot be used"),
    ("Failed to parse the request body as JSON: ", "the body is not JSON"),
    ("Expected request with ", "the body must be JSON, with that content type"),
];

/// The text of an error that the library makes, with what to do.
pub fn in_our_words(text: &str) -> String {
    let known = REFUSALS.iter().find_map(|(theirs, ours)| Some((ours, text.strip_prefix(theirs)?)));
    known.map_or_else(|| text.to_owned(), |(ours, why)| format!("{ours} ({why}): see /api/v1/openapi.json"))
}

/// For any path without a route.
pub async fn unknown_path(request: Request) -> Problem {
    let path = request.uri().path();
    Problem::not_found(format!("there is nothing at '{path}': see /api/v1/openapi.json for the paths"))
}

/// Gives the library's errors (a wrong method, a wrong parameter) the form of ours.
pub async fn in_one_form(request: Request, next: Next) -> Response {
    let (method, response) = (request.method().clone(), next.run(request).await);
    let status = response.status();
    let is_ours =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == MEDIA_TYPE.as_bytes());
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let allow = parts.headers.get(ALLOW).cloned();
    let detail = match (status, &allow) {
        (StatusCode::METHOD_NOT_ALLOWED, Some(allow)) => {
            format!("{method} is not possible here: use {}", allow.to_str().unwrap_or_default())
        }
        _ => {
            let bytes = to_bytes(body, 1 << 16).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            let line = text.lines().next().unwrap_or_default();
            in_our_words(&line.chars().take(LONGEST_DETAIL).collect::<String>())
        }
    };
    // A parameter of the wrong kind is a bad request, wherever it is.
    let status = match status {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        other => other,
    };
    let mut response = Problem::new(status, detail).into_response();
    if let Some(allow) = allow {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}
