//! A copy of the embedded database's one file, taken while a server writes, and put back where
//! no books are. A copy stands under its name only once it is whole, checked and on the disk.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::db::Error;
use crate::sqlite::FILE;

fn broken(path: &Path, fault: impl std::fmt::Display) -> Error {
    Error::Broken(format!("{}: {fault}", path.display()))
}

/// Copies the books of a folder, as they are at one moment, into a new file.
///
/// # Errors
/// `Broken` when there are no books, when the file is there already, or with what the disk says.
pub fn take(folder: &Path, to: &Path) -> Result<(), Error> {
    let books = folder.join(FILE);
    let source = open(&books)?;
    land(to, |partial| {
        let partial_name = partial.to_str().ok_or_else(|| broken(partial, "the name is not UTF-8"))?;
        source.execute("vacuum into ?1", [partial_name]).map_err(|fault| broken(&books, fault))?;
        check(partial)
    })
}

/// Puts a copy into a folder that has no books.
///
/// # Errors
/// `Broken` when the copy is damaged or no copy of books, when the folder has books, or with what the disk says.
pub fn put_back(from: &Path, folder: &Path) -> Result<(), Error> {
    check(from)?;
    fs::create_dir_all(folder).map_err(|fault| broken(folder, fault))?;
    land(&folder.join(FILE), |partial| fs::copy(from, partial).map(drop).map_err(|fault| broken(partial, fault)))
}

fn open(path: &Path) -> Result<Connection, Error> {
    if !path.is_file() {
        return Err(broken(path, "there are no books"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|fault| broken(path, fault))
}

/// Whether a file is a whole copy of books.
fn check(path: &Path) -> Result<(), Error> {
    let copy = open(path)?;
    let ask = |sql: &str| copy.query_row(sql, [], |row| row.get::<_, String>(0)).map_err(|fault| broken(path, fault));
    let found = ask("pragma integrity_check")?;
    if found != "ok" {
        return Err(broken(path, format!("the file is damaged: {found}")));
    }
    ask("select name from migrations where number = 1")
        .map(drop)
        .map_err(|_| broken(path, "these are no books of ledgerbee"))
}

/// Has a file written beside its place and gives it its name when it is on the disk; never over another.
pub(crate) fn land(to: &Path, write: impl FnOnce(&Path) -> Result<(), Error>) -> Result<(), Error> {
    if to.exists() {
        return Err(broken(to, "the file is there already"));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    // What a killed one left is of no use.
    let _ = fs::remove_file(&partial);
    let done = write(&partial).and_then(|()| name(&partial, to).map_err(|fault| broken(to, fault)));
    let _ = fs::remove_file(&partial);
    done
}

fn name(partial: &Path, to: &Path) -> std::io::Result<()> {
    File::open(partial)?.sync_all()?;
    // Unlike a rename, a link never takes the place of a file that came meanwhile.
    fs::hard_link(partial, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
