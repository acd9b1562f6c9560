//! The parameters of lists.

use serde::Deserialize;
use utoipa::IntoParams;

use super::Answer;
use crate::problem::Problem;

const DEFAULT: usize = 50;
const MOST: usize = 500;

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// `next` of the page before
    #[param(pattern = "^([0-9a-f]{2})+$", required = false)]
    pub cursor: Option<String>,
    /// How many, default 50
    #[param(minimum = 1, maximum = 500, required = false)]
    pub limit: Option<usize>,
}

impl Paging {
    /// Cursor and limit, if they are valid.
    pub fn read(self) -> Answer<(Option<String>, usize)> {
        read(self.cursor, self.limit)
    }
}

pub fn read(cursor: Option<String>, limit: Option<usize>) -> Answer<(Option<String>, usize)> {
    let limit = limit.unwrap_or(DEFAULT);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad_request(format!("the limit is {limit}: use 1 to {MOST}")));
    }
    let is_hex = |text: &String| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        digits && !text.is_empty() && text.len().is_multiple_of(2)
    };
    if cursor.as_ref().is_some_and(|cursor| !is_hex(cursor)) {
        return Err(Problem::bad_request("not a cursor: take it from `next` of the page before"));
    }
    Ok((cursor, limit))
}
