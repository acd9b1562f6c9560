//! AleoStratum/3.0.0 from the miner's side, checked strictly: a pool's lines must match `docs/stratum.md`.
//! Pure; one value lives as long as a connection.

use std::collections::HashMap;

use pool_core::{
    reject::SHARE_MESSAGE_LIMIT,
    types::{Address, EpochHash},
};
use serde_json::{Map, Value, json};

use super::work::{Share, Work};
use crate::stratum::wire::{
    dialects::shared::{job_id, parse_job_id},
    extranonce::Prefix,
    message::JobName,
};

/// What a line of the pool means to the miner.
#[derive(Clone, Debug, PartialEq)]
pub enum PoolEvent {
    /// Answer with [`Protocol::authorize`].
    Subscribed,
    /// The login is accepted; work follows once the pool has some.
    Authorized,
    /// The pool refuses this miner; asking again would not help.
    Refused {
        code: i64,
        message: String,
    },
    /// A new target, for the next job.
    Target,
    /// The work from now on.
    Work(Work),
    Accepted(Share),
    Rejected {
        share: Share,
        code: i64,
        message: String,
    },
}

/// The pool broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(String);

/// A connection's state.
#[derive(Debug)]
pub struct Protocol {
    login: String,
    password: String,
    last_id: u64,
    asked: HashMap<u64, Asked>,
    /// The session to resume, then the one that the pool gave.
    session: Option<String>,
    /// The prefix of every counter.
    prefix: Option<Prefix>,
    /// The pool's address, once subscribed.
    address: Option<Address>,
    authorized: bool,
    target: Option<u64>,
    job: Option<MinerJob>,
}

#[derive(Debug)]
enum Asked {
    Subscribe,
    Authorize,
    Share(Share),
}

#[derive(Clone, Copy, Debug)]
struct MinerJob {
    epoch: u32,
    serial: u8,
    epoch_hash: EpochHash,
    address: Address,
    prefix: Option<Prefix>,
    target: u64,
}

impl MinerJob {
    fn work(self) -> Work {
        let Self { epoch, serial, epoch_hash, address, prefix, target } = self;
        Work { epoch, serial, epoch_hash, address, prefix, target }
    }
}

fn violation<T>(text: impl Into<String>) -> Result<T, Violation> {
    Err(Violation(text.into()))
}

impl Protocol {
    /// `session` is that of an earlier connection, to be resumed.
    pub fn new(login: &str, password: &str, session: Option<String>) -> Self {
        Self {
            login: login.to_string(),
            password: password.to_string(),
            last_id: 0,
            asked: HashMap::new(),
            session,
            prefix: None,
            address: None,
            authorized: false,
            target: None,
            job: None,
        }
    }

    /// The first line to send.
    pub fn subscribe(&mut self) -> String {
        let agent = concat!("aleo-pool-reference-miner/", env!("CARGO_PKG_VERSION"));
        self.ask(Asked::Subscribe, "mining.subscribe", json!([agent, "AleoStratum/3.0.0", self.session]))
    }

    /// The line to send once subscribed.
    pub fn authorize(&mut self) -> String {
        let params = json!([self.login, self.password]);
        self.ask(Asked::Authorize, "mining.authorize", params)
    }

    /// The line that submits a share.
    pub fn submit(&mut self, share: Share) -> String {
        let params = json!([self.login, job_id(share.epoch, share.serial), share.counter.to_string()]);
        self.ask(Asked::Share(share), "mining.submit", params)
    }

    /// The epoch of the current job.
    pub fn epoch(&self) -> Option<u32> {
        self.job.map(|job| job.epoch)
    }

    /// The session to resume on the next connection.
    pub fn session(&self) -> Option<String> {
        self.session.clone()
    }

    /// The shares the pool has not answered yet.
    pub fn unanswered(&self) -> Vec<Share> {
        let mut shares: Vec<(u64, Share)> = self
            .asked
            .iter()
            .filter_map(
                |(id, asked)| if let Asked::Share(share) = asked { Some((*id, *share)) } else { None },
            )
            .collect();
        shares.sort_by_key(|(id, _)| *id);
        shares.into_iter().map(|(_, share)| share).collect()
    }

    /// Reads a line of the pool.
    pub fn receive(&mut self, line: &str) -> Result<PoolEvent, Violation> {
        let Ok(Value::Object(object)) = serde_json::from_str::<Value>(line) else {
            return violation("a line is not a JSON object");
        };
        if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return violation("a line does not say jsonrpc 2.0");
        }
        match object.get("method").map(Value::as_str) {
            Some(Some("mining.set_target")) => self.set_target(params(&object)?),
            Some(Some("mining.notify")) => self.notify(params(&object)?),
            Some(other) => violation(format!("unknown notification {}", other.unwrap_or("without a name"))),
            None => self.answer(&object),
        }
    }

    fn ask(&mut self, asked: Asked, method: &str, params: Value) -> String {
        self.last_id += 1;
        self.asked.insert(self.last_id, asked);
        let request = json!({"jsonrpc": "2.0", "method": method, "params": params, "id": self.last_id});
        format!("{request}\n")
    }

    fn set_target(&mut self, params: &[Value]) -> Result<PoolEvent, Violation> {
        if !self.authorized {
            return violation("a target came before the login was accepted");
        }
        let [target] = params else { return violation("mining.set_target takes one param") };
        let Some(target) = target.as_u64().filter(|target| *target > 0) else {
            return violation(format!("{target} is not a target: it must be a whole number of at least 1"));
        };
        self.target = Some(target);
        match &mut self.job {
            // A lower target applies at once; a higher one, to the next job.
            Some(job) if target < job.target => {
                job.target = target;
                Ok(PoolEvent::Work(job.work()))
            }
            _ => Ok(PoolEvent::Target),
        }
    }

    fn notify(&mut self, params: &[Value]) -> Result<PoolEvent, Violation> {
        let Some(target) = self.target else { return violation("a job came before any target") };
        let [id, epoch_hash, address, clean] = params else {
            return violation("mining.notify takes four params");
        };
        let Some(JobName { epoch, serial: Some(serial) }) = id.as_str().and_then(parse_job_id) else {
            return violation(format!("{id} is not a job id: it must be 8 hexadecimal digits"));
        };
        let mut bytes = [0; 32];
        if hex::decode_to_slice(epoch_hash.as_str().unwrap_or_default(), &mut bytes).is_err() {
            return violation(format!("{epoch_hash} is not an epoch hash: it must be 64 hexadecimal digits"));
        }
        let address = match address {
            Value::Null => self.address,
            other => other.as_str().and_then(|text| text.parse().ok()),
        };
        let Some(address) = address else { return violation("a job has no valid address") };
        let Some(clean) = clean.as_bool() else { return violation("a job's clean flag is not a boolean") };
        let epoch_hash = EpochHash(bytes);
        if let Some(current) = self.job {
            // The same job again only repeats the work.
            if (epoch, serial) < (current.epoch, current.serial) {
                let before = job_id(current.epoch, current.serial);
                return violation(format!("the job went back from {before} to {id}"));
            }
            if epoch_hash != current.epoch_hash && !clean {
                return violation("a job with a new puzzle is not marked clean");
            }
        }
        let job = MinerJob { epoch, serial, epoch_hash, address, prefix: self.prefix, target };
        self.job = Some(job);
        Ok(PoolEvent::Work(job.work()))
    }

    fn answer(&mut self, object: &Map<String, Value>) -> Result<PoolEvent, Violation> {
        let error = object.get("error").filter(|error| !error.is_null());
        let result = object.get("result").filter(|result| !result.is_null());
        let id = object.get("id").unwrap_or(&Value::Null);
        if let (Value::Null, Some(error)) = (id, error) {
            // Not an answer: the pool says why it closes the connection.
            let (_, message) = read_error(error)?;
            return violation(format!("the pool says: {message}"));
        }
        let Some(asked) = id.as_u64().and_then(|id| self.asked.remove(&id)) else {
            return violation(format!("an answer to {id}, which was never sent"));
        };
        match (asked, result, error) {
            (_, Some(_), Some(_)) => violation("an answer has both a result and an error"),
            (_, None, None) => violation("an answer has neither a result nor an error"),
            (Asked::Subscribe, Some(result), None) => self.subscribed(result),
            (Asked::Authorize, Some(Value::Bool(true)), None) => {
                self.authorized = true;
                Ok(PoolEvent::Authorized)
            }
            (Asked::Share(share), Some(Value::Bool(true)), None) => Ok(PoolEvent::Accepted(share)),
            (_, Some(result), None) => violation(format!("the answer is {result} where it must be true")),
            (Asked::Share(share), None, Some(error)) => {
                let (code, message) = read_error(error)?;
                if message.len() > SHARE_MESSAGE_LIMIT {
                    return violation(format!("the reason '{message}' is too long for existing miners"));
                }
                Ok(PoolEvent::Rejected { share, code, message })
            }
            (Asked::Subscribe | Asked::Authorize, None, Some(error)) => {
                let (code, message) = read_error(error)?;
                Ok(PoolEvent::Refused { code, message })
            }
        }
    }

    fn subscribed(&mut self, result: &Value) -> Result<PoolEvent, Violation> {
        let Some([session, prefix, address]) = result.as_array().map(Vec::as_slice) else {
            return violation("a subscription is answered with three values");
        };
        self.session = match session {
            Value::Null => None,
            Value::String(id) => Some(id.clone()),
            _ => return violation(format!("{session} is not a session id")),
        };
        self.prefix = match prefix {
            Value::Null => None,
            other => match other.as_str().and_then(Prefix::parse) {
                Some(prefix) => Some(prefix),
                None => {
                    return violation(format!(
                        "{other} is not a counter prefix: it must be 6 hexadecimal digits"
                    ));
                }
            },
        };
        match address.as_str().unwrap_or_default().parse() {
            Ok(address) => self.address = Some(address),
            Err(reason) => return violation(format!("the pool's address is {reason}")),
        }
        Ok(PoolEvent::Subscribed)
    }
}

fn params(object: &Map<String, Value>) -> Result<&[Value], Violation> {
    match object.get("params") {
        Some(Value::Array(params)) => Ok(params),
        _ => violation("a notification has no list of params"),
    }
}

fn read_error(error: &Value) -> Result<(i64, String), Violation> {
    let code = error.get("code").and_then(Value::as_i64);
    let message = error.get("message").and_then(Value::as_str).filter(|message| !message.is_empty());
    match (code, message) {
        (Some(code @ 20..=25), Some(message)) => Ok((code, message.to_string())),
        (Some(20..=25), None) => violation("an error has no message"),
        (code, _) => violation(format!("an error has the code {code:?}, which is not from 20 to 25")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADDRESS: &str = "aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px";
    const HASH: &str = "0101010101010101010101010101010101010101010101010101010101010101";

    fn reply(id: u64, result: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#)
    }

    fn refusal(id: u64, code: i64, message: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"{message}"}},"id":{id}}}"#)
    }

    fn target(value: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","method":"mining.set_target","params":[{value}]}}"#)
    }

    fn job(id: &str, clean: bool) -> String {
        format!(r#"{{"jsonrpc":"2.0","method":"mining.notify","params":["{id}","{HASH}",null,{clean}]}}"#)
    }

    fn logged_in() -> Protocol {
        let mut protocol = Protocol::new("a.b", "x", None);
        protocol.subscribe();
        assert_eq!(
            protocol.receive(&reply(1, &format!(r#"["s","300005","{ADDRESS}"]"#))),
            Ok(PoolEvent::Subscribed)
        );
        protocol.authorize();
        assert_eq!(protocol.receive(&reply(2, "true")), Ok(PoolEvent::Authorized));
        protocol
    }

    fn working() -> Protocol {
        let mut protocol = logged_in();
        assert_eq!(protocol.receive(&target("100")), Ok(PoolEvent::Target));
        let work = Work {
            epoch: 5,
            serial: 0,
            epoch_hash: EpochHash([1; 32]),
            address: ADDRESS.parse().unwrap(),
            prefix: Prefix::parse("300005"),
            target: 100,
        };
        assert_eq!(protocol.receive(&job("00050000", true)), Ok(PoolEvent::Work(work)));
        assert_eq!(protocol.receive(&target("50")), Ok(PoolEvent::Work(Work { target: 50, ..work })));
        assert_eq!(protocol.receive(&target("200")), Ok(PoolEvent::Target), "for the next job");
        let next = Work { serial: 1, target: 200, ..work };
        assert_eq!(protocol.receive(&job("01050000", false)), Ok(PoolEvent::Work(next)));
        protocol
    }

    #[test]
    fn shares_are_answered_by_id() {
        let mut protocol = working();
        let [first, second] = [1, 2].map(|counter| Share { epoch: 5, serial: 1, counter });
        assert_eq!(
            serde_json::from_str::<Value>(&protocol.submit(first)).unwrap(),
            json!({"jsonrpc": "2.0", "id": 3, "method": "mining.submit", "params": ["a.b", "01050000", "1"]})
        );
        protocol.submit(second);
        assert_eq!(protocol.unanswered(), [first, second]);
        let rejected = PoolEvent::Rejected { share: second, code: 22, message: "duplicate share".into() };
        assert_eq!(protocol.receive(&refusal(4, 22, "duplicate share")), Ok(rejected));
        assert_eq!(protocol.receive(&reply(3, "true")), Ok(PoolEvent::Accepted(first)));
        assert!(protocol.unanswered().is_empty());
        assert!(protocol.receive(&reply(3, "true")).is_err(), "answered twice");
    }

    #[test]
    fn a_refused_login_is_told_apart() {
        let mut protocol = Protocol::new("a b", "x", None);
        protocol.authorize();
        let refused = PoolEvent::Refused { code: 24, message: "bad login".into() };
        assert_eq!(protocol.receive(&refusal(1, 24, "bad login")), Ok(refused));
    }

    #[test]
    fn what_the_protocol_does_not_allow_is_named() {
        let cases = [
            ("not json", "is not a JSON object"),
            (r#"{"result":true,"id":3}"#, "jsonrpc"),
            (&reply(77, "true"), "never sent"),
            (&reply(3, "false"), "must be true"),
            (&reply(3, "null"), "neither"),
            (&refusal(3, 19, "x"), "not from 20 to 25"),
            (&refusal(3, 20, ""), "no message"),
            (&refusal(3, 20, &"x".repeat(32)), "too long"),
            (&refusal(3, 20, "x").replace("\"error\"", "\"result\":true,\"error\""), "both"),
            (r#"{"jsonrpc":"2.0","error":{"code":20,"message":"bye"},"id":null}"#, "the pool says: bye"),
            (r#"{"jsonrpc":"2.0","method":"mining.other","params":[]}"#, "unknown notification"),
            (r#"{"jsonrpc":"2.0","method":"mining.set_target"}"#, "no list"),
            (&target("0"), "not a target"),
            (&target("1.5"), "not a target"),
            (&target("\"100\""), "not a target"),
            (&job("00040000", true), "went back"),
            (&job("0005000", true), "not a job id"),
            (&job("00060000", true).replace(HASH, "01"), "not an epoch hash"),
            (&job("00060000", false).replace("01010101", "02010101"), "not marked clean"),
            (&job("00060000", true).replace("null", "\"aleo1\""), "no valid address"),
        ];
        for (line, reason) in cases {
            let mut protocol = working();
            protocol.submit(Share { epoch: 5, serial: 1, counter: 1 });
            let error = protocol.receive(line).unwrap_err().to_string();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }

    #[test]
    fn the_order_of_the_handshake_is_kept() {
        assert!(logged_in().receive(&job("00050000", true)).is_err(), "a job before its target");
        let mut protocol = Protocol::new("a", "x", None);
        protocol.subscribe();
        assert!(protocol.receive(&target("100")).is_err(), "a target before the login");
        for result in ["true", "[]", "[1,null,null]", r#"["s","00","x"]"#, r#"["s",null,"aleo1"]"#] {
            let mut fresh = Protocol::new("a", "x", None);
            fresh.subscribe();
            assert!(fresh.receive(&reply(1, result)).is_err(), "{result}");
        }
    }

    proptest! {
        #[test]
        fn no_line_harms_the_miner(line: String) {
            let _ = working().receive(&line);
        }
    }
}
