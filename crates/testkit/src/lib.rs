//! What tests start and stop: temporary folders, a real PostgreSQL, the server itself.
//! All of it ends with the test's process, however that ends.

mod access_point;
pub mod api;
mod books;
mod certificates;
mod faults;
pub mod house;
mod minded;
mod patroni;
mod postgres;
mod receiver;
mod server;
mod smtp;
mod wait;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub use access_point::{AccessPoint, Upload, Welcome};
pub use books::Books;
pub use certificates::{Authority, Certificate};
pub use faults::{Disk, Faults};
pub use minded::Minded;
pub use patroni::{Blow, Cluster};
pub use postgres::{Postgres, shared_postgres};
pub use receiver::{Received, Receiver, Reception};
pub use server::{Server, ledgerbee};
pub use smtp::{MailServer, Manner};
pub use wait::{wait_for, wait_within};

/// A folder of one test's own, removed when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new empty folder.
    #[must_use]
    pub fn new() -> Folder {
        Folder(fresh_path("folder"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Folder {
    fn default() -> Folder {
        Folder::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What a killed server still holds open is gone with the machine's temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Makes a folder with a name that no other has.
fn fresh_path(what: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("ledgerbee-{what}-{}-{count}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    path
}

/// A user without rights, where the tests run as root: to root a read-only folder means nothing, and
/// PostgreSQL refuses to be run by it. The user of PostgreSQL's package, else nobody.
pub(crate) fn user_without_rights() -> Option<(u32, u32)> {
    let me = std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").ok()?);
    if me != 0 {
        return None;
    }
    let users = fs::read_to_string(Path::new("/etc/passwd")).ok()?;
    let id_of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut parts = line.split(':').skip(2).map(|part| part.parse().ok());
        Some((parts.next()??, parts.next()??))
    };
    id_of("postgres").or_else(|| id_of("nobody"))
}

/// Gives a file or folder to the user without rights, where there is one.
pub(crate) fn give_away(path: &Path) {
    if let Some((user, group)) = user_without_rights() {
        std::os::unix::fs::chown(path, Some(user), Some(group)).expect("root gives away what it has");
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("a bound socket has an address").port()
}
