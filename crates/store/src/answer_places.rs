//! Where SQLite finds stored answers by the hash of their key. A random key has a page of the file of its own in any
//! index, written to the log and to the file for each request. So the places of the newest answers are kept in memory,
//! in a temporary table of the writer, and put in order in batches: a batch comes to each page of the lasting order
//! (`answer_places`) once for many keys.
//!
//! Nothing here can be lost: all answers after the last batch are read again when the books are opened.

use rusqlite::{Connection, OptionalExtension as _};

use crate::db::Error;
use crate::sqlite::error;

/// How many places are kept in memory before they are put in order: two megabytes.
const BATCH: i64 = 65_536;
/// How many groups are written before it is looked again how many there are.
const LOOK_EVERY: u32 = 64;
/// How many places are moved for each request of a group, and besides for each group.
const MOVED: usize = 4;
const MOVED_AT_LEAST: usize = 64;

/// What the writer's connection has of its own. Its temporary view stands before the lasting one of the same name.
const SETUP: &str = "
pragma temp_store = memory;
create temp table recent_answers (
  key_hash integer not null, place integer not null, primary key (key_hash, place)
) strict, without rowid;
create temp trigger recent_answer after insert on main.stored_answers begin
  insert into recent_answers values (new.key_hash, new.place);
end;
create temp trigger recent_answer_gone after delete on main.stored_answers begin
  delete from recent_answers where key_hash = old.key_hash and place = old.place;
end;
create temp view answers_by_hash as
  select p.key_hash, a.company_id, a.key, a.request_sha256, a.status, a.event_sequence, a.body, a.stored_at, p.place
    from main.answer_places p cross join main.stored_answers a on a.place = p.place
  union all
  select r.key_hash, a.company_id, a.key, a.request_sha256, a.status, a.event_sequence, a.body, a.stored_at, r.place
    from recent_answers r cross join main.stored_answers a on a.place = r.place;
create temp trigger answer_deleted instead of delete on temp.answers_by_hash begin
  delete from stored_answers where place = old.place;
end;
create temp trigger answer_changed instead of update on temp.answers_by_hash begin
  update stored_answers set body = new.body where place = old.place;
end;
";
const FORGET: &str = "delete from recent_answers";
const LOAD: &str = "insert into recent_answers select key_hash, place from stored_answers \
    where place > (select through from answers_placed)";
const WAITING: &str = "select coalesce(max(place), 0), (select through from answers_placed) from stored_answers";
/// Changes when another connection has written.
const VERSION: &str = "pragma data_version";
/// The hash of the last of the next so many places.
const LAST_OF: &str = "select key_hash from recent_answers where key_hash >= ?1 order by key_hash limit 1 offset ?2";
const PLACE: &str = "insert or ignore into answer_places select key_hash, place from recent_answers \
    where key_hash between ?1 and ?2 order by key_hash";
const PLACED: &str = "delete from recent_answers where key_hash between ?1 and ?2";
/// Not where one is left: a place is given again when the last answers were dropped.
const SET_THROUGH: &str = "update answers_placed \
    set through = max(through, min(?1, (select coalesce(max(place), 0) from stored_answers))) \
    where not exists (select 1 from recent_answers where place <= ?1)";

/// The places in memory, and the batch that is being put in order.
pub(crate) struct Places {
    /// Of the books when they were read; none when it must be read again.
    version: Option<i64>,
    groups: u32,
    batch: Option<Batch>,
}

struct Batch {
    /// All answers up to this place have theirs when it is done.
    until: i64,
    /// The hash it goes on from.
    from: i64,
}

impl Places {
    /// Sets the writer's connection up.
    pub(crate) fn open(connection: &Connection) -> Result<Places, Error> {
        connection.execute_batch(SETUP).map_err(error)?;
        let mut places = Places { version: None, groups: 0, batch: None };
        places.load(connection).map_err(error)?;
        Ok(places)
    }

    /// Begins the batch again: what was done of it was rolled back.
    pub(crate) fn begin_again(&mut self) {
        (self.version, self.batch) = (None, None);
    }

    /// Puts some places in order, within the transaction of a group of so many requests; whether it did.
    pub(crate) fn step(&mut self, connection: &Connection, group: usize) -> Result<bool, Error> {
        self.groups = self.groups.wrapping_add(1);
        if self.batch.is_none() && self.groups.is_multiple_of(LOOK_EVERY) {
            self.begin(connection).map_err(error)?;
        }
        let Some(Batch { until, from }) = self.batch.take() else { return Ok(false) };
        let next = move_some(connection, (until, from), group * MOVED + MOVED_AT_LEAST).map_err(error)?;
        self.batch = next.map(|from| Batch { until, from });
        Ok(true)
    }

    fn begin(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let (last, through): (i64, i64) =
            connection.prepare_cached(WAITING)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if last - through >= BATCH {
            // Another process may have stored or placed some.
            if self.version != Some(version(connection)?) {
                self.load(connection)?;
            }
            self.batch = Some(Batch { until: last, from: i64::MIN });
        }
        Ok(())
    }

    fn load(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        connection.prepare_cached(FORGET)?.execute([])?;
        connection.prepare_cached(LOAD)?.execute([])?;
        self.version = Some(version(connection)?);
        Ok(())
    }
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached(VERSION)?.query_row([], |row| row.get(0))
}

/// Puts the next places of a batch in order; the hash it goes on from, none when it is done.
fn move_some(connection: &Connection, (until, from): (i64, i64), count: usize) -> rusqlite::Result<Option<i64>> {
    let last: Option<i64> =
        connection.prepare_cached(LAST_OF)?.query_row((from, count as i64 - 1), |row| row.get(0)).optional()?;
    let to = last.unwrap_or(i64::MAX);
    connection.prepare_cached(PLACE)?.execute((from, to))?;
    connection.prepare_cached(PLACED)?.execute((from, to))?;
    let next = to.checked_add(1);
    if next.is_none() {
        connection.prepare_cached(SET_THROUGH)?.execute([until])?;
    }
    Ok(next)
}
