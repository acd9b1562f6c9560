//! The routes put together, with what all of them have in common.
//!
//! The dashboard's files are routes like any other: a module `dashboard` gives them as a plain [`Router`] that
//! is merged below.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use pool_plugin::{
    operate::{admin::AdminHandle, view::View},
    stratum::users::tries::Attempt,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    conditional::conditional,
    cors, dashboard, document,
    exposition::Exposition,
    limits::{Limits, limit},
    listeners::Listeners,
    problem,
    routes::{admin, blocks, config, events, health, history, metrics, miners, pool, solutions},
    token::AdminToken,
};

/// What the routes answer from.
#[derive(Clone)]
pub struct State {
    pub view: View,
    pub admin: AdminHandle,
    pub exposition: Exposition,
    pub events: Arc<Listeners>,
    token: Option<Arc<AdminToken>>,
}

impl State {
    pub fn new(view: View, admin: AdminHandle, exposition: Exposition, events: Arc<Listeners>) -> Self {
        let token = view.config().api.admin_token.clone().map(|hash| Arc::new(AdminToken::new(hash)));
        Self { view, admin, exposition, events, token }
    }

    /// Whether a token is the admin's; `None`: there is no admin part.
    pub(crate) async fn attempt(&self, token: String) -> Option<Attempt> {
        let admin = Arc::clone(self.token.as_ref()?);
        let attempt = tokio::task::spawn_blocking(move || admin.attempt(&token, Instant::now())).await;
        Some(attempt.unwrap_or(Attempt::Wrong))
    }
}

/// All routes.
pub fn router(state: State) -> Router {
    let api = &state.view.config().api;
    let limits = Limits::new(api.requests_per_minute, api.proxies.clone());
    let cors = cors::layer(&api.cors);
    let (routes, document) = documented().split_for_parts();
    let routes = routes
        .with_state(state)
        .merge(document::route(document))
        .merge(dashboard::router())
        .fallback(problem::unknown_path);
    // As a whole: what is laid over a router's routes one by one does not see how it refuses a method.
    Router::new()
        .fallback_service(routes)
        .layer(from_fn(conditional))
        .layer(from_fn(problem::in_one_form))
        .layer(from_fn_with_state(limits, limit))
        .layer(cors)
}

/// The metrics alone, at any path, as the node's own exporter has them.
pub fn metrics_only(exposition: Exposition) -> Router {
    Router::new().fallback(get(metrics::text)).with_state(exposition)
}

/// The routes that the OpenAPI document describes, and the document.
pub fn documented() -> OpenApiRouter<State> {
    OpenApiRouter::with_openapi(document::base())
        .routes(routes!(pool::pool))
        .routes(routes!(history::history))
        .routes(routes!(pool::budget))
        .routes(routes!(health::health))
        .routes(routes!(blocks::blocks))
        .routes(routes!(blocks::block))
        .routes(routes!(blocks::dump))
        .routes(routes!(blocks::rounds))
        .routes(routes!(solutions::solutions))
        .routes(routes!(miners::accounts))
        .routes(routes!(miners::account))
        .routes(routes!(miners::account_workers))
        .routes(routes!(miners::account_rewards))
        .routes(routes!(history::account_history))
        .routes(routes!(miners::workers))
        .routes(routes!(events::events))
        .routes(routes!(config::config))
        .routes(routes!(config::balance))
        .routes(routes!(config::total))
        .routes(routes!(metrics::metrics))
        .routes(routes!(admin::status))
        .routes(routes!(admin::sessions))
        .routes(routes!(admin::bans))
        .routes(routes!(admin::peers))
        .routes(routes!(admin::command))
}
