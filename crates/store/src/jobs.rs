//! The outbox: work that follows a deed. A worker claims a job by a lease, so
//! that a killed process loses nothing and two never do the same job at once.

use billing::ids::{CompanyId, JobId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{Error, Row, Tx, params, statements};

statements! {
    INSERT = "insert into jobs (company_id, id, kind, subject_id, due_at, attempts, created_at) \
        values ($1, $2, $3, $4, $5, 0, $6)";
    DUE = "select company_id, id, kind, subject_id, attempts from jobs \
        where kind = $1 and due_at <= $2 order by due_at, id limit $3";
    LEASE = "update jobs set due_at = $1, lease_id = $2, attempts = attempts + 1 \
        where company_id = $3 and id = $4 and due_at <= $5";
    LATER = "update jobs set due_at = $1, lease_id = null where company_id = $2 and id = $3";
    RELEASE = "update jobs set due_at = $1, lease_id = null where lease_id is not null";
    DELETE = "delete from jobs where company_id = $1 and id = $2";
    SET_RIGHT = "update jobs set due_at = $1, lease_id = null where due_at > $2 and (due_at = created_at \
        or (lease_id is not null and due_at > $3) or due_at > $4)";
    IS_DUE = "select id from jobs where kind = $1 and due_at <= $2 limit 1";
    ANY_DUE = "select id from jobs where due_at <= $1 limit 1";
}

/// One job, claimed.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    /// Whose.
    pub company_id: CompanyId,
    /// Its id.
    pub id: JobId,
    /// `archive` or `deliver`.
    pub kind: String,
    /// The document or the delivery it is about.
    pub subject_id: Uuid,
    /// How often it was claimed before.
    pub attempts: i64,
}

/// Adds a job, with the deed it follows.
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
    tx.exec(INSERT, params![company_id, id, kind, subject_id.to_string(), now, now])
}

/// Claims up to `count` jobs of a kind that are due: until `leased_until` nobody else sees them as due.
///
/// # Errors
/// What the shelves answer.
pub fn claim(
    tx: &mut dyn Tx,
    kind: &str,
    lease_id: Uuid,
    now: Timestamp,
    leased_until: Timestamp,
    count: i64,
) -> Result<Vec<Job>, Error> {
    let read = |mut row: Row| {
        Ok(Job {
            company_id: row.id()?,
            id: row.id()?,
            kind: row.next()?,
            subject_id: row.parse()?,
            attempts: row.next()?,
        })
    };
    let due: Vec<Job> = tx.all(DUE, params![kind, now, count])?.into_iter().map(read).collect::<Result<_, Error>>()?;
    let mut claimed = Vec::with_capacity(due.len());
    for job in due {
        // Another process may have been quicker: only one sees the job still due.
        let lease = params![leased_until, lease_id.to_string(), job.company_id, job.id, now];
        if tx.count(LEASE, lease)? == 1 {
            claimed.push(job);
        }
    }
    Ok(claimed)
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
/// were due when they were made, claimed ones, and whatever is put off. How many there were.
///
/// # Errors
/// What the shelves answer.
pub fn set_right(tx: &mut dyn Tx, now: Timestamp, [made, claimed, put_off]: [Timestamp; 3]) -> Result<u64, Error> {
    tx.count(SET_RIGHT, params![now, made, claimed, put_off])
}

/// Takes a job that is done off the list.
///
/// # Errors
/// What the shelves answer.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: JobId) -> Result<(), Error> {
    tx.exec(DELETE, params![company_id, id])
}

/// Whether a job of a kind is due.
///
/// # Errors
/// What the shelves answer.
pub fn is_due(tx: &mut dyn Tx, kind: &str, now: Timestamp) -> Result<bool, Error> {
    Ok(tx.one(IS_DUE, params![kind, now])?.is_some())
}

/// Whether any job is due.
///
/// # Errors
/// What the shelves answer.
pub fn any_due(tx: &mut dyn Tx, now: Timestamp) -> Result<bool, Error> {
    Ok(tx.one(ANY_DUE, params![now])?.is_some())
}
