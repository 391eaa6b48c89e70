//! The doors' writes: stored under an idempotency key with their effect and answered again when
//! the key comes again, done only to what the caller knows, or shown beforehand.

use std::time::{Duration, Instant};

use billing::ids::CompanyId;
use billing::refusal::Refusal;
use jiff::SignedDuration;
use store::db::Tx;
use store::events::{self, NewEvent};
use store::ledger;
use store::stored_answers::{self, BEGIN, Body, Place, StoredAnswer};

use crate::work::{company, not_there};
use crate::{App, Caller, Error, Pending, View, Work, previews};

/// How long an answer is given again.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long after all answers were looked at they are looked at again.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// How many answers are looked at in one go, so that writes wait for a millisecond when some are dropped.
const SWEEP: u32 = 500;

/// What a request asks of a write besides its input.
#[derive(Default)]
pub struct Terms {
    /// Under which key its answer is stored.
    pub key: Option<Key>,
    /// What must hold when its turn has come.
    pub precondition: Option<Precondition>,
    /// Whether it is done or shown.
    pub intent: Intent,
}

/// An idempotency key with the request it came with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    /// As the caller chose it.
    pub text: String,
    /// SHA-256 of method, path, query and body.
    pub request_sha256: String,
}

/// Looks at the books before a write; whether it may be done.
pub type Precondition = Box<dyn FnOnce(&mut View<'_>) -> Result<bool, Error> + Send>;

/// Whether a write is done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Intent {
    /// It is.
    #[default]
    Do,
    /// It is done, told and undone.
    Preview,
}

/// What a write answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answered {
    /// The status, as 201.
    pub status: u16,
    /// Its JSON; none where it has none.
    pub body: Option<String>,
    /// When it was done.
    pub done: Done,
}

/// When a write was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    /// Just now.
    Now,
    /// Before, under the same key: the answer is that of then.
    Before,
    /// Not at all: the answer is a preview.
    Never,
}

impl App {
    /// Runs a writing verb as [`write`](App::write) does, on the terms of a door. Its answer is made
    /// where it is stored: in its lane. Requests of one key come one after the other there, so that
    /// one runs and the others find its answer.
    pub fn answer<V>(&self, by: Caller, terms: Terms, verb: V) -> Pending<Answered, Error>
    where
        V: FnOnce(&mut Work<'_>) -> Result<Answered, Error> + Send + 'static,
    {
        let (clock, company_id) = (self.clock.clone(), by.company_id);
        let (channels, webhooks) = (self.channels.clone(), self.webhooks.clone());
        let Terms { key, precondition, intent } = terms;
        if intent == Intent::Preview {
            return self.db.rehearse(company_id, move |tx| {
                let company = company(tx, company_id)?;
                let entries = ledger::length(tx, company_id)?;
                let mut work = Work::new(tx, company, by, clock.now(), channels, webhooks);
                let (answer, _) = done(&mut work, precondition, verb)?;
                previews::of(&mut work, answer, entries)
            });
        }
        let Some(key) = key else {
            return self.write(by, move |work| {
                check(work, precondition)?;
                verb(work)
            });
        };
        self.db.write(company_id, move |tx| {
            let since = clock.now() - KEPT_FOR;
            let found = stored_answers::get_with_company(tx, company_id, &key.text, since);
            let (company, stored) = found.map_err(|fault| not_there(company_id, fault))?;
            if let Some(stored) = stored {
                return again(tx, company_id, &key, stored);
            }
            let mut work = Work::new(tx, company, by, clock.now(), channels, webhooks);
            let (answer, first) = done(&mut work, precondition, verb)?;
            // A secret is shown once: whoever asks again under the key is not shown it.
            let without = answer.body.as_deref().and_then(|body| work.given.borrow().without_secrets(body));
            let body = kept(without.as_deref().or(answer.body.as_deref()), first, &work.events);
            let stored = StoredAnswer { request_sha256: key.request_sha256, status: i64::from(answer.status), body };
            stored_answers::insert(work.tx, company_id, &key.text, &stored, work.now)?;
            Ok(answer)
        })
    }

    /// Looks at the next answers of a walk, where it is time, and drops those too old to be given again.
    ///
    /// # Errors
    /// When the shelves can't be read or written.
    pub(crate) fn sweep_answers(&self, sweep: &mut Sweep) -> Result<(), Error> {
        if sweep.ended.is_some_and(|ended| ended.elapsed() < SWEEP_EVERY) {
            return Ok(());
        }
        let (before, after) = (self.now() - KEPT_FOR, sweep.after);
        // Most looks find nothing old: look with a reader.
        let found = self.db.read(move |tx| Ok::<_, Error>(stored_answers::walk(tx, after, SWEEP)?)).wait()?;
        let is_end = found.len() < SWEEP as usize;
        if let Some((last, _)) = found.last().copied() {
            let after = std::mem::replace(&mut sweep.after, last);
            if found.iter().any(|(_, stored_at)| *stored_at < before) {
                let sweep = move |tx: &mut dyn Tx| Ok::<_, Error>(stored_answers::sweep(tx, after, last, before)?);
                self.db.claim(sweep).wait()?;
            }
        }
        sweep.ended = is_end.then(Instant::now);
        if is_end {
            sweep.after = BEGIN;
        }
        Ok(())
    }
}

/// A walk over all stored answers that drops the old ones: an index by time would cost each write more than the
/// walk does.
pub(crate) struct Sweep {
    after: Place,
    /// When the last walk came to its end; none while one is on its way.
    ended: Option<Instant>,
}

impl Default for Sweep {
    fn default() -> Sweep {
        Sweep { after: BEGIN, ended: None }
    }
}

fn check(work: &mut Work<'_>, precondition: Option<Precondition>) -> Result<(), Error> {
    let Some(holds) = precondition else { return Ok(()) };
    if holds(&mut work.view())? { Ok(()) } else { Err(Error::Precondition) }
}

/// Does what is asked: its answer, and the sequence of the first event it told.
fn done<V>(work: &mut Work<'_>, precondition: Option<Precondition>, verb: V) -> Result<(Answered, Option<i64>), Error>
where
    V: FnOnce(&mut Work<'_>) -> Result<Answered, Error>,
{
    check(work, precondition)?;
    let answer = verb(work)?;
    let first = work.store_events()?;
    Ok((answer, first))
}

/// Where an answer is read again: in the event that tells the same, as that of a creation does, so that
/// nothing is stored twice; else beside its key.
fn kept(body: Option<&str>, first: Option<i64>, told: &[NewEvent]) -> Body {
    let Some(body) = body else { return Body::None };
    let same = first.and_then(|first| (first..).zip(told).find(|(_, event)| event.data == body));
    same.map_or_else(|| Body::Own(body.to_owned()), |(sequence, _)| Body::OfEvent(sequence))
}

/// The answer that is stored under a key, to the request it was stored for.
fn again(tx: &mut dyn Tx, company_id: CompanyId, key: &Key, stored: StoredAnswer) -> Result<Answered, Error> {
    let StoredAnswer { request_sha256, status, body } = stored;
    if request_sha256 != key.request_sha256 {
        let message = "The idempotency key was used for another request; a new request takes a new key.";
        return Err(Refusal::new("IDEMPOTENCY_KEY_REUSED", message).into());
    }
    let status = u16::try_from(status).map_err(|_| Error::Broken(format!("a stored answer has status {status}")))?;
    let body = match body {
        Body::None => None,
        Body::Own(text) => Some(text),
        Body::OfEvent(sequence) => Some(events::data(tx, company_id, sequence)?),
    };
    Ok(Answered { status, body, done: Done::Before })
}
