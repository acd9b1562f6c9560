//! AleoStratum/3.0.0, the open specification of 2024: JSON-RPC 2.0, an object a line.
//!
//! A job id is the epoch's number, 4 bytes little endian, as 8 hexadecimal digits: the open client takes no
//! other.

use serde::Serialize;
use serde_json::Value;

use super::json::{Params, line, quote};
use crate::{
    reject::Reject,
    stratum::{
        counter::RawCounter,
        message::{Authorize, Call, Id, Job, Message, News, Reply, Submit, Subscribe, Work},
    },
    types::Address,
};

/// The id of an epoch's job.
pub fn job_id(epoch: u32) -> String {
    hex::encode(epoch.to_le_bytes())
}

/// The epoch of a job id; `None` if it is no job id.
pub fn parse_job_id(text: &str) -> Option<u32> {
    let mut bytes = [0; 4];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(u32::from_le_bytes(bytes))
}

/// Makes sense of a method and its params.
pub(super) fn call(method: &str, params: Params<'_>) -> Call {
    match method {
        "mining.subscribe" => Call::Subscribe(params.and_then(parse_subscribe)),
        "mining.authorize" => Call::Authorize(params.and_then(parse_authorize)),
        "mining.submit" => Call::Submit(params.map_err(|_| Reject::BadSubmit).and_then(parse_submit)),
        "mining.extranonce.subscribe" => Call::ExtranonceSubscribe,
        other => Call::Unknown(quote(other)),
    }
}

/// `[agent, version, session id]`.
fn parse_subscribe(params: &[Value]) -> Result<Subscribe, Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.subscribe takes [agent, \"AleoStratum/3.0.0\", null]");
    let agent = params.first().and_then(Value::as_str).ok_or(SHAPE)?;
    let version = params.get(1).and_then(Value::as_str).ok_or(SHAPE)?;
    if !is_supported(version) {
        return Err(Reject::UnsupportedVersion(quote(version)));
    }
    let session = params.get(2).and_then(Value::as_str).map(quote);
    Ok(Subscribe { agent: quote(agent), session })
}

fn is_supported(version: &str) -> bool {
    let Some(number) = version.strip_prefix("AleoStratum/") else { return false };
    number == "3" || number.starts_with("3.")
}

/// `[login, password]` or `[account, worker, password]`.
fn parse_authorize(params: &[Value]) -> Result<Authorize, Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.authorize takes [\"account.worker\", password]");
    let login = params.first().and_then(Value::as_str).ok_or(SHAPE)?;
    let text = |index: usize| params.get(index).and_then(Value::as_str).map(str::to_string);
    // Three params are account, worker, password, unless the login already names the worker.
    let apart = params.len() >= 3 && !login.contains('.');
    let (worker, password) = if apart { (text(1), text(2)) } else { (None, text(1)) };
    Ok(Authorize { login: login.to_string(), worker, password })
}

/// `[worker, job id, counter]`.
fn parse_submit(params: &[Value]) -> Result<Submit, Reject> {
    let [worker, job_id, counter, ..] = params else { return Err(Reject::BadSubmit) };
    let epoch = parse_job_id(job_id.as_str().ok_or(Reject::BadSubmit)?);
    // The worker's name only ever refines the login, so a strange one costs nobody a share.
    let worker = worker.as_str().unwrap_or_default();
    Ok(Submit { worker: worker.to_string(), epoch, counter: RawCounter::from(counter) })
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

/// The lines of a message.
pub(super) fn encode(message: &Message) -> Vec<u8> {
    match message {
        Message::Reply(id, Reply::Done) => line(&ResultLine { jsonrpc: VERSION, result: true, id }),
        Message::Reply(id, Reply::Subscribed { session, address }) => subscribed(id, session, address),
        Message::Reply(id, Reply::Refused(reject)) => refused(id, reject),
        Message::Work(Work { job, target, news }) => match news {
            News::Target => set_target(*target),
            News::Job => [set_target(*target), notify(job)].concat(),
        },
    }
}

/// Session id, no counter prefix, the pool's address.
fn subscribed(id: &Id, session: &str, address: &Address) -> Vec<u8> {
    let result = (session, None::<String>, address.to_string());
    line(&ResultLine { jsonrpc: VERSION, result, id })
}

fn refused(id: &Id, reject: &Reject) -> Vec<u8> {
    let error = ErrorObject { code: reject.code().number(), message: reject.to_string() };
    line(&ErrorLine { jsonrpc: VERSION, error, id })
}

fn set_target(target: u64) -> Vec<u8> {
    line(&NotificationLine { jsonrpc: VERSION, method: "mining.set_target", params: [target] })
}

fn notify(job: &Job) -> Vec<u8> {
    let params = (job_id(job.epoch), job.epoch_hash.to_string(), job.address.to_string(), true);
    line(&NotificationLine { jsonrpc: VERSION, method: "mining.notify", params })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{stratum::dialects::Dialect, types::EpochHash};

    fn call(line: &str) -> Call {
        Dialect::AleoStratum.decode(line.as_bytes()).unwrap().unwrap().call
    }

    fn text(message: Message) -> String {
        String::from_utf8(encode(&message)).unwrap()
    }

    #[test]
    fn a_job_id_is_the_epoch_little_endian() {
        assert_eq!(job_id(0x0208), "08020000");
        assert_eq!(parse_job_id("08020000"), Some(0x0208));
        for wrong in ["", "0802000", "080200000", "0802000g", "0x080200"] {
            assert_eq!(parse_job_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_subscription_as_the_open_client_sends_it() {
        let line = r#"{"jsonrpc":"2.0","method":"mining.subscribe","params":["HarukaProver/0.7.0","AleoStratum/3.0.0",null],"id":1}"#;
        let request = Dialect::AleoStratum.decode(line.as_bytes()).unwrap().unwrap();
        assert_eq!(request.id, Id::Number(1.into()));
        let subscribe = Subscribe { agent: "HarukaProver/0.7.0".into(), session: None };
        assert_eq!(request.call, Call::Subscribe(Ok(subscribe)));
    }

    #[test]
    fn a_subscription_may_name_the_session_to_go_on_with() {
        let line = r#"{"id":1,"method":"mining.subscribe","params":["a","AleoStratum/3.0.0","0123"]}"#;
        let subscribe = Subscribe { agent: "a".into(), session: Some("0123".into()) };
        assert_eq!(call(line), Call::Subscribe(Ok(subscribe)));
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
    fn a_submission_keeps_its_counter_unread() {
        let line = r#"{"id":4,"method":"mining.submit","params":["a.b","05000000","0xff","extra",{}]}"#;
        let counter = RawCounter::Text("0xff".into());
        assert_eq!(call(line), Call::Submit(Ok(Submit { worker: "a.b".into(), epoch: Some(5), counter })));
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
    fn lines_out_are_those_of_the_specification() {
        let id = || Id::Number(1.into());
        let address = Address::default();
        assert_eq!(
            text(Message::Reply(id(), Reply::Done)),
            "{\"jsonrpc\":\"2.0\",\"result\":true,\"id\":1}\n"
        );
        assert_eq!(
            text(Message::Reply(id(), Reply::Subscribed { session: "ab".into(), address })),
            format!("{{\"jsonrpc\":\"2.0\",\"result\":[\"ab\",null,\"{address}\"],\"id\":1}}\n")
        );
        assert_eq!(
            text(Message::refused(id(), Reject::Duplicate)),
            "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":22,\"message\":\"duplicate share\"},\"id\":1}\n"
        );
        let job = Job { epoch: 5, epoch_hash: EpochHash([1; 32]), address };
        let target =
            "{\"jsonrpc\":\"2.0\",\"method\":\"mining.set_target\",\"params\":[18446744073709551615]}\n";
        let work = |news| text(Message::Work(Work { job, target: u64::MAX, news }));
        assert_eq!(work(News::Target), target);
        assert_eq!(
            work(News::Job),
            format!(
                "{target}{{\"jsonrpc\":\"2.0\",\"method\":\"mining.notify\",\"params\":[\"05000000\",\"{}\",\"{address}\",true]}}\n",
                "01".repeat(32)
            )
        );
    }

    proptest! {
        #[test]
        fn no_bytes_harm_the_parser(bytes: Vec<u8>, text: String) {
            let _ = Dialect::AleoStratum.decode(&bytes);
            let _ = Dialect::AleoStratum.decode(text.as_bytes());
        }

        #[test]
        fn no_params_harm_the_parser(method in "mining\\.(subscribe|authorize|submit)", params in "[\\[\\]{}\",:0-9a-z .-]{0,80}") {
            let line = format!("{{\"id\":1,\"method\":\"{method}\",\"params\":{params}}}");
            let _ = Dialect::AleoStratum.decode(line.as_bytes());
        }

        #[test]
        fn every_line_out_is_one_line_of_json(words: String) {
            let messages = [
                Message::refused(Id::Text(words.clone()), Reject::UnknownMethod(quote(&words))),
                Message::refused(Id::Null, Reject::BadLogin(words.clone())),
                Message::Reply(Id::Text(words), Reply::Done),
            ];
            for message in messages {
                let out = text(message);
                prop_assert_eq!(out.find('\n'), Some(out.len() - 1));
                prop_assert!(serde_json::from_str::<Value>(&out).is_ok());
            }
        }
    }
}
