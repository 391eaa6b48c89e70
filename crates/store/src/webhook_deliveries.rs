//! What became of events on their way to webhook endpoints: a row for each that was tried, or that waits
//! behind one that was. What was never tried has none; the endpoint's place tells of it.

use billing::ids::{CompanyId, EndpointId, EventId, WebhookDeliveryId};
use billing::webhooks::{WebhookDelivery, WebhookError, WebhookStatus};
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{Error, Row, Select, Tx, params, statements};

macro_rules! select {
    ($suffix:literal) => {
        concat!(
            "select id, endpoint_id, event_id, event_sequence, event_type, status, attempt_count, first_attempt_at, ",
            "last_attempt_at, next_attempt_at, delivered_at, duration_ms, response_status, error_code, error_message ",
            "from webhook_deliveries ",
            $suffix
        )
    };
}

statements! {
    GET = select!("where company_id = $1 and endpoint_id = $2 and id = $3");
    PENDING = "select event_sequence, event_id, event_type, resource_id, attempt_count, first_attempt_at, \
        next_attempt_at from webhook_deliveries where company_id = $1 and endpoint_id = $2 and status = 'pending' \
        order by event_sequence limit $3";
    // An event that is sent once more has its row already.
    PUT = "insert into webhook_deliveries (company_id, endpoint_id, event_sequence, id, event_id, event_type, \
        resource_id, status, attempt_count, first_attempt_at, last_attempt_at, next_attempt_at, delivered_at, \
        duration_ms, response_status, error_code, error_message) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
        $11, $12, $13, $14, $15, $16, $17) on conflict (company_id, endpoint_id, event_sequence) do update set \
        status = excluded.status, attempt_count = excluded.attempt_count, \
        first_attempt_at = excluded.first_attempt_at, last_attempt_at = excluded.last_attempt_at, \
        next_attempt_at = excluded.next_attempt_at, delivered_at = excluded.delivered_at, \
        duration_ms = excluded.duration_ms, response_status = excluded.response_status, \
        error_code = excluded.error_code, error_message = excluded.error_message";
    AGAIN = "update webhook_deliveries set status = 'pending', attempt_count = 0, next_attempt_at = $1 \
        where company_id = $2 and endpoint_id = $3 and id = $4";
    FORGET_PENDING = "delete from webhook_deliveries where company_id = $1 and endpoint_id = $2 \
        and event_sequence > $3 and status = 'pending'";
    DELETE_ALL = "delete from webhook_deliveries where company_id = $1 and endpoint_id = $2";
    DUE_PENDING = "update webhook_deliveries set next_attempt_at = $1 where company_id = $2 and endpoint_id = $3 \
        and status = 'pending' and next_attempt_at is not null";
    OLDEST = "select event_sequence, last_attempt_at from webhook_deliveries where company_id = $1 \
        and endpoint_id = $2 and status <> 'pending' order by event_sequence limit $3";
    SWEEP = "delete from webhook_deliveries where company_id = $1 and endpoint_id = $2 and event_sequence <= $3 \
        and status <> 'pending' and last_attempt_at < $4";
}

/// What is to be known of an event on its way to an endpoint.
#[derive(Clone, PartialEq, Debug)]
pub struct Put {
    /// As published.
    pub delivery: WebhookDelivery,
    /// The resource that the event is of.
    pub resource_id: Uuid,
}

/// An event that is to be tried again, or waits behind one that is.
#[derive(Clone, PartialEq, Debug)]
pub struct Pending {
    /// The event's place in the log.
    pub sequence: i64,
    /// The event's id.
    pub event_id: EventId,
    /// Its type.
    pub kind: String,
    /// The resource it is of.
    pub resource_id: Uuid,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub first_attempt_at: Option<Timestamp>,
    /// When it is tried next; none where it waits behind another.
    pub next_attempt_at: Option<Timestamp>,
}

/// One delivery.
///
/// # Errors
/// What the shelves answer.
pub fn get(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    endpoint_id: EndpointId,
    id: WebhookDeliveryId,
) -> Result<Option<WebhookDelivery>, Error> {
    tx.one(GET, params![company_id, endpoint_id, id])?.map(read).transpose()
}

/// An endpoint's deliveries, the newest event first.
///
/// # Errors
/// What the shelves answer.
pub fn list(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    endpoint_id: EndpointId,
    status: Option<WebhookStatus>,
    before: Option<i64>,
    offset: u64,
    count: u64,
) -> Result<Vec<WebhookDelivery>, Error> {
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let rows = Select::new(select!("where company_id = ?"), params![company_id])
        .and("and endpoint_id = ?", params![endpoint_id])
        .and_if("and status = ?", status.map(WebhookStatus::as_str))
        .and_if("and event_sequence < ?", before)
        .and("order by event_sequence desc limit ?", params![whole(count)])
        .and("offset ?", params![whole(offset)])
        .all(tx)?;
    rows.into_iter().map(read).collect()
}

/// How many deliveries an endpoint has.
///
/// # Errors
/// What the shelves answer.
pub fn count(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    endpoint_id: EndpointId,
    status: Option<WebhookStatus>,
) -> Result<u64, Error> {
    let row = Select::new("select count(*) from webhook_deliveries where company_id = ?", params![company_id])
        .and("and endpoint_id = ?", params![endpoint_id])
        .and_if("and status = ?", status.map(WebhookStatus::as_str))
        .one(tx)?;
    row.ok_or(Error::NotFound)?.next()
}

/// What of an endpoint is to be tried again, in the order of the events.
///
/// # Errors
/// What the shelves answer.
pub fn pending(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    endpoint_id: EndpointId,
    count: i64,
) -> Result<Vec<Pending>, Error> {
    let row = |mut row: Row| {
        Ok(Pending {
            sequence: row.next()?,
            event_id: row.id()?,
            kind: row.next()?,
            resource_id: row.parse()?,
            attempts: row.next()?,
            first_attempt_at: row.next()?,
            next_attempt_at: row.next()?,
        })
    };
    tx.all(PENDING, params![company_id, endpoint_id, count])?.into_iter().map(row).collect()
}

/// Keeps what became of an event.
///
/// # Errors
/// What the shelves answer.
pub fn put(tx: &mut dyn Tx, company_id: CompanyId, put: &Put) -> Result<(), Error> {
    let Put { delivery, resource_id } = put;
    let WebhookDelivery {
        id,
        endpoint_id,
        event_id,
        sequence,
        kind,
        status,
        attempt_count,
        first_attempt_at,
        last_attempt_at,
        next_attempt_at,
        delivered_at,
        duration_ms,
        response_status,
        last_error,
    } = delivery;
    tx.exec(
        PUT,
        params![
            company_id,
            *endpoint_id,
            *sequence,
            *id,
            *event_id,
            kind.as_str(),
            resource_id.to_string(),
            status.as_str(),
            *attempt_count,
            *first_attempt_at,
            *last_attempt_at,
            *next_attempt_at,
            *delivered_at,
            *duration_ms,
            *response_status,
            last_error.as_ref().map(|error| error.code.as_str()),
            last_error.as_ref().map(|error| error.message.as_str()),
        ],
    )
}

/// Has a delivery made once more, as if it was never tried.
///
/// # Errors
/// What the shelves answer.
pub fn again(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    endpoint_id: EndpointId,
    id: WebhookDeliveryId,
    now: Timestamp,
) -> Result<(), Error> {
    tx.exec(AGAIN, params![now, company_id, endpoint_id, id])
}

/// Forgets what is to be tried again of the events after one: they are sent once more anyway.
///
/// # Errors
/// What the shelves answer.
pub fn forget_pending(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    endpoint_id: EndpointId,
    after: i64,
) -> Result<(), Error> {
    tx.exec(FORGET_PENDING, params![company_id, endpoint_id, after])
}

/// Has all that waits for its time tried now.
///
/// # Errors
/// What the shelves answer.
pub fn try_now(tx: &mut dyn Tx, company_id: CompanyId, endpoint_id: EndpointId, now: Timestamp) -> Result<(), Error> {
    tx.exec(DUE_PENDING, params![now, company_id, endpoint_id])
}

/// Takes all that is known of an endpoint's deliveries away.
///
/// # Errors
/// What the shelves answer.
pub fn delete_all(tx: &mut dyn Tx, company_id: CompanyId, endpoint_id: EndpointId) -> Result<(), Error> {
    tx.exec(DELETE_ALL, params![company_id, endpoint_id])
}

/// Of an endpoint's oldest `count` deliveries that are at their end, drops those that were last tried before an
/// instant; how many.
///
/// # Errors
/// What the shelves answer.
pub fn sweep(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    endpoint_id: EndpointId,
    before: Timestamp,
    count: i64,
) -> Result<u64, Error> {
    let rows = tx.all(OLDEST, params![company_id, endpoint_id, count])?;
    let mut last = None;
    for mut row in rows {
        let (sequence, tried_at): (i64, Option<Timestamp>) = (row.next()?, row.next()?);
        if tried_at.is_some_and(|at| at < before) {
            last = Some(sequence);
        }
    }
    match last {
        Some(last) => tx.count(SWEEP, params![company_id, endpoint_id, last, before]),
        None => Ok(0),
    }
}

fn read(mut row: Row) -> Result<WebhookDelivery, Error> {
    let (id, endpoint_id, event_id) = (row.id()?, row.id()?, row.id()?);
    let (sequence, kind, status) = (row.next()?, row.next()?, row.parse()?);
    let (attempt_count, first_attempt_at, last_attempt_at) = (row.next()?, row.next()?, row.next()?);
    let (next_attempt_at, delivered_at) = (row.next()?, row.next()?);
    let (duration_ms, response_status) = (row.next()?, row.next()?);
    let error = row.next::<Option<String>>()?.zip(row.next::<Option<String>>()?);
    Ok(WebhookDelivery {
        id,
        endpoint_id,
        event_id,
        sequence,
        kind,
        status,
        attempt_count,
        first_attempt_at,
        last_attempt_at,
        next_attempt_at,
        delivered_at,
        duration_ms,
        response_status,
        last_error: error.map(|(code, message)| WebhookError { code, message }),
    })
}
