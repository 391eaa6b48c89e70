//! Events: everything that happened in a company, in order and without gaps.

use billing::ids::{CompanyId, EventId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::db::{Error, Tx, params, statements};

statements! {
    COUNT = "update company_counters set event_sequence = event_sequence + $1 where company_id = $2 \
        returning event_sequence";
    INSERT = "insert into events (company_id, sequence, id, type, occurred_at, resource_type, resource_id, \
        actor_type, actor_id, request_id, remote_address, agent, data, before) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    DATA = "select data from events where company_id = $1 and sequence = $2";
}

/// What happened, before it has its place in the order.
#[derive(Clone, PartialEq, Debug)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// As `credit_note.created`.
    pub kind: &'static str,
    /// As `credit_note`.
    pub resource_type: &'static str,
    /// The resource it happened to.
    pub resource_id: Uuid,
    /// The published resource after, as JSON.
    pub data: String,
    /// What it was before, as JSON; for the audit trail, never published.
    pub before: Option<String>,
}

/// Where a request's events come from.
#[derive(Clone, PartialEq, Debug)]
pub struct EventOrigin<'a> {
    /// When.
    pub occurred_at: Timestamp,
    /// Who, by kind: `api_key`, `operator`, `system`.
    pub actor_type: &'a str,
    /// Who, by id, where there is one.
    pub actor_id: Option<String>,
    /// The request, as in `X-Request-Id`.
    pub request_id: &'a str,
    /// The client's address.
    pub remote_address: Option<&'a str>,
    /// The client's `User-Agent`.
    pub agent: Option<&'a str>,
}

/// Appends events in their order, and answers the sequence of the first. The company is held, so no
/// number is left out or given twice.
///
/// # Errors
/// What the shelves answer.
pub fn append(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    origin: &EventOrigin<'_>,
    events: &[NewEvent],
) -> Result<i64, Error> {
    let added = i64::try_from(events.len()).map_err(|_| Error::Broken("too many events".to_owned()))?;
    let mut row = tx.one(COUNT, params![added, company_id])?.ok_or(Error::NotFound)?;
    let first = row.next::<i64>()? - added + 1;
    for (sequence, event) in (first..).zip(events) {
        tx.exec(
            INSERT,
            params![
                company_id,
                sequence,
                event.id,
                event.kind,
                origin.occurred_at,
                event.resource_type,
                event.resource_id.to_string(),
                origin.actor_type,
                origin.actor_id.as_deref(),
                origin.request_id,
                origin.remote_address,
                origin.agent,
                event.data.as_str(),
                event.before.as_deref(),
            ],
        )?;
    }
    Ok(first)
}

/// The published resource of an event.
///
/// # Errors
/// `Broken` when there is no such event: none is ever taken away.
pub fn data(tx: &mut dyn Tx, company_id: CompanyId, sequence: i64) -> Result<String, Error> {
    let row = tx.one(DATA, params![company_id, sequence])?;
    row.ok_or_else(|| Error::Broken(format!("there is no event {sequence}")))?.next()
}
