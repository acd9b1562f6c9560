//! AleoStratum/3.0.0, the open specification of 2024: JSON-RPC 2.0, one object per line.

use pool_core::reject::Reject;
use serde::Serialize;
use serde_json::Value;

use super::{
    generic,
    json::{Extensions, Params, line, quote},
    shared::{is_supported, job_params, subscribed},
};
use crate::stratum::wire::message::{Call, Id, Job, Message, News, Reply, Subscribe, Work};

/// Parses a method and its params. The habits of other coins are understood here too: they cost an
/// AleoStratum miner nothing.
pub(super) fn call(method: &str, params: Params<'_>) -> Call {
    match method {
        "mining.subscribe" => Call::Subscribe(params.and_then(parse_subscribe)),
        other => generic::call(other, params),
    }
}

/// `[agent, version, session id]`.
fn parse_subscribe(params: &[Value]) -> Result<Subscribe, Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.subscribe takes [agent, \"AleoStratum/3.0.0\", null]");
    let agent = params.first().and_then(Value::as_str).ok_or(SHAPE)?;
    let version = params.get(1).and_then(Value::as_str).ok_or(SHAPE)?;
    if !is_supported(version) {
        return Err(Reject::UnsupportedVersion);
    }
    let session = params.get(2).and_then(Value::as_str).map(quote);
    Ok(Subscribe { agent: quote(agent), version: Some(quote(version)), session })
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
        Message::Reply(id, Reply::Done) => answer(id, true),
        Message::Reply(id, Reply::Subscribed { session, prefix, address }) => {
            answer(id, subscribed(session, *prefix, address))
        }
        Message::Reply(id, Reply::Configured(has)) => answer(id, Extensions(has)),
        Message::Reply(id, Reply::Refused(reject)) => error(id, reject.code().number(), reject.to_string()),
        Message::Work(Work { job, target, news }) => match news {
            News::Target => set_target(*target),
            News::Job { clean } => [set_target(*target), notify(job, *clean)].concat(),
        },
        // The specification lacks such messages, and its client disconnects when it gets unknown ones.
        Message::Prefix(_) | Message::Reconnect { .. } => Vec::new(),
    }
}

/// A result.
pub(super) fn answer<T: Serialize>(id: &Id, result: T) -> Vec<u8> {
    line(&ResultLine { jsonrpc: VERSION, result, id })
}

/// A refusal.
pub(super) fn error(id: &Id, code: u16, message: String) -> Vec<u8> {
    line(&ErrorLine { jsonrpc: VERSION, error: ErrorObject { code, message }, id })
}

/// A notification.
pub(super) fn notification<T: Serialize>(method: &'static str, params: T) -> Vec<u8> {
    line(&NotificationLine { jsonrpc: VERSION, method, params })
}

fn set_target(target: u64) -> Vec<u8> {
    notification("mining.set_target", [target])
}

fn notify(job: &Job, clean: bool) -> Vec<u8> {
    notification("mining.notify", job_params(job, clean))
}

#[cfg(test)]
mod tests {
    use pool_core::types::{Address, EpochHash};
    use proptest::prelude::*;

    use super::*;
    use crate::stratum::wire::{dialects::Dialect, extranonce::Prefix};

    fn call(line: &str) -> Call {
        Dialect::AleoStratum.decode(line.as_bytes()).unwrap().unwrap().call
    }

    fn text(message: Message) -> String {
        String::from_utf8(encode(&message)).unwrap()
    }

    #[test]
    fn a_subscription_as_the_open_client_sends_it() {
        let line = r#"{"jsonrpc":"2.0","method":"mining.subscribe","params":["HarukaProver/0.7.0","AleoStratum/3.0.0",null],"id":1}"#;
        let request = Dialect::AleoStratum.decode(line.as_bytes()).unwrap().unwrap();
        assert_eq!(request.id, Id::Number(1.into()));
        let subscribe = Subscribe {
            agent: "HarukaProver/0.7.0".into(),
            version: Some("AleoStratum/3.0.0".into()),
            session: None,
        };
        assert_eq!(request.call, Call::Subscribe(Ok(subscribe)));
    }

    #[test]
    fn a_subscription_may_name_the_session_to_go_on_with() {
        let line = r#"{"id":1,"method":"mining.subscribe","params":["a","AleoStratum/3.0.0","0123"]}"#;
        let Call::Subscribe(Ok(subscribe)) = call(line) else { panic!("no subscription") };
        assert_eq!(subscribe.session.as_deref(), Some("0123"));
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
            assert_eq!(subscribe(version), Call::Subscribe(Err(Reject::UnsupportedVersion)), "{version}");
        }
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
            text(Message::Reply(
                id(),
                Reply::Subscribed { session: "ab".into(), prefix: Prefix::parse("300005"), address }
            )),
            format!("{{\"jsonrpc\":\"2.0\",\"result\":[\"ab\",\"300005\",\"{address}\"],\"id\":1}}\n")
        );
        assert_eq!(
            text(Message::refused(id(), Reject::Duplicate)),
            "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":22,\"message\":\"duplicate share\"},\"id\":1}\n"
        );
        let job = Job { epoch: 5, serial: 0, epoch_hash: EpochHash([1; 32]), address };
        let target =
            "{\"jsonrpc\":\"2.0\",\"method\":\"mining.set_target\",\"params\":[18446744073709551615]}\n";
        let work = |news| text(Message::Work(Work { job, target: u64::MAX, news }));
        assert_eq!(work(News::Target), target);
        assert_eq!(
            work(News::Job { clean: true }),
            format!(
                "{target}{{\"jsonrpc\":\"2.0\",\"method\":\"mining.notify\",\"params\":[\"00050000\",\"{}\",\"{address}\",true]}}\n",
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
