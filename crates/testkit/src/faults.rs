//! Faults of a program's disk and clock, made by a library that is preloaded into it and steered
//! while it runs. The library is written in C and built by the test that needs it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Folder;

/// What the disk does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disk {
    /// What is asked.
    Sound,
    /// Takes nothing that needs new room (`ENOSPC`).
    Full,
    /// Takes nothing, as after a fault that had it mounted read-only (`EROFS`).
    ReadOnly,
    /// Takes what is written, and fails to make it durable (`EIO`).
    SyncFails,
    /// Makes nothing durable until it is sound again.
    SyncStalls,
}

/// Where each figure stands in the file that steers.
const DISK: u64 = 0;
const SYNC_DELAY: u64 = 8;
const CLOCK: u64 = 16;
const MET: u64 = 24;

/// The faults of the programs that are started with [`env`](Faults::env).
#[derive(Debug)]
pub struct Faults {
    folder: Folder,
    files: PathBuf,
    control: File,
}

impl Faults {
    /// Builds the library; only files below `files` will have a faulty disk.
    ///
    /// # Panics
    /// When there is no C compiler: a failed run, never a silent skip.
    #[must_use]
    pub fn of(files: &Path) -> Faults {
        let folder = Folder::new();
        let source = folder.path().join("faults.c");
        fs::write(&source, include_str!("faults.c")).expect("a folder of our own takes a file");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(folder.path().join("faults.so")).arg(&source).arg("-ldl");
        let built = cc.output().expect("cc (apt-get install build-essential)");
        assert!(built.status.success(), "cc: {}", String::from_utf8_lossy(&built.stderr));
        let path = folder.path().join("control");
        let control = OpenOptions::new().create(true).truncate(true).write(true).read(true).open(&path);
        let control = control.expect("a folder of our own takes a file");
        control.set_len(32).expect("a file takes a length");
        // Whoever the program runs as counts in it which faults it met.
        fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("our own file");
        Faults { folder, files: files.to_owned(), control }
    }

    /// What a program must have in its environment.
    #[must_use]
    pub fn env(&self) -> [(&'static str, String); 3] {
        let path = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        let files = self.files.to_string_lossy().into_owned();
        [("LD_PRELOAD", path("faults.so")), ("FAULTS_CONTROL", path("control")), ("FAULTS_FOLDER", files)]
    }

    /// Where more that belongs to the programs can be put.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server has logged since it started.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// From now on the disk does this.
    pub fn disk(&self, disk: Disk) {
        self.set(DISK, disk as i64);
    }

    /// From now on each sync takes so much longer.
    pub fn slow_syncs(&self, delay_ms: i64) {
        self.set(SYNC_DELAY, delay_ms);
    }

    /// From now on the clock is so far ahead of the machine's, or behind.
    pub fn clock_ahead(&self, seconds: i64) {
        self.set(CLOCK, seconds * 1_000);
    }

    /// How often a program has met a fault of its disk.
    #[must_use]
    pub fn met(&self) -> i64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, MET).expect("our own file is read");
        i64::from_ne_bytes(bytes)
    }

    fn set(&self, place: u64, value: i64) {
        self.control.write_all_at(&value.to_ne_bytes(), place).expect("our own file is written");
    }
}
