//! What charts show: the last hours, in spans.

use axum::{
    Json,
    extract::{Path, Query, State as Of},
};
use pool_plugin::operate::view::{AccountHistoryView, HistoryView};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Answer, miners::known};
use crate::{problem::Problem, state::State};

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Back {
    /// How many hours, default 24
    #[param(minimum = 1, maximum = 24, required = false)]
    hours: Option<u64>,
}

impl Back {
    fn read(&self) -> Answer<u64> {
        match self.hours.unwrap_or(24) {
            hours @ 1..=24 => Ok(hours),
            hours => Err(Problem::bad_request(format!("{hours} hours are out of range: use 1 to 24"))),
        }
    }
}

/// The rate and the shares of the last hours, in spans of 2, 10 or 30 minutes
#[utoipa::path(
    get, path = "/api/v1/history", tag = "pool", params(Back), responses((status = 200, body = HistoryView))
)]
pub async fn history(Of(state): Of<State>, Query(back): Query<Back>) -> Answer<Json<HistoryView>> {
    Ok(Json(state.view.history(back.read()?)))
}

/// The rate of an account over the last hour in spans of five minutes, or over more in hours
#[utoipa::path(
    get, path = "/api/v1/accounts/{account}/history", tag = "miners",
    params(("account" = String, Path), Back), responses((status = 200, body = AccountHistoryView))
)]
pub async fn account_history(
    Of(state): Of<State>,
    Path(name): Path<String>,
    Query(back): Query<Back>,
) -> Answer<Json<AccountHistoryView>> {
    let hours = back.read()?;
    known(&state.view, &name)?;
    Ok(Json(state.view.account_history(&name, hours)))
}
