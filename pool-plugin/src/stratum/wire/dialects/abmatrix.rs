//! ABMatrix 0.4: JSON-RPC 2.0 lines of the testnet of 2023, with today's epoch hash and solution in them.
//!
//! The target is part of the job. A job id is `height_epoch_uuid`, both numbers 4 bytes little endian in
//! hexadecimal; the height is the epoch's first. The uuid names the server, and ends in the job's serial.

use pool_core::{
    reject::{Reject, RejectCode},
    types::BLOCKS_PER_EPOCH,
};
use serde_json::Value;

use super::{
    aleostratum, generic,
    json::{Params, quote},
    solution,
};
use crate::stratum::wire::message::{
    Authorize, Call, Id, JobName, Message, News, Reply, Submit, Subscribe, Work,
};

/// The server's name in job ids, up to the last part: any uuid will do.
const SERVER: &str = "616c656f-706f-4f6c-8000";

/// Parses a method and its params.
pub(super) fn call(method: &str, params: Params<'_>) -> Call {
    match method {
        "mining.subscribe" => Call::Subscribe(params.and_then(parse_subscribe)),
        "mining.authorize" => Call::Authorize(params.and_then(parse_authorize)),
        "mining.submit" => Call::Submit(params.map_err(|_| Reject::BadSubmit).and_then(parse_submit)),
        other => generic::call(other, params),
    }
}

/// `[agent, version, session id]`; the version as the capture has it, `ABMatrix/0.4.0`, or bare.
fn parse_subscribe(params: &[Value]) -> Result<Subscribe, Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.subscribe takes [agent, \"ABMatrix/0.4.0\", null]");
    let text = |index: usize| params.get(index).and_then(Value::as_str).map(quote);
    let (agent, version) = (text(0).ok_or(SHAPE)?, text(1).ok_or(SHAPE)?);
    let number = version.strip_prefix("ABMatrix/").unwrap_or(&version);
    if number != "0.4" && !number.starts_with("0.4.") {
        return Err(Reject::BadParams("version not supported: use 0.4"));
    }
    Ok(Subscribe { agent, version: Some(version), session: text(2) })
}

/// `[account, miner, password or null]`.
fn parse_authorize(params: &[Value]) -> Result<Authorize, Reject> {
    const SHAPE: Reject = Reject::BadParams("mining.authorize takes [account, miner, password]");
    let text = |index: usize| params.get(index).and_then(Value::as_str).map(str::to_string);
    let (login, worker) = (text(0).ok_or(SHAPE)?, text(1).ok_or(SHAPE)?);
    // A miner that writes `account.worker` anyway means what everyone means by it.
    let worker = Some(worker).filter(|_| !login.contains('.'));
    Ok(Authorize { login, worker, password: text(2) })
}

/// `[job id, solution]`.
fn parse_submit(params: &[Value]) -> Result<Submit, Reject> {
    let [id, solution, ..] = params else { return Err(Reject::BadSubmit) };
    let job = parse_job_id(id.as_str().ok_or(Reject::BadSubmit)?);
    let bytes = hex::decode(solution.as_str().ok_or(Reject::BadSubmit)?).map_err(|_| Reject::BadCounter)?;
    Ok(Submit { worker: String::new(), job, puzzle: None, counter: solution::counter(&bytes)? })
}

fn job_id(epoch: u32, serial: u8) -> String {
    let height = epoch.saturating_mul(BLOCKS_PER_EPOCH);
    let (height, epoch) = (hex::encode(height.to_le_bytes()), hex::encode(epoch.to_le_bytes()));
    format!("{height}_{epoch}_{SERVER}-{serial:012x}")
}

fn parse_job_id(text: &str) -> Option<JobName> {
    let mut parts = text.split('_');
    let (_height, epoch, uuid) = (parts.next()?, parts.next()?, parts.next()?);
    let mut bytes = [0; 4];
    hex::decode_to_slice(epoch, &mut bytes).ok()?;
    let serial = uuid.rsplit('-').next().and_then(|last| u64::from_str_radix(last, 16).ok());
    Some(JobName {
        epoch: u32::from_le_bytes(bytes),
        serial: serial.and_then(|serial| serial.try_into().ok()),
    })
}

/// The lines of a message.
pub(super) fn encode(message: &Message) -> Vec<u8> {
    match message {
        // The specification's server answers a subscription with nothing but the absence of an error.
        Message::Reply(id, Reply::Subscribed { .. }) => aleostratum::answer(id, ()),
        Message::Reply(id, Reply::Refused(reject)) => refused(id, reject),
        Message::Work(Work { job, target, news }) => {
            let clean = *news == News::Job { clean: true };
            let id = job_id(job.epoch, job.serial);
            let params = (id, target, job.epoch_hash.to_string(), job.address.to_string(), clean);
            aleostratum::notification("mining.notify", params)
        }
        other => aleostratum::encode(other),
    }
}

/// Refusals have names. The name of a share's refusal comes first, then the reason.
fn refused(id: &Id, reject: &Reject) -> Vec<u8> {
    let (code, message) = match (reject, reject.code()) {
        (Reject::NoJob, _) => (3, "ServerNotReady".to_string()),
        (_, RejectCode::Stale) => (1, "StaleProof".to_string()),
        (_, RejectCode::Duplicate) => (2, "InvalidProof duplicate".to_string()),
        (_, RejectCode::LowDifficulty) => (2, "InvalidProof low difficulty".to_string()),
        (Reject::BadSolution(length), _) => (2, format!("InvalidProof {length} bytes, send 80")),
        (Reject::BadSubmit | Reject::BadCounter, _) => (2, "InvalidProof no solution in hex".to_string()),
        (Reject::Busy | Reject::NotChecked | Reject::NotStored, _) => {
            (100, "InternalServerError".to_string())
        }
        (_, code) => (code.number(), reject.to_string()),
    };
    aleostratum::error(id, code, message)
}

#[cfg(test)]
mod tests {
    use pool_core::reject::SHARE_MESSAGE_LIMIT;

    use super::*;
    use crate::stratum::wire::{counter::RawCounter, dialects::Dialect};

    fn ask(method: &str, params: &str) -> Call {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"mining.{method}","params":{params}}}"#);
        Dialect::AbMatrix.decode(line.as_bytes()).unwrap().unwrap().call
    }

    #[test]
    fn a_job_id_is_height_epoch_and_server() {
        assert_eq!(job_id(0x0120, 7), "00950100_20010000_616c656f-706f-4f6c-8000-000000000007");
        let name = |epoch, serial| Some(JobName { epoch, serial });
        assert_eq!(parse_job_id(&job_id(7, 255)), name(7, Some(255)));
        let captured = "3f200100_20010000_17c87e9d-680d-4289-a5d7-f60701c8c3ea";
        assert_eq!(parse_job_id(captured), name(0x0120, None), "another server's");
        for wrong in ["", "05000000", "05000000_", "00000000_0500_x", "00000000_050000zz_x"] {
            assert_eq!(parse_job_id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_version_zero_four_is_spoken() {
        for (version, spoken) in
            [("ABMatrix/0.4.0", true), ("0.4.9", true), ("ABMatrix/0.3.0", false), ("0.40", false)]
        {
            let call = ask("subscribe", &format!(r#"["ABMatrix_ZKWork_Miner","{version}",null]"#));
            assert_eq!(matches!(call, Call::Subscribe(Ok(_))), spoken, "{version}");
        }
    }

    #[test]
    fn three_params_authorize() {
        let expected = Authorize { login: "hentai8".into(), worker: Some("rig".into()), password: None };
        assert_eq!(ask("authorize", r#"["hentai8","rig",null]"#), Call::Authorize(Ok(expected)));
        assert!(matches!(ask("authorize", r#"["hentai8"]"#), Call::Authorize(Err(_))));
    }

    #[test]
    fn a_solution_of_today_is_taken_and_that_of_the_testnet_refused_by_its_length() {
        let submit = |length: usize| {
            let solution = "01".repeat(length);
            ask("submit", &format!(r#"["{}","{solution}"]"#, job_id(5, 0)))
        };
        let counter = RawCounter::Number(0x0101_0101_0101_0101);
        let expected = Submit {
            worker: String::new(),
            job: Some(JobName { epoch: 5, serial: Some(0) }),
            puzzle: None,
            counter,
        };
        assert_eq!(submit(80), Call::Submit(Ok(expected)));
        assert_eq!(submit(137), Call::Submit(Err(Reject::BadSolution(137))));
    }

    #[test]
    fn refusals_of_shares_have_the_names_of_the_dialect_and_fit_its_library() {
        for (reject, expected) in [
            (Reject::Stale, "StaleProof"),
            (Reject::NoJob, "ServerNotReady"),
            (Reject::NotStored, "InternalServerError"),
            (Reject::LowDifficulty { reached: 1, assigned: 2 }, "InvalidProof low difficulty"),
            (Reject::BadSolution(137), "InvalidProof 137 bytes, send 80"),
            (Reject::BadSolution(2000), "InvalidProof 2000 bytes, send 80"),
            (Reject::BadSubmit, "InvalidProof no solution in hex"),
        ] {
            let line = String::from_utf8(encode(&Message::refused(Id::Null, reject))).unwrap();
            assert!(line.contains(&format!("\"message\":\"{expected}\"")), "{line}");
            assert!(expected.len() <= SHARE_MESSAGE_LIMIT + 1, "{expected}");
        }
    }
}
