//! Answers stored under idempotency keys, in the transaction of their effect.

use billing::company::Company;
use billing::ids::CompanyId;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::companies;
use crate::db::{Error, Row, Tx, params, statements};

statements! {
    GET = "select request_sha256, status, event_sequence, body from answers_by_hash \
        where key_hash = $1 and company_id = $2 and key = $3 and stored_at >= $4";
    GET_AT = "select request_sha256, status, event_sequence, body from answers_in_order \
        where place = $1 and company_id = $2 and key = $3 and stored_at >= $4";
    // One that is too old to be given again may still be there, until it is swept.
    INSERT = "insert into stored_answers (key_hash, company_id, key, request_sha256, status, event_sequence, body, \
        stored_at) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    // Of whatever company.
    WALK = "select place, stored_at from answers_in_order where place > $1 order by place limit $2";
    SWEEP = "delete from answers_in_order where place > $1 and place <= $2 and stored_at < $3";
}

/// A place in the order in which the answers of all companies lie: by their hashes, in SQLite by when they were stored.
pub type Place = i64;

/// Before all of them.
pub const BEGIN: Place = i64::MIN;

/// By what an answer is looked up: eight bytes of SHA-256. An index over company and key themselves would be
/// five times as large, and be split as much more often. Two keys of one hash are told apart by themselves.
fn hash(company_id: CompanyId, key: &str) -> i64 {
    let digest = Sha256::new().chain_update(company_id.0.as_bytes()).chain_update(key).finalize();
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | i64::from(*byte))
}

/// What was answered, and to which request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredAnswer {
    /// SHA-256 of the request.
    pub request_sha256: String,
    /// As 201.
    pub status: i64,
    /// Its JSON.
    pub body: Body,
}

/// Where the JSON of an answer stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// It had none.
    None,
    /// Beside its key.
    Own(String),
    /// In the event of this sequence, which tells the same.
    OfEvent(i64),
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
    let hash = hash(company_id, key);
    let (company, mut stored) =
        tx.both((companies::GET, params![company_id]), (GET, params![hash, company_id, key, since]))?;
    for place in tx.newest_answers(hash)? {
        stored.extend(tx.one(GET_AT, params![place, company_id, key, since])?);
    }
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
    let (event_sequence, body) = match body {
        Body::None => (None, None),
        Body::Own(text) => (None, Some(text)),
        Body::OfEvent(sequence) => (Some(*sequence), None),
    };
    let key_hash = hash(company_id, key);
    tx.exec(INSERT, params![key_hash, company_id, key, request_sha256.as_str(), *status, event_sequence, body, now])?;
    tx.answer_stored(key_hash);
    Ok(())
}

/// The next `count` answers after a place: where each stands, and when it was stored.
///
/// # Errors
/// What the shelves answer.
pub fn walk(tx: &mut dyn Tx, after: Place, count: u32) -> Result<Vec<(Place, Timestamp)>, Error> {
    let rows = tx.all(WALK, params![after, count])?;
    rows.into_iter().map(|mut row| Ok((row.next()?, row.next()?))).collect()
}

/// Drops the answers after one place and up to another that are older than `before`.
///
/// # Errors
/// What the shelves answer.
pub fn sweep(tx: &mut dyn Tx, after: Place, last: Place, before: Timestamp) -> Result<(), Error> {
    tx.exec(SWEEP, params![after, last, before])
}

fn read(mut row: Row) -> Result<StoredAnswer, Error> {
    let (request_sha256, status) = (row.next()?, row.next()?);
    let body = match (row.next::<Option<i64>>()?, row.next::<Option<String>>()?) {
        (Some(sequence), _) => Body::OfEvent(sequence),
        (None, Some(text)) => Body::Own(text),
        (None, None) => Body::None,
    };
    Ok(StoredAnswer { request_sha256, status, body })
}
