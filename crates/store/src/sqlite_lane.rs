//! The one lane of SQLite, and its readers.

use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use rusqlite::Connection;

use crate::answer_places::Places;
use crate::db::{Error, Value};
use crate::lanes::{Job, Queued, count_commit, gather, next};
use crate::migrate::{self, Dialect, MIGRATIONS};
use crate::sqlite::{self, SqliteTx, error};
use crate::turn::Turn;

/// How many requests share a commit at most.
const GROUP: usize = 256;

pub(crate) struct Writer {
    connection: Connection,
    turn: Turn,
    places: Places,
}

impl Writer {
    pub(crate) fn open(folder: &Path) -> Result<Writer, Error> {
        let turn = Turn::of(folder)?;
        turn.take()?;
        let opened = sqlite::open(folder, false).and_then(|connection| {
            migrate(&connection)?;
            let places = Places::open(&connection)?;
            Ok((connection, places))
        });
        turn.give();
        let (connection, places) = opened?;
        Ok(Writer { connection, turn, places })
    }

    pub(crate) fn work(mut self, queue: &Receiver<Queued>) {
        while let Some((group, _)) = gather(queue, None, GROUP, |_, _| true) {
            self.write(group);
        }
    }

    fn write(&mut self, mut group: Vec<Queued>) {
        let outcome = self.commit(&mut group);
        for (_, job) in group {
            job.answer(outcome.clone());
        }
    }

    /// Runs a group in one transaction. SQLite ends the whole transaction on a full
    /// disk or an I/O error: then nobody's work stays, and nothing more of it runs.
    fn commit(&mut self, group: &mut [Queued]) -> Result<(), Error> {
        self.turn.take()?;
        let done = self.run(group);
        if done.is_err() && !self.connection.is_autocommit() {
            // Whatever is left of the transaction must not reach the next group.
            let _ = self.connection.execute_batch("rollback");
        }
        match done {
            Ok(()) => self.places.done(),
            Err(_) => self.places.undone(),
        }
        self.turn.give();
        done
    }

    fn run(&mut self, group: &mut [Queued]) -> Result<(), Error> {
        let statement = |sql: &str| -> Result<(), Error> {
            self.connection.prepare_cached(sql).and_then(|mut s| s.raw_execute()).map(|_| ()).map_err(error)
        };
        statement("begin immediate")?;
        let size = group.len();
        let has_more = self.places.step(&self.connection, size)?;
        let is_lone = size == 1 && !has_more;
        for (_, job) in group {
            if !is_lone {
                statement("savepoint request")?;
            }
            let keep = job.run(&mut SqliteTx::of_writer(&self.connection, &mut self.places));
            if self.connection.is_autocommit() {
                return Err(Error::Busy("the disk is full or failing: the transaction was ended".to_owned()));
            }
            match (keep, is_lone) {
                (true, true) => {}
                (false, true) => return statement("rollback"),
                (true, false) => statement("release request")?,
                (false, false) => {
                    statement("rollback to request")?;
                    statement("release request")?;
                }
            }
        }
        let begun = Instant::now();
        let committed = statement("commit");
        if committed.is_err() {
            self.bury();
        }
        committed?;
        count_commit(size, begun);
        Ok(())
    }

    /// Makes sure that a commit that failed stays undone. When only its sync failed, it stands whole
    /// in the log, and whoever opens the books after a kill would take it for done; what is written
    /// over its beginning ends that, durable or not.
    fn bury(&self) {
        let anything = "begin immediate; pragma user_version = 0; commit";
        if self.connection.execute_batch(anything).is_err() && !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("rollback");
        }
    }
}

fn migrate(connection: &Connection) -> Result<(), Error> {
    let run = |sql: &str| connection.execute_batch(sql).map_err(error);
    run("begin immediate")?;
    let done = (|| {
        run(migrate::TABLE)?;
        let mut tx = SqliteTx::of(connection);
        let rows = crate::db::Tx::all(&mut tx, "select number, name from migrations order by number", &[])?;
        let applied = rows
            .into_iter()
            .map(|mut row| Ok((row.next()?, row.next()?)))
            .collect::<Result<Vec<(i64, String)>, Error>>()?;
        for (number, (name, text)) in (applied.len() as i64 + 1..).zip(migrate::pending(&applied, MIGRATIONS)?) {
            for statement in migrate::statements(text, Dialect::Sqlite) {
                run(&statement)?;
            }
            let values = [Value::Int(number), Value::from(*name)];
            crate::db::Tx::exec(&mut tx, "insert into migrations (number, name) values ($1, $2)", &values)?;
        }
        Ok(())
    })();
    run(if done.is_ok() { "commit" } else { "rollback" })?;
    done
}

pub(crate) struct Reader {
    connection: Connection,
}

impl Reader {
    pub(crate) fn open(folder: &Path) -> Result<Reader, Error> {
        Ok(Reader { connection: sqlite::open(folder, true)? })
    }

    /// The same of a folder that has books; none are made.
    pub(crate) fn open_existing(folder: &Path) -> Result<Reader, Error> {
        if folder.join(sqlite::FILE).is_file() {
            Reader::open(folder)
        } else {
            Err(Error::Broken(format!("{}: there are no books", folder.display())))
        }
    }

    pub(crate) fn work(self, queue: &Mutex<Receiver<Box<dyn Job>>>) {
        while let Some(mut job) = next(queue) {
            let outcome = self.read(job.as_mut());
            job.answer(outcome);
        }
    }

    /// One read transaction, so that all statements see one moment.
    fn read(&self, job: &mut dyn Job) -> Result<(), Error> {
        let statement = |sql: &str| -> Result<(), Error> {
            self.connection.prepare_cached(sql).and_then(|mut s| s.raw_execute()).map(|_| ()).map_err(error)
        };
        statement("begin deferred")?;
        job.run(&mut SqliteTx::of(&self.connection));
        if self.connection.is_autocommit() { Ok(()) } else { statement("commit") }
    }
}
