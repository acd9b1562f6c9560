//! The service manager's side of `Type=notify`.

use std::{
    os::unix::net::UnixDatagram,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// A socket where a service reports, as systemd's.
pub struct Notifications {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Notifications {
    pub fn listen(path: &Path) -> Result<Self> {
        let socket =
            UnixDatagram::bind(path).with_context(|| format!("failed to bind {}", path.display()))?;
        socket.set_read_timeout(Some(Duration::from_millis(200)))?;
        Ok(Self { socket, heard: vec![] })
    }

    /// Waits until a line of a message starts with `line` (`READY=1`), and returns that message's lines.
    pub fn wait_for(&mut self, line: &str, patience: Duration) -> Result<String> {
        self.wait_for_one_of(&[line], patience)
    }

    /// Waits until a line of a message starts with one of `lines`, and returns that message's lines.
    pub fn wait_for_one_of(&mut self, lines: &[&str], patience: Duration) -> Result<String> {
        let deadline = Instant::now() + patience;
        let mut buffer = [0; 4096];
        while Instant::now() < deadline {
            if let Ok(length) = self.socket.recv(&mut buffer) {
                let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
                self.heard.push(message.clone());
                if message.lines().any(|one| lines.iter().any(|line| one.starts_with(line))) {
                    return Ok(message);
                }
            }
        }
        bail!("the service has not said {} within {patience:?}, but: {:?}", lines.join(" or "), self.heard)
    }
}
