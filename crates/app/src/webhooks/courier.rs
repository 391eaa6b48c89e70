//! A courier: sends to one endpoint, as long as it holds the endpoint's lease and there is something to send.
//! What became of it is kept in groups, while more is sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use billing::events::{Envelope, TESTED};
use billing::ids::{EventId, WebhookDeliveryId};
use billing::webhook_urls::Target;
use billing::webhooks::{FAILING_AT_MOST, LONGEST_WAIT, WebhookDelivery, WebhookEndpoint, WebhookStatus, wait_after};
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use store::webhook_deliveries::{self as deliveries, Put};
use store::webhooks::{self as shelf, Kept, Place, Which};
use store::{Pending, events};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::queue::{Item, Queue};
use super::sending::{Message, Outcome, Resolve, Sender};
use super::{secrets, signing::Signer};
use crate::{Actor, App, Caller, Error};

/// How long an endpoint is nobody else's.
pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(45);
/// How long after it was last renewed something may still be sent: what is on its way then lands before it ends.
const SENDS_FOR: Duration = Duration::from_secs(28);
const RENEWED_EVERY: Duration = Duration::from_secs(10);
/// How many requests one endpoint is sent at once. Each failure halves it.
const AT_ONCE: usize = 16;
/// How many failures in a row there are before new events wait.
const RESTS_AFTER: u32 = 16;
/// How long they wait then: half as long as it has failed, but not less nor more than this.
const RESTS: [SignedDuration; 2] = [SignedDuration::from_secs(30), SignedDuration::from_mins(10)];
/// How many events are read at once, how many letters they hold, and when more are read.
const READ: i64 = 256;
const READ_LETTERS: i64 = 1 << 20;
const READ_BELOW: usize = 128;
/// How many may wait to be tried again; then new events wait in the log.
const ROWS: usize = 1_000;
/// How much that is done may wait to be kept.
const UNKEPT: usize = 512;
/// How long a courier waits for more before it gives the endpoint back.
const WAITS: Duration = Duration::from_secs(5);
/// How long it waits when the shelves are away, or all places to send from are taken.
const SHELVES_AWAY: Duration = Duration::from_secs(1);
/// Nothing is tried again later than this after it was put off, also where the clocks of processes differ.
pub(super) const LATEST: SignedDuration = SignedDuration::from_hours(12);
/// The answer of a receiver that wants nothing more, ever: 410 Gone.
const GONE: u16 = 410;
const NO_PLACE: Duration = Duration::from_millis(20);

/// What all couriers of a process share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) app: Arc<App>,
    /// How many requests are under way at once, in all.
    pub(super) places: Arc<Semaphore>,
    pub(super) resolve: Resolve,
    pub(super) stopped: watch::Receiver<bool>,
}

/// Where an endpoint's events go.
struct Address {
    endpoint: WebhookEndpoint,
    signer: Arc<Signer>,
    sender: Arc<Sender>,
}

/// What is being kept: the answer to come, what became of events, and the place with it.
type Keeping = (Pending<bool, Error>, Arc<Vec<Put>>, Place);

struct Landed {
    sequence: i64,
    started_at: Timestamp,
    /// None where the event could not be read.
    outcome: Option<Outcome>,
    /// Where it went: the endpoint may have another URL by now.
    sender: Arc<Sender>,
}

pub(super) struct Courier {
    shared: Shared,
    which: Which,
    lease_id: Uuid,
    place: Place,
    kept_place: Place,
    failures: u32,
    last_failure_at: Option<Timestamp>,
    /// Until when the receiver asked to be left alone.
    quiet_until: Option<Timestamp>,
    address: Option<Address>,
    queue: Queue,
    flights: JoinSet<Landed>,
    done: Vec<Put>,
    keeping: Option<Keeping>,
    renewed: Instant,
    is_at_end: bool,
    /// Whether the receiver has said that it is there no more.
    is_unwanted: bool,
    is_gone: bool,
}

impl Courier {
    pub(super) fn new(shared: Shared, which: Which, lease_id: Uuid, place: Place) -> Courier {
        Courier {
            shared,
            which,
            lease_id,
            place,
            kept_place: place,
            failures: if place.is_resting { RESTS_AFTER } else { 0 },
            last_failure_at: None,
            quiet_until: None,
            address: None,
            queue: Queue::after(place.sequence),
            flights: JoinSet::new(),
            done: Vec::new(),
            keeping: None,
            renewed: Instant::now(),
            is_at_end: false,
            is_unwanted: false,
            is_gone: false,
        }
    }

    fn now(&self) -> Timestamp {
        self.shared.app.now()
    }

    /// Sends until there is nothing more to send, or the endpoint is somebody else's.
    pub(super) async fn work(mut self) {
        if let Err(fault) = self.try_work().await {
            tracing::warn!(%fault, company_id = %self.which.0, endpoint_id = %self.which.1, "an endpoint's events can't be sent");
        }
        // What is on its way lands first: who takes the endpoint next must not overtake it.
        while self.flights.join_next().await.is_some() {}
    }

    async fn try_work(&mut self) -> Result<(), Error> {
        let mut news = self.shared.app.news.of(self.which.0);
        let mut stopped = self.shared.stopped.clone();
        self.take_rows().await?;
        let mut idle_since = Instant::now();
        loop {
            let is_stopped = *stopped.borrow();
            if self.address.is_none() || (!is_stopped && self.wants_more()) {
                self.read().await?;
            }
            if self.is_gone {
                return Ok(());
            }
            let is_short = if is_stopped { false } else { self.send() };
            self.begin_to_keep();
            let is_idle = self.flights.is_empty() && self.keeping.is_none() && self.done.is_empty();
            if !is_idle {
                idle_since = Instant::now();
            }
            let is_over = is_stopped || self.rests() || idle_since.elapsed() >= WAITS;
            if is_idle && !is_short && (is_stopped || (is_over && !self.is_due())) {
                return self.give_back().await;
            }
            let nap = if is_short { NO_PLACE } else { self.nap(is_idle && !is_stopped) };
            tokio::select! {
                Some(landed) = self.flights.join_next(), if !self.flights.is_empty() => {
                    self.landed(landed);
                    while let Some(landed) = self.flights.try_join_next() {
                        self.landed(landed);
                    }
                    self.mind_the_end().await?;
                }
                kept = kept(&mut self.keeping), if self.keeping.is_some() => self.kept(kept).await?,
                heard = news.changed(), if !is_stopped => {
                    if heard.is_ok() {
                        // The endpoint itself may have been changed.
                        self.is_at_end = false;
                        self.read().await?;
                    }
                }
                _ = stopped.changed(), if !is_stopped => {}
                () = tokio::time::sleep(nap) => {}
            }
        }
    }

    /// How long nothing happens by itself.
    fn nap(&self, is_idle: bool) -> Duration {
        let longest = if is_idle { WAITS / 4 } else { RENEWED_EVERY / 4 };
        let due = self.due_at().map(|at| at.duration_since(self.now()));
        due.map_or(longest, |left| Duration::try_from(left).unwrap_or_default().min(longest))
            .max(Duration::from_millis(1))
    }

    fn rests(&self) -> bool {
        self.failures >= RESTS_AFTER || self.quiet().is_some()
    }

    /// Until when it is left alone, as it asked; a time that a clock that was ahead gave does not count.
    fn quiet(&self) -> Option<Timestamp> {
        let (until, now) = (self.quiet_until?, self.now());
        (until > now && until <= now + LONGEST_WAIT).then_some(until)
    }

    /// When new events are tried again, of an endpoint that rests.
    fn rest_ends_at(&self) -> Timestamp {
        let usual = match (self.place.failing_since, self.last_failure_at) {
            (Some(since), Some(last)) => last + (last.duration_since(since) / 2).clamp(RESTS[0], RESTS[1]),
            _ => self.now(),
        };
        self.quiet().map_or(usual, |until| until.max(usual))
    }

    /// When there is something to do, though nothing new happens.
    fn due_at(&self) -> Option<Timestamp> {
        let probe = (self.rests() && !self.is_at_end).then(|| self.rest_ends_at());
        let due = self.queue.due_at().into_iter().chain(probe).min();
        // Left alone, it is sent nothing before; and nothing new until then.
        self.quiet().map(|until| due.map_or(until, |at| at.max(until))).or(due)
    }

    fn is_due(&self) -> bool {
        self.quiet().is_none() && (!self.queue.is_still() || self.due_at().is_some_and(|at| at <= self.now()))
    }

    fn wants_more(&self) -> bool {
        let has_room = self.queue.without_row() < READ_BELOW && self.queue.rows() < ROWS;
        let may = if self.rests() { self.queue.is_still() && self.rest_ends_at() <= self.now() } else { true };
        !self.is_at_end && has_room && may
    }

    /// What is to be tried again, from an earlier courier.
    async fn take_rows(&mut self) -> Result<(), Error> {
        let (company_id, id) = self.which;
        let rows = self
            .shared
            .app
            .db
            .read(move |tx| Ok::<_, Error>(deliveries::pending(tx, company_id, id, 2 * ROWS as i64)?));
        for row in rows.await? {
            let item = Item {
                event_id: row.event_id,
                kind: row.kind,
                resource_id: row.resource_id,
                told: None,
                attempts: row.attempts,
                first_attempt_at: row.first_attempt_at,
                has_row: true,
            };
            self.queue.take_row(row.sequence, item, row.next_attempt_at);
        }
        Ok(())
    }

    /// Reads the endpoint, and what comes next in the log where there is room.
    async fn read(&mut self) -> Result<(), Error> {
        let (company_id, id) = self.which;
        let (after, rests) = (self.queue.position(), self.rests());
        let wants_more = self.wants_more();
        let (which, lease_id) = (self.which, self.lease_id);
        let read = self.shared.app.db.read(move |tx| {
            // Whoever asked for a test or a replay has taken the lease away: another courier begins anew.
            if !shelf::is_held(tx, which, lease_id)? {
                return Ok::<_, Error>(None);
            }
            let Some(kept) = shelf::get(tx, company_id, id)? else { return Ok(None) };
            let next = if wants_more { events::after(tx, company_id, after, READ, READ_LETTERS)? } else { Vec::new() };
            Ok(Some((kept, next, shelf::latest(tx, company_id)?)))
        });
        let Some((kept, next, latest)) = read.await?.filter(|(kept, ..)| kept.endpoint.enabled) else {
            self.is_gone = true;
            return Ok(());
        };
        self.address(kept)?;
        let Some(address) = &self.address else { return Ok(()) };
        let mut behind = Vec::new();
        for event in next {
            // A test has a row of its own from the start, and goes to whom it tests alone.
            if event.kind == TESTED || !address.endpoint.takes(&event.kind) {
                self.queue.pass(event.sequence);
                continue;
            }
            let item = Item {
                event_id: event.id,
                kind: event.kind,
                resource_id: event.resource_id,
                told: Some((event.occurred_at, event.data)),
                attempts: 0,
                first_attempt_at: None,
                has_row: false,
            };
            self.queue.take_event(event.sequence, item);
            if self.queue.is_behind_a_row(event.sequence) {
                behind.push(event.sequence);
            } else if rests {
                // One is enough to see whether it is well again.
                break;
            }
        }
        self.is_at_end = self.queue.position() >= latest;
        self.wait_behind(&behind, None);
        Ok(())
    }

    /// Takes the endpoint as it is now.
    fn address(&mut self, kept: Kept) -> Result<(), Error> {
        let Kept { endpoint, secret, old_secret } = kept;
        if self.address.as_ref().is_some_and(|address| address.endpoint == endpoint) {
            return Ok(());
        }
        let webhooks = &self.shared.app.webhooks;
        let (key, whose) = (webhooks.keys.key()?, secrets::of(self.which.0, endpoint.id));
        let secret = key.open(&whose, &secret)?;
        let old = old_secret.map(|(old, until)| Ok::<_, Error>((key.open(&whose, &old)?, until))).transpose()?;
        let signer = Signer::new(&secret, old.as_ref().map(|(old, until)| (old.as_slice(), *until)));
        let sender = match &self.address {
            Some(address) if address.endpoint.url == endpoint.url => address.sender.clone(),
            // What was taken once may not be taken any more: the server may have been started without
            // `--allow-insecure-webhooks`.
            _ => Arc::new(Sender::new(
                Target::parse(&endpoint.url, webhooks.reach),
                webhooks.reach,
                self.shared.resolve.clone(),
                webhooks.tls.clone(),
            )),
        };
        self.address = Some(Address { endpoint, signer: Arc::new(signer), sender });
        Ok(())
    }

    /// Sends what is due; whether there was no place to send from.
    fn send(&mut self) -> bool {
        // Who stood still for so long may have lost the endpoint without hearing of it.
        if self.renewed.elapsed() >= SENDS_FOR {
            self.is_gone = true;
            return false;
        }
        let now = self.shared.app.now();
        let count = self.queue.set_right(now + LATEST);
        if count > 0 {
            tracing::warn!(count, endpoint_id = %self.which.1, "the clock has gone back: webhooks that waited for a later time are due now");
        }
        if self.quiet().is_some() {
            return false;
        }
        let Some(address) = &self.address else { return false };
        let most = if self.failures == 0 { AT_ONCE } else { (AT_ONCE >> self.failures.min(8)).max(1) };
        while self.queue.flying() < most && self.done.len() < UNKEPT {
            if self.queue.is_still() && self.queue.due_at().is_none_or(|at| at > now) {
                break;
            }
            let Ok(place) = self.shared.places.clone().try_acquire_owned() else { return true };
            let Some(sequence) = self.queue.next(now) else { break };
            let Some(item) = self.queue.item(sequence) else { continue };
            let (event_id, kind, told) = (item.event_id, item.kind.clone(), item.told.take());
            let (app, company_id) = (self.shared.app.clone(), self.which.0);
            let (signer, sender) = (address.signer.clone(), address.sender.clone());
            self.flights.spawn(async move {
                let _place = place;
                let told = match told {
                    Some(told) => Ok(told),
                    None => app
                        .db
                        .read(move |tx| Ok::<_, Error>(events::at(tx, company_id, sequence)?))
                        .await
                        .map(|event| (event.occurred_at, event.data)),
                };
                let started_at = app.now();
                let Ok((occurred_at, data)) = told else {
                    return Landed { sequence, started_at, outcome: None, sender };
                };
                let body = Envelope { id: event_id, kind: &kind, occurred_at, sequence }.body(&data);
                drop(data);
                let id = event_id.to_string();
                let signature = signer.signature(&id, started_at, &body);
                let message = Message { id, at: started_at, signature, body: Bytes::from(body) };
                Landed { sequence, started_at, outcome: Some(sender.send(message).await), sender }
            });
        }
        false
    }

    /// What became of a request.
    fn landed(&mut self, landed: Result<Landed, tokio::task::JoinError>) {
        let Ok(Landed { sequence, started_at, outcome, sender }) = landed else {
            // A flight that panicked: nobody knows which. The next courier begins where all is known.
            self.is_gone = true;
            return;
        };
        let now = self.now();
        let Some(outcome) = outcome else {
            self.queue.retry(sequence, now + SignedDuration::from_secs(5));
            return;
        };
        let is_taken = outcome.error.is_none();
        metrics::counter!("ledgerbee_webhooks_total", "outcome" => if is_taken { "delivered" } else { "failed" })
            .increment(1);
        let Some(item) = self.queue.item(sequence) else { return };
        item.attempts += 1;
        item.first_attempt_at.get_or_insert(started_at);
        let attempts = item.attempts;
        if is_taken {
            self.failures = 0;
            self.place.failing_since = None;
            self.quiet_until = None;
        } else {
            self.failures = self.failures.saturating_add(1);
            // One that began later than now began by a clock that was ahead.
            let since = self.place.failing_since.filter(|since| *since <= started_at);
            self.place.failing_since = since.or(Some(started_at));
            self.last_failure_at = Some(now);
            let asked = outcome.asks.map(|asks| now + asks.min(LONGEST_WAIT));
            self.quiet_until = self.quiet_until.max(asked);
            let is_there_still = self.address.as_ref().is_some_and(|address| Arc::ptr_eq(&address.sender, &sender));
            self.is_unwanted |= outcome.status == Some(GONE) && is_there_still;
        }
        self.place.is_resting = self.rests();
        let again = if is_taken { None } else { wait_after(attempts, outcome.asks, chance()).map(|wait| now + wait) };
        let status = match (is_taken, again) {
            (true, _) => WebhookStatus::Delivered,
            (false, Some(_)) => WebhookStatus::Pending,
            (false, None) => WebhookStatus::Failed,
        };
        if let Some(put) = self.put(sequence, status, again, Some((started_at, now, outcome))) {
            self.done.push(put);
        }
        match again {
            None => self.queue.end(sequence),
            Some(due_at) => {
                let behind = self.queue.retry(sequence, due_at);
                self.wait_behind(&behind, Some(sequence));
            }
        }
    }

    /// Gives these a row; `kept` has one coming already.
    fn wait_behind(&mut self, sequences: &[i64], kept: Option<i64>) {
        for sequence in sequences.iter().filter(|sequence| Some(**sequence) != kept) {
            if let Some(put) = self.put(*sequence, WebhookStatus::Pending, None, None) {
                self.done.push(put);
            }
        }
        self.queue.have_rows(sequences);
    }

    fn put(
        &mut self,
        sequence: i64,
        status: WebhookStatus,
        next_attempt_at: Option<Timestamp>,
        attempt: Option<(Timestamp, Timestamp, Outcome)>,
    ) -> Option<Put> {
        let endpoint_id = self.which.1;
        let item = self.queue.item(sequence)?;
        let (started_at, ended_at, outcome) = match attempt {
            Some((started_at, ended_at, outcome)) => (Some(started_at), Some(ended_at), Some(outcome)),
            None => (None, None, None),
        };
        let delivery = WebhookDelivery {
            id: WebhookDeliveryId::from(Uuid::now_v7()),
            endpoint_id,
            event_id: EventId(item.event_id.0),
            sequence,
            kind: item.kind.clone(),
            status,
            attempt_count: item.attempts,
            first_attempt_at: item.first_attempt_at,
            last_attempt_at: started_at,
            next_attempt_at,
            delivered_at: ended_at.filter(|_| status == WebhookStatus::Delivered),
            duration_ms: outcome.as_ref().map(|done| u32::try_from(done.took.as_millis()).unwrap_or(u32::MAX)),
            response_status: outcome.as_ref().and_then(|done| done.status).map(u32::from),
            last_error: outcome.and_then(|done| done.error),
        };
        Some(Put { delivery, resource_id: item.resource_id })
    }

    /// Begins to keep what is done, where nothing is being kept.
    fn begin_to_keep(&mut self) {
        if self.keeping.is_some() {
            return;
        }
        self.place.sequence = self.queue.place();
        let is_old = self.renewed.elapsed() >= RENEWED_EVERY;
        if self.done.is_empty() && !is_old && self.place.sequence < self.kept_place.sequence + READ {
            return;
        }
        let done = Arc::new(std::mem::take(&mut self.done));
        // Whoever comes after us, should we be killed, looks at what was to be tried again at once.
        let due_at = (self.queue.rows() > 0 || self.place.is_resting).then(|| self.now());
        self.keeping = Some((self.keep(done.clone(), due_at), done, self.place));
    }

    fn keep(&self, done: Arc<Vec<Put>>, due_at: Option<Timestamp>) -> Pending<bool, Error> {
        let (which, lease_id, place, until) = (self.which, self.lease_id, self.place, self.now() + LEASE);
        self.shared.app.db.claim(move |tx| {
            if !shelf::keep(tx, which, lease_id, place, due_at, until)? {
                return Ok(false);
            }
            done.iter().try_for_each(|put| deliveries::put(tx, which.0, put))?;
            Ok(true)
        })
    }

    /// What became of the keeping.
    async fn kept(&mut self, kept: Result<bool, Error>) -> Result<(), Error> {
        let Some((_, done, place)) = self.keeping.take() else { return Ok(()) };
        match kept {
            Ok(true) => {
                self.renewed = Instant::now();
                self.kept_place = place;
            }
            // Somebody else has it by now, or changed what is to be sent.
            Ok(false) => self.is_gone = true,
            Err(Error::Busy(_)) if self.renewed.elapsed() < SENDS_FOR => {
                let newer = std::mem::take(&mut self.done);
                self.done = done.iter().cloned().chain(newer).collect();
                tokio::time::sleep(SHELVES_AWAY).await;
            }
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    /// Gives the endpoint back, with what is known of it.
    async fn give_back(&mut self) -> Result<(), Error> {
        self.place.sequence = self.queue.place();
        // With so many to be tried again the log waits until some are.
        self.place.is_resting = self.rests() || self.queue.rows() >= ROWS;
        let (which, lease_id) = (self.which, self.lease_id);
        if self.keep(Arc::default(), self.due_at()).await? {
            self.shared.app.db.claim(move |tx| Ok::<_, Error>(shelf::give_back(tx, which, lease_id)?)).await?;
        }
        Ok(())
    }

    /// Disables an endpoint that has failed for too long, or wants nothing more.
    async fn mind_the_end(&mut self) -> Result<(), Error> {
        let now = self.now();
        let has_failed = self.place.failing_since.is_some_and(|since| now.duration_since(since) >= FAILING_AT_MOST);
        if !(has_failed || self.is_unwanted) || self.is_gone {
            return Ok(());
        }
        // What is known is kept first: the log of the endpoint tells why.
        if let Some((keeping, ..)) = self.keeping.take() {
            keeping.await?;
        }
        let done = Arc::new(std::mem::take(&mut self.done));
        self.place.sequence = self.queue.place();
        if self.keep(done, self.queue.due_at()).await? {
            let (company_id, id) = self.which;
            let by = Caller::inside(company_id, Actor::System);
            self.shared.app.write(by, move |work| super::disable(work, id)).await?;
        }
        self.is_gone = true;
        Ok(())
    }
}

/// Waits for what is being kept.
async fn kept(keeping: &mut Option<Keeping>) -> Result<bool, Error> {
    match keeping {
        Some((pending, ..)) => (&mut *pending).await,
        None => std::future::pending().await,
    }
}

/// A number by chance; where there is none, the same each time does no harm.
fn chance() -> u32 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u32::from_le_bytes(bytes),
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::sending::{ANSWERED_WITHIN, READ_WITHIN};
    use super::*;

    #[test]
    fn what_is_on_its_way_lands_before_the_lease_ends() {
        assert!(SENDS_FOR + ANSWERED_WITHIN + READ_WITHIN < LEASE.unsigned_abs());
        assert!(2 * RENEWED_EVERY < SENDS_FOR, "one renewal may fail");
        // With the tenth by which what failed together is spread.
        assert!(LONGEST_WAIT + LONGEST_WAIT / 10 < LATEST);
    }
}
