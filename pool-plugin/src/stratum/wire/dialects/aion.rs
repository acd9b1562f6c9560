//! Aion's stratum v1, mapped onto Aleo: JSON lines, the target inside the job, the counter in two parts.
//!
//! The header hash is the epoch hash; the target is 2²⁵⁶ / T, as 64 hexadecimal digits; the extra nonce is
//! the counter's prefix and extra nonce 2 the rest of it, most significant digit first; the solution is the
//! whole counter. The time is ignored. Job ids are those of AleoStratum.

use pool_core::reject::Reject;
use serde_json::Value;

use super::{
    generic,
    json::{Params, quote},
    shared::{job_id, parse_job_id},
};
use crate::stratum::wire::{
    counter::RawCounter,
    message::{Call, Message, News, Reply, Submit, Subscribe, Word, Work},
};

/// Parses a method and its params.
pub(super) fn call(method: &str, params: Params<'_>) -> Call {
    match method {
        "mining.subscribe" => Call::Subscribe(params.map(parse_subscribe)),
        "mining.submit" => Call::Submit(params.map_err(|_| Reject::BadSubmit).and_then(parse_submit)),
        other => generic::call(other, params),
    }
}

/// `[miner, protocol version]`. Every version is accepted: the pool knows only one.
fn parse_subscribe(params: &[Value]) -> Subscribe {
    let text = |index: usize| params.get(index).and_then(Value::as_str).map(quote);
    Subscribe { agent: text(0).unwrap_or_default(), version: text(1), session: None }
}

/// `[worker, job id, time, extra nonce 2, solution]`.
fn parse_submit(params: &[Value]) -> Result<Submit, Reject> {
    let [worker, id, _time, rest, whole, ..] = params else { return Err(Reject::BadSubmit) };
    let job = parse_job_id(id.as_str().ok_or(Reject::BadSubmit)?);
    let part = |value: &Value| value.as_str().map(str::to_string).ok_or(Reject::BadSubmit);
    let counter = RawCounter::Parts { rest: part(rest)?, whole: part(whole)? };
    Ok(Submit { worker: worker.as_str().unwrap_or_default().to_string(), job, puzzle: None, counter })
}

/// The lines of a message.
pub(super) fn encode(message: &Message) -> Vec<u8> {
    match message {
        Message::Reply(id, Reply::Subscribed { session, prefix, .. }) => {
            generic::answer(id, (session, prefix.map(|prefix| prefix.to_string()).unwrap_or_default()))
        }
        Message::Work(Work { job, target, news }) => {
            let clean = *news == News::Job { clean: true };
            let job = (job_id(job.epoch, job.serial), clean, boundary(*target), job.epoch_hash.to_string());
            let difficulty = generic::notification("mining.set_difficulty", [target]);
            [difficulty, generic::notification("mining.notify", job)].concat()
        }
        other => generic::encode(other, Word::Difficulty),
    }
}

/// 2²⁵⁶ / target as 64 hexadecimal digits, rounded down; for target 1 the highest value.
fn boundary(target: u64) -> String {
    let divisor = u128::from(target);
    if divisor < 2 {
        return "f".repeat(64);
    }
    // Long division of 1 followed by four limbs of 0.
    let mut remainder = 1u128;
    let mut digits = String::with_capacity(64);
    for _ in 0..4 {
        let dividend = remainder << 64;
        digits += &format!("{:016x}", dividend / divisor);
        remainder = dividend % divisor;
    }
    digits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stratum::wire::{counter::CounterReader, dialects::Dialect, extranonce::Prefix};

    fn submit(params: &str) -> Result<Submit, Reject> {
        let line = format!(r#"{{"id":1,"method":"mining.submit","params":{params}}}"#);
        match Dialect::Aion.decode(line.as_bytes()).unwrap().unwrap().call {
            Call::Submit(submit) => submit,
            other => panic!("{other:?}"),
        }
    }

    fn counter(rest: &str, whole: &str) -> Option<u64> {
        let read = submit(&format!(r#"["a.b","00050000","5e1c","{rest}","{whole}"]"#)).unwrap();
        CounterReader::default().read(&read.counter)
    }

    #[test]
    fn the_boundary_is_two_to_the_256_through_the_target() {
        assert_eq!(boundary(1), "f".repeat(64));
        assert_eq!(boundary(2), format!("8{}", "0".repeat(63)));
        assert_eq!(boundary(3), "5".repeat(64));
        assert_eq!(boundary(1 << 63), format!("{}2{}", "0".repeat(15), "0".repeat(48)));
        assert_eq!(boundary(u64::MAX), "0000000000000001".repeat(4));
    }

    #[test]
    fn a_counter_comes_whole_or_as_its_rest_and_both_must_agree() {
        let (counter_255, counter_256) = ("00000000000000ff", "0000000000000100");
        assert_eq!(counter(counter_255, counter_255), Some(255));
        assert_eq!(counter("", counter_255), Some(255));
        assert_eq!(counter(counter_255, ""), Some(255));
        assert_eq!(counter(counter_255, counter_256), None);
        for wrong in ["", "ff", "0x000000000000ff", "+0000000000000ff", "00000000000000fg"] {
            assert_eq!(counter(wrong, ""), None, "{wrong}");
            assert_eq!(counter("", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_rest_follows_the_prefix_of_the_session() {
        let mut reader = CounterReader::default();
        reader.begin_with(Prefix::parse("300005"));
        let mut read = |rest: &str, whole: &str| {
            let (rest, whole) = (rest.to_owned(), whole.to_owned());
            reader.read(&RawCounter::Parts { rest, whole })
        };
        let counter = Some(0x3000_0500_0000_00ff);
        assert_eq!(read("00000000ff", ""), counter);
        assert_eq!(read("00000000ff", "30000500000000ff"), counter);
        assert_eq!(read("", "30000500000000ff"), counter);
        assert_eq!(read("00000000ff", "00000000000000ff"), None, "they do not agree");
        assert_eq!(read("00000000000000ff", ""), Some(255), "from a miner that ignores the prefix");
        assert_eq!(read("ff", ""), None);
    }

    #[test]
    fn a_submission_has_five_params() {
        for params in
            ["[]", r#"["a","00050000","0","00"]"#, r#"["a",5,"0","",""]"#, r#"["a","00050000","0",1,""]"#]
        {
            assert_eq!(submit(params), Err(Reject::BadSubmit), "{params}");
        }
    }

    proptest! {
        #[test]
        fn a_higher_target_never_has_a_higher_boundary(a: u64, b: u64) {
            let (low, high) = (a.min(b), a.max(b));
            // As texts of one length they compare like the numbers.
            prop_assert!(boundary(high) <= boundary(low));
        }
    }
}
