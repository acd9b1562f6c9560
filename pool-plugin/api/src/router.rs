//! All routes, with what they have in common.
//!
//! The dashboard's files are routes like any other: the module `dashboard` returns them as a plain [`Router`]
//! that is merged below.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use pool_plugin::{users::tries::Attempt, view::View};
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

/// What the routes need for their answers.
#[derive(Clone)]
pub struct State {
    pub view: View,
    pub exposition: Exposition,
    pub events: Arc<Listeners>,
    token: Option<Arc<AdminToken>>,
}

impl State {
    pub fn new(view: View, exposition: Exposition, events: Arc<Listeners>) -> Self {
        let token = view.config().api.admin_token.clone().map(|hash| Arc::new(AdminToken::new(hash)));
        Self { view, exposition, events, token }
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
    // Around the whole router: layers on single routes do not see its refusals of a method.
    Router::new()
        .fallback_service(routes)
        .layer(from_fn(conditional))
        .layer(from_fn(problem::in_one_form))
        .layer(from_fn_with_state(limits, limit))
        .layer(cors)
}

/// Only the metrics, at any path, like the node's own exporter.
pub fn metrics_only(exposition: Exposition) -> Router {
    Router::new().fallback(get(metrics::text)).with_state(exposition)
}

/// The routes in the OpenAPI document, and the document.
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
