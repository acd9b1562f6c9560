//! The health of the parts.

use axum::{Json, extract::State as Of};
use pool_plugin::operate::view::HealthView;

use crate::state::State;

/// Each part of the pool, green, amber or red, with the sentence that says what to do
#[utoipa::path(get, path = "/api/v1/health", tag = "pool", responses((status = 200, body = HealthView)))]
pub async fn health(Of(state): Of<State>) -> Json<HealthView> {
    Json(state.view.health())
}
