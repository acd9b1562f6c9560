//! Child processes that never outlive us.

use std::{
    ffi::OsStr,
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// How long a child may take to stop on SIGTERM before it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// A running child; stopped when dropped.
pub struct Process {
    name: String,
    child: Child,
    /// Everything the child printed.
    pub log: PathBuf,
}

impl Process {
    /// Starts `program` with its output in `log`. It is killed if this thread ends without stopping it, so it
    /// must be a thread that lasts.
    pub fn start<I, S>(name: &str, program: &Path, arguments: I, log: &Path, folder: &Path) -> Result<Self>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Self::start_with(name, program, arguments, log, folder, &[])
    }

    /// The same, with additional environment variables.
    pub fn start_with<I, S>(
        name: &str,
        program: &Path,
        arguments: I,
        log: &Path,
        folder: &Path,
        variables: &[(String, String)],
    ) -> Result<Self>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let output = File::options().create(true).append(true).open(log)?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(program)
            .args(arguments)
            // The node reads the genesis block under its home folder; the working folder collects `.node-data-*`.
            .env("HOME", folder)
            .env("TMPDIR", folder)
            // Where systemd would listen; a test may.
            .env("NOTIFY_SOCKET", notify_socket(folder, name))
            .env("WATCHDOG_USEC", "2000000")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("failed to start {name} ({})", program.display()))?;
        Ok(Self { name: name.into(), child, log: log.into() })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the child has printed so far.
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Fails with the end of the child's log if it has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}):\n{}", self.name, tail(&self.output(), 30)),
        }
    }

    pub fn has_ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for the child to end by itself.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("{} still runs after {patience:?}:\n{}", self.name, tail(&self.output(), 30))
    }

    /// Waits until the child has printed `text`.
    pub fn wait_for(&mut self, text: &str, patience: Duration) -> Result<()> {
        self.wait_for_or_stop(text, patience, &AtomicBool::new(false))
    }

    /// The same, but gives up quietly once `stop` is set.
    pub fn wait_for_or_stop(&mut self, text: &str, patience: Duration, stop: &AtomicBool) -> Result<()> {
        let deadline = Instant::now() + patience;
        while !self.output().contains(text) && !stop.load(Relaxed) {
            self.check_alive()?;
            if Instant::now() > deadline {
                bail!(
                    "{} has not said '{text}' within {patience:?}:\n{}",
                    self.name,
                    tail(&self.output(), 30)
                );
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Sends a signal (`TERM`, `KILL`, `STOP`, `CONT`).
    pub fn signal(&self, signal: &str) -> Result<()> {
        let status = Command::new("kill").args(["-s", signal, &self.id().to_string()]).status()?;
        if !status.success() {
            bail!("failed to send {signal} to {}", self.name);
        }
        Ok(())
    }

    /// Kills the child suddenly, like a power cut or the OOM killer.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the child to stop and waits until it has.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(status);
        }
        self.signal("TERM")?;
        self.wait(STOP_PATIENCE)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.stop().is_err() {
            let _ = self.kill();
        }
    }
}

/// The socket to which the child of this name sends its status, if a test binds it.
pub fn notify_socket(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.notify"))
}

/// The last `lines` lines of `text`.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The `snarkos` binary built with this one, or the one `SNARKOS_BIN` names.
pub fn snarkos_binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("SNARKOS_BIN") {
        return Ok(path.into());
    }
    built_beside("snarkos")
}

/// A program of this workspace, built into the same folder as this one.
pub fn built_beside(name: &str) -> Result<PathBuf> {
    // This program is target/<profile>/NAME or target/<profile>/deps/NAME-hash.
    let this = std::env::current_exe()?;
    let found = this.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| {
        format!("there is no {name} next to this program: build it with scripts/build --devnet")
    })
}
