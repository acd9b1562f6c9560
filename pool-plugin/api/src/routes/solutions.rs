//! Solutions of ours.

use axum::{
    Json,
    extract::{Query, State as Of},
};
use pool_plugin::operate::view::{Page, SolutionView, StateView};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, blocking, paging};
use crate::state::State;

/// Which solutions.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Only those of one state
    #[param(inline, required = false)]
    state: Option<StateView>,
    /// `next` of the page before
    #[param(pattern = "^([0-9a-f]{2})+$", required = false)]
    cursor: Option<String>,
    /// How many, default 50
    #[param(minimum = 1, maximum = 500, required = false)]
    limit: Option<usize>,
}

/// Solutions, the last one found first, each with its state and the reason
#[utoipa::path(
    get, path = "/api/v1/solutions", tag = "books", params(Wanted),
    responses((status = 200, body = Page<SolutionView>))
)]
pub async fn solutions(
    Of(state): Of<State>,
    Query(wanted): Query<Wanted>,
) -> Answer<Json<Page<SolutionView>>> {
    let (cursor, limit) = paging::read(wanted.cursor, wanted.limit)?;
    Ok(Json(blocking(move || state.view.solutions(wanted.state, cursor.as_deref(), limit)).await??))
}
