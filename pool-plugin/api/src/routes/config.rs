//! Katpool's paths, with its shapes.

use std::collections::BTreeMap;

use axum::{Json, extract::State as Of};
use pool_plugin::operate::view::Decimal;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Answer, blocking};
use crate::state::State;

/// Balances by wallet and miner.
#[derive(Serialize, ToSchema)]
pub struct Balances {
    /// By wallet, then by miner: here both are the account
    balance: BTreeMap<String, BTreeMap<String, Decimal>>,
}

/// Earnings by wallet.
#[derive(Serialize, ToSchema)]
pub struct Totals {
    /// By wallet
    total: BTreeMap<String, Decimal>,
}

/// The configuration in force, by the keys of its file; secrets are masked
#[utoipa::path(get, path = "/config", tag = "katpool", responses((status = 200, body = BTreeMap<String, Value>)))]
pub async fn config(Of(state): Of<State>) -> Json<Value> {
    Json(state.view.shown_config())
}

/// What each account has earned and not been paid yet, microcredits
#[utoipa::path(get, path = "/balance", tag = "katpool", responses((status = 200, body = Balances)))]
pub async fn balance(Of(state): Of<State>) -> Answer<Json<Balances>> {
    let balances = blocking(move || state.view.balances()).await?;
    let of = |(account, (_, left)): (String, (Decimal, Decimal))| {
        (account.clone(), BTreeMap::from([(account, left)]))
    };
    Ok(Json(Balances { balance: balances.into_iter().map(of).collect() }))
}

/// What each account has ever earned, microcredits
#[utoipa::path(get, path = "/total", tag = "katpool", responses((status = 200, body = Totals)))]
pub async fn total(Of(state): Of<State>) -> Answer<Json<Totals>> {
    let balances = blocking(move || state.view.balances()).await?;
    Ok(Json(Totals { total: balances.into_iter().map(|(account, (earned, _))| (account, earned)).collect() }))
}
