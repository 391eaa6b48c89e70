//! Answers stored under idempotency keys, in the transaction of their effect.

use billing::company::Company;
use billing::ids::CompanyId;
use jiff::Timestamp;

use crate::companies;
use crate::db::{Error, Row, Tx, params, statements};

statements! {
    GET = "select request_sha256, status, body from stored_answers \
        where company_id = $1 and key = $2 and stored_at >= $3";
    // One that is too old to be given again may still be there.
    INSERT = "insert into stored_answers (company_id, key, request_sha256, status, body, stored_at) \
        values ($1, $2, $3, $4, $5, $6) on conflict (company_id, key) do update set \
        request_sha256 = excluded.request_sha256, status = excluded.status, body = excluded.body, \
        stored_at = excluded.stored_at";
    // Of whatever company. Asked twice how old it is: it may have been stored anew since it was found.
    SWEEP = "delete from stored_answers where stored_at < $1 and (company_id, key) in \
        (select company_id, key from stored_answers where stored_at < $2 order by stored_at limit $3)";
    ANY_BEFORE = "select key from stored_answers where stored_at < $1 limit 1";
}

/// What was answered, and to which request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredAnswer {
    /// SHA-256 of the request.
    pub request_sha256: String,
    /// As 201.
    pub status: i64,
    /// Its JSON; none where it had none.
    pub body: Option<String>,
}

/// The company, and what was answered under the key since `since`: asked for in one go.
///
/// # Errors
/// `NotFound` when there is no such company.
pub fn get_with_company(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    key: &str,
    since: Timestamp,
) -> Result<(Company, Option<StoredAnswer>), Error> {
    let (company, stored) = tx.both((companies::GET, params![company_id]), (GET, params![company_id, key, since]))?;
    let company = companies::read(company.into_iter().next().ok_or(Error::NotFound)?)?;
    Ok((company, stored.into_iter().next().map(read).transpose()?))
}

/// Stores an answer under its key.
///
/// # Errors
/// What the shelves answer.
pub fn insert(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    key: &str,
    answer: &StoredAnswer,
    now: Timestamp,
) -> Result<(), Error> {
    let StoredAnswer { request_sha256, status, body } = answer;
    tx.exec(INSERT, params![company_id, key, request_sha256.as_str(), *status, body.as_deref(), now])
}

/// Whether any answer is older than `before`.
///
/// # Errors
/// What the shelves answer.
pub fn any_before(tx: &mut dyn Tx, before: Timestamp) -> Result<bool, Error> {
    Ok(tx.one(ANY_BEFORE, params![before])?.is_some())
}

/// Drops up to `count` answers older than `before`, the oldest first; how many.
///
/// # Errors
/// What the shelves answer.
pub fn sweep(tx: &mut dyn Tx, before: Timestamp, count: u32) -> Result<u64, Error> {
    tx.count(SWEEP, params![before, before, count])
}

fn read(mut row: Row) -> Result<StoredAnswer, Error> {
    Ok(StoredAnswer { request_sha256: row.next()?, status: row.next()?, body: row.next()? })
}
