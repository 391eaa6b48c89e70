//! Workers: what follows a deed (archiving a print, delivering a mail, sending what was scheduled) is
//! done here, from the outbox, by lease. A killed process loses nothing.
//!
//! Papers are printed side by side, as many as the press has workers. What leaves the house is on its way side
//! by side too: each kind has places of its own, and each receiver a few of them, but for one that has not shown
//! yet that it answers, so that a receiver or a channel that stalls holds up neither prints nor another channel nor
//! another receiver.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use billing::ids::{DocumentId, JobId};
use jiff::{SignedDuration, Timestamp};
use store::examination::Waiting;
use store::jobs::{Job, Room};
use store::{documents, examination, jobs};
use uuid::Uuid;

use crate::answers::Sweep;
use crate::days::Days;
use crate::{Actor, App, Caller, Error, Pending, archive, erasure, webhooks};

/// The kinds of jobs there are.
pub const JOB_KINDS: [&str; 7] = ["archive", "deliver", "upload", "poll", "scheduled", "remind", "erase"];
/// How long a claimed job is nobody else's. A delivery is made ready, held anew if that took long, sent, and what
/// became of it is told: `READY_WITHIN` + `LONGEST_SEND` + `TELL_FOR` + `LAST_TELL` are 155 s at most.
const LEASE: SignedDuration = SignedDuration::from_secs(180);
/// What takes longer to be made ready is held anew before it leaves.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long a mail server or an access point may take over one delivery, whatever the operator says.
pub(crate) const LONGEST_SEND: Duration = Duration::from_secs(60);
/// How often the outbox is looked at when it was empty.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many prints are claimed at once; as many again may lie ready.
const PRINTS: usize = 8;
/// What leaves the house: mails, e-invoices, questions after them, sends whose instant has come, and reminders; and
/// whoever is erased.
const DESKS: [Desk; 6] = [
    Desk { kind: "deliver", most: 32, each: 4 },
    Desk { kind: "upload", most: 16, each: 4 },
    Desk { kind: "poll", most: 8, each: 2 },
    Desk { kind: "scheduled", most: 4, each: 4 },
    Desk { kind: "remind", most: 16, each: 4 },
    Desk { kind: "erase", most: 1, each: 1 },
];
/// While the shelves are away, what became of a job is told them again and again: so long at
/// most, as then its lease ends soon, and so often.
const TELL_FOR: Duration = Duration::from_secs(60);
const TELL_EVERY: Duration = Duration::from_secs(1);
/// How long the last of these may take: PostgreSQL is given up then (DESIGN.md, Storage).
#[cfg(test)]
const LAST_TELL: Duration = Duration::from_secs(15);
/// No job is due later than this after it was last put off.
const LATEST: SignedDuration = SignedDuration::from_hours(12);
/// How often the outbox is searched for what waits for a time that was ahead.
const MIND_EVERY: Duration = Duration::from_secs(5);
/// By how much a clock is always set back now and then.
const CLOCK_BLINKS: SignedDuration = SignedDuration::from_secs(5);
/// By how much the clocks of processes that share their shelves may differ.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(10);

/// How many receivers are remembered to be well; then all begin anew.
const REMEMBERED: usize = 10_000;

/// The places of one kind of job: how many are on their way at once, and how many of them to one receiver.
struct Desk {
    kind: &'static str,
    most: usize,
    each: usize,
}

/// Tells workers to stop, and lets them wait until then.
#[derive(Default)]
pub(crate) struct Bell {
    stop: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    fn ring(&self) {
        if let Ok(mut stop) = self.stop.lock() {
            *stop = true;
        }
        self.rung.notify_all();
    }

    fn is_rung(&self) -> bool {
        self.stop.lock().map_or(true, |stop| *stop)
    }

    /// Waits a while; whether to stop.
    fn wait(&self, a_while: Duration) -> bool {
        let Ok(stop) = self.stop.lock() else { return true };
        self.rung.wait_timeout_while(stop, a_while, |stop| !*stop).map_or(true, |(stop, _)| *stop)
    }
}

/// The running workers; they end when this is dropped, after the jobs they are at.
pub struct Workers {
    bell: Arc<Bell>,
    threads: Vec<JoinHandle<()>>,
    ended: Receiver<()>,
}

impl Workers {
    /// Has no job begun any more.
    pub fn begin_no_more(&self) {
        self.bell.ring();
    }

    /// Waits for the jobs they are at, but no longer than this; whether it ended.
    pub fn end_within(mut self, bound: Duration) -> bool {
        self.bell.ring();
        // The senders go with the threads, so that their end is heard whatever it was.
        let is_over = !matches!(self.ended.recv_timeout(bound), Err(RecvTimeoutError::Timeout));
        if !is_over {
            // Nobody waits for them: their lease runs out, or the next server of the folder takes them up.
            self.threads.clear();
        }
        is_over
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.bell.ring();
        for thread in self.threads.drain(..) {
            // A worker that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

impl App {
    /// Starts working the outbox on threads of its own.
    pub fn start_workers(self: &Arc<Self>) -> Workers {
        let bell = Arc::new(Bell::default());
        let (alive, ended) = channel();
        let threads = [App::print_papers, App::send_out, App::send_webhooks, App::keep_the_days].map(|work| {
            let (app, bell, alive): (_, _, Sender<()>) = (self.clone(), bell.clone(), alive.clone());
            thread::spawn(move || {
                let _alive = alive;
                work(&app, &bell);
            })
        });
        Workers { bell, threads: threads.into(), ended }
    }

    /// Looks at the outbox until the bell rings: at once again when there was something. Says once
    /// that it can't, and once that it can again.
    fn look_after(&self, kind: &'static str, bell: &Bell, mut look: impl FnMut() -> Result<usize, Error>) {
        let mut is_well = true;
        loop {
            let looked = look();
            match &looked {
                Err(fault) if is_well => tracing::warn!(%fault, kind, "the outbox can't be worked"),
                Ok(_) if !is_well => tracing::info!(kind, "the outbox is worked again"),
                _ => {}
            }
            is_well = looked.is_ok();
            let rest = if looked.is_ok_and(|count| count > 0) { Duration::ZERO } else { LOOK_EVERY };
            if bell.wait(rest) {
                return;
            }
        }
    }

    /// Has what is due printed, side by side; drops answers that are too old now and then.
    fn print_papers(self: &Arc<Self>, bell: &Bell) {
        let at_work = AtWork::default();
        let mut sweep = Sweep::default();
        let mut minded: Option<Instant> = None;
        thread::scope(|scope| {
            let (desk, ready) = sync_channel::<Job>(PRINTS);
            // Dropped with the last printer, so that nobody waits for one that is gone.
            let ready = Arc::new(Mutex::new(ready));
            // Twice the press's workers: while it prints, others are at the shelves.
            for _ in 0..2 * self.press.workers().max(1) {
                let (ready, at_work) = (ready.clone(), &at_work);
                scope.spawn(move || self.print_what_is_ready(&ready, at_work, bell));
            }
            drop(ready);
            self.look_after("archive", bell, || {
                if minded.is_none_or(|minded| minded.elapsed() >= MIND_EVERY) {
                    self.mind_the_clock()?;
                    minded = Some(Instant::now());
                }
                self.sweep_answers(&mut sweep)?;
                let mut begun = 0;
                for job in self.claim("archive", &Room::of(PRINTS))? {
                    // The lease of one that is ready or at work ends when the clock is set forward.
                    if at_work.begins(&job) {
                        begun += 1;
                        desk.send(job).map_err(|_| Error::Broken("no printer is left".to_owned()))?;
                    }
                }
                Ok(begun)
            });
        });
    }

    /// Prints one paper after the other until there will be no more; told to stop, gives them back.
    fn print_what_is_ready(self: &Arc<Self>, ready: &Mutex<Receiver<Job>>, at_work: &AtWork, bell: &Bell) {
        loop {
            // Who waits for the next one holds the lock: the others wait for the lock.
            let next = ready.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            let _ends = Ends(at_work, job.id);
            if bell.is_rung() {
                self.come_back(&job, self.clock.now());
            } else {
                self.work_on(&job, bell);
            }
        }
    }

    /// Does the day's work of each company whose day has turned.
    fn keep_the_days(self: &Arc<Self>, bell: &Bell) {
        let mut days = Days::default();
        self.look_after("days", bell, || days.look(self, &|| bell.is_rung()).map(|()| 0));
    }

    fn send_webhooks(self: &Arc<Self>, bell: &Bell) {
        webhooks::post::work(self, &|| bell.is_rung());
    }

    /// Has leave what is due, side by side; waits at the end for what is on its way.
    fn send_out(self: &Arc<Self>, bell: &Bell) {
        let on_their_way = DESKS.map(|desk| (desk, AtWork::default()));
        thread::scope(|scope| {
            self.look_after("deliver", bell, || {
                let mut begun = 0;
                for at in self.due_at(&on_their_way)? {
                    let (desk, at_work) = &on_their_way[at];
                    for job in self.claim(desk.kind, &at_work.room(desk))? {
                        // The lease of one on its way ends when the clock is set forward.
                        if !at_work.begins(&job) {
                            continue;
                        }
                        begun += 1;
                        scope.spawn(move || {
                            let _ends = Ends(at_work, job.id);
                            at_work.heard(&job.queue, self.work_on(&job, bell));
                        });
                    }
                }
                Ok(begun)
            });
        });
    }

    /// The desks at which something is due that there is room for: one look for all of them.
    fn due_at(&self, desks: &[(Desk, AtWork); 6]) -> Result<Vec<usize>, Error> {
        let now = self.clock.now();
        let rooms: Vec<(&'static str, Room)> = desks.iter().map(|(desk, at)| (desk.kind, at.room(desk))).collect();
        let look = self.db.read(move |tx| {
            let mut due = Vec::new();
            for (at, (kind, room)) in rooms.iter().enumerate() {
                if room.free > 0 && jobs::is_due(tx, kind, now, room)? {
                    due.push(at);
                }
            }
            Ok::<_, Error>(due)
        });
        look.wait()
    }

    /// Has what was due on a clock that was ahead not wait until that time comes.
    fn mind_the_clock(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let bounds = [now + CLOCK_BLINKS, now + LEASE + CLOCKS_DIFFER, now + LATEST];
        let righted = self.db.claim(move |tx| jobs::set_right(tx, now, bounds));
        let count = righted.wait().map_err(|fault: store::Error| Error::from(fault))?;
        if count > 0 {
            tracing::warn!(count, "the clock has gone back: jobs that waited for a later time are due now");
        }
        Ok(())
    }

    /// Claims what is due of a kind.
    fn claim(&self, kind: &'static str, room: &Room) -> Result<Vec<Job>, Error> {
        let (now, looked, room) = (self.clock.now(), room.clone(), room.clone());
        // Most looks find nothing: look with a reader, and claim only when there is something.
        if room.free == 0 || !self.db.read(move |tx| Ok::<_, Error>(jobs::is_due(tx, kind, now, &looked)?)).wait()? {
            return Ok(Vec::new());
        }
        let claimed = self.db.claim(move |tx| jobs::claim(tx, kind, Uuid::now_v7(), now, now + LEASE, &room));
        claimed.wait().map_err(|fault: store::Error| fault.into())
    }

    /// Does a job; one that fails is put off. How its receiver is.
    fn work_on(self: &Arc<Self>, job: &Job, bell: &Bell) -> Health {
        let begun = Instant::now();
        let span = tracing::trace_span!(target: "spans", "job", otel.name = format!("job {}", job.kind));
        let done = span.in_scope(|| self.do_job(job, bell));
        let (kind, outcome) = (job.kind.clone(), if done.is_ok() { "done" } else { "put off" });
        metrics::histogram!("ledgerbee_job_duration_seconds", "kind" => kind, "outcome" => outcome)
            .record(begun.elapsed());
        done.unwrap_or_else(|fault| {
            tracing::warn!(%fault, company_id = %job.company_id, job_id = %job.id, kind = job.kind, "a job failed and is tried later");
            self.put_off(job, bell);
            // The fault is ours.
            Health::Well
        })
    }

    /// Holds a job that was claimed a while ago for as long again, before something leaves that can't be taken back;
    /// whether it is still ours.
    pub(crate) fn hold(&self, job: &Job, claimed: Instant) -> Result<bool, Error> {
        if claimed.elapsed() < READY_WITHIN {
            return Ok(true);
        }
        let (held, until) = (job.clone(), self.clock.now() + LEASE);
        let is_held = self.db.claim(move |tx| jobs::hold(tx, &held, until)).wait();
        is_held.map_err(|fault: store::Error| fault.into())
    }

    /// Tells the shelves what became of a job, again and again while they are away.
    pub(crate) fn tell<T>(&self, bell: &Bell, mut deed: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
        let begun = Instant::now();
        loop {
            match deed() {
                Err(Error::Busy(_)) if begun.elapsed() < TELL_FOR && !bell.wait(TELL_EVERY) => {}
                told => return told,
            }
        }
    }

    fn do_job(self: &Arc<Self>, job: &Job, bell: &Bell) -> Result<Health, Error> {
        let by = Caller::inside(job.company_id, Actor::System);
        match job.kind.as_str() {
            "archive" => {
                let id = DocumentId(job.subject_id);
                let kind = self
                    .read(by.clone(), move |view| Ok(documents::get(view.tx, view.company.id, id)?.map(|d| d.kind)))
                    .wait()?;
                if let Some(kind) = kind {
                    archive::pdf(self, &by, kind, id, false)?;
                }
                self.done(job)?;
            }
            "deliver" | "upload" => return self.deliver(job, &by, bell),
            "poll" => self.ask_after(job, &by, bell)?,
            "scheduled" => self.send_scheduled(job, &by)?,
            "remind" => return self.post_reminder(job, &by, bell),
            "erase" => {
                erasure::finish(self, job.company_id, job.subject_id)?;
                self.done(job)?;
            }
            other => return Err(Error::Broken(format!("there is no worker for jobs of kind {other}"))),
        }
        Ok(Health::Well)
    }

    /// The jobs of all companies by kind: how many there are, how many are due, and when the first was or is.
    pub fn waiting_jobs(&self) -> Pending<Vec<Waiting>, Error> {
        let now = self.clock.now();
        self.db.read(move |tx| Ok(examination::waiting_jobs(tx, now)?))
    }

    /// Takes a job off the list.
    pub(crate) fn done(&self, job: &Job) -> Result<(), Error> {
        let (company_id, id): (_, JobId) = (job.company_id, job.id);
        self.db.claim(move |tx| jobs::delete(tx, company_id, id)).wait().map_err(|fault: store::Error| fault.into())
    }

    /// A job that failed on our side comes again: soon at first, at most hourly.
    fn put_off(&self, job: &Job, bell: &Bell) {
        let seconds = 5_i64.saturating_mul(1 << job.attempts.clamp(0, 10)).min(3_600);
        let put_off = self.tell(bell, || self.give_back(job, self.clock.now() + SignedDuration::from_secs(seconds)));
        self.see(job, put_off);
    }

    /// Gives a claimed job back, due at an instant.
    fn come_back(&self, job: &Job, due: Timestamp) {
        self.see(job, self.give_back(job, due));
    }

    fn give_back(&self, job: &Job, due: Timestamp) -> Result<(), Error> {
        let (company_id, id) = (job.company_id, job.id);
        let later = self.db.claim(move |tx| jobs::later(tx, company_id, id, due));
        later.wait().map_err(|fault: store::Error| fault.into())
    }

    fn see(&self, job: &Job, given_back: Result<(), Error>) {
        if let Err(fault) = given_back {
            // Its lease runs out, then it is due again.
            tracing::warn!(%fault, job_id = %job.id, "a job can't be put off");
        }
    }
}

/// How a receiver is, after a try.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Health {
    /// It answers, whatever it says.
    Well,
    /// It hangs, or says that it can't just now.
    Ailing,
}

/// The jobs of a kind that are at work in this process, each with its queue, and the queues whose receiver is well.
#[derive(Default)]
struct AtWork {
    jobs: Mutex<HashMap<JobId, String>>,
    well: Mutex<Arc<BTreeSet<String>>>,
}

/// What a lock holds: it is whole whoever panicked with it.
fn whole<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AtWork {
    /// Puts a job on the list; whether it was not there.
    fn begins(&self, job: &Job) -> bool {
        whole(&self.jobs).insert(job.id, job.queue.clone()).is_none()
    }

    /// Remembers how the receiver of a queue is.
    fn heard(&self, queue: &str, health: Health) {
        let mut well = whole(&self.well);
        if well.contains(queue) == (health == Health::Well) {
            return;
        }
        if well.len() >= REMEMBERED {
            *well = Arc::default();
        }
        match health {
            Health::Well => Arc::make_mut(&mut well).insert(queue.to_owned()),
            Health::Ailing => Arc::make_mut(&mut well).remove(queue),
        };
    }

    /// What places are left.
    fn room(&self, desk: &Desk) -> Room {
        let mut taken = BTreeMap::new();
        let jobs = whole(&self.jobs);
        for queue in jobs.values() {
            *taken.entry(queue.clone()).or_default() += 1;
        }
        let well = whole(&self.well).clone();
        Room { free: desk.most.saturating_sub(jobs.len()), first: 1, each: desk.each, taken, well }
    }
}

/// Takes a job off the list when its thread is done with it, however that ends.
struct Ends<'w>(&'w AtWork, JobId);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        whole(&self.0.jobs).remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use billing::ids::CompanyId;

    use super::*;

    /// What a claim must outlast, and to spare: whatever a mail server, an access point and the shelves do.
    #[test]
    fn a_lease_outlasts_the_longest_delivery_and_its_record() {
        let whole = READY_WITHIN + LONGEST_SEND + TELL_FOR + TELL_EVERY + LAST_TELL;
        assert!(whole + Duration::from_secs(20) <= LEASE.unsigned_abs(), "{whole:?}");
    }

    #[test]
    fn a_receiver_keeps_one_place_until_it_is_well() {
        let desk = Desk { kind: "deliver", most: 8, each: 4 };
        let at_work = AtWork::default();
        let job = |id: u128| Job {
            company_id: CompanyId(Uuid::nil()),
            id: JobId(Uuid::from_u128(id)),
            kind: "deliver".to_owned(),
            subject_id: Uuid::nil(),
            queue: "dead.example".to_owned(),
            lease_id: Uuid::nil(),
            attempts: 0,
        };
        assert!(at_work.begins(&job(1)) && !at_work.begins(&job(1)) && at_work.begins(&job(2)));
        let room = at_work.room(&desk);
        assert_eq!((room.free, room.taken.get("dead.example"), room.well.len()), (6, Some(&2), 0));
        at_work.heard("dead.example", Health::Well);
        drop(Ends(&at_work, job(1).id));
        let room = at_work.room(&desk);
        assert_eq!((room.free, room.taken.get("dead.example"), room.well.len()), (7, Some(&1), 1));
        at_work.heard("dead.example", Health::Ailing);
        at_work.heard("dead.example", Health::Ailing);
        assert!(at_work.room(&desk).well.is_empty());
    }
}
