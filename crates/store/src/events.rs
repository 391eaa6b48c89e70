//! Events: everything that happened in a company, in order and without gaps.

use billing::events::{EventActor, EventResource, PublicEvent};
use billing::ids::{CompanyId, EventId};
use jiff::Timestamp;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::db::{Error, Row, Select, Tx, params, statements};

statements! {
    COUNT = "update company_counters set event_sequence = event_sequence + $1 where company_id = $2 \
        returning event_sequence";
    INSERT = "insert into events (company_id, sequence, id, type, occurred_at, resource_type, resource_id, \
        actor_type, actor_id, request_id, remote_address, agent, data, before) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    // What is of a person names it; of deliveries the document does.
    NAMING = "select sequence, resource_type, case when resource_type = 'delivery' or data like $1 \
        or before like $2 then data end, before from events where company_id = $3 and sequence > $4 \
        order by sequence limit $5";
    REDACT = "update events set data = $1, before = $2, redacted_at = $3 where company_id = $4 and sequence = $5";
    DATA = "select data from events where company_id = $1 and sequence = $2";
    AT = "select sequence, id, type, occurred_at, resource_id, data from events \
        where company_id = $1 and sequence = $2";
    HEADS = "select sequence, length(data) from events where company_id = $1 and sequence > $2 \
        order by sequence limit $3";
    SENT = "select sequence, id, type, occurred_at, resource_id, data from events \
        where company_id = $1 and sequence > $2 and sequence <= $3 order by sequence";
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

/// An event with all that it tells.
#[derive(Clone, PartialEq, Debug)]
pub struct Told {
    /// Its place in the log.
    pub sequence: i64,
    /// As `customer`.
    pub resource_type: String,
    /// The published resource, as JSON.
    pub data: String,
    /// What it was before, as JSON.
    pub before: Option<String>,
}

/// Of the next events after one those that name an id, and all of deliveries; and the last that was looked at.
///
/// # Errors
/// What the shelves answer.
pub fn naming(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    id: &str,
    after: i64,
    count: i64,
) -> Result<(Vec<Told>, Option<i64>), Error> {
    let (mut found, mut last) = (Vec::new(), None);
    let pattern = format!("%{id}%");
    for mut row in tx.all(NAMING, params![pattern.as_str(), pattern.as_str(), company_id, after, count])? {
        let sequence: i64 = row.next()?;
        last = Some(sequence);
        let (resource_type, data, before): (String, Option<String>, _) = (row.next()?, row.next()?, row.next()?);
        found.extend(data.map(|data| Told { sequence, resource_type, data, before }));
    }
    Ok((found, last))
}

/// Writes anew what an event tells. For erasing a person, and for nothing else.
///
/// # Errors
/// What the shelves answer.
pub fn redact(tx: &mut dyn Tx, company_id: CompanyId, event: &Told, now: Timestamp) -> Result<(), Error> {
    let Told { sequence, resource_type: _, data, before } = event;
    tx.exec(REDACT, params![data.as_str(), before.as_deref(), now, company_id, *sequence])
}

/// How far the log of each of these companies has come.
///
/// # Errors
/// What the shelves answer.
pub fn last_of_each(tx: &mut dyn Tx, companies: &[CompanyId]) -> Result<Vec<(CompanyId, i64)>, Error> {
    let mut found = Vec::with_capacity(companies.len());
    for part in companies.chunks(500) {
        let rows = Select::new("select company_id, event_sequence from company_counters where", params![])
            .and_any("company_id in", part.to_vec())
            .all(tx)?;
        for mut row in rows {
            found.push((row.id()?, row.next()?));
        }
    }
    Ok(found)
}

/// Which part of the log is read.
pub struct Asked<'a> {
    /// What came after this.
    pub after: i64,
    /// And up to this.
    pub up_to: i64,
    /// Of these types; of all when empty.
    pub kinds: Vec<&'a str>,
    /// How many at most.
    pub count: i64,
}

/// A part of the log, the oldest first.
///
/// # Errors
/// What the shelves answer.
pub fn log(tx: &mut dyn Tx, company_id: CompanyId, asked: &Asked<'_>) -> Result<Vec<PublicEvent>, Error> {
    let select = "select sequence, id, type, occurred_at, resource_type, resource_id, actor_type, actor_id, \
        request_id, redacted_at, data from events where company_id = ?";
    let rows = Select::new(select, params![company_id])
        .and("and sequence > ?", params![asked.after])
        .and("and sequence <= ?", params![asked.up_to])
        .and_any("and type in", asked.kinds.clone())
        .and("order by sequence limit ?", params![asked.count])
        .all(tx)?;
    rows.into_iter().map(public).collect()
}

fn public(mut row: Row) -> Result<PublicEvent, Error> {
    Ok(PublicEvent {
        sequence: row.next()?,
        id: row.id()?,
        kind: row.next()?,
        occurred_at: row.next()?,
        resource: EventResource { kind: row.next()?, id: row.parse()? },
        actor: EventActor { kind: row.next()?, id: row.opt_id()? },
        request_id: row.next()?,
        redacted_at: row.next()?,
        data: RawValue::from_string(row.next()?).map_err(|fault| Error::Broken(fault.to_string()))?,
    })
}

/// An event as it is sent.
#[derive(Clone, PartialEq, Debug)]
pub struct Sent {
    /// Its place in the log.
    pub sequence: i64,
    /// Its id.
    pub id: EventId,
    /// Its type.
    pub kind: String,
    /// When.
    pub occurred_at: Timestamp,
    /// The resource it is of.
    pub resource_id: Uuid,
    /// The published resource, as JSON.
    pub data: String,
}

/// The events after one, as they are sent: up to `count`, or so many that they hold `most` letters, but one
/// at least.
///
/// # Errors
/// What the shelves answer.
pub fn after(tx: &mut dyn Tx, company_id: CompanyId, after: i64, count: i64, most: i64) -> Result<Vec<Sent>, Error> {
    let (mut last, mut sum) = (None, 0_i64);
    for mut row in tx.all(HEADS, params![company_id, after, count])? {
        let (sequence, length): (i64, i64) = (row.next()?, row.next()?);
        sum = sum.saturating_add(length);
        if last.is_some() && sum > most {
            break;
        }
        last = Some(sequence);
    }
    let Some(last) = last else { return Ok(Vec::new()) };
    tx.all(SENT, params![company_id, after, last])?.into_iter().map(sent).collect()
}

/// One event as it is sent.
///
/// # Errors
/// `Broken` when there is no such event: none is ever taken away.
pub fn at(tx: &mut dyn Tx, company_id: CompanyId, sequence: i64) -> Result<Sent, Error> {
    let row = tx.one(AT, params![company_id, sequence])?;
    sent(row.ok_or_else(|| Error::Broken(format!("there is no event {sequence}")))?)
}

fn sent(mut row: Row) -> Result<Sent, Error> {
    Ok(Sent {
        sequence: row.next()?,
        id: row.id()?,
        kind: row.next()?,
        occurred_at: row.next()?,
        resource_id: row.parse()?,
        data: row.next()?,
    })
}
