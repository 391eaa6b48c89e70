//! Copies of the books, and their way back.

use std::path::Path;

use store::{Config, backup, postgres_backup};

use crate::Error;

/// Copies the books into a new file; servers may go on writing meanwhile. PostgreSQL's are
/// copied by its own `pg_dump`.
///
/// # Errors
/// `Broken` with the reason; nothing is left behind then.
pub fn take(books: &Config, to: &Path) -> Result<(), Error> {
    let taken = match books {
        Config::Sqlite { folder } => backup::take(folder, to),
        Config::Postgres { url, .. } => postgres_backup::take(url, to),
    };
    Ok(taken?)
}

/// Puts a copy back where there are no books: a folder, or a database by PostgreSQL's `pg_restore`.
///
/// # Errors
/// `Broken` with the reason; nothing is changed then.
pub fn put_back(books: &Config, from: &Path) -> Result<(), Error> {
    let put_back = match books {
        Config::Sqlite { folder } => backup::put_back(from, folder),
        Config::Postgres { url, .. } => postgres_backup::put_back(from, url),
    };
    Ok(put_back?)
}
