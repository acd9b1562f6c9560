//! The admin part: the commands of the admin socket, for clients with the token.

use axum::{
    Json,
    extract::{FromRequestParts, State as Of, rejection::JsonRejection},
    http::{StatusCode, header::AUTHORIZATION, request::Parts},
};
use pool_plugin::{operate::admin::Command, stratum::users::tries::LoginAttempt};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Answer, blocking};
use crate::{
    problem::{Problem, in_our_words},
    state::State,
};

/// Proof that a request has the token.
pub struct IsAdmin;

impl FromRequestParts<State> for IsAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        let header =
            parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => "",
        };
        let wrong = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, detail);
        if token.is_empty() {
            return Err(wrong("this needs the admin's token: send 'authorization: Bearer TOKEN'"));
        }
        match state.attempt(token.to_owned()).await {
            None => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "the API has no admin part: make a token with `snarkos pool api-token`",
            )),
            Some(LoginAttempt::Right) => Ok(Self),
            Some(LoginAttempt::Wrong) => {
                tracing::warn!("wrong token for the admin part of the API");
                Err(wrong("this is not the admin's token"))
            }
            Some(LoginAttempt::TooMany) => {
                Err(Problem::too_many("too many wrong tokens: try again in a minute", 60))
            }
        }
    }
}

/// The pool's answer.
#[derive(Serialize, ToSchema)]
pub struct Done {
    /// Always true; a failed command is a problem
    ok: bool,
    /// Further fields of the answer
    #[serde(flatten)]
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    rest: serde_json::Map<String, Value>,
}

/// A peer of the node.
#[derive(Serialize, ToSchema)]
pub struct PeerView {
    address: String,
    validator: bool,
    /// Named by the operator
    trusted: bool,
    /// The height it last claimed
    height: Option<u32>,
}

/// The pool's status
#[utoipa::path(
    get, path = "/api/v1/admin/status", tag = "admin", security(("token" = [])),
    responses((status = 200, body = Done))
)]
pub async fn status(_: IsAdmin, Of(state): Of<State>) -> Answer<Json<Done>> {
    act(state, Command::Status).await
}

/// Every session: its id, address, login and shares
#[utoipa::path(
    get, path = "/api/v1/admin/sessions", tag = "admin", security(("token" = [])),
    responses((status = 200, body = Done))
)]
pub async fn sessions(_: IsAdmin, Of(state): Of<State>) -> Answer<Json<Done>> {
    act(state, Command::Sessions).await
}

/// Every ban and the allow-list
#[utoipa::path(
    get, path = "/api/v1/admin/bans", tag = "admin", security(("token" = [])),
    responses((status = 200, body = Done))
)]
pub async fn bans(_: IsAdmin, Of(state): Of<State>) -> Answer<Json<Done>> {
    act(state, Command::Bans).await
}

/// The peers of the node
#[utoipa::path(
    get, path = "/api/v1/admin/peers", tag = "admin", security(("token" = [])),
    responses((status = 200, body = Vec<PeerView>))
)]
pub async fn peers(_: IsAdmin, Of(state): Of<State>) -> Json<Vec<PeerView>> {
    let view = |peer: pool_core::chain::Peer| PeerView {
        address: peer.address.to_string(),
        validator: peer.validator,
        trusted: peer.trusted,
        height: peer.height,
    };
    Json(state.view.peers().into_iter().map(view).collect())
}

/// Any command of the admin socket: the object that goes over the socket as a line
#[utoipa::path(
    post, path = "/api/v1/admin/command", tag = "admin", security(("token" = [])),
    request_body(content = Command), responses((status = 200, body = Done))
)]
pub async fn command(
    _: IsAdmin,
    Of(state): Of<State>,
    body: Result<Json<Command>, JsonRejection>,
) -> Answer<Json<Done>> {
    let Json(command) = body.map_err(|error| Problem::bad_request(in_our_words(&error.body_text())))?;
    act(state, command).await
}

async fn act(state: State, command: Command) -> Answer<Json<Done>> {
    let answer = blocking(move || state.admin.act(&command)).await?;
    match answer {
        Value::Object(mut rest) if rest.get("ok") == Some(&Value::Bool(true)) => {
            rest.remove("ok");
            Ok(Json(Done { ok: true, rest }))
        }
        answer => {
            let reason = answer["error"].as_str().unwrap_or("the pool refused").to_owned();
            Err(Problem::new(StatusCode::CONFLICT, reason))
        }
    }
}
