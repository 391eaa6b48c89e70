//! The outbox: work that follows a deed. A worker claims a job by a lease, so
//! that a killed process loses nothing and two never do the same job at once.
//! Jobs of a kind stand in queues, one for each receiver, so that none fills all places.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use billing::ids::{CompanyId, JobId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{Error, Row, Tx, Value, params, statements};

statements! {
    INSERT = "insert into jobs (company_id, id, kind, subject_id, queue, due_at, attempts, created_at) \
        values ($1, $2, $3, $4, $5, $6, 0, $7)";
    DUE = "select company_id, id, kind, subject_id, queue, attempts from jobs where kind = $1 and due_at <= $2 \
        and queue not in ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
        $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34) order by due_at, id limit $35";
    LEASE = "update jobs set due_at = $1, lease_id = $2, attempts = attempts + 1 \
        where company_id = $3 and id = $4 and due_at <= $5";
    HOLD = "update jobs set due_at = $1 where company_id = $2 and id = $3 and lease_id = $4";
    LATER = "update jobs set due_at = $1, lease_id = null where company_id = $2 and id = $3";
    RELEASE = "update jobs set due_at = $1, lease_id = null where lease_id is not null";
    DELETE = "delete from jobs where company_id = $1 and id = $2";
    DELETE_OF = "delete from jobs where company_id = $1 and kind = $2 and subject_id = $3";
    SET_RIGHT = "update jobs set due_at = $1, lease_id = null where due_at > $2 and kind <> 'scheduled' \
        and (due_at = created_at or (lease_id is not null and due_at > $3) or due_at > $4)";
    SET_SCHEDULED_RIGHT = "update jobs set lease_id = null, due_at = (select d.scheduled_at from deliveries d \
        where d.company_id = jobs.company_id and d.id = jobs.subject_id) where kind = 'scheduled' and due_at > $1 \
        and (lease_id is not null or due_at > $2) and exists (select 1 from deliveries d \
        where d.company_id = jobs.company_id and d.id = jobs.subject_id and d.scheduled_at <> jobs.due_at)";
    IS_DUE = "select id from jobs where kind = $1 and due_at <= $2 \
        and queue not in ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
        $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34) limit 1";
    ANY_DUE = "select id from jobs where due_at <= $1 limit 1";
}

/// How many full queues are passed over by name: as many as there are places at most.
const FULL: usize = 32;
/// How many due jobs are looked at in one claim.
const LOOKED_AT: i64 = 64;

/// One job, claimed.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    /// Whose.
    pub company_id: CompanyId,
    /// Its id.
    pub id: JobId,
    /// `archive deliver upload poll scheduled remind erase`.
    pub kind: String,
    /// The document, the delivery, the reminder or the customer it is about.
    pub subject_id: Uuid,
    /// Where it stands in line.
    pub queue: String,
    /// The lease it was claimed by.
    pub lease_id: Uuid,
    /// How often it was claimed before.
    pub attempts: i64,
}

/// A job to be added.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'a> {
    /// Its id.
    pub id: JobId,
    /// `archive deliver upload poll scheduled remind erase`.
    pub kind: &'a str,
    /// The document, the delivery, the reminder or the customer it is about.
    pub subject_id: Uuid,
    /// Where it stands in line: one queue for each receiver, empty where there is none.
    pub queue: &'a str,
    /// When it is to be done.
    pub due_at: Timestamp,
}

/// Where there is room for more jobs of a kind.
#[derive(Clone, Debug)]
pub struct Room {
    /// For how many in all.
    pub free: usize,
    /// How many of one queue may be at work: of one whose receiver has not shown that it is well.
    pub first: usize,
    /// Of any other.
    pub each: usize,
    /// How many of each queue are.
    pub taken: BTreeMap<String, usize>,
    /// Queues whose receiver was well when it was last heard of.
    pub well: Arc<BTreeSet<String>>,
}

impl Room {
    /// Room for so many, whatever their queue.
    pub fn of(free: usize) -> Room {
        Room { free, first: usize::MAX, each: usize::MAX, taken: BTreeMap::new(), well: Arc::default() }
    }

    /// How many of a queue may be at work.
    fn most_of(&self, queue: &str) -> usize {
        if self.well.contains(queue) { self.each } else { self.first }
    }

    /// The queues that have no place left; what is not needed names none.
    fn full(&self) -> [&str; FULL] {
        let mut names = ["-"; FULL];
        let full = self.taken.iter().filter(|(queue, count)| **count >= self.most_of(queue));
        for (name, (queue, _)) in names.iter_mut().zip(full) {
            *name = queue;
        }
        names
    }
}

/// Adds a job that is due at once and of no receiver, with the deed it follows.
///
/// # Errors
/// What the shelves answer.
pub fn insert(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    id: JobId,
    kind: &str,
    subject_id: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    add(tx, company_id, &NewJob { id, kind, subject_id, queue: "", due_at: now }, now)
}

/// Adds a job, with the deed it follows.
///
/// # Errors
/// What the shelves answer.
pub fn add(tx: &mut dyn Tx, company_id: CompanyId, job: &NewJob<'_>, now: Timestamp) -> Result<(), Error> {
    let NewJob { id, kind, subject_id, queue, due_at } = *job;
    tx.exec(INSERT, params![company_id, id, kind, subject_id.to_string(), queue, due_at, now])
}

/// Claims jobs of a kind that are due, as many as there is room for: until `leased_until` nobody else
/// sees them as due.
///
/// # Errors
/// What the shelves answer.
pub fn claim(
    tx: &mut dyn Tx,
    kind: &str,
    lease_id: Uuid,
    now: Timestamp,
    leased_until: Timestamp,
    room: &Room,
) -> Result<Vec<Job>, Error> {
    let read = |mut row: Row| {
        Ok(Job {
            company_id: row.id()?,
            id: row.id()?,
            kind: row.next()?,
            subject_id: row.parse()?,
            queue: row.next()?,
            lease_id,
            attempts: row.next()?,
        })
    };
    let rows = tx.all(DUE, &values(kind, now, room, Some(LOOKED_AT)))?;
    let due: Vec<Job> = rows.into_iter().map(read).collect::<Result<_, Error>>()?;
    let mut taken = room.taken.clone();
    let mut claimed = Vec::new();
    for job in due {
        let of_queue = taken.entry(job.queue.clone()).or_default();
        if claimed.len() == room.free || *of_queue >= room.most_of(&job.queue) {
            continue;
        }
        // Another process may have been quicker: only one sees the job still due.
        let lease = params![leased_until, lease_id.to_string(), job.company_id, job.id, now];
        if tx.count(LEASE, lease)? == 1 {
            *of_queue += 1;
            claimed.push(job);
        }
    }
    Ok(claimed)
}

/// Holds a claimed job until a later instant; whether its lease was still the one it was claimed by.
///
/// # Errors
/// What the shelves answer.
pub fn hold(tx: &mut dyn Tx, job: &Job, leased_until: Timestamp) -> Result<bool, Error> {
    Ok(tx.count(HOLD, params![leased_until, job.company_id, job.id, job.lease_id.to_string()])? == 1)
}

/// Puts a job off.
///
/// # Errors
/// What the shelves answer.
pub fn later(tx: &mut dyn Tx, company_id: CompanyId, id: JobId, due_at: Timestamp) -> Result<(), Error> {
    tx.exec(LATER, params![due_at, company_id, id])
}

/// Makes every claimed job due again. Only where nobody else can be at work on one.
///
/// # Errors
/// What the shelves answer.
pub fn release_all(tx: &mut dyn Tx, now: Timestamp) -> Result<(), Error> {
    tx.exec(RELEASE, params![now])
}

/// Makes due what can only be meant for a clock that was ahead: beyond the three bounds, jobs that
/// were due when they were made, claimed ones, and whatever is put off. A scheduled send may be far
/// off: beyond the last two it goes back to its instant. How many there were.
///
/// # Errors
/// What the shelves answer.
pub fn set_right(tx: &mut dyn Tx, now: Timestamp, [made, claimed, put_off]: [Timestamp; 3]) -> Result<u64, Error> {
    let scheduled = tx.count(SET_SCHEDULED_RIGHT, params![claimed, put_off])?;
    Ok(scheduled + tx.count(SET_RIGHT, params![now, made, claimed, put_off])?)
}

/// Takes a job that is done off the list.
///
/// # Errors
/// What the shelves answer.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: JobId) -> Result<(), Error> {
    tx.exec(DELETE, params![company_id, id])
}

/// Takes the jobs of a kind that are about something off the list.
///
/// # Errors
/// What the shelves answer.
pub fn delete_of(tx: &mut dyn Tx, company_id: CompanyId, kind: &str, subject_id: Uuid) -> Result<(), Error> {
    tx.exec(DELETE_OF, params![company_id, kind, subject_id.to_string()])
}

/// Whether a job of a kind is due that there is room for.
///
/// # Errors
/// What the shelves answer.
pub fn is_due(tx: &mut dyn Tx, kind: &str, now: Timestamp, room: &Room) -> Result<bool, Error> {
    Ok(tx.one(IS_DUE, &values(kind, now, room, None))?.is_some())
}

/// The values of a look for due jobs that there is room for.
fn values<'a>(kind: &'a str, now: Timestamp, room: &'a Room, most: Option<i64>) -> Vec<Value<'a>> {
    let mut values = vec![Value::from(kind), Value::from(now)];
    values.extend(room.full().map(Value::from));
    values.extend(most.map(Value::from));
    values
}

/// Whether any job is due.
///
/// # Errors
/// What the shelves answer.
pub fn any_due(tx: &mut dyn Tx, now: Timestamp) -> Result<bool, Error> {
    Ok(tx.one(ANY_DUE, params![now])?.is_some())
}
