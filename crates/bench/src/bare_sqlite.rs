//! The bare loop: the rows of a recipe, written by nothing but SQLite.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Null;
use rusqlite::{Connection, Statement};
use store::db::Value;

use crate::Failed;
use crate::recipe::Recipe;

/// Writes groups of makings, a commit each, for a while; how many makings a second.
/// `done` is how many were written after the recipe was learnt, and goes on.
pub fn per_second(
    connection: &Connection,
    recipe: &Recipe,
    group: usize,
    time: Duration,
    done: &mut i64,
) -> Result<f64, Failed> {
    let (start, first) = (Instant::now(), *done);
    write(connection, recipe, group, done, |_| start.elapsed() < time)?;
    Ok((*done - first) as f64 / start.elapsed().as_secs_f64())
}

/// Writes groups of makings, a commit each, as long as `goes_on` says so of what is done.
pub fn write(
    connection: &Connection,
    recipe: &Recipe,
    group: usize,
    done: &mut i64,
    goes_on: impl Fn(i64) -> bool,
) -> Result<(), Failed> {
    let prepare = |sql: &str| connection.prepare(sql);
    let mut begin = prepare("begin immediate")?;
    let mut commit = prepare("commit")?;
    let mut writes: Vec<Statement<'_>> =
        recipe.writes.iter().map(|write| prepare(&write.sql)).collect::<rusqlite::Result<_>>()?;
    while goes_on(*done) {
        begin.raw_execute()?;
        for _ in 0..group {
            *done += 1;
            let ids = recipe.ids();
            for (statement, write) in writes.iter_mut().zip(&recipe.writes) {
                for (at, pattern) in (1..).zip(&write.values) {
                    match pattern.value(*done, &ids) {
                        Value::Null => statement.raw_bind_parameter(at, Null)?,
                        Value::Int(number) => statement.raw_bind_parameter(at, number)?,
                        Value::Text(text) => statement.raw_bind_parameter(at, text.as_ref())?,
                        Value::Bytes(bytes) => statement.raw_bind_parameter(at, bytes.as_ref())?,
                    }
                }
                statement.raw_execute()?;
            }
        }
        commit.raw_execute()?;
    }
    Ok(())
}

/// Opens a database's file with the settings of the server.
pub fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
         pragma busy_timeout = 5000; pragma cache_size = -65536; pragma mmap_size = 268435456;",
    )?;
    Ok(connection)
}

/// How often a database in WAL mode has been committed to: a count that SQLite keeps in the head
/// of the `-shm` file beside it, while somebody has it open.
pub fn commits(file: &Path) -> Result<u32, Failed> {
    let shared = std::fs::read(file.with_extension("db-shm"))?;
    let count = shared.get(8..12).ok_or("the -shm file is too short")?;
    Ok(u32::from_ne_bytes(count.try_into()?))
}
