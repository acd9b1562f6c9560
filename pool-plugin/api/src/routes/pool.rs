//! The pool as a whole, and what its addresses may land.

use axum::{Json, extract::State as Of};
use pool_plugin::operate::view::{BudgetView, PoolView};

use crate::state::State;

/// The pool: chain, rates, miners, shares by verdict, the open round, luck, verification
#[utoipa::path(get, path = "/api/v1/pool", tag = "pool", responses((status = 200, body = PoolView)))]
pub async fn pool(Of(state): Of<State>) -> Json<PoolView> {
    Json(state.view.latest().pool.clone())
}

/// What each of the pool's addresses may land in this epoch, by its stake
#[utoipa::path(get, path = "/api/v1/budget", tag = "pool", responses((status = 200, body = Vec<BudgetView>)))]
pub async fn budget(Of(state): Of<State>) -> Json<Vec<BudgetView>> {
    Json(state.view.latest().budgets.clone())
}
