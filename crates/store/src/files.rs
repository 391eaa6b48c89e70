//! What is kept of a booked document for good: its snapshot and its archived copies.

use billing::ids::{CompanyId, DocumentId};
use jiff::Timestamp;

use crate::db::{Error, Tx, params, statements};

statements! {
    INSERT_SNAPSHOT = "insert into snapshots (company_id, document_id, sha256, json) values ($1, $2, $3, $4)";
    SNAPSHOT = "select json from snapshots where company_id = $1 and document_id = $2";
    INSERT = "insert into files (company_id, document_id, kind, sha256, bytes, created_at) \
        values ($1, $2, $3, $4, $5, $6) on conflict (company_id, document_id, kind) do nothing";
    GET = "select sha256, bytes from files where company_id = $1 and document_id = $2 and kind = $3";
}

/// Keeps what a document looked like when it was booked.
///
/// # Errors
/// What the shelves answer.
pub fn insert_snapshot(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    document_id: DocumentId,
    sha256: &str,
    json: &str,
) -> Result<(), Error> {
    tx.exec(INSERT_SNAPSHOT, params![company_id, document_id, sha256, json])
}

/// What a document looked like when it was booked, as canonical JSON.
///
/// # Errors
/// What the shelves answer.
pub fn snapshot(tx: &mut dyn Tx, company_id: CompanyId, id: DocumentId) -> Result<Option<String>, Error> {
    tx.one(SNAPSHOT, params![company_id, id])?.map(|mut row| row.next()).transpose()
}

/// Archives a copy; written once, a second is dropped. Whether it was the first.
///
/// # Errors
/// What the shelves answer.
pub fn archive(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    document_id: DocumentId,
    kind: &str,
    sha256: &str,
    bytes: &[u8],
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(tx.count(INSERT, params![company_id, document_id, kind, sha256, bytes, now])? == 1)
}

/// An archived copy: its SHA-256 and its bytes.
///
/// # Errors
/// What the shelves answer.
pub fn get(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    document_id: DocumentId,
    kind: &str,
) -> Result<Option<(String, Vec<u8>)>, Error> {
    let row = tx.one(GET, params![company_id, document_id, kind])?;
    row.map(|mut row| Ok((row.next()?, row.next()?))).transpose()
}
