//! Copies of the books, and their way back.

use std::path::Path;

use store::{Config, backup};

use crate::Error;

/// Copies the embedded books into a new file; a server may go on writing meanwhile.
///
/// # Errors
/// `Broken` with the reason; nothing is left behind then.
pub fn take(books: &Config, to: &Path) -> Result<(), Error> {
    Ok(backup::take(folder(books, "pg_dump --format=custom --file=FILE 'postgres://…'")?, to)?)
}

/// Puts a copy back into a folder without books.
///
/// # Errors
/// `Broken` with the reason; nothing is changed then.
pub fn put_back(books: &Config, from: &Path) -> Result<(), Error> {
    Ok(backup::put_back(from, folder(books, "pg_restore --exit-on-error --dbname='postgres://…' FILE")?)?)
}

fn folder<'c>(books: &'c Config, instead: &str) -> Result<&'c Path, Error> {
    match books {
        Config::Sqlite { folder } => Ok(folder),
        Config::Postgres { .. } => {
            Err(Error::Broken(format!("the books are in PostgreSQL, which brings a tool for this: {instead}")))
        }
    }
}
