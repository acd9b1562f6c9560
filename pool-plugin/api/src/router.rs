//! All routes, with what they have in common.
//!
//! The dashboard's files are routes like any other: the module `dashboard` returns them as a plain [`Router`]
//! that is merged below.

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    conditional::conditional,
    cors, dashboard, document,
    exposition::Exposition,
    limits::{Limits, limit},
    problem,
    routes::{admin, blocks, config, events, health, history, metrics, miners, pool, solutions},
    state::State,
};

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_documentation_has_every_path() {
        let document = documented().into_openapi();
        let there: BTreeSet<&str> =
            document.paths.paths.keys().map(String::as_str).chain([document::PATH]).collect();
        let text = include_str!("../../../docs/api.md");
        let quoted = text.split('`').skip(1).step_by(2);
        let paths = quoted.map(|item| item.trim_start_matches("GET ").trim_start_matches("POST "));
        // `/api/v1/admin/…` stands for several.
        let named: BTreeSet<&str> =
            paths.filter(|path| path.starts_with('/') && !path.ends_with('…')).collect();
        assert_eq!(named, there);
    }
}
