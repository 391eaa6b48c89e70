//! Deliveries of documents and their attempts.

use billing::customers::DeliveryType;
use billing::formats::Format;
use billing::ids::{AttemptId, CompanyId, DeliveryId, DocumentId};
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements};

macro_rules! columns {
    ($prefix:literal, $suffix:literal) => {
        concat!(
            $prefix,
            " id, document_id, delivery_type, recipient, message, language, status, attempt_count, first_attempt_at, ",
            "last_attempt_at, delivered_at, next_attempt_at, last_error_code, last_error_message, ",
            "provider_document_id, format, ean_number, scheduled_at, asked, created_at",
            $suffix
        )
    };
}

statements! {
    INSERT = columns!("insert into deliveries (company_id,", ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
        $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)");
    GET = columns!("select", " from deliveries where company_id = $1 and id = $2");
    OF = columns!("select", " from deliveries where company_id = $1 and document_id = $2 order by created_at, id");
    UPDATE = "update deliveries set delivery_type = $1, recipient = $2, language = $3, status = $4, \
        attempt_count = $5, first_attempt_at = $6, last_attempt_at = $7, delivered_at = $8, next_attempt_at = $9, \
        last_error_code = $10, last_error_message = $11, provider_document_id = $12, format = $13, ean_number = $14, \
        scheduled_at = $15, asked = $16 where company_id = $17 and id = $18";
    DELETE = "delete from deliveries where company_id = $1 and id = $2";
    UNDONE = "select coalesce(d.number, d.kind || ' ' || d.id) as name, v.status from deliveries v \
        join documents d on d.company_id = v.company_id and d.id = v.document_id \
        left join (select subject_id from jobs where company_id = $1 group by subject_id) j on j.subject_id = v.id \
        where v.company_id = $2 and v.document_id > $3 and v.document_id <= $4 \
        and v.status in ('scheduled', 'pending', 'taken') and j.subject_id is null order by name limit 100";
    UNASKED = "select coalesce(d.number, d.kind || ' ' || d.id) as name from documents d where d.company_id = $1 \
        and d.id > $2 and d.id <= $3 and d.status = 'scheduled' and not exists (select 1 from deliveries v \
        where v.company_id = d.company_id and v.document_id = d.id and v.status = 'scheduled') order by name limit 100";
    INSERT_ATTEMPT = "insert into delivery_attempts (company_id, id, delivery_id, document_id, attempt, delivery_type, \
        recipient, status, started_at, finished_at, provider_message_id, error_code, error_message) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    ATTEMPTS_OF = "select id, delivery_id, document_id, attempt, delivery_type, recipient, status, started_at, \
        finished_at, provider_message_id, error_code, error_message from delivery_attempts \
        where company_id = $1 and document_id = $2 order by started_at, attempt";
}

/// One sending of a document by one channel.
#[derive(Clone, PartialEq, Debug)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The document.
    pub document_id: DocumentId,
    /// The channel.
    pub delivery_type: DeliveryType,
    /// The address.
    pub recipient: Option<String>,
    /// The caller's text.
    pub message: Option<String>,
    /// The language it is written in.
    pub language: String,
    /// `scheduled pending taken delivered accepted rejected failed`.
    pub status: String,
    /// How often it was tried.
    pub attempt_count: i64,
    /// When it was first tried.
    pub first_attempt_at: Option<Timestamp>,
    /// When it was last tried.
    pub last_attempt_at: Option<Timestamp>,
    /// When the channel took it.
    pub delivered_at: Option<Timestamp>,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// Why the last try failed: code and sentence.
    pub last_error: Option<(String, String)>,
    /// The id the provider gave.
    pub provider_document_id: Option<String>,
    /// The e-invoice that goes with it, or that it is.
    pub format: Option<Format>,
    /// The EAN number its e-invoice is addressed to in place of the document's.
    pub ean_number: Option<String>,
    /// When a scheduled send is due.
    pub scheduled_at: Option<Timestamp>,
    /// What a scheduled send was asked with, as JSON.
    pub asked: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// One try at a delivery.
#[derive(Clone, PartialEq, Debug)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The document.
    pub document_id: DocumentId,
    /// Its count, from 1.
    pub attempt: i64,
    /// The channel.
    pub delivery_type: DeliveryType,
    /// The address.
    pub recipient: Option<String>,
    /// `delivered` or `failed`.
    pub status: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The message's id at the provider.
    pub provider_message_id: Option<String>,
    /// Why it failed: code and sentence.
    pub error: Option<(String, String)>,
}

/// Shelves a delivery.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, d: &Delivery) -> Result<(), Error> {
    tx.exec(
        INSERT,
        params![
            company_id,
            d.id,
            d.document_id,
            d.delivery_type.as_str(),
            d.recipient.as_deref(),
            d.message.as_deref(),
            d.language.as_str(),
            d.status.as_str(),
            d.attempt_count,
            d.first_attempt_at,
            d.last_attempt_at,
            d.delivered_at,
            d.next_attempt_at,
            d.last_error.as_ref().map(|(code, _)| code.as_str()),
            d.last_error.as_ref().map(|(_, message)| message.as_str()),
            d.provider_document_id.as_deref(),
            d.format.map(Format::as_str),
            d.ean_number.as_deref(),
            d.scheduled_at,
            d.asked.as_deref(),
            d.created_at,
        ],
    )
}

/// Writes how far a delivery has come.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, d: &Delivery) -> Result<(), Error> {
    tx.exec(
        UPDATE,
        params![
            d.delivery_type.as_str(),
            d.recipient.as_deref(),
            d.language.as_str(),
            d.status.as_str(),
            d.attempt_count,
            d.first_attempt_at,
            d.last_attempt_at,
            d.delivered_at,
            d.next_attempt_at,
            d.last_error.as_ref().map(|(code, _)| code.as_str()),
            d.last_error.as_ref().map(|(_, message)| message.as_str()),
            d.provider_document_id.as_deref(),
            d.format.map(Format::as_str),
            d.ean_number.as_deref(),
            d.scheduled_at,
            d.asked.as_deref(),
            company_id,
            d.id,
        ],
    )
}

/// Takes away a delivery that was never tried.
///
/// # Errors
/// What the shelves answer; `Broken` where it has attempts.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: DeliveryId) -> Result<(), Error> {
    tx.exec(DELETE, params![company_id, id])
}

/// One delivery.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: DeliveryId) -> Result<Option<Delivery>, Error> {
    tx.one(GET, params![company_id, id])?.map(|mut row| read(&mut row)).transpose()
}

/// A document's deliveries, oldest first.
///
/// # Errors
/// What the shelves answer.
pub fn of(tx: &mut dyn Tx, company_id: CompanyId, document_id: DocumentId) -> Result<Vec<Delivery>, Error> {
    tx.all(OF, params![company_id, document_id])?.into_iter().map(|mut row| read(&mut row)).collect()
}

fn read(row: &mut Row) -> Result<Delivery, Error> {
    Ok(Delivery {
        id: row.id()?,
        document_id: row.id()?,
        delivery_type: row.parse()?,
        recipient: row.next()?,
        message: row.next()?,
        language: row.next()?,
        status: row.next()?,
        attempt_count: row.next()?,
        first_attempt_at: row.next()?,
        last_attempt_at: row.next()?,
        delivered_at: row.next()?,
        next_attempt_at: row.next()?,
        last_error: crate::documents::both(row.next()?, row.next()?),
        provider_document_id: row.next()?,
        format: row.opt_parse()?,
        ean_number: row.next()?,
        scheduled_at: row.next()?,
        asked: row.next()?,
        created_at: row.next()?,
    })
}

/// The deliveries of documents in a range of ids that are to be made, or to be asked after, by no job: the
/// document's name and how far each has come.
///
/// # Errors
/// What the shelves answer.
pub fn undone(tx: &mut dyn Tx, company_id: CompanyId, after: &str, to: &str) -> Result<Vec<(String, String)>, Error> {
    let rows = tx.all(UNDONE, params![company_id, company_id, after, to])?;
    rows.into_iter().map(|mut row| Ok((row.next()?, row.next()?))).collect()
}

/// The documents in a range of ids that are scheduled without a delivery that waits.
///
/// # Errors
/// What the shelves answer.
pub fn unasked(tx: &mut dyn Tx, company_id: CompanyId, after: &str, to: &str) -> Result<Vec<String>, Error> {
    let rows = tx.all(UNASKED, params![company_id, after, to])?;
    rows.into_iter().map(|mut row| row.next()).collect()
}

/// Shelves an attempt.
///
/// # Errors
/// What the shelves answer.
pub fn insert_attempt(tx: &mut dyn Tx, company_id: CompanyId, a: &Attempt) -> Result<(), Error> {
    tx.exec(
        INSERT_ATTEMPT,
        params![
            company_id,
            a.id,
            a.delivery_id,
            a.document_id,
            a.attempt,
            a.delivery_type.as_str(),
            a.recipient.as_deref(),
            a.status.as_str(),
            a.started_at,
            a.finished_at,
            a.provider_message_id.as_deref(),
            a.error.as_ref().map(|(code, _)| code.as_str()),
            a.error.as_ref().map(|(_, message)| message.as_str()),
        ],
    )
}

/// All attempts at a document's deliveries, oldest first.
///
/// # Errors
/// What the shelves answer.
pub fn attempts_of(tx: &mut dyn Tx, company_id: CompanyId, document_id: DocumentId) -> Result<Vec<Attempt>, Error> {
    let read = |mut row: Row| {
        Ok(Attempt {
            id: row.id()?,
            delivery_id: row.id()?,
            document_id: row.id()?,
            attempt: row.next()?,
            delivery_type: row.parse()?,
            recipient: row.next()?,
            status: row.next()?,
            started_at: row.next()?,
            finished_at: row.next()?,
            provider_message_id: row.next()?,
            error: crate::documents::both(row.next()?, row.next()?),
        })
    };
    tx.all(ATTEMPTS_OF, params![company_id, document_id])?.into_iter().map(read).collect()
}
