//! Blocks of ours, their dumps, and the rounds they close.

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State as Of},
    http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use pool_plugin::operate::view::{BlockView, Page, RoundView};

use super::{Answer, blocking, paging::Paging};
use crate::{problem::Problem, state::State};

/// Blocks with solutions of ours, the last one first, each with its dump
#[utoipa::path(
    get, path = "/api/v1/blocks", tag = "books", params(Paging), responses((status = 200, body = Page<BlockView>))
)]
pub async fn blocks(Of(state): Of<State>, Query(paging): Query<Paging>) -> Answer<Json<Page<BlockView>>> {
    let (cursor, limit) = paging.read()?;
    Ok(Json(blocking(move || state.view.blocks(cursor.as_deref(), limit)).await??))
}

/// A block with solutions of ours
#[utoipa::path(
    get, path = "/api/v1/blocks/{height}", tag = "books", params(("height" = u32, Path)),
    responses((status = 200, body = BlockView))
)]
pub async fn block(Of(state): Of<State>, Path(height): Path<u32>) -> Answer<Json<BlockView>> {
    let block = blocking(move || state.view.block(height)).await??;
    block.map(Json).ok_or_else(|| unknown(height))
}

/// The share dump of a block, byte for byte as it was published: who is paid, and why
#[utoipa::path(
    get, path = "/api/v1/blocks/{height}/dump", tag = "books", params(("height" = u32, Path)),
    responses((status = 200, body = serde_json::Value, content_type = "application/json"))
)]
pub async fn dump(Of(state): Of<State>, Path(height): Path<u32>) -> Answer<Response> {
    let read = blocking(move || {
        let Some(path) = state.view.dump_file(height)? else { return Ok(None) };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        // Removed since: the same as if it had never existed.
        Ok::<_, Problem>(std::fs::read(&path).ok().zip(name))
    });
    let Some((bytes, name)) = read.await?? else { return Err(unknown(height)) };
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        // Published dumps never change.
        (CACHE_CONTROL, "public, max-age=86400".to_owned()),
    ];
    Ok((headers, Body::from(bytes)).into_response())
}

/// Rounds, the open one first: shares, work, effort
#[utoipa::path(
    get, path = "/api/v1/rounds", tag = "books", params(Paging), responses((status = 200, body = Page<RoundView>))
)]
pub async fn rounds(Of(state): Of<State>, Query(paging): Query<Paging>) -> Answer<Json<Page<RoundView>>> {
    let (cursor, limit) = paging.read()?;
    Ok(Json(blocking(move || state.view.rounds(cursor.as_deref(), limit)).await??))
}

fn unknown(height: u32) -> Problem {
    Problem::not_found(format!("block {height} has no solution of this pool, or its dump is not written yet"))
}
