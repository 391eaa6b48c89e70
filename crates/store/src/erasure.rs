//! What erasing a person takes away: what hinders it, and the rows that hold what is said of the person.
//! Documents of the books are never touched.

use billing::ids::{CompanyId, ContactId, CustomerId, DocumentId};
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements};

statements! {
    UNSENT = "select coalesce(number, kind || ' ' || id) from documents where company_id = $1 and customer_id = $2 \
        and snapshot_sha256 is null and cancelled_at is null and voided_at is null order by created_at, id limit 100";
    OPEN = "select coalesce(d.number, i.id) from open_items i \
        left join documents d on d.company_id = i.company_id and d.id = i.document_id \
        where i.company_id = $1 and i.customer_id = $2 and i.open_amount <> 0 order by i.date, i.id limit 100";
    SENDING = "select coalesce(number, kind || ' ' || id) from documents where company_id = $1 and customer_id = $2 \
        and delivery_state = 'pending' order by created_at, id limit 100";
    SENDING_TO = "select coalesce(number, kind || ' ' || id) from documents where company_id = $1 \
        and customer_contact_id = $2 and delivery_state = 'pending' order by created_at, id limit 100";
    DELETE_CONTACTS = "delete from customer_contacts where company_id = $1 and customer_id = $2";
    DELETE_DEPARTMENTS = "delete from customer_departments where company_id = $1 and customer_id = $2";

    DOCUMENTS = "select id, booked_at from documents where company_id = $1 and customer_id = $2 order by id";
    DOCUMENTS_FOR = "select id, booked_at from documents where company_id = $1 and customer_contact_id = $2 order by id";
    DELIVERIES = "update deliveries set recipient = null, message = null, ean_number = null, asked = null, \
        last_error_message = case when last_error_message is null then null else $1 end \
        where company_id = $2 and document_id = $3";
    ATTEMPTS = "update delivery_attempts set recipient = null, \
        error_message = case when error_message is null then null else $1 end \
        where company_id = $2 and document_id = $3";
    REMINDERS = "update reminders set recipient = $1, \
        last_error_message = case when last_error_message is null then null else $2 end \
        where company_id = $3 and invoice_id = $4";
    PAUSES = "update dunning_pauses set notes = case when notes is null then null else $1 end \
        where company_id = $2 and invoice_id = $3";
    // Of what was never booked.
    HEAD = "update documents set reference = null, our_reference = null, description = null, notes = null, \
        metadata = '{}', void_reason = case when void_reason is null then null else $1 end, \
        search_text = lower(coalesce(number, '')) where company_id = $2 and id = $3 and booked_at is null";
    LINES = "update document_lines set description = case when description is null then null else $1 end, \
        metadata = '{}' where company_id = $2 and document_id = $3 and exists (select 1 from documents d \
        where d.company_id = document_lines.company_id and d.id = document_lines.document_id and d.booked_at is null)";
    PAIRS = "delete from metadata where company_id = $1 and resource_id = $2";
    PINNED = "select d.buyer, s.json from documents d join snapshots s on s.company_id = d.company_id \
        and s.document_id = d.id where d.company_id = $1 and d.id = $2 and d.booked_at is null";
    PIN = "update documents set buyer = $1, snapshot_sha256 = $2 where company_id = $3 and id = $4 and booked_at is null";
    SNAPSHOT = "update snapshots set sha256 = $1, json = $2 where company_id = $3 and document_id = $4";
    DELETE_FILES = "delete from files where company_id = $1 and document_id = $2";

    ANSWERS = "select place, case when company_id = $1 then key end, case when company_id = $2 and body like $3 \
        then body end from answers_in_order where place > $4 order by place limit $5";
    SET_ANSWER = "update answers_in_order set body = $1 where place = $2 and company_id = $3 and key = $4";
}

/// The documents that hinder erasing a customer, by number where they have one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hindrances {
    /// Not sent yet.
    pub unsent: Vec<String>,
    /// Not settled.
    pub open: Vec<String>,
    /// On their way.
    pub sending: Vec<String>,
}

/// What hinders erasing a customer, the first hundred of each.
///
/// # Errors
/// What the shelves answer.
pub fn hindrances(tx: &mut dyn Tx, company_id: CompanyId, id: CustomerId) -> Result<Hindrances, Error> {
    let mut names = |sql: &str| -> Result<Vec<String>, Error> {
        tx.all(sql, params![company_id, id])?.into_iter().map(|mut row| row.next()).collect()
    };
    Ok(Hindrances { unsent: names(UNSENT)?, open: names(OPEN)?, sending: names(SENDING)? })
}

/// The documents for a contact that are on their way, the first hundred of them.
///
/// # Errors
/// What the shelves answer.
pub fn sending_to(tx: &mut dyn Tx, company_id: CompanyId, id: ContactId) -> Result<Vec<String>, Error> {
    tx.all(SENDING_TO, params![company_id, id])?.into_iter().map(|mut row| row.next()).collect()
}

/// Takes the people and departments of a customer away.
///
/// # Errors
/// What the shelves answer.
pub fn delete_people(tx: &mut dyn Tx, company_id: CompanyId, id: CustomerId) -> Result<(), Error> {
    tx.exec(DELETE_CONTACTS, params![company_id, id])?;
    tx.exec(DELETE_DEPARTMENTS, params![company_id, id])
}

/// The documents of a customer, and whether each is in the books.
///
/// # Errors
/// What the shelves answer.
pub fn documents(tx: &mut dyn Tx, company_id: CompanyId, id: CustomerId) -> Result<Vec<(DocumentId, bool)>, Error> {
    tx.all(DOCUMENTS, params![company_id, id])?.into_iter().map(document).collect()
}

/// The documents for a contact, and whether each is in the books.
///
/// # Errors
/// What the shelves answer.
pub fn documents_for(tx: &mut dyn Tx, company_id: CompanyId, id: ContactId) -> Result<Vec<(DocumentId, bool)>, Error> {
    tx.all(DOCUMENTS_FOR, params![company_id, id])?.into_iter().map(document).collect()
}

fn document(mut row: Row) -> Result<(DocumentId, bool), Error> {
    Ok((row.id()?, row.next::<Option<Timestamp>>()?.is_some()))
}

/// Takes out of a document's deliveries and reminders to whom they went, and what was said.
///
/// # Errors
/// What the shelves answer.
pub fn deliveries(tx: &mut dyn Tx, company_id: CompanyId, id: DocumentId, word: &str) -> Result<(), Error> {
    tx.exec(DELIVERIES, params![word, company_id, id])?;
    tx.exec(ATTEMPTS, params![word, company_id, id])?;
    tx.exec(REMINDERS, params![word, word, company_id, id])?;
    tx.exec(PAUSES, params![word, company_id, id])
}

/// Takes out of a document that is in no books all that was written by hand.
///
/// # Errors
/// What the shelves answer.
pub fn texts(tx: &mut dyn Tx, company_id: CompanyId, id: DocumentId, word: &str) -> Result<(), Error> {
    tx.exec(HEAD, params![word, company_id, id])?;
    tx.exec(LINES, params![word, company_id, id])?;
    tx.exec(PAIRS, params![company_id, id])
}

/// What an offer that is sent shows for ever: its buyer and its snapshot, as JSON. None of what is in the books.
///
/// # Errors
/// What the shelves answer.
pub fn pinned(tx: &mut dyn Tx, company_id: CompanyId, id: DocumentId) -> Result<Option<(String, String)>, Error> {
    tx.one(PINNED, params![company_id, id])?.map(|mut row| Ok((row.next()?, row.next()?))).transpose()
}

/// Puts another buyer and snapshot in the place of those of an offer, and takes its prints away.
///
/// # Errors
/// What the shelves answer.
pub fn pin(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    id: DocumentId,
    buyer: &str,
    (sha256, snapshot): (&str, &str),
) -> Result<(), Error> {
    tx.exec(PIN, params![buyer, sha256, company_id, id])?;
    tx.exec(SNAPSHOT, params![sha256, snapshot, company_id, id])?;
    tx.exec(DELETE_FILES, params![company_id, id])
}

/// A kept answer that has the text in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// Where it stands.
    pub place: i64,
    /// Its key.
    pub key: String,
    /// Its JSON.
    pub body: String,
}

/// The next kept answers after a place in the order in which those of all companies lie: those of a company's that
/// have a text in them, and the last place that was looked at.
///
/// # Errors
/// What the shelves answer.
pub fn answers(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    text: &str,
    after: i64,
    count: i64,
) -> Result<(Vec<Kept>, Option<i64>), Error> {
    let (mut found, mut last) = (Vec::new(), None);
    let pattern = format!("%{text}%");
    for mut row in tx.all(ANSWERS, params![company_id, company_id, pattern.as_str(), after, count])? {
        let place: i64 = row.next()?;
        last = Some(place);
        if let (Some(key), Some(body)) = (row.next()?, row.next()?) {
            found.push(Kept { place, key, body });
        }
    }
    Ok((found, last))
}

/// Puts another answer in the place of a kept one.
///
/// # Errors
/// What the shelves answer.
pub fn set_answer(tx: &mut dyn Tx, company_id: CompanyId, kept: &Kept) -> Result<(), Error> {
    tx.exec(SET_ANSWER, params![kept.body.as_str(), kept.place, company_id, kept.key.as_str()])
}
