//! AleoStratum/3.0.0 as values: lines to requests, replies to lines. Pure.

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::counter::RawCounter;
use crate::{
    reject::Reject,
    types::{Address, EpochHash},
};

/// How much of a miner's own words goes back to it or into the log, in characters.
const QUOTED: usize = 64;

/// A request's id, sent back as it came.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Id {
    Null,
    Number(Number),
    Text(String),
}

/// A request. Its method is known; what is wrong with its params, if anything, stands in the call.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub id: Id,
    pub call: Call,
}

/// What is asked. Params too many are ignored.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    Subscribe(Result<Subscribe, Reject>),
    Authorize(Result<Authorize, Reject>),
    Submit(Result<Submit, Reject>),
    ExtranonceSubscribe,
    Unknown(String),
}

/// `mining.subscribe [agent, version, session id]`. The session id is ignored: there is nothing to resume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// What the miner calls itself; shortened, for the log only.
    pub agent: String,
}

/// `mining.authorize [login, password]` or `[account, worker, password]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorize {
    pub login: String,
    /// The worker, when it came in a param of its own.
    pub worker: Option<String>,
    /// Accepted and, so far, not looked at: an address pays whoever holds its key.
    pub password: Option<String>,
}

/// `mining.submit [worker, job id, counter]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    pub worker: String,
    pub job_id: String,
    pub counter: RawCounter,
}

/// A line that is no request, and the id it had, if it had one.
#[derive(Clone, Debug, PartialEq)]
pub struct Garbage {
    pub id: Id,
    pub reject: Reject,
}

/// Reads a line.
pub fn parse(line: &str) -> Result<Request, Garbage> {
    let garbage = |id: Id, what: &'static str| Garbage { id, reject: Reject::NotARequest(what) };
    // serde_json bounds the depth; numbers out of range and NaN are no JSON.
    let value: Value =
        serde_json::from_str(line).map_err(|_| garbage(Id::Null, "send one JSON object a line"))?;
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
        "mining.subscribe" => Call::Subscribe(params.and_then(parse_subscribe)),
        "mining.authorize" => Call::Authorize(params.and_then(parse_authorize)),
        "mining.submit" => Call::Submit(params.map_err(|_| Reject::BadSubmit).and_then(parse_submit)),
        "mining.extranonce.subscribe" => Call::ExtranonceSubscribe,
        other => Call::Unknown(quote(other)),
    };
    Ok(Request { id, call })
}

fn parse_id(object: &Map<String, Value>) -> Option<Id> {
    match object.get("id") {
        None | Some(Value::Null) => Some(Id::Null),
        Some(Value::Number(number)) => Some(Id::Number(number.clone())),
        Some(Value::String(text)) => Some(Id::Text(text.clone())),
        Some(_) => None,
    }
}

fn parse_subscribe(params: &[Value]) -> Result<Subscribe, Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.subscribe takes [agent, \"AleoStratum/3.0.0\", null]");
    let agent = params.first().and_then(Value::as_str).ok_or(SHAPE)?;
    let version = params.get(1).and_then(Value::as_str).ok_or(SHAPE)?;
    if !is_supported(version) {
        return Err(Reject::UnsupportedVersion(quote(version)));
    }
    Ok(Subscribe { agent: quote(agent) })
}

fn is_supported(version: &str) -> bool {
    let Some(number) = version.strip_prefix("AleoStratum/") else { return false };
    number == "3" || number.starts_with("3.")
}

fn parse_authorize(params: &[Value]) -> Result<Authorize, Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.authorize takes [\"account.worker\", password]");
    let login = params.first().and_then(Value::as_str).ok_or(SHAPE)?;
    let text = |index: usize| params.get(index).and_then(Value::as_str).map(str::to_string);
    // Three params are account, worker, password, unless the login already names the worker.
    let apart = params.len() >= 3 && !login.contains('.');
    let (worker, password) = if apart { (text(1), text(2)) } else { (None, text(1)) };
    Ok(Authorize { login: login.to_string(), worker, password })
}

fn parse_submit(params: &[Value]) -> Result<Submit, Reject> {
    let [worker, job_id, counter, ..] = params else { return Err(Reject::BadSubmit) };
    let job_id = job_id.as_str().ok_or(Reject::BadSubmit)?;
    // The worker's name only ever refines the login, so a strange one costs nobody a share.
    let worker = worker.as_str().unwrap_or_default();
    Ok(Submit { worker: worker.to_string(), job_id: job_id.to_string(), counter: RawCounter::from(counter) })
}

fn quote(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(QUOTED).collect()
}

const VERSION: &str = "2.0";

#[derive(Serialize)]
struct ResultLine<'a, T> {
    jsonrpc: &'static str,
    result: T,
    id: &'a Id,
}

#[derive(Serialize)]
struct ErrorLine<'a> {
    jsonrpc: &'static str,
    error: ErrorObject,
    id: &'a Id,
}

#[derive(Serialize)]
struct ErrorObject {
    code: u16,
    message: String,
}

#[derive(Serialize)]
struct NotificationLine<T> {
    jsonrpc: &'static str,
    method: &'static str,
    params: T,
}

/// The answer `true`, with its newline.
pub fn accepted(id: &Id) -> String {
    line(&ResultLine { jsonrpc: VERSION, result: true, id })
}

/// The answer to a subscription: session id, no counter prefix, the pool's address.
pub fn subscribed(id: &Id, session: &str, address: &Address) -> String {
    let result = (session, None::<String>, address.to_string());
    line(&ResultLine { jsonrpc: VERSION, result, id })
}

/// A refusal.
pub fn refused(id: &Id, reject: &Reject) -> String {
    let error = ErrorObject { code: reject.code().number(), message: reject.to_string() };
    line(&ErrorLine { jsonrpc: VERSION, error, id })
}

/// The share target from now on.
pub fn set_target(target: u64) -> String {
    line(&NotificationLine { jsonrpc: VERSION, method: "mining.set_target", params: [target] })
}

/// A job. `clean`: shares of earlier jobs are worth nothing any more.
pub fn notify(job_id: &str, epoch_hash: &EpochHash, address: &Address, clean: bool) -> String {
    let params = (job_id, epoch_hash.to_string(), address.to_string(), clean);
    line(&NotificationLine { jsonrpc: VERSION, method: "mining.notify", params })
}

fn line<T: Serialize>(message: &T) -> String {
    // Plain structs of strings and numbers: there is nothing in them that could fail to serialise.
    let mut text = serde_json::to_string(message).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(line: &str) -> Call {
        parse(line).unwrap().call
    }

    fn garbage(line: &str) -> Garbage {
        parse(line).unwrap_err()
    }

    #[test]
    fn a_subscription_as_the_open_client_sends_it() {
        let line = r#"{"jsonrpc":"2.0","method":"mining.subscribe","params":["HarukaProver/0.7.0","AleoStratum/3.0.0",null],"id":1}"#;
        let request = parse(line).unwrap();
        assert_eq!(request.id, Id::Number(1.into()));
        assert_eq!(request.call, Call::Subscribe(Ok(Subscribe { agent: "HarukaProver/0.7.0".into() })));
    }

    #[test]
    fn only_version_three_is_spoken() {
        let subscribe = |version: &str| {
            call(&format!(r#"{{"id":1,"method":"mining.subscribe","params":["a","{version}"]}}"#))
        };
        for version in ["AleoStratum/3.0.0", "AleoStratum/3", "AleoStratum/3.1"] {
            assert!(matches!(subscribe(version), Call::Subscribe(Ok(_))), "{version}");
        }
        for version in ["AleoStratum/2.0.0", "AleoStratum/30.0", "EthereumStratum/1.0.0", ""] {
            assert_eq!(
                subscribe(version),
                Call::Subscribe(Err(Reject::UnsupportedVersion(version.into()))),
                "{version}"
            );
        }
    }

    #[test]
    fn ids_come_back_as_they_came() {
        for id in ["1", "\"abc\"", "null", "18446744073709551615", "-3", "1.5"] {
            let request = parse(&format!(r#"{{"id":{id},"method":"x"}}"#)).unwrap();
            assert!(accepted(&request.id).ends_with(&format!("\"id\":{id}}}\n")), "{id}");
        }
        assert_eq!(parse(r#"{"method":"x"}"#).unwrap().id, Id::Null);
        assert_eq!(garbage(r#"{"id":[1],"method":"x"}"#).id, Id::Null);
    }

    #[test]
    fn a_submission_keeps_its_counter_unread() {
        let line = r#"{"id":4,"method":"mining.submit","params":["a.b","05000000","0xff","extra",{}]}"#;
        assert_eq!(
            call(line),
            Call::Submit(Ok(Submit {
                worker: "a.b".into(),
                job_id: "05000000".into(),
                counter: RawCounter::Text("0xff".into())
            }))
        );
        for params in [r#"[]"#, r#"["a","b"]"#, r#"["a",5,"1"]"#, r#"{"a":1}"#, r#""text""#] {
            let line = format!(r#"{{"id":4,"method":"mining.submit","params":{params}}}"#);
            assert_eq!(call(&line), Call::Submit(Err(Reject::BadSubmit)), "{params}");
        }
    }

    #[test]
    fn two_and_three_params_authorize() {
        let authorize = |params: &str| match call(&format!(
            r#"{{"id":2,"method":"mining.authorize","params":{params}}}"#
        )) {
            Call::Authorize(Ok(read)) => (read.login, read.worker, read.password),
            other => panic!("{other:?}"),
        };
        let some = |text: &str| Some(text.to_string());
        assert_eq!(authorize(r#"["a.b","x"]"#), ("a.b".into(), None, some("x")));
        assert_eq!(authorize(r#"["a"]"#), ("a".into(), None, None));
        assert_eq!(authorize(r#"["a","rig",null]"#), ("a".into(), some("rig"), None));
        assert_eq!(authorize(r#"["a.b","x","more"]"#), ("a.b".into(), None, some("x")));
        let wrong = call(r#"{"id":2,"method":"mining.authorize","params":[7]}"#);
        assert!(matches!(wrong, Call::Authorize(Err(Reject::BadParams(_)))));
    }

    #[test]
    fn an_unknown_method_is_named_but_not_echoed_at_length() {
        let line = format!(r#"{{"id":1,"method":"{}\u0007"}}"#, "m".repeat(1000));
        assert_eq!(call(&line), Call::Unknown("m".repeat(QUOTED)));
    }

    #[test]
    fn garbage_keeps_the_id_where_there_is_one() {
        for line in ["", "{", "[]", "1", "null", "\"x\"", "{\"id\":NaN}", "{\"id\":1e999}", "[{\"id\":1}]"] {
            assert_eq!(garbage(line).id, Id::Null, "{line}");
        }
        assert_eq!(garbage(r#"{"id":9,"result":true}"#).id, Id::Number(9.into()));
        assert_eq!(garbage(&"[".repeat(4000)).id, Id::Null);
        assert_eq!(garbage(&format!(r#"{{"id":1,"method":"x","params":{}"#, "[".repeat(4000))).id, Id::Null);
    }

    #[test]
    fn lines_out_are_those_of_the_specification() {
        let id = Id::Number(1.into());
        let address = Address::default();
        assert_eq!(accepted(&id), "{\"jsonrpc\":\"2.0\",\"result\":true,\"id\":1}\n");
        assert_eq!(
            subscribed(&id, "ab", &address),
            format!("{{\"jsonrpc\":\"2.0\",\"result\":[\"ab\",null,\"{address}\"],\"id\":1}}\n")
        );
        assert_eq!(
            refused(&id, &Reject::Duplicate),
            "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":22,\"message\":\"duplicate share\"},\"id\":1}\n"
        );
        assert_eq!(
            set_target(u64::MAX),
            "{\"jsonrpc\":\"2.0\",\"method\":\"mining.set_target\",\"params\":[18446744073709551615]}\n"
        );
        assert_eq!(
            notify("05000000", &EpochHash([1; 32]), &address, true),
            format!(
                "{{\"jsonrpc\":\"2.0\",\"method\":\"mining.notify\",\"params\":[\"05000000\",\"{}\",\"{address}\",true]}}\n",
                "01".repeat(32)
            )
        );
    }

    proptest! {
        #[test]
        fn no_text_harms_the_parser(text: String) {
            let _ = parse(&text);
        }

        #[test]
        fn no_params_harm_the_parser(method in "mining\\.(subscribe|authorize|submit)", params in "[\\[\\]{}\",:0-9a-z .-]{0,80}") {
            let _ = parse(&format!("{{\"id\":1,\"method\":\"{method}\",\"params\":{params}}}"));
        }

        #[test]
        fn every_line_out_is_one_line_of_json(text: String) {
            let lines = [
                refused(&Id::Text(text.clone()), &Reject::UnknownMethod(quote(&text))),
                refused(&Id::Null, &Reject::BadLogin(text.clone())),
                accepted(&Id::Text(text)),
            ];
            for out in lines {
                prop_assert_eq!(out.find('\n'), Some(out.len() - 1));
                prop_assert!(serde_json::from_str::<Value>(&out).is_ok());
            }
        }
    }
}
