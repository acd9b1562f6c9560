//! The metrics, for Prometheus.

use axum::{
    extract::{FromRef, State as Of},
    http::{HeaderName, header::CONTENT_TYPE},
};

use super::{Answer, blocking};
use crate::{exposition::Exposition, state::State};

/// The text format Prometheus reads.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

type Text = ([(HeaderName, &'static str); 1], String);

impl FromRef<State> for Exposition {
    fn from_ref(state: &State) -> Self {
        state.exposition.clone()
    }
}

/// The node's figures and the pool's, in the text format of Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "metrics", responses((status = 200, body = String, content_type = "text/plain"))
)]
pub async fn metrics(exposition: Of<Exposition>) -> Answer<Text> {
    text(exposition).await
}

/// The same, for another router.
pub async fn text(Of(exposition): Of<Exposition>) -> Answer<Text> {
    let text = blocking(move || exposition.render().to_string()).await?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text))
}
