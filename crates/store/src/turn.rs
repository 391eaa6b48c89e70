//! File locks of the embedded database's folder: whose turn it is to write, and who serves.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;

use crate::db::Error;

/// A lock file, kept open.
#[derive(Debug)]
pub(crate) struct Turn(File);

fn open(folder: &Path, name: &str) -> Result<File, Error> {
    fs::create_dir_all(folder).map_err(|fault| Error::Busy(format!("{}: {fault}", folder.display())))?;
    let path = folder.join(name);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|fault| Error::Busy(format!("{}: {fault}", path.display())))
}

impl Turn {
    /// The lock that writers of one folder take turns by.
    pub(crate) fn of(folder: &Path) -> Result<Turn, Error> {
        open(folder, "turn.lock").map(Turn)
    }

    /// Waits for the turn.
    pub(crate) fn take(&self) -> Result<(), Error> {
        self.0.lock().map_err(|fault| Error::Busy(format!("turn.lock: {fault}")))
    }

    /// Gives the turn back.
    pub(crate) fn give(&self) {
        // A lock that can't be given back falls with the file.
        let _ = self.0.unlock();
    }
}

/// Held by the one server of a folder; given back when dropped.
#[derive(Debug)]
pub struct ServeLock {
    file: Option<File>,
}

impl ServeLock {
    /// PostgreSQL is shared by any number of servers.
    pub(crate) fn none() -> ServeLock {
        ServeLock { file: None }
    }

    /// Whether its holder is the only server of these books.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.file.is_some()
    }

    pub(crate) fn of(folder: &Path) -> Result<ServeLock, Error> {
        let file = open(folder, "serve.lock")?;
        match file.try_lock() {
            Ok(()) => Ok(ServeLock { file: Some(file) }),
            Err(TryLockError::WouldBlock) => {
                Err(Error::Busy(format!("another server is running on {}", folder.display())))
            }
            Err(TryLockError::Error(fault)) => Err(Error::Busy(format!("serve.lock: {fault}"))),
        }
    }
}
