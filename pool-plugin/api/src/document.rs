//! The OpenAPI document, generated from the code, and served with it.

use std::sync::Arc;

use axum::{Json, Router, routing::get};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, Ref, RefOr, Response, ResponseBuilder, Schema,
        schema::AdditionalProperties,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::{
    listeners::Tick,
    problem::{MEDIA_TYPE, Problem},
};

/// Where the document is.
pub const PATH: &str = "/api/v1/openapi.json";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Aleo pool",
        description = "What the pool shows its operator and its miners. Numbers that may need more than 53 bits are \
                       text. Rates are in attempts per second, amounts in microcredits, times in Unix \
                       seconds unless stated otherwise. Lists come in pages, in a stable order: give \
                       `next` as `cursor` for the next page. Every complete answer has an entity tag.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem, Tick)),
    modifiers(&Security)
)]
struct Base;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = &mut document.components {
            components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
        }
    }
}

/// The document without the routes.
pub fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// The route of the finished document.
pub fn route(mut document: utoipa::openapi::OpenApi) -> Router {
    add_problems(&mut document);
    close_orders(&mut document);
    let document = Arc::new(document);
    Router::new().route(
        PATH,
        get(move || {
            let document = Arc::clone(&document);
            async move { Json((*document).clone()) }
        }),
    )
}

/// Every operation may fail, and describes errors in one form.
fn add_problems(document: &mut utoipa::openapi::OpenApi) {
    let problem: RefOr<Response> = ResponseBuilder::new()
        .description("What went wrong (RFC 9457)")
        .content(MEDIA_TYPE, Content::new(Some(Ref::from_schema_name("Problem"))))
        .build()
        .into();
    for path in document.paths.paths.values_mut() {
        for operation in [&mut path.get, &mut path.post].into_iter().flatten() {
            operation.responses.responses.insert("default".to_owned(), problem.clone());
        }
    }
}

/// An order takes no more than its own parameters. (One without any ignores extra ones.)
fn close_orders(document: &mut utoipa::openapi::OpenApi) {
    let schemas = document.components.as_mut().map(|components| &mut components.schemas);
    let Some(RefOr::T(Schema::OneOf(orders))) = schemas.and_then(|schemas| schemas.get_mut("Command")) else {
        return;
    };
    for order in &mut orders.items {
        if let RefOr::T(Schema::Object(order)) = order
            && order.properties.len() > 1
        {
            order.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}
