//! SQLite, embedded: one file, one writer.

use std::fs;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::types::{Null, ValueRef};
use rusqlite::{Connection, ErrorCode};

use crate::answer_places::{Places, newest_under};
use crate::db::{Cell, Error, Row, Tx, Value};

/// The database's file in its folder.
pub const FILE: &str = "ledgerbee.db";

/// Opens the file, made when absent.
pub(crate) fn open(folder: &Path, is_reader: bool) -> Result<Connection, Error> {
    fs::create_dir_all(folder).map_err(|fault| Error::Busy(format!("{}: {fault}", folder.display())))?;
    let connection = Connection::open(folder.join(FILE)).map_err(error)?;
    connection
        .execute_batch(
            "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
             pragma busy_timeout = 5000; pragma cache_size = -65536; pragma wal_autocheckpoint = 16000;",
        )
        .map_err(error)?;
    // The log grows to 16,000 pages before it is worked into the file: what many companies write in
    // turns lies on many pages, which else are written to the file again and again.
    // A plan never depends on a value. Else SQLite plans a statement anew each time it is given
    // another one, wherever a partial index might serve it: half the time of a read.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(error)?;
    if is_reader {
        // A reader forgets its pages whenever something was written, and maps them anew without copying. The
        // writer knows its own to be good, and a map would have it look through the log for each of them.
        connection.execute_batch("pragma query_only = on; pragma mmap_size = 268435456;").map_err(error)?;
    }
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// What SQLite says, in the words of the shelves.
pub(crate) fn error(error: rusqlite::Error) -> Error {
    let mut text = error.to_string();
    if let rusqlite::Error::SqliteFailure(fault, _) = &error {
        // Its text says "disk I/O error" of a read, a write and a sync alike.
        text.push_str(&format!(" (SQLite result code {})", fault.extended_code));
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => Error::Conflict(text),
        Some(
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory,
        ) => Error::Busy(text),
        _ => Error::Broken(text),
    }
}

/// What the engine finds damaged in its file.
pub(crate) fn damage(tx: &mut dyn Tx) -> Result<Vec<String>, Error> {
    let rows = tx.all("pragma integrity_check(20)", &[])?;
    let said = rows.into_iter().map(|mut row| row.next()).collect::<Result<Vec<String>, Error>>()?;
    Ok(said.into_iter().filter(|text| text != "ok").collect())
}

/// A transaction on one connection.
pub(crate) struct SqliteTx<'c> {
    connection: &'c Connection,
    /// The writer's.
    places: Option<&'c mut Places>,
}

impl<'c> SqliteTx<'c> {
    pub(crate) fn of(connection: &'c Connection) -> SqliteTx<'c> {
        SqliteTx { connection, places: None }
    }

    pub(crate) fn of_writer(connection: &'c Connection, places: &'c mut Places) -> SqliteTx<'c> {
        SqliteTx { connection, places: Some(places) }
    }

    fn run<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        of: impl FnOnce(&mut rusqlite::CachedStatement<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let run = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            for (at, value) in params.iter().enumerate() {
                match value {
                    Value::Null => statement.raw_bind_parameter(at + 1, Null)?,
                    Value::Int(n) => statement.raw_bind_parameter(at + 1, n)?,
                    Value::Text(text) => statement.raw_bind_parameter(at + 1, text.as_ref())?,
                    Value::Bytes(bytes) => statement.raw_bind_parameter(at + 1, bytes.as_ref())?,
                }
            }
            of(&mut statement)
        };
        run().map_err(error)
    }
}

fn row(row: &rusqlite::Row<'_>, columns: usize) -> rusqlite::Result<Row> {
    let mut cells = Vec::with_capacity(columns);
    for at in 0..columns {
        cells.push(match row.get_ref(at)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(n) => Cell::Int(n),
            ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
            ValueRef::Real(_) => unreachable!("STRICT tables hold no floats"),
        });
    }
    Ok(Row::new(cells))
}

impl Tx for SqliteTx<'_> {
    fn one(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Option<Row>, Error> {
        self.run(sql, params, |statement| {
            let columns = statement.column_count();
            let mut rows = statement.raw_query();
            let first = rows.next()?.map(|found| row(found, columns)).transpose()?;
            // A statement that writes and returns is run to its end.
            while rows.next()?.is_some() {}
            Ok(first)
        })
    }

    fn all(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        self.run(sql, params, |statement| {
            let columns = statement.column_count();
            let mut rows = statement.raw_query();
            let mut all = Vec::new();
            while let Some(found) = rows.next()? {
                all.push(row(found, columns)?);
            }
            Ok(all)
        })
    }

    fn exec(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        self.count(sql, params).map(|_| ())
    }

    fn count(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        self.run(sql, params, |statement| statement.raw_execute().map(|n| n as u64))
    }

    fn newest_answers(&mut self, key_hash: i64) -> Result<Vec<i64>, Error> {
        match &self.places {
            Some(places) => Ok(places.under(key_hash)),
            None => newest_under(self.connection, key_hash),
        }
    }

    fn answer_stored(&mut self, key_hash: i64) {
        if let Some(places) = &mut self.places {
            places.add(key_hash, self.connection.last_insert_rowid());
        }
    }
}
