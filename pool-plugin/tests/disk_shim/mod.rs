//! A disk that fails on demand, for processes that tests start: see `shim.c`.

#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(dead_code, reason = "each program uses some of it")]

pub(crate) mod power;

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::repository;

pub(crate) const EIO: u64 = 5;
pub(crate) const ENOSPC: u64 = 28;
pub(crate) const EROFS: u64 = 30;

/// Where a child finds the control file; it may break its own disk.
const CONTROL: &str = "SHIM_CONTROL";

/// The compiled shim; `None`, with a warning, where there is no C compiler.
pub(crate) struct Shim {
    folder: TempDir,
}

impl Shim {
    pub(crate) fn compile() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let source = repository::file("pool-plugin/tests/disk_shim/shim.c");
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(folder.path().join("shim.so"))
            .arg(&source)
            .stdin(Stdio::null())
            .status();
        match status {
            Ok(status) if status.success() => Some(Self { folder }),
            Ok(status) => panic!("{} does not compile: {status}", source.display()),
            Err(error) => {
                eprintln!("SKIPPED: the failing disk needs a C compiler, `cc` ({error})");
                None
            }
        }
    }

    /// A disk without faults, in a new folder.
    pub(crate) fn disk(&self) -> Disk {
        // In memory where possible: syncs cost nothing there, and the shim itself keeps track of them.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let disk = Disk { folder: folder.unwrap(), library: self.folder.path().join("shim.so") };
        for folder in [disk.data(), disk.grave()] {
            fs::create_dir(folder).unwrap();
        }
        fs::write(disk.folder.path().join("control"), [0; 4096]).unwrap();
        disk
    }
}

/// A folder whose disk can be broken for the processes that use it.
pub(crate) struct Disk {
    folder: TempDir,
    library: PathBuf,
}

impl Disk {
    /// The folder that fails.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn control(&self) -> Control {
        Control::open(&self.folder.path().join("control"))
    }

    /// Makes `command` run on this disk.
    pub(crate) fn attach<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("LD_PRELOAD", &self.library)
            .env("SHIM_DIR", self.data())
            .env(CONTROL, self.folder.path().join("control"))
    }

    /// Like [`attach`](Self::attach), and notes what a loss of power would keep.
    pub(crate) fn attach_with_journal<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        self.attach(command).env("SHIM_JOURNAL", self.journal()).env("SHIM_GRAVE", self.grave())
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    fn grave(&self) -> PathBuf {
        self.folder.path().join("grave")
    }
}

/// A number of `struct control` in `shim.c`.
#[derive(Clone, Copy)]
pub(crate) enum Field {
    FailWrites = 0,
    FailSyncs,
    FailNames,
    FailReads,
    Changes,
    KillAt,
    KillHalfway,
    SlowSyncs,
}

pub(crate) struct Control(File);

impl Control {
    /// In a child: the control of its own disk.
    pub(crate) fn of_this_process() -> Option<Self> {
        std::env::var_os(CONTROL).map(|path| Self::open(Path::new(&path)))
    }

    fn open(path: &Path) -> Self {
        Self(File::options().read(true).write(true).open(path).unwrap())
    }

    pub(crate) fn set(&self, field: Field, value: u64) {
        self.0.write_all_at(&value.to_ne_bytes(), 8 * field as u64).unwrap();
    }

    pub(crate) fn get(&self, field: Field) -> u64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, 8 * field as u64).unwrap();
        u64::from_ne_bytes(bytes)
    }
}
