//! zk.work's binary frames: a length, a message's id, a payload with little-endian numbers.
//!
//! The payloads are those of a public server of 2024, itself based on the open protocol of the testnet. A
//! share gets no answer. A miner logs in with one message, and its submissions name no job.

use pool_core::{
    reject::Reject,
    types::{Address, BLOCKS_PER_EPOCH},
};

use crate::stratum::wire::message::{
    Authorize, Call, Connect, Garbage, Id, Message, Reply, Request, Submit, Subscribe, Work,
};

use super::{json::quote, solution};

const CONNECT_ACK: u8 = 0;
const NOTIFY: u8 = 1;
const SHUTDOWN: u8 = 2;
const PONG: u8 = 3;
const CONNECT: u8 = 128;
const SUBMIT: u8 = 129;
const DISCONNECT: u8 = 130;
const PING: u8 = 131;
const REPORT_HASH_RATE: u8 = 132;

/// Reads a frame. The id of a request is that of its message, by which the answer is encoded.
pub(super) fn decode(frame: &[u8]) -> Result<Option<Request>, Garbage> {
    let garbage = |what: &'static str| Garbage { id: Id::Null, reject: Reject::NotARequest(what) };
    let (&kind, payload) = frame.split_first().ok_or_else(|| garbage("the frame is empty"))?;
    let call = match kind {
        CONNECT => Call::Connect(parse_connect(payload).ok_or_else(|| garbage("a broken login"))?),
        SUBMIT => Call::Submit(parse_submit(payload)),
        DISCONNECT => Call::Leave,
        PING => Call::Ping,
        REPORT_HASH_RATE => Call::Speed(parse_speed(payload)),
        _ => return Err(garbage("a message of an unknown kind")),
    };
    Ok(Some(Request { id: Id::Number(kind.into()), call }))
}

/// Worker type, address type, version in three bytes, name with its length, login to the end.
fn parse_connect(payload: &[u8]) -> Option<Connect> {
    let (head, rest) = payload.split_at_checked(6)?;
    let [_, _, major, minor, patch, length] = *head else { return None };
    let (name, login) = rest.split_at_checked(length.into())?;
    let (name, login) = (std::str::from_utf8(name).ok()?, std::str::from_utf8(login).ok()?);
    let version = format!("{major}.{minor}.{patch}");
    let subscribe = Subscribe { agent: quote(name), version: Some(version), session: None };
    let worker = Some(name.to_string()).filter(|name| !name.is_empty() && !login.contains('.'));
    Some(Connect { subscribe, authorize: Authorize { login: login.to_string(), worker, password: None } })
}

/// Worker id, 8 bytes in reserve, solution.
fn parse_submit(payload: &[u8]) -> Result<Submit, Reject> {
    let solution = payload.get(12..).ok_or(Reject::BadSubmit)?;
    let (puzzle, counter) = (solution::epoch_hash(solution), solution::counter(solution)?);
    Ok(Submit { worker: String::new(), job: None, puzzle, counter })
}

/// Worker id, solutions a second over 1, 5, 15, 30 and 60 minutes.
fn parse_speed(payload: &[u8]) -> Result<f64, Reject> {
    const SHAPE: Reject = Reject::BadParams("a report has six numbers of four bytes");
    let rate: [u8; 4] = payload.get(4..8).and_then(|bytes| bytes.try_into().ok()).ok_or(SHAPE)?;
    Ok(u32::from_le_bytes(rate).into())
}

/// The frame of a message; nothing where the dialect has none.
pub(super) fn encode(message: &Message) -> Vec<u8> {
    match message {
        Message::Work(Work { job, target, .. }) => {
            let height = u64::from(job.epoch) * u64::from(BLOCKS_PER_EPOCH);
            frame(NOTIFY, &[&height.to_le_bytes(), &target.to_le_bytes(), &job.epoch_hash.0])
        }
        Message::Reply(_, Reply::Subscribed { session, address, .. }) => connect_ack(true, address, session),
        Message::Reply(id, Reply::Refused(_)) if is(id, CONNECT) => {
            connect_ack(false, &Address::default(), "")
        }
        Message::Reply(id, Reply::Done) if is(id, PING) => frame(PONG, &[]),
        Message::Reply(_, Reply::Refused(Reject::NotARequest(_))) => Vec::new(),
        Message::Reconnect { .. } => frame(SHUTDOWN, &[]),
        Message::Prefix(_) => Vec::new(),
        // A refusal that answers no request announces the close.
        Message::Reply(Id::Null, Reply::Refused(_)) => frame(SHUTDOWN, &[]),
        Message::Reply(..) => Vec::new(),
    }
}

/// Accepted, the address to work for, the commission (none), the worker's id, whose highest bits are those of
/// its counters: a session's id begins with its prefix.
fn connect_ack(accepted: bool, address: &Address, session: &str) -> Vec<u8> {
    let worker = session.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default();
    frame(CONNECT_ACK, &[&[accepted.into()], &address.0, &0u32.to_le_bytes(), &worker.to_le_bytes()])
}

fn is(id: &Id, kind: u8) -> bool {
    matches!(id, Id::Number(number) if number.as_u64() == Some(kind.into()))
}

fn frame(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    let length = payload.len() as u32 + 1;
    [&length.to_le_bytes()[..], &[kind], &payload].concat()
}

#[cfg(test)]
mod tests {
    use pool_core::types::EpochHash;
    use proptest::prelude::*;

    use super::*;
    use crate::stratum::wire::{counter::RawCounter, dialects::Dialect};

    fn read(frame: &[u8]) -> Result<Request, Garbage> {
        Dialect::ZkWork.decode(frame).map(|request| request.expect("every frame asks for something"))
    }

    #[test]
    fn a_login_is_one_message() {
        let frame = [&[CONNECT, 0, 1, 0, 3, 6, 3], b"rig".as_slice(), b"alice"].concat();
        let Call::Connect(connect) = read(&frame).unwrap().call else { panic!("no login") };
        let authorize = Authorize { login: "alice".into(), worker: Some("rig".into()), password: None };
        assert_eq!(connect.authorize, authorize);
        assert_eq!(connect.subscribe.version.as_deref(), Some("0.3.6"));
        for broken in [vec![CONNECT], vec![CONNECT, 0, 0, 0, 0, 0, 9, b'a'], [&frame[..], &[0xff]].concat()] {
            assert!(read(&broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn a_submission_holds_a_solution() {
        let solution: Vec<u8> = (0..80).collect();
        let frame = [&[SUBMIT, 1, 2, 3, 4], [0; 8].as_slice(), &solution].concat();
        let counter = RawCounter::Number(u64::from_le_bytes([64, 65, 66, 67, 68, 69, 70, 71]));
        let puzzle = Some(EpochHash(std::array::from_fn(|byte| byte as u8)));
        let expected = Submit { worker: String::new(), job: None, puzzle, counter };
        assert_eq!(read(&frame).unwrap().call, Call::Submit(Ok(expected)));
        assert_eq!(read(&frame[..92]).unwrap().call, Call::Submit(Err(Reject::BadSolution(79))));
        assert_eq!(read(&frame[..9]).unwrap().call, Call::Submit(Err(Reject::BadSubmit)));
    }

    #[test]
    fn the_other_messages_are_told_by_their_kind() {
        assert_eq!(read(&[PING]).unwrap().call, Call::Ping);
        assert_eq!(read(&[DISCONNECT, 1, 2, 3, 4]).unwrap().call, Call::Leave);
        let report = [&[REPORT_HASH_RATE][..], &[0; 4], &7u32.to_le_bytes(), &[0; 16]].concat();
        assert_eq!(read(&report).unwrap().call, Call::Speed(Ok(7.0)));
        assert!(read(&[]).is_err());
        assert!(read(&[7]).is_err());
    }

    #[test]
    fn a_share_is_not_answered_and_a_ping_is() {
        let reply = |kind: u8, reply: Reply| encode(&Message::Reply(Id::Number(kind.into()), reply));
        assert!(reply(SUBMIT, Reply::Done).is_empty());
        assert!(reply(SUBMIT, Reply::Refused(Reject::Stale)).is_empty());
        assert_eq!(reply(PING, Reply::Done), [1, 0, 0, 0, PONG]);
        assert_eq!(encode(&Message::refused(Id::Null, Reject::PoolFull)), [1, 0, 0, 0, SHUTDOWN]);
        let subscribed =
            Reply::Subscribed { session: "0102030405060708".into(), prefix: None, address: Address([9; 32]) };
        let expected = [&[42, 0, 0, 0, CONNECT_ACK, 1][..], &[9; 32], &[0; 4], &[4, 3, 2, 1]].concat();
        assert_eq!(reply(CONNECT, subscribed), expected);
        assert_eq!(reply(CONNECT, Reply::Refused(Reject::PoolFull)).len(), 46);
    }

    proptest! {
        #[test]
        fn no_frame_harms_the_parser(frame: Vec<u8>) {
            let _ = Dialect::ZkWork.decode(&frame);
        }
    }
}
