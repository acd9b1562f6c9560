//! Lines over a socket, with the time at which the kernel got them.
//!
//! The kernel's time of arrival does not depend on when this process gets to run. So a bench can pause the
//! miners while the pool works, as if they were separate machines.

use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd,
};

use nix::sys::{
    socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns},
    time::TimeSpec,
};
use tokio::{
    io::Interest,
    net::{TcpSocket, TcpStream},
};

/// How much is read at a time; stays on the stack.
const CHUNK: usize = 4096;

/// A connection to the pool.
pub struct Connection {
    stream: TcpStream,
}

/// Read bytes that are not yet taken as lines.
#[derive(Default)]
pub struct Inbox(Vec<u8>);

impl Connection {
    /// Connects, from `source` if there is one. `receive_buffer` bounds what the kernel keeps for us, in bytes.
    pub async fn open(
        pool: SocketAddr,
        source: Option<IpAddr>,
        receive_buffer: Option<u32>,
    ) -> io::Result<Self> {
        let socket = if pool.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = source {
            socket.bind((source, 0).into())?;
        }
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(pool).await?;
        stream.set_nodelay(true)?;
        setsockopt(&stream, ReceiveTimestampns, &true)?;
        Ok(Self { stream })
    }

    pub async fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(reason) if reason.kind() == io::ErrorKind::WouldBlock => {}
                Err(reason) => return Err(reason),
            }
        }
        Ok(())
    }

    /// Reads what is available, at least a byte. Returns when the kernel got the last of it, in nanoseconds
    /// since 1970, or 0 if it does not say.
    pub async fn read(&self, inbox: &mut Inbox) -> io::Result<u64> {
        loop {
            self.stream.readable().await?;
            match self.stream.try_io(Interest::READABLE, || receive(&self.stream, inbox)) {
                Ok((0, _)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok((_, arrival)) => return Ok(arrival),
                Err(reason) if reason.kind() == io::ErrorKind::WouldBlock => {}
                Err(reason) => return Err(reason),
            }
        }
    }
}

fn receive(stream: &TcpStream, inbox: &mut Inbox) -> io::Result<(usize, u64)> {
    let mut chunk = [0; CHUNK];
    let mut slices = [IoSliceMut::new(&mut chunk)];
    let mut space = nix::cmsg_space!(TimeSpec);
    let message = recvmsg::<()>(stream.as_raw_fd(), &mut slices, Some(&mut space), MsgFlags::empty())?;
    let mut arrival = 0;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmTimestampns(time) = control {
            let (seconds, nanoseconds) = (time.tv_sec().unsigned_abs(), time.tv_nsec().unsigned_abs());
            arrival = seconds * 1_000_000_000 + nanoseconds;
        }
    }
    let length = message.bytes;
    inbox.0.extend_from_slice(chunk.get(..length).unwrap_or_default());
    Ok((length, arrival))
}

impl Inbox {
    /// Takes the lines that are complete, without their ends.
    pub fn lines(&mut self) -> Vec<String> {
        let Some(end) = self.0.iter().rposition(|byte| *byte == b'\n') else { return vec![] };
        let complete: Vec<u8> = self.0.drain(..=end).collect();
        String::from_utf8_lossy(&complete).lines().map(str::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        net::TcpListener,
        time::{SystemTime, UNIX_EPOCH},
    };

    use super::*;

    #[tokio::test]
    async fn lines_come_with_the_time_of_their_arrival() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = Connection::open(listener.local_addr().unwrap(), None, None).await.unwrap();
        let (mut pool, _) = listener.accept().unwrap();
        let now = || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
        let mut inbox = Inbox::default();
        // The kernel begins to stamp a moment after the first request.
        for _ in 0..1_000 {
            let before = now();
            pool.write_all(b"early\n").unwrap();
            let after = now();
            let arrival = connection.read(&mut inbox).await.unwrap();
            if arrival > 0 {
                assert!((before..=after).contains(&arrival), "{before} {arrival} {after}");
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert!(inbox.lines().iter().all(|line| line == "early"));
        pool.write_all(b"one\ntwo\nth").unwrap();
        assert!(connection.read(&mut inbox).await.unwrap() > 0);
        assert_eq!(inbox.lines(), ["one", "two"]);
        pool.write_all(b"ree\n").unwrap();
        connection.read(&mut inbox).await.unwrap();
        assert_eq!(inbox.lines(), ["three"]);
        drop(pool);
        assert!(connection.read(&mut inbox).await.is_err());
    }
}
