//! What the fuzz targets do with a miner's bytes: everything the port does before it needs the chain. Panics
//! if the pool would send an invalid message of the dialect, or read one counter as two.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use bytes::BytesMut;
use pool_core::{login, reject::Reject};
use tokio_util::codec::Decoder;

use crate::stratum::{
    server::{capture::mask::mask, proxy},
    wire::{
        codec::{FrameDecoder, Framing},
        counter::{CounterReader, RawCounter},
        dialects::{Dialect, generic},
        extranonce::Prefix,
        message::{Authorize, Call, Id, Message, Reply},
    },
};

/// Everything a miner sends on a connection, read as by a port of this dialect.
pub fn hear(dialect: Dialect, bytes: &[u8]) {
    let mut decoder = FrameDecoder::new(dialect.framing());
    let mut source = BytesMut::from(bytes);
    let (mut spoken, mut counters) = (dialect, CounterReader::default());
    while let Some(frame) = next_frame(&mut decoder, &mut source) {
        if let Ok(text) = std::str::from_utf8(&frame) {
            let _ = mask(text);
        }
        let (id, reply) = match spoken.decode(&frame) {
            Ok(None) => continue,
            Err(garbage) => (garbage.id, Reply::Refused(garbage.reject)),
            Ok(Some(request)) => {
                spoken = spoken.after(&request.call);
                if request.call == Call::ExtranonceSubscribe {
                    let prefix = Prefix::parse("300005");
                    counters.begin_with(prefix);
                    prefix.iter().for_each(|prefix| check(spoken, &spoken.encode(&Message::Prefix(*prefix))));
                }
                (request.id, answer(request.call, &mut counters))
            }
        };
        check(spoken, &spoken.encode(&Message::Reply(id, reply)));
    }
    check(spoken, &spoken.encode(&Message::refused(Id::Null, Reject::PoolFull)));
}

/// What a listed proxy sends before the miner's own bytes: only the header is read, and it is read the same
/// way when a miner follows.
pub fn introduce(bytes: &[u8]) {
    let (client, left) = read_header(bytes);
    if let Some(Ok(client)) = client {
        let header = bytes.len() - left;
        let (again, rest) = read_header(&[&bytes[..header], b"{\"id\":1}"].concat());
        assert_eq!((again.and_then(Result::ok), rest), (Some(client), 8));
    }
}

/// The header, if it is complete, and the number of bytes left after it.
fn read_header(bytes: &[u8]) -> (Option<std::io::Result<Option<std::net::SocketAddr>>>, usize) {
    let mut rest = bytes;
    // Bytes in memory never block.
    let read = match pin!(proxy::read_header(&mut rest)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(read) => Some(read),
        Poll::Pending => None,
    };
    (read, rest.len())
}

fn next_frame(decoder: &mut FrameDecoder, source: &mut BytesMut) -> Option<bytes::Bytes> {
    match decoder.decode(source) {
        Ok(None) => decoder.decode_eof(source).ok().flatten(),
        other => other.ok().flatten(),
    }
}

fn answer(call: Call, counters: &mut CounterReader) -> Reply {
    match call {
        Call::Subscribe(Err(reject))
        | Call::Authorize(Err(reject))
        | Call::Submit(Err(reject))
        | Call::Suggest(Err(reject))
        | Call::Configure(Err(reject))
        | Call::AuthorizeAdmin(Err(reject))
        | Call::AddUser(Err(reject))
        | Call::Speed(Err(reject)) => Reply::Refused(reject),
        Call::Authorize(Ok(authorize)) => log_in(&authorize),
        Call::Connect(connect) => log_in(&connect.authorize),
        Call::Submit(Ok(submit)) => match counters.read(&submit.counter) {
            None => Reply::Refused(Reject::BadCounter),
            Some(counter) => {
                // Whatever its notation, it is the counter of that number.
                let plain = CounterReader::default().read(&RawCounter::Text(counter.to_string()));
                assert_eq!(plain, Some(counter), "{:?}", submit.counter);
                Reply::Done
            }
        },
        Call::Configure(Ok(asked)) => Reply::Configured(generic::extensions(asked)),
        Call::Unknown(method) => Reply::Refused(Reject::UnknownMethod(method)),
        Call::Subscribe(Ok(subscribe)) => {
            let session = subscribe.session.unwrap_or_default();
            Reply::Subscribed { session, prefix: None, address: Default::default() }
        }
        Call::AuthorizeAdmin(Ok(_)) | Call::AddUser(Ok(_)) => Reply::Refused(Reject::NotAdmin),
        Call::Suggest(Ok(_)) | Call::ExtranonceSubscribe | Call::Speed(Ok(_)) | Call::Ping | Call::Leave => {
            Reply::Done
        }
    }
}

fn log_in(authorize: &Authorize) -> Reply {
    let Authorize { login, worker, .. } = authorize;
    let read = match worker {
        Some(worker) => login::parse_account_and_worker(login, worker),
        None => login::parse_login(login),
    };
    read.map_or_else(|wrong| Reply::Refused(Reject::BadLogin(wrong.to_string())), |_| Reply::Done)
}

/// Panics unless these bytes are one message of the dialect, or none.
fn check(dialect: Dialect, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    match dialect.framing() {
        Framing::Lines => {
            let line = bytes.strip_suffix(b"\n");
            assert!(line.is_some_and(|line| !line.contains(&b'\n')), "not one line");
            assert!(serde_json::from_slice::<serde_json::Value>(bytes).is_ok(), "not JSON");
        }
        Framing::Lengths => {
            let length = bytes.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
            assert_eq!(length, Some(bytes.len() - 4), "a wrong length");
        }
    }
}
