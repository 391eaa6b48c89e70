//! Where SQLite finds stored answers by the hash of their key. A random key has a page of the file of its own in any
//! index, written to the log and to the file for each request. So the writer keeps the places of the newest answers in
//! memory, and puts them in order in batches: a batch comes to each page of the lasting order (`answer_places`) once
//! for many keys.
//!
//! Nothing here can be lost: all answers after the last batch are read again when the books are opened. What is in
//! memory may be too much, never too little: an answer that was taken back leaves its place there, where whoever
//! looks finds no row or one of another key.

use std::collections::BTreeSet;

use rusqlite::Connection;

use crate::db::Error;
use crate::sqlite::error;

/// How many places are kept in memory before they are put in order: two megabytes.
const BATCH: usize = if cfg!(test) { 40 } else { 65_536 };
/// How many places are moved for each request of a group, and besides for each group.
const MOVED: usize = 4;
const MOVED_AT_LEAST: usize = if cfg!(test) { 3 } else { 64 };

const NEWEST: &str = "select key_hash, place from stored_answers where place > (select through from answers_placed)";
const NEWEST_OF: &str = "select place from stored_answers \
    where place > (select through from answers_placed) and key_hash = ?1";
const LAST: &str = "select max(place) from stored_answers";
/// Changes when another connection has written.
const VERSION: &str = "pragma data_version";
const PLACE: &str = "insert or ignore into answer_places select key_hash, place from stored_answers \
    where place = ?2 and key_hash = ?1";
/// Never beyond the last, so that a new answer lies after it.
const SET_THROUGH: &str = "update answers_placed \
    set through = max(through, min(?1, (select coalesce(max(place), 0) from stored_answers)))";

/// The places in memory, and the batch that is being put in order.
pub(crate) struct Places {
    /// By hash.
    newest: BTreeSet<(i64, i64)>,
    /// Of the books when they were read.
    version: i64,
    batch: Option<Batch>,
    /// Those that the group that runs has put in order.
    moved: BTreeSet<(i64, i64)>,
}

struct Batch {
    /// All answers up to this place have theirs when it is done.
    until: i64,
    /// The hash it goes on from.
    from: i64,
}

impl Places {
    /// Reads the places that are not in order yet.
    pub(crate) fn open(connection: &Connection) -> Result<Places, Error> {
        let mut places = Places { newest: BTreeSet::new(), version: 0, batch: None, moved: BTreeSet::new() };
        places.load(connection).map_err(error)?;
        Ok(places)
    }

    /// Where answers under a hash may stand.
    pub(crate) fn under(&self, key_hash: i64) -> Vec<i64> {
        self.newest.range((key_hash, i64::MIN)..=(key_hash, i64::MAX)).map(|(_, place)| *place).collect()
    }

    /// Adds where an answer stands.
    pub(crate) fn add(&mut self, key_hash: i64, place: i64) {
        self.newest.insert((key_hash, place));
        // Given again to the same key in the same group.
        self.moved.remove(&(key_hash, place));
    }

    /// Puts some places in order, within the transaction of a group of so many requests; whether it did.
    pub(crate) fn step(&mut self, connection: &Connection, group: usize) -> Result<bool, Error> {
        if self.batch.is_none() && self.newest.len() >= BATCH {
            self.begin(connection).map_err(error)?;
        }
        let Some(Batch { until, from }) = self.batch.take() else { return Ok(false) };
        let next = self.move_some(connection, (until, from), group * MOVED + MOVED_AT_LEAST).map_err(error)?;
        self.batch = next.map(|from| Batch { until, from });
        Ok(true)
    }

    /// Forgets what the group put in order: it stays so.
    pub(crate) fn done(&mut self) {
        for at in std::mem::take(&mut self.moved) {
            self.newest.remove(&at);
        }
    }

    /// Begins the batch again: what the group put in order was rolled back.
    pub(crate) fn undone(&mut self) {
        self.moved.clear();
        self.batch = None;
    }

    fn begin(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        // Another process may have stored or placed some.
        if self.version != version(connection)? {
            self.load(connection)?;
        }
        let until: Option<i64> = connection.prepare_cached(LAST)?.query_row([], |row| row.get(0))?;
        self.batch = Some(Batch { until: until.unwrap_or(0), from: i64::MIN });
        Ok(())
    }

    fn load(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.version = version(connection)?;
        let mut newest = connection.prepare_cached(NEWEST)?;
        let places = newest.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.newest = places.collect::<rusqlite::Result<_>>()?;
        Ok(())
    }

    /// Puts the next places of a batch in order; the hash it goes on from, none when it is done.
    fn move_some(
        &mut self,
        connection: &Connection,
        (until, from): (i64, i64),
        count: usize,
    ) -> rusqlite::Result<Option<i64>> {
        let next = self.newest.range((from, i64::MIN)..);
        let to = next.clone().nth(count - 1).map_or(i64::MAX, |(hash, _)| *hash);
        let mut place = connection.prepare_cached(PLACE)?;
        for at in next.take_while(|(hash, _)| *hash <= to) {
            place.execute(*at)?;
            self.moved.insert(*at);
        }
        let next = to.checked_add(1);
        // A place is given again when the last answers were dropped: then one may be left behind.
        let left = |&(hash, place): &(i64, i64)| hash < from && place <= until;
        if next.is_none() && !self.newest.iter().any(left) {
            connection.prepare_cached(SET_THROUGH)?.execute([until])?;
        }
        Ok(next)
    }
}

/// Where answers under a hash stand that are not in order yet, looked up one by one: right on any connection.
pub(crate) fn newest_under(connection: &Connection, key_hash: i64) -> Result<Vec<i64>, Error> {
    let look = || connection.prepare_cached(NEWEST_OF)?.query_map([key_hash], |row| row.get(0))?.collect();
    let found: rusqlite::Result<_> = look();
    found.map_err(error)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached(VERSION)?.query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What migration 0017 makes, but for the columns that don't matter here.
    const TABLES: &str = "
        create table stored_answers (place integer primary key, key_hash integer not null);
        create table answer_places (key_hash integer not null, place integer not null, primary key (key_hash, place))
          without rowid;
        create table answers_placed (through integer not null);
        insert into answers_placed values (0);
        create trigger answer_gone after delete on stored_answers begin
          delete from answer_places where key_hash = old.key_hash and place = old.place;
          update answers_placed set through = (select coalesce(max(place), 0) from stored_answers)
            where through > (select coalesce(max(place), 0) from stored_answers);
        end;";

    /// Whether each answer is found by its hash, by who writes and by who does not, and nothing is in the lasting
    /// order that is not there.
    fn check(connection: &Connection, places: &Places) {
        let all = |sql: &str| -> Vec<(i64, i64)> {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.collect::<rusqlite::Result<_>>().unwrap()
        };
        let answers = all("select key_hash, place from stored_answers");
        let placed = all("select key_hash, place from answer_places");
        for at in &answers {
            let is_placed = placed.contains(at);
            assert!(is_placed || places.under(at.0).contains(&at.1), "{at:?}");
            assert!(is_placed || newest_under(connection, at.0).unwrap().contains(&at.1), "{at:?} by a reader");
        }
        assert!(placed.iter().all(|at| answers.contains(at)));
    }

    /// Groups of answers stored, refused and dropped, some of which fail as a whole, and new starts between them.
    #[test]
    fn every_answer_is_found_whatever_came_before() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLES).unwrap();
        let run = |sql: &str| connection.execute_batch(sql).unwrap();
        let mut places = Places::open(&connection).unwrap();
        let mut state = 7_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut ended = 0;
        for _ in 0..3_000 {
            run("begin");
            let size = 1 + random(6);
            let had_batch = places.batch.is_some();
            places.step(&connection, size as usize).unwrap();
            let is_end = had_batch && places.batch.is_none();
            for _ in 0..size {
                run("savepoint request");
                match random(12) {
                    // The last answers, so that their places are given again, also at once to the same key.
                    0 => run("delete from stored_answers where place > (select max(place) - 3 from stored_answers)"),
                    1 => run("delete from stored_answers where place < (select max(place) - 90 from stored_answers)"),
                    _ => {}
                }
                for _ in 0..random(3) {
                    let hash = random(50) as i64 - 25;
                    connection.execute("insert into stored_answers (key_hash) values (?1)", [hash]).unwrap();
                    places.add(hash, connection.last_insert_rowid());
                }
                if random(5) == 0 {
                    run("rollback to request");
                }
                run("release request");
            }
            match random(20) {
                0 => {
                    run("rollback");
                    places.undone();
                }
                1 => {
                    run("commit");
                    places = Places::open(&connection).unwrap();
                }
                _ => {
                    run("commit");
                    places.done();
                    ended += usize::from(is_end);
                }
            }
            check(&connection, &places);
        }
        assert!(ended > 20, "batches came to their end: {ended}");
    }
}
