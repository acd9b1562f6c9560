//! Accounts and their workers.

use axum::{
    Json,
    extract::{Path, Query, State as Of},
};
use pool_plugin::operate::view::{AccountView, Page, RewardView, View, WorkerView};

use super::{Answer, blocking, paging::Paging};
use crate::{problem::Problem, state::State};

/// Accounts by name: rates, shares, credited work, rewards, payments
#[utoipa::path(
    get, path = "/api/v1/accounts", tag = "miners", params(Paging),
    responses((status = 200, body = Page<AccountView>))
)]
pub async fn accounts(Of(state): Of<State>, Query(paging): Query<Paging>) -> Answer<Json<Page<AccountView>>> {
    let (cursor, limit) = paging.read()?;
    Ok(Json(blocking(move || state.view.accounts(cursor.as_deref(), limit)).await??))
}

/// An account
#[utoipa::path(
    get, path = "/api/v1/accounts/{account}", tag = "miners", params(("account" = String, Path)),
    responses((status = 200, body = AccountView))
)]
pub async fn account(Of(state): Of<State>, Path(name): Path<String>) -> Answer<Json<AccountView>> {
    known(&state.view, &name).map(Json)
}

/// The workers of an account, by name
#[utoipa::path(
    get, path = "/api/v1/accounts/{account}/workers", tag = "miners",
    params(("account" = String, Path), Paging), responses((status = 200, body = Page<WorkerView>))
)]
pub async fn account_workers(
    Of(state): Of<State>,
    Path(name): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<WorkerView>>> {
    let (cursor, limit) = paging.read()?;
    known(&state.view, &name)?;
    Ok(Json(blocking(move || state.view.workers(Some(&name), cursor.as_deref(), limit)).await??))
}

/// What the latest blocks paid an account, the last one first, each with its dump
#[utoipa::path(
    get, path = "/api/v1/accounts/{account}/rewards", tag = "miners",
    params(("account" = String, Path), Paging), responses((status = 200, body = Page<RewardView>))
)]
pub async fn account_rewards(
    Of(state): Of<State>,
    Path(name): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<RewardView>>> {
    let (cursor, limit) = paging.read()?;
    known(&state.view, &name)?;
    Ok(Json(blocking(move || state.view.rewards(&name, cursor.as_deref(), limit)).await??))
}

/// All workers, by account and name
#[utoipa::path(
    get, path = "/api/v1/workers", tag = "miners", params(Paging),
    responses((status = 200, body = Page<WorkerView>))
)]
pub async fn workers(Of(state): Of<State>, Query(paging): Query<Paging>) -> Answer<Json<Page<WorkerView>>> {
    let (cursor, limit) = paging.read()?;
    Ok(Json(blocking(move || state.view.workers(None, cursor.as_deref(), limit)).await??))
}

pub(super) fn known(view: &View, name: &str) -> Answer<AccountView> {
    view.account(name).ok_or_else(|| {
        Problem::not_found("this account has no share in this pool: is it written as in the miner's login?")
    })
}
