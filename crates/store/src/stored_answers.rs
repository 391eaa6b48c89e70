//! Answers stored under idempotency keys, in the transaction of their effect.

use billing::company::Company;
use billing::ids::CompanyId;
use jiff::Timestamp;

use crate::companies;
use crate::db::{Error, Row, Tx, params, statements};

statements! {
    GET = "select request_sha256, status, event_sequence, body from stored_answers \
        where company_id = $1 and key = $2 and stored_at >= $3";
    // One that is too old to be given again may still be there.
    INSERT = "insert into stored_answers (company_id, key, request_sha256, status, event_sequence, body, stored_at) \
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (company_id, key) do update set \
        request_sha256 = excluded.request_sha256, status = excluded.status, \
        event_sequence = excluded.event_sequence, body = excluded.body, stored_at = excluded.stored_at";
    // Of whatever company.
    WALK = "select company_id, key, stored_at from stored_answers where (company_id, key) > ($1, $2) \
        order by company_id, key limit $3";
    SWEEP = "delete from stored_answers where (company_id, key) > ($1, $2) and (company_id, key) <= ($3, $4) \
        and stored_at < $5";
}

/// A place in the order of the keys: after a company's key, at first before all of them.
pub type Place = (String, String);

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
    let (event_sequence, body) = match body {
        Body::None => (None, None),
        Body::Own(text) => (None, Some(text)),
        Body::OfEvent(sequence) => (Some(*sequence), None),
    };
    tx.exec(INSERT, params![company_id, key, request_sha256.as_str(), *status, event_sequence, body, now])
}

/// The next `count` answers after a place: where each stands, and when it was stored.
///
/// # Errors
/// What the shelves answer.
pub fn walk(tx: &mut dyn Tx, after: &Place, count: u32) -> Result<Vec<(Place, Timestamp)>, Error> {
    let rows = tx.all(WALK, params![after.0.as_str(), after.1.as_str(), count])?;
    rows.into_iter().map(|mut row| Ok(((row.next()?, row.next()?), row.next()?))).collect()
}

/// Drops the answers after one place and up to another that are older than `before`; how many.
///
/// # Errors
/// What the shelves answer.
pub fn sweep(tx: &mut dyn Tx, after: &Place, last: &Place, before: Timestamp) -> Result<u64, Error> {
    let bounds = [&after.0, &after.1, &last.0, &last.1].map(String::as_str);
    tx.count(SWEEP, params![bounds[0], bounds[1], bounds[2], bounds[3], before])
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
