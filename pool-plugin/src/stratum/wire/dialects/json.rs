//! What the dialects of JSON lines share: parsing requests, and writing lines.

use pool_core::reject::Reject;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::stratum::wire::message::{Call, Garbage, Id, Request};

/// How much of a miner's text is sent back to it or logged, in characters.
const QUOTED: usize = 64;

/// The params of a request, which must be a list. Extra params are ignored.
pub type Params<'a> = Result<&'a [Value], Reject>;

/// Reads a line. `call` parses a method and its params.
pub fn decode(line: &[u8], call: impl Fn(&str, Params<'_>) -> Call) -> Result<Option<Request>, Garbage> {
    let garbage = |id: Id, what: &'static str| Garbage { id, reject: Reject::NotARequest(what) };
    let text = std::str::from_utf8(line).map_err(|_| garbage(Id::Null, "the line is not UTF-8"))?.trim();
    if text.is_empty() {
        // Some send an empty line to keep the connection alive.
        return Ok(None);
    }
    // serde_json bounds the depth; numbers out of range and NaN are not JSON.
    let value: Value =
        serde_json::from_str(text).map_err(|_| garbage(Id::Null, "send one JSON object a line"))?;
    let Value::Object(object) = value else {
        return Err(garbage(Id::Null, "send one JSON object a line"));
    };
    let id = parse_id(&object).ok_or_else(|| garbage(Id::Null, "the id must be a number or a string"))?;
    let Some(method) = object.get("method").and_then(Value::as_str) else {
        return Err(garbage(id, "there is no method"));
    };
    let params = match object.get("params") {
        None | Some(Value::Null) => Ok(&[][..]),
        Some(Value::Array(params)) => Ok(params.as_slice()),
        Some(_) => Err(Reject::BadParams("they must be a list")),
    };
    let call = match method {
        "mining.authorize_admin" => Call::AuthorizeAdmin(params.and_then(parse_admin)),
        "mining.add_user" => Call::AddUser(params.and_then(parse_user)),
        other => call(other, params),
    };
    Ok(Some(Request { id, call }))
}

/// `[password]`, as in bcoin-stratum.
fn parse_admin(params: &[Value]) -> Result<String, Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.authorize_admin takes [password]");
    params.first().and_then(Value::as_str).map(str::to_owned).ok_or(SHAPE)
}

/// `[username, password]`, as in bcoin-stratum.
fn parse_user(params: &[Value]) -> Result<(String, String), Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.add_user takes [username, password]");
    let text = |index: usize| params.get(index).and_then(Value::as_str).map(str::to_owned);
    text(0).zip(text(1)).ok_or(SHAPE)
}

fn parse_id(object: &Map<String, Value>) -> Option<Id> {
    match object.get("id") {
        None | Some(Value::Null) => Some(Id::Null),
        Some(Value::Number(number)) => Some(Id::Number(number.clone())),
        Some(Value::String(text)) => Some(Id::Text(text.clone())),
        Some(_) => None,
    }
}

/// A miner's text, shortened and without control characters.
pub fn quote(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(QUOTED).collect()
}

/// The answer to `mining.configure`: an object of extensions and whether the pool has them.
pub struct Extensions<'a>(pub &'a [(String, bool)]);

impl Serialize for Extensions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, has)| (name, has)))
    }
}

/// A message as a line.
pub fn line<T: Serialize>(message: &T) -> Vec<u8> {
    // Plain structs of strings and numbers: serialising them cannot fail.
    let mut bytes = serde_json::to_vec(message).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Request>, Garbage> {
        decode(line.as_bytes(), |method, _| Call::Unknown(quote(method)))
    }

    fn garbage(line: &str) -> Garbage {
        read(line).unwrap_err()
    }

    #[test]
    fn ids_come_back_as_they_came() {
        for id in ["1", "\"abc\"", "null", "18446744073709551615", "-3", "1.5"] {
            let request = read(&format!(r#"{{"id":{id},"method":"x"}}"#)).unwrap().unwrap();
            assert_eq!(line(&request.id), format!("{id}\n").into_bytes());
        }
        assert_eq!(read(r#"{"method":"x"}"#).unwrap().unwrap().id, Id::Null);
        assert_eq!(garbage(r#"{"id":[1],"method":"x"}"#).id, Id::Null);
    }

    #[test]
    fn an_unknown_method_is_named_but_not_echoed_at_length() {
        let line = format!(r#"{{"id":1,"method":"{}\u0007"}}"#, "m".repeat(1000));
        assert_eq!(read(&line).unwrap().unwrap().call, Call::Unknown("m".repeat(QUOTED)));
        assert_eq!(quote("a\u{7}b"), "a?b");
    }

    #[test]
    fn an_empty_line_asks_for_nothing() {
        for line in ["", "\r", "  "] {
            assert_eq!(read(line), Ok(None));
        }
    }

    #[test]
    fn garbage_keeps_the_id_where_there_is_one() {
        for line in ["{", "[]", "1", "null", "\"x\"", "{\"id\":NaN}", "{\"id\":1e999}", "[{\"id\":1}]"] {
            assert_eq!(garbage(line).id, Id::Null, "{line}");
        }
        assert_eq!(garbage(r#"{"id":9,"result":true}"#).id, Id::Number(9.into()));
        assert_eq!(garbage(&"[".repeat(4000)).id, Id::Null);
        assert_eq!(garbage(&format!(r#"{{"id":1,"method":"x","params":{}"#, "[".repeat(4000))).id, Id::Null);
        let not_text = decode(b"\xff\xfe", |_, _| Call::ExtranonceSubscribe).unwrap_err();
        assert_eq!(not_text.reject, Reject::NotARequest("the line is not UTF-8"));
    }
}
