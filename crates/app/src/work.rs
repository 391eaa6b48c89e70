//! The one road of every write, and the one of every read. What attaches to all
//! writes (company, time, events) attaches here; what a door may ask of one besides,
//! in [`answers`](crate::answers).

use std::cell::RefCell;
use std::sync::Arc;

use billing::company::Company;
use billing::ids::{CompanyId, EventId, Id};
use billing::refusal::Refusal;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use store::db::Tx;
use store::{companies, events};
use uuid::Uuid;

use crate::imports::Ahead;
use crate::{App, Caller, Channels, Error, Pending, clock, webhooks};

/// What a reading verb is given.
pub struct View<'a> {
    pub(crate) tx: &'a mut dyn Tx,
    pub(crate) company: Company,
    pub(crate) by: Caller,
    /// The company's day.
    pub(crate) today: Date,
}

/// What a writing verb is given: a transaction that holds its company.
pub struct Work<'a> {
    pub(crate) tx: &'a mut dyn Tx,
    pub(crate) company: Company,
    pub(crate) by: Caller,
    pub(crate) now: Timestamp,
    /// The company's day.
    pub(crate) today: Date,
    pub(crate) channels: Arc<Channels>,
    pub(crate) events: Vec<events::NewEvent>,
    pub(crate) given: RefCell<Given>,
    pub(crate) webhooks: Arc<webhooks::Means>,
    pub(crate) ahead: Ahead,
    is_idle: bool,
}

/// What a work gave for the first time: ids, and numbers of series.
#[derive(Default, Debug)]
pub(crate) struct Given {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) numbers: Vec<String>,
    /// What is shown once and never kept.
    pub(crate) secrets: Vec<String>,
}

impl App {
    /// Runs a writing verb in its lane; the answer comes after the commit. Each
    /// write stores at least one event, which is also the audit trail.
    pub fn write<T, V>(&self, by: Caller, verb: V) -> Pending<T, Error>
    where
        T: Send + 'static,
        V: FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (clock, channels, webhooks) = (self.clock.clone(), self.channels.clone(), self.webhooks.clone());
        self.db.write(by.company_id, move |tx| {
            let company = company(tx, by.company_id)?;
            // Read here, where the company is held: what is written later is not earlier.
            let mut work = Work::new(tx, company, by, clock.now(), channels, webhooks);
            let answer = verb(&mut work)?;
            work.store_events()?;
            Ok(answer)
        })
    }

    /// Founds a company: it is shelved, then the verb sets up its books, on the same road as [`write`](App::write).
    pub(crate) fn found<T, V>(&self, company: Company, by: Caller, verb: V) -> Pending<T, Error>
    where
        T: Send + 'static,
        V: FnOnce(&mut Work<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (channels, webhooks) = (self.channels.clone(), self.webhooks.clone());
        self.db.write(company.id, move |tx| {
            companies::insert(tx, &company)?;
            let now = company.created_at;
            let mut work = Work::new(tx, company, by, now, channels, webhooks);
            let answer = verb(&mut work)?;
            work.store_events()?;
            Ok(answer)
        })
    }

    /// Runs a reading verb on its own connection, which sees one moment of the books.
    pub fn read<T, V>(&self, by: Caller, verb: V) -> Pending<T, Error>
    where
        T: Send + 'static,
        V: FnOnce(&mut View<'_>) -> Result<T, Error> + Send + 'static,
    {
        let now = self.clock.now();
        self.db.read(move |tx| {
            let company = company(tx, by.company_id)?;
            let today = clock::day(now, &company.time_zone);
            verb(&mut View { tx, company, by, today })
        })
    }
}

/// The company a verb works in; only an operator can name one that is not there.
pub(crate) fn company(tx: &mut dyn Tx, id: CompanyId) -> Result<Company, Error> {
    companies::get(tx, id).map_err(|fault| not_there(id, fault))
}

/// What is answered where a company can't be read.
pub(crate) fn not_there(id: CompanyId, fault: store::Error) -> Error {
    match fault {
        store::Error::NotFound => Refusal::missing("COMPANY_NOT_FOUND", format!("There is no company {id}.")).into(),
        other => other.into(),
    }
}

impl View<'_> {
    /// The company's day.
    pub fn today(&self) -> Date {
        self.today
    }
}

impl<'a> Work<'a> {
    pub(crate) fn new(
        tx: &'a mut dyn Tx,
        company: Company,
        by: Caller,
        now: Timestamp,
        channels: Arc<Channels>,
        webhooks: Arc<webhooks::Means>,
    ) -> Work<'a> {
        let today = clock::day(now, &company.time_zone);
        let (events, given, ahead) = (Vec::new(), RefCell::default(), Ahead::default());
        Work { tx, company, by, now, today, channels, webhooks, events, given, ahead, is_idle: false }
    }
}

impl Work<'_> {
    /// The books as this work sees them.
    pub(crate) fn view(&mut self) -> View<'_> {
        let (company, by) = (self.company.clone(), self.by.clone());
        View { tx: &mut *self.tx, company, by, today: self.today }
    }

    /// The company's day.
    pub fn today(&self) -> Date {
        self.today
    }

    /// A new id of any kind, in the order of time.
    pub fn new_id<T: Id>(&self) -> T {
        let id = Uuid::now_v7();
        self.given.borrow_mut().ids.push(id);
        T::from(id)
    }

    /// Says that a number was given that nobody asked for by name: the next of a series.
    pub(crate) fn number_given(&self, number: &str) {
        self.given.borrow_mut().numbers.push(number.to_owned());
    }

    /// Names what happened: `type` as `credit_note.created`, the published
    /// resource after, and what it was before (audit trail only, never published).
    pub fn event<T: Serialize>(
        &mut self,
        kind: &'static str,
        resource_type: &'static str,
        resource_id: impl Id,
        after: &T,
        before: Option<String>,
    ) {
        self.events.push(events::NewEvent {
            id: EventId(Uuid::now_v7()),
            kind,
            resource_type,
            resource_id: resource_id.into(),
            data: json(after),
            before,
        });
    }

    /// Says that nothing was written after all, so that no event is owed.
    pub(crate) fn nothing_happened(&mut self) {
        self.is_idle = true;
    }

    /// Says that what is written follows an event that was stored before, so that no other is owed.
    pub(crate) fn told_before(&mut self) {
        self.is_idle = true;
    }

    /// Stores what happened; the sequence of the first event, where anything did.
    pub(crate) fn store_events(&mut self) -> Result<Option<i64>, Error> {
        if self.is_idle && self.events.is_empty() {
            return Ok(None);
        }
        assert!(!self.events.is_empty(), "a write names at least one event");
        let (actor_type, actor_id) = self.by.actor.named();
        let origin = events::EventOrigin {
            occurred_at: self.now,
            actor_type,
            actor_id,
            request_id: &self.by.request_id,
            remote_address: self.by.remote_address.as_deref(),
            agent: self.by.agent.as_deref(),
        };
        Ok(Some(events::append(self.tx, self.by.company_id, &origin, &self.events)?))
    }
}

impl Given {
    /// JSON with null for what is shown once: what is kept of an answer.
    pub(crate) fn without_secrets(&self, json: &str) -> Option<String> {
        if self.secrets.is_empty() {
            return None;
        }
        Some(self.secrets.iter().fold(json.to_owned(), |json, secret| json.replace(&format!("\"{secret}\""), "null")))
    }
}

/// The published JSON of a resource as text.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("published structs always become JSON")
}
