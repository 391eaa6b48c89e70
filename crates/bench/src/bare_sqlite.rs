//! The bare loops: the rows of a recipe written, the rows of a document read, by nothing but SQLite.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Null;
use rusqlite::{Connection, Statement};
use store::db::Value;

use crate::Failed;
use crate::recipe::Recipe;

/// The database's file in its folder.
pub const FILE: &str = "ledgerbee.db";

/// The recipes of some companies, which take turns, each with how many makings were written of it
/// after it was learnt.
pub struct Makings {
    turns: Vec<(Recipe, i64)>,
}

impl Makings {
    /// Nothing is written of them yet.
    pub fn of(recipes: Vec<Recipe>) -> Makings {
        Makings { turns: recipes.into_iter().map(|recipe| (recipe, 0)).collect() }
    }

    /// Writes groups of the first so many companies' makings, a commit each, for a while; how many
    /// makings a second.
    pub fn per_second(
        &mut self,
        connection: &Connection,
        companies: usize,
        group: usize,
        time: Duration,
    ) -> Result<f64, Failed> {
        let start = Instant::now();
        let count = self.write(connection, companies, group, |_| start.elapsed() < time)?;
        Ok(count as f64 / start.elapsed().as_secs_f64())
    }

    /// Writes groups of the first so many companies' makings, a commit each, as long as `goes_on`
    /// says so of how many are written; how many that were.
    pub fn write(
        &mut self,
        connection: &Connection,
        companies: usize,
        group: usize,
        goes_on: impl Fn(u64) -> bool,
    ) -> Result<u64, Failed> {
        let prepare = |sql: &str| connection.prepare(sql);
        let mut begin = prepare("begin immediate")?;
        let mut commit = prepare("commit")?;
        let turns = &mut self.turns[..companies];
        let mut statements: Vec<Vec<Statement<'_>>> = turns
            .iter()
            .map(|(recipe, _)| recipe.writes.iter().map(|write| prepare(&write.sql)).collect())
            .collect::<rusqlite::Result<_>>()?;
        let (mut count, mut turn) = (0, 0);
        while goes_on(count) {
            begin.raw_execute()?;
            for _ in 0..group {
                let (recipe, making) = &mut turns[turn];
                *making += 1;
                let ids = recipe.ids();
                for (statement, write) in statements[turn].iter_mut().zip(&recipe.writes) {
                    for (at, pattern) in (1..).zip(&write.values) {
                        match pattern.value(*making, &ids) {
                            Value::Null => statement.raw_bind_parameter(at, Null)?,
                            Value::Int(number) => statement.raw_bind_parameter(at, number)?,
                            Value::Text(text) => statement.raw_bind_parameter(at, text.as_ref())?,
                            Value::Bytes(bytes) => statement.raw_bind_parameter(at, bytes.as_ref())?,
                        }
                    }
                    statement.raw_execute().map_err(|fault| format!("{fault}: {}", write.sql))?;
                }
                count += 1;
                turn = (turn + 1) % companies;
            }
            commit.raw_execute()?;
        }
        Ok(count)
    }
}

/// Reads by two connections at once, as many as the server has, for a while: the rows of each
/// statement, given one of the parameters after the other. How many times a second all of the
/// statements were read.
pub fn reads_per_second(file: &Path, statements: &[String], given: &[String], time: Duration) -> Result<f64, Failed> {
    const READERS: usize = 2;
    let read = || -> Result<f64, Failed> {
        let connection = open(file)?;
        let mut statements: Vec<Statement<'_>> =
            statements.iter().map(|sql| connection.prepare(sql)).collect::<rusqlite::Result<_>>()?;
        let (start, mut count) = (Instant::now(), 0_u32);
        for parameter in given.iter().cycle() {
            if start.elapsed() >= time {
                break;
            }
            for statement in &mut statements {
                let mut rows = statement.query([parameter])?;
                while let Some(row) = rows.next()? {
                    // The whole row is fetched by its last column.
                    std::hint::black_box(row.get_ref(row.as_ref().column_count() - 1)?);
                }
            }
            count += 1;
        }
        Ok(f64::from(count) / start.elapsed().as_secs_f64())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..READERS).map(|_| scope.spawn(read)).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a reader panicked")?).sum()
    })
}

/// Copies the books of a server that has ended, for a bare loop of their own, and opens the copy.
pub fn copy(folder: &Path) -> Result<Connection, Failed> {
    let copy = folder.join("bare.db");
    Connection::open(folder.join(FILE))?.execute("vacuum into ?1", [copy.to_string_lossy()])?;
    Ok(open(&copy)?)
}

/// Opens a database's file with the settings of the server.
pub fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; \
         pragma busy_timeout = 5000; pragma cache_size = -65536; pragma wal_autocheckpoint = 4000; pragma mmap_size = 268435456;",
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
