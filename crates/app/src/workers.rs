//! Workers: what follows a deed (archiving a print, delivering a mail) is done
//! here, from the outbox, by lease. A killed process loses nothing.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use billing::document::Document;
use billing::ids::{DeliveryId, DocumentId, JobId};
use jiff::{SignedDuration, Timestamp};
use store::examination::Waiting;
use store::jobs::Job;
use store::{deliveries as shelf, documents, examination, jobs};
use uuid::Uuid;

use crate::deliveries::{Outcome, record};
use crate::mail::{self, Letter};
use crate::{Actor, App, Caller, Error, Pending, archive};

/// How long a claimed job is nobody else's.
const LEASE: SignedDuration = SignedDuration::from_secs(120);
/// How often the outbox is looked at when it was empty.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many jobs are claimed at once.
const CLAIM: i64 = 16;

/// Tells workers to stop, and lets them wait until then.
#[derive(Default)]
struct Bell {
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

/// The running workers; they end when this is dropped, after the job they are at.
pub struct Workers {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
    ended: Receiver<()>,
}

impl Workers {
    /// Has no job begun any more.
    pub fn begin_no_more(&self) {
        self.bell.ring();
    }

    /// Waits for the job they are at, but no longer than this; whether it ended.
    pub fn end_within(mut self, bound: Duration) -> bool {
        self.bell.ring();
        // The sender goes with the thread, so that its end is heard whatever it was.
        let is_over = !matches!(self.ended.recv_timeout(bound), Err(RecvTimeoutError::Timeout));
        if !is_over {
            // Nobody waits for it: its lease runs out, or the next server of the folder takes it up.
            self.thread = None;
        }
        is_over
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.bell.ring();
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has nothing left to finish.
            let _ = thread.join();
        }
    }
}

impl App {
    /// Starts working the outbox on a thread of its own.
    pub fn start_workers(self: &Arc<Self>) -> Workers {
        let (app, bell) = (self.clone(), Arc::new(Bell::default()));
        let ear = bell.clone();
        let (alive, ended) = channel();
        let thread = std::thread::spawn(move || {
            let _alive: Sender<()> = alive;
            loop {
                let rest = match app.work_until(|| ear.is_rung()) {
                    Ok(0) => LOOK_EVERY,
                    Ok(_) => Duration::ZERO,
                    Err(fault) => {
                        tracing::warn!(%fault, "the outbox can't be worked");
                        LOOK_EVERY
                    }
                };
                if ear.wait(rest) {
                    return;
                }
            }
        });
        Workers { bell, thread: Some(thread), ended }
    }

    /// Claims what is due and does it, up to the job at which it is to stop; how many were claimed.
    ///
    /// # Errors
    /// When the outbox can't be read. A job that fails is put off, not answered here.
    fn work_until(self: &Arc<Self>, is_over: impl Fn() -> bool) -> Result<usize, Error> {
        let now = self.clock.now();
        // Most looks find nothing: look with a reader, and claim only when there is something.
        let is_due = self.db.read(move |tx| Ok::<bool, Error>(jobs::any_due(tx, now)?)).wait()?;
        if !is_due {
            return Ok(0);
        }
        let until = now + LEASE;
        let claimed = self.db.claim(move |tx| jobs::claim(tx, Uuid::now_v7(), now, until, CLAIM));
        let claimed = claimed.wait().map_err(|fault: store::Error| Error::from(fault))?;
        let count = claimed.len();
        for job in claimed {
            if is_over() {
                self.come_back(&job, now);
                continue;
            }
            let begun = Instant::now();
            let span = tracing::trace_span!(target: "spans", "job", otel.name = format!("job {}", job.kind));
            let done = span.in_scope(|| self.do_job(&job));
            let (kind, outcome) = (job.kind.clone(), if done.is_ok() { "done" } else { "put off" });
            metrics::histogram!("ledgerbee_job_duration_seconds", "kind" => kind, "outcome" => outcome)
                .record(begun.elapsed());
            if let Err(fault) = done {
                tracing::warn!(%fault, company_id = %job.company_id, job_id = %job.id, kind = job.kind, "a job failed and is tried later");
                self.put_off(&job);
            }
        }
        Ok(count)
    }

    fn do_job(self: &Arc<Self>, job: &Job) -> Result<(), Error> {
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
                self.done(job)
            }
            "deliver" => self.deliver(job, by),
            other => Err(Error::Broken(format!("there is no worker for jobs of kind {other}"))),
        }
    }

    fn deliver(self: &Arc<Self>, job: &Job, by: Caller) -> Result<(), Error> {
        let id = DeliveryId(job.subject_id);
        let found = self
            .read(by.clone(), move |view| {
                let Some(delivery) = shelf::get(view.tx, view.company.id, id)? else { return Ok(None) };
                let document = documents::get(view.tx, view.company.id, delivery.document_id)?;
                let company = view.company.clone();
                Ok(document.map(|document| (delivery, document, company)))
            })
            .wait()?;
        let Some((delivery, document, company)) = found.filter(|(delivery, ..)| delivery.status == "pending") else {
            return self.done(job);
        };
        let started_at = self.clock.now();
        let paper = archive::pdf(self, &by, document.kind, document.id, false)?;
        let letter = Letter {
            from_name: company.name.clone(),
            from_address: company.billing_email.clone().or(company.email.clone()),
            to: delivery.recipient.clone().unwrap_or_default(),
            kind: document.kind.as_str(),
            number: document.number.as_ref().map(|number| number.text.clone()).unwrap_or_default(),
            amount: amount(&document),
            due_date: document.due_date.map(|day| day.to_string()),
            message: delivery.message.clone(),
            language: delivery.language.clone(),
            message_id: format!("{id}@ledgerbee"),
            paper,
        };
        let outcome = mail::send(&self.mail, &letter);
        if let Outcome::Passing(code, why) | Outcome::Permanent(code, why) = &outcome {
            tracing::warn!(delivery_id = %id, code, why, "a delivery failed");
        }
        let (company_id, job_id) = (job.company_id, job.id);
        let is_taken = matches!(outcome, Outcome::Taken(_));
        let next = self
            .write(by, move |work| {
                let next = record(work, id, started_at, &outcome)?;
                match next {
                    Some(next) => jobs::later(work.tx, company_id, job_id, next)?,
                    None => jobs::delete(work.tx, company_id, job_id)?,
                }
                Ok(next)
            })
            .wait()?;
        let outcome = match (is_taken, next) {
            (true, _) => "delivered",
            (false, Some(_)) => "retried",
            (false, None) => "failed",
        };
        metrics::counter!("ledgerbee_deliveries_total", "outcome" => outcome).increment(1);
        Ok(())
    }

    /// The jobs of all companies by kind: how many there are, how many are due, and when the first was or is.
    pub fn waiting_jobs(&self) -> Pending<Vec<Waiting>, Error> {
        let now = self.clock.now();
        self.db.read(move |tx| Ok(examination::waiting_jobs(tx, now)?))
    }

    fn done(&self, job: &Job) -> Result<(), Error> {
        let (company_id, id): (_, JobId) = (job.company_id, job.id);
        self.db.claim(move |tx| jobs::delete(tx, company_id, id)).wait().map_err(|fault: store::Error| fault.into())
    }

    /// A job that failed on our side comes again: soon at first, at most hourly.
    fn put_off(&self, job: &Job) {
        let seconds = 5_i64.saturating_mul(1 << job.attempts.clamp(0, 10)).min(3_600);
        self.come_back(job, self.clock.now() + SignedDuration::from_secs(seconds));
    }

    /// Gives a claimed job back, due at an instant.
    fn come_back(&self, job: &Job, due: Timestamp) {
        let (company_id, id) = (job.company_id, job.id);
        let later = self.db.claim(move |tx| jobs::later(tx, company_id, id, due));
        if let Err(fault) = later.wait().map_err(|fault: store::Error| Error::from(fault)) {
            // Its lease runs out, then it is due again.
            tracing::warn!(%fault, job_id = %id, "a job can't be put off");
        }
    }
}

fn amount(document: &Document) -> String {
    format!("{} {}", document.currency.code(), document.amount)
}
