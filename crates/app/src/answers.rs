//! The doors' writes: stored under an idempotency key with their effect and answered again when
//! the key comes again, done only to what the caller knows, or shown beforehand.

use billing::ids::CompanyId;
use billing::refusal::Refusal;
use jiff::{SignedDuration, Timestamp};
use store::db::Tx;
use store::ledger;
use store::stored_answers::{self, StoredAnswer};

use crate::work::{company, not_there};
use crate::{App, Caller, Error, Pending, View, Work, previews};

/// How long an answer is given again.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How often it is looked for old answers where there were none.
const SWEEP_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// How many old answers are dropped at once, so that writes wait for milliseconds only.
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
        let Terms { key, precondition, intent } = terms;
        if intent == Intent::Preview {
            return self.db.rehearse(company_id, move |tx| {
                let company = company(tx, company_id)?;
                let entries = ledger::length(tx, company_id)?;
                let mut work = Work::new(tx, company, by, clock.now());
                let answer = done(&mut work, precondition, verb)?;
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
                return again(&key, stored);
            }
            let mut work = Work::new(tx, company, by, clock.now());
            let answer = done(&mut work, precondition, verb)?;
            let now = work.now;
            store(tx, company_id, key, &answer, now)?;
            Ok(answer)
        })
    }

    /// Drops some of the answers that are too old to be given again, where it is time to look for them.
    ///
    /// # Errors
    /// When the shelves can't be read or written.
    pub(crate) fn sweep_answers(&self, sweep_at: &mut Timestamp) -> Result<(), Error> {
        let now = self.now();
        if now < *sweep_at {
            return Ok(());
        }
        let before = now - KEPT_FOR;
        // Most looks find nothing: look with a reader.
        if !self.db.read(move |tx| Ok::<bool, Error>(stored_answers::any_before(tx, before)?)).wait()? {
            *sweep_at = now + SWEEP_EVERY;
            return Ok(());
        }
        self.db.claim(move |tx| Ok::<u64, Error>(stored_answers::sweep(tx, before, SWEEP)?)).wait().map(drop)
    }
}

fn check(work: &mut Work<'_>, precondition: Option<Precondition>) -> Result<(), Error> {
    let Some(holds) = precondition else { return Ok(()) };
    if holds(&mut work.view())? { Ok(()) } else { Err(Error::Precondition) }
}

fn done<V>(work: &mut Work<'_>, precondition: Option<Precondition>, verb: V) -> Result<Answered, Error>
where
    V: FnOnce(&mut Work<'_>) -> Result<Answered, Error>,
{
    check(work, precondition)?;
    let answer = verb(work)?;
    work.store_events()?;
    Ok(answer)
}

fn store(tx: &mut dyn Tx, company_id: CompanyId, key: Key, answer: &Answered, now: Timestamp) -> Result<(), Error> {
    let Answered { status, body, done: _ } = answer;
    let stored = StoredAnswer { request_sha256: key.request_sha256, status: i64::from(*status), body: body.clone() };
    Ok(stored_answers::insert(tx, company_id, &key.text, &stored, now)?)
}

/// The answer that is stored under a key, to the request it was stored for.
fn again(key: &Key, stored: StoredAnswer) -> Result<Answered, Error> {
    let StoredAnswer { request_sha256, status, body } = stored;
    if request_sha256 != key.request_sha256 {
        let message = "The idempotency key was used for another request; a new request takes a new key.";
        return Err(Refusal::new("IDEMPOTENCY_KEY_REUSED", message).into());
    }
    let status = u16::try_from(status).map_err(|_| Error::Broken(format!("a stored answer has status {status}")))?;
    Ok(Answered { status, body, done: Done::Before })
}
