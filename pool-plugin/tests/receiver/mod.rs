//! A receiver of webhooks: a small HTTP server that gives prepared answers and keeps what it got.

#![allow(dead_code, reason = "the tests of the API use some of it")]

use std::{
    collections::{BTreeMap, VecDeque},
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use serde_json::Value;

/// A message as it came.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
    pub(crate) body: Value,
}

/// The answer to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Status(u16),
    /// No answer, with the connection left open.
    Silence,
}

#[derive(Default)]
struct State {
    messages: Mutex<Vec<Message>>,
    answers: Mutex<VecDeque<Answer>>,
    /// Connections that are never answered.
    silent: Mutex<Vec<TcpStream>>,
    gone: AtomicBool,
}

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

impl Receiver {
    /// `answers`: to the first requests; all others are accepted.
    pub(crate) fn start(answers: &[Answer]) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), answers)
    }

    pub(crate) fn at(address: SocketAddr, answers: &[Answer]) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let state =
            Arc::new(State { answers: Mutex::new(answers.iter().copied().collect()), ..State::default() });
        let serving = state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.gone.load(Relaxed) {
                    return;
                }
                let state = serving.clone();
                thread::spawn(move || state.serve(stream));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// All requests so far, including refused ones.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.state.messages.lock().unwrap().clone()
    }

    /// Closes the port.
    pub(crate) fn stop(self) -> SocketAddr {
        self.state.gone.store(true, Relaxed);
        // Wakes the listener, which then ends.
        drop(TcpStream::connect(self.address));
        while TcpStream::connect(self.address).is_ok() {
            thread::yield_now();
        }
        self.address
    }
}

impl State {
    fn serve(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream);
        // A kept-alive connection ends with the caller, or with the receiver.
        while let Some(message) = read(&mut reader) {
            if self.gone.load(Relaxed) {
                return;
            }
            self.messages.lock().unwrap().push(message);
            let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Status(204));
            match answer {
                Answer::Status(status) => {
                    let text = format!(
                        "HTTP/1.1 {status} x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
                    );
                    if reader.get_mut().write_all(text.as_bytes()).is_err() {
                        return;
                    }
                }
                Answer::Silence => {
                    return self.silent.lock().unwrap().push(reader.into_inner());
                }
            }
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Message> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    assert!(line.starts_with("POST /hook HTTP/1.1"), "{line}");
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers["content-length"].parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).unwrap();
    Some(Message { headers, body: serde_json::from_str(&text).unwrap(), text })
}
