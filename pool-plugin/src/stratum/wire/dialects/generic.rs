//! Generic JSON: what miners made for other coins send and expect, where it has a meaning for Aleo. Based on
//! their habits, not on a specification of Aleo's.
//!
//! Answers have a `result` and an `error`, of which one is null; an error is a list, `[code, text, null]`.
//! Targets are sent with the miner's own word, `mining.set_difficulty` unless it has asked for a target. Jobs
//! are those of AleoStratum.

use std::time::Duration;

use pool_core::reject::Reject;
use serde::Serialize;
use serde_json::Value;

use super::{
    json::{Extensions, Params, line, quote},
    shared::{self, parse_job_id},
};
use crate::stratum::wire::{
    counter::RawCounter,
    extranonce::Prefix,
    message::{Authorize, Call, Id, Job, Message, News, Reply, Submit, Subscribe, Suggest, Word, Work},
};

/// The only extension of `mining.configure` that the pool has.
const EXTENSION: &str = "subscribe-extranonce";

/// Parses a method and its params.
pub(super) fn call(method: &str, params: Params<'_>) -> Call {
    let suggest = |word: Word, params: Params<'_>| Call::Suggest(params.and_then(|p| parse_suggest(p, word)));
    match method {
        "mining.subscribe" => Call::Subscribe(params.and_then(parse_subscribe)),
        "mining.authorize" => Call::Authorize(params.and_then(parse_authorize)),
        "mining.submit" => Call::Submit(params.map_err(|_| Reject::BadSubmit).and_then(parse_submit)),
        "mining.extranonce.subscribe" => Call::ExtranonceSubscribe,
        "mining.suggest_difficulty" => suggest(Word::Difficulty, params),
        "mining.suggest_target" => suggest(Word::Target, params),
        "mining.local_speed" => Call::Speed(params.and_then(parse_speed)),
        "mining.configure" => Call::Configure(params.and_then(parse_configure)),
        other => Call::Unknown(quote(other)),
    }
}

/// `[agent, version, session id]`, each of which may be missing. A miner that names AleoStratum must mean the
/// version the pool speaks.
fn parse_subscribe(params: &[Value]) -> Result<Subscribe, Reject> {
    let text = |index: usize| params.get(index).and_then(Value::as_str).map(quote);
    let version = text(1);
    if version.as_deref().is_some_and(shared::is_another_version) {
        return Err(Reject::UnsupportedVersion);
    }
    Ok(Subscribe { agent: text(0).unwrap_or_default(), version, session: text(2) })
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
    let job = parse_job_id(job_id.as_str().ok_or(Reject::BadSubmit)?);
    // The worker's name only refines the login, so an unknown one costs nobody a share.
    let worker = worker.as_str().unwrap_or_default();
    Ok(Submit { worker: worker.to_string(), job, puzzle: None, counter: RawCounter::from(counter) })
}

/// `[difficulty]` or `[target]`: expected attempts per share, as a number or a text.
fn parse_suggest(params: &[Value], word: Word) -> Result<Suggest, Reject> {
    const SHAPE: Reject = Reject::BadParams("a suggestion is at least 1: expected attempts per share");
    let target = match params.first().ok_or(SHAPE)? {
        // A cast of a float saturates; a fraction is rounded down.
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(|float| float as u64)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    Ok(Suggest { target: target.filter(|target| *target > 0).ok_or(SHAPE)?, word })
}

/// `[speed]`: attempts a second, as a number or a text.
fn parse_speed(params: &[Value]) -> Result<f64, Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.local_speed takes [attempts per second]");
    let speed = match params.first() {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    speed.filter(|speed: &f64| speed.is_finite() && *speed >= 0.0).ok_or(SHAPE)
}

/// `[[extension, ...], {options}]`.
fn parse_configure(params: &[Value]) -> Result<Vec<String>, Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.configure takes [[\"extension\"], {}]");
    let names = params.first().and_then(Value::as_array).ok_or(SHAPE)?;
    names.iter().map(|name| name.as_str().map(quote).ok_or(SHAPE)).collect()
}

/// Which of these extensions the pool has.
pub fn extensions(asked: Vec<String>) -> Vec<(String, bool)> {
    asked.into_iter().map(|name| (name == EXTENSION, name)).map(|(has, name)| (name, has)).collect()
}

#[derive(Serialize)]
struct Answer<'a, T> {
    id: &'a Id,
    result: Option<T>,
    error: Option<(u16, String, ())>,
}

#[derive(Serialize)]
struct Notification<T> {
    id: (),
    method: &'static str,
    params: T,
}

/// The lines of a message.
pub(super) fn encode(message: &Message, word: Word) -> Vec<u8> {
    match message {
        Message::Reply(id, reply) => match reply {
            Reply::Done => answer(id, true),
            Reply::Subscribed { session, prefix, address } => {
                answer(id, shared::subscribed(session, *prefix, address))
            }
            Reply::Configured(has) => answer(id, Extensions(has)),
            Reply::Refused(reject) => {
                let error = Some((reject.code().number(), reject.to_string(), ()));
                line(&Answer::<()> { id, result: None, error })
            }
        },
        Message::Work(Work { job, target, news }) => match news {
            News::Target => set_target(*target, word),
            News::Job { clean } => [set_target(*target, word), notify(job, *clean)].concat(),
        },
        // Width of the miner's own part in bytes, as with other coins.
        Message::Prefix(prefix) => {
            notification("mining.set_extranonce", (prefix.to_string(), Prefix::OWN_BYTES))
        }
        Message::Reconnect { wait } => reconnect(*wait),
    }
}

/// A result.
pub(super) fn answer<T: Serialize>(id: &Id, result: T) -> Vec<u8> {
    line(&Answer { id, result: Some(result), error: None })
}

fn set_target(target: u64, word: Word) -> Vec<u8> {
    let method = match word {
        Word::Difficulty => "mining.set_difficulty",
        Word::Target => "mining.set_target",
    };
    notification(method, [target])
}

/// A notification.
pub(super) fn notification<T: Serialize>(method: &'static str, params: T) -> Vec<u8> {
    line(&Notification { id: (), method, params })
}

/// No host and port: the miner keeps its own.
fn reconnect(wait: Duration) -> Vec<u8> {
    let params = ((), (), wait.as_secs());
    line(&Notification { id: (), method: "client.reconnect", params })
}

fn notify(job: &Job, clean: bool) -> Vec<u8> {
    notification("mining.notify", shared::job_params(job, clean))
}

#[cfg(test)]
mod tests {
    use pool_core::types::{Address, EpochHash};
    use proptest::prelude::*;

    use super::*;
    use crate::stratum::wire::{dialects::Dialect, message::JobName};

    const GENERIC: Dialect = Dialect::Generic(Word::Difficulty);

    fn call(line: &str) -> Call {
        GENERIC.decode(line.as_bytes()).unwrap().unwrap().call
    }

    #[test]
    fn the_methods_that_an_unknown_one_is_answered_with_are_known() {
        let text = Reject::UnknownMethod("x".to_owned()).to_string();
        let list = text.split("knows mining.").nth(1).unwrap().replace(" and ", ", ");
        let methods: Vec<&str> = list.split(", ").collect();
        assert!(methods.len() > 5, "{methods:?}");
        for method in methods {
            assert!(!matches!(ask(method, "[]"), Call::Unknown(_)), "{method}");
        }
    }

    fn ask(method: &str, params: &str) -> Call {
        call(&format!(r#"{{"id":1,"method":"mining.{method}","params":{params}}}"#))
    }

    fn text(message: Message, word: Word) -> String {
        String::from_utf8(encode(&message, word)).unwrap()
    }

    #[test]
    fn a_subscription_tells_which_json_is_spoken() {
        for (params, dialect) in [
            (r#"["a","AleoStratum/3.0.0",null]"#, Dialect::AleoStratum),
            (r#"["a","EthereumStratum/1.0.0"]"#, GENERIC),
            (r#"["a",null]"#, GENERIC),
            (r#"["a"]"#, GENERIC),
            ("[]", GENERIC),
            ("[1,2,3]", GENERIC),
        ] {
            let call = ask("subscribe", params);
            assert!(matches!(call, Call::Subscribe(Ok(_))), "{params}");
            assert_eq!(Dialect::Json.after(&call), dialect, "{params}");
            assert_eq!(GENERIC.after(&call), GENERIC, "a pinned port stays as it is: {params}");
        }
        for params in
            [r#"["a","AleoStratum/2.0.0"]"#, r#"["a","AleoStratum/30.0"]"#, r#"["a","AleoStratum"]"#]
        {
            let call = ask("subscribe", params);
            assert_eq!(call, Call::Subscribe(Err(Reject::UnsupportedVersion)), "{params}");
            assert_eq!(Dialect::Json.after(&call), Dialect::Json);
        }
    }

    #[test]
    fn a_submission_keeps_its_counter_unread() {
        let line = r#"{"id":4,"method":"mining.submit","params":["a.b","00050000","0xff","extra",{}]}"#;
        let counter = RawCounter::Text("0xff".into());
        let job = Some(JobName { epoch: 5, serial: Some(0) });
        assert_eq!(call(line), Call::Submit(Ok(Submit { worker: "a.b".into(), job, puzzle: None, counter })));
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
    fn a_suggestion_is_a_whole_number_of_attempts_and_tells_the_miners_word() {
        let suggest = |method: &str, params: &str| match ask(method, params) {
            Call::Suggest(Ok(Suggest { target, word })) => Some((target, word)),
            Call::Suggest(Err(Reject::BadParams(_))) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(suggest("suggest_difficulty", "[1024]"), Some((1024, Word::Difficulty)));
        assert_eq!(suggest("suggest_difficulty", "[1.9]"), Some((1, Word::Difficulty)));
        assert_eq!(suggest("suggest_difficulty", "[1e300]"), Some((u64::MAX, Word::Difficulty)));
        assert_eq!(suggest("suggest_target", r#"["4096"]"#), Some((4096, Word::Target)));
        for wrong in ["[]", "[0]", "[0.5]", "[-1]", r#"["x"]"#, "[null]", "[[1]]", "{}"] {
            assert_eq!(suggest("suggest_target", wrong), None, "{wrong}");
        }
        let target = ask("suggest_target", "[7]");
        assert_eq!(GENERIC.after(&target), Dialect::Generic(Word::Target));
        assert_eq!(
            Dialect::AleoStratum.after(&target),
            Dialect::AleoStratum,
            "the specification has one word"
        );
    }

    #[test]
    fn a_speed_is_a_number_of_attempts_a_second() {
        assert_eq!(ask("local_speed", r#"["54.28"]"#), Call::Speed(Ok(54.28)));
        assert_eq!(ask("local_speed", "[7]"), Call::Speed(Ok(7.0)));
        for wrong in ["[]", r#"["NaN"]"#, r#"["inf"]"#, "[-1]", r#"["fast"]"#, "[null]"] {
            assert!(matches!(ask("local_speed", wrong), Call::Speed(Err(Reject::BadParams(_)))), "{wrong}");
        }
    }

    #[test]
    fn a_prefix_comes_with_the_bytes_that_are_the_miners_own() {
        let prefix = Message::Prefix(Prefix::parse("300005").unwrap());
        let line = "{\"id\":null,\"method\":\"mining.set_extranonce\",\"params\":[\"300005\",5]}\n";
        assert_eq!(text(prefix, Word::Difficulty), line);
    }

    #[test]
    fn configure_is_answered_extension_by_extension() {
        let Call::Configure(Ok(asked)) =
            ask("configure", r#"[["version-rolling","subscribe-extranonce"],{"version-rolling.mask":"ff"}]"#)
        else {
            panic!("not understood")
        };
        let has = extensions(asked);
        assert_eq!(has, [("version-rolling".into(), false), ("subscribe-extranonce".into(), true)]);
        assert_eq!(
            text(Message::Reply(Id::Null, Reply::Configured(has)), Word::Difficulty),
            "{\"id\":null,\"result\":{\"version-rolling\":false,\"subscribe-extranonce\":true},\"error\":null}\n"
        );
        for wrong in ["[]", "[1]", "[[1]]", r#"["version-rolling"]"#] {
            assert!(matches!(ask("configure", wrong), Call::Configure(Err(Reject::BadParams(_)))), "{wrong}");
        }
    }

    #[test]
    fn errors_are_lists_and_targets_come_in_the_miners_word() {
        let id = || Id::Number(1.into());
        assert_eq!(
            text(Message::refused(id(), Reject::Duplicate), Word::Difficulty),
            "{\"id\":1,\"result\":null,\"error\":[22,\"duplicate share\",null]}\n"
        );
        assert_eq!(
            text(Message::Reply(id(), Reply::Done), Word::Difficulty),
            "{\"id\":1,\"result\":true,\"error\":null}\n"
        );
        let job = Job { epoch: 5, serial: 0, epoch_hash: EpochHash([1; 32]), address: Address::default() };
        let work = |news, word| text(Message::Work(Work { job, target: 7, news }), word);
        let difficulty = "{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":[7]}\n";
        assert_eq!(work(News::Target, Word::Difficulty), difficulty);
        assert_eq!(work(News::Target, Word::Target), difficulty.replace("difficulty", "target"));
        let both = work(News::Job { clean: true }, Word::Difficulty);
        assert!(
            both.starts_with(difficulty)
                && both.contains("\"mining.notify\",\"params\":[\"00050000\",\"0101")
        );
    }

    proptest! {
        #[test]
        fn no_params_harm_the_parser(
            method in "(subscribe|authorize|submit|configure|suggest_target|suggest_difficulty)",
            params in "[\\[\\]{}\",:0-9a-z .-]{0,80}",
        ) {
            let line = format!("{{\"id\":1,\"method\":\"mining.{method}\",\"params\":{params}}}");
            let _ = GENERIC.decode(line.as_bytes());
        }
    }
}
