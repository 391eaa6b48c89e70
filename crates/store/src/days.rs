//! The day's work: how far it is in each company, and what has run out and was not told yet.

use billing::ids::{CompanyId, DocumentId};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::db::{Error, Row, Tx, params, statements};

statements! {
    TURNS = "select c.id, c.time_zone, d.done_on from companies c left join company_days d on d.company_id = c.id";
    MARK = "insert into company_days (company_id, done_on) values ($1, $2) \
        on conflict (company_id) do update set done_on = excluded.done_on";
    BEGIN_ANEW = "delete from company_days where company_id = $1";
    OVERDUE = "select document_id from open_items where company_id = $1 and due_on < $2 and open_amount > 0 \
        and overdue_at is null and document_id is not null order by due_on limit $3";
    TOLD_OVERDUE = "update open_items set overdue_at = $1 where company_id = $2 and document_id = $3";
    EXPIRED = "select id from documents where company_id = $1 and valid_until < $2 and kind = 'quote' \
        and status = 'sent' and expired_at is null and cancelled_at is null and converted_to_id is null \
        order by valid_until limit $3";
    TOLD_EXPIRED = "update documents set expired_at = $1 where company_id = $2 and id = $3";
}

/// How far a company's day's work is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Turn {
    /// Whose.
    pub company_id: CompanyId,
    /// Says what day it is there.
    pub time_zone: String,
    /// The day whose work is done; none where it is to be looked at.
    pub done_on: Option<Date>,
}

/// All companies, each with the day whose work is done.
///
/// # Errors
/// What the shelves answer.
pub fn turns(tx: &mut dyn Tx) -> Result<Vec<Turn>, Error> {
    let read = |mut row: Row| Ok(Turn { company_id: row.id()?, time_zone: row.next()?, done_on: row.next()? });
    tx.all(TURNS, params![])?.into_iter().map(read).collect()
}

/// Says that a day's work is done.
///
/// # Errors
/// What the shelves answer.
pub fn mark(tx: &mut dyn Tx, company_id: CompanyId, day: Date) -> Result<(), Error> {
    tx.exec(MARK, params![company_id, day])
}

/// Has the day's work looked at anew.
///
/// # Errors
/// What the shelves answer.
pub fn begin_anew(tx: &mut dyn Tx, company_id: CompanyId) -> Result<(), Error> {
    tx.exec(BEGIN_ANEW, params![company_id])
}

/// Invoices that were due before a day, of which something is open, and that were not told; the oldest first.
///
/// # Errors
/// What the shelves answer.
pub fn overdue(tx: &mut dyn Tx, company_id: CompanyId, before: Date, most: i64) -> Result<Vec<DocumentId>, Error> {
    tx.all(OVERDUE, params![company_id, before, most])?.into_iter().map(|mut row| row.id()).collect()
}

/// Remembers that an invoice was told overdue.
///
/// # Errors
/// What the shelves answer.
pub fn told_overdue(tx: &mut dyn Tx, company_id: CompanyId, id: DocumentId, at: Timestamp) -> Result<(), Error> {
    tx.exec(TOLD_OVERDUE, params![at, company_id, id])
}

/// Quotes that held until a day before this one, that nobody answered, and that were not told; the oldest first.
///
/// # Errors
/// What the shelves answer.
pub fn expired(tx: &mut dyn Tx, company_id: CompanyId, before: Date, most: i64) -> Result<Vec<DocumentId>, Error> {
    tx.all(EXPIRED, params![company_id, before, most])?.into_iter().map(|mut row| row.id()).collect()
}

/// Remembers that a quote was told expired.
///
/// # Errors
/// What the shelves answer.
pub fn told_expired(tx: &mut dyn Tx, company_id: CompanyId, id: DocumentId, at: Timestamp) -> Result<(), Error> {
    tx.exec(TOLD_EXPIRED, params![at, company_id, id])
}
