//! Live events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Query, State as Of},
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use serde::Deserialize;
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use utoipa::IntoParams;

use super::Answer;
use crate::{listeners::LiveEvent, problem::Problem, state::State};

/// Shorter than the timeout of a silent connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long to listen.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Listening {
    /// End after this many events
    #[param(minimum = 1, required = false)]
    events: Option<u32>,
}

/// Server-sent events: `pool` once a second, `block` for each new block of ours, `health` when a part changes
#[utoipa::path(
    get, path = "/api/v1/events", tag = "pool", params(Listening),
    responses((status = 200, body = LiveEvent, content_type = "text/event-stream"))
)]
pub async fn events(
    Of(state): Of<State>,
    Query(listening): Query<Listening>,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let most = match listening.events {
        Some(0) => {
            return Err(Problem::bad_request("`events` must be at least 1: use 1 or more, or leave it out"));
        }
        most => most.map_or(usize::MAX, |most| most as usize),
    };
    let events = state.events.join(&state.view);
    let events = events.ok_or_else(|| Problem::too_many("too many listeners: try again later", 30))?;
    Ok(Sse::new(ReceiverStream::new(events).take(most)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
