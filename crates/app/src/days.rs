//! The day's work of each company, by its own time zone's day: what has run out is told, once, and what is due by the
//! dunning schedule is reminded of.
//!
//! Several servers may be at it at once, be killed anywhere, and meet any clock: what was done is marked in the
//! transaction that does it, and is looked for anew under the company's lane. The mark of a day only saves looks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use billing::ids::{CompanyId, DocumentId};
use jiff::civil::Date;
use store::days::{self as shelf, Turn};
use store::documents;

use crate::{Actor, App, Caller, Error, Work, clock, dunning};

/// How often it is looked whose day has turned.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a company is let be whose day's work can't be done.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(600);
/// How many are told in one transaction: others wait for it.
const AT_ONCE: i64 = 20;

/// When it was looked whose day has turned, and whose work failed.
#[derive(Default)]
pub(crate) struct Days {
    looked: Option<Instant>,
    failed: HashMap<CompanyId, Instant>,
}

impl Days {
    /// Does the work of the companies whose day has turned, where it is time to look. One that can't be done
    /// holds up no other.
    pub(crate) fn look(&mut self, app: &Arc<App>, is_over: &dyn Fn() -> bool) -> Result<(), Error> {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        self.failed.retain(|_, at| at.elapsed() < TRY_AGAIN_AFTER);
        let now = app.now();
        for Turn { company_id, time_zone, done_on } in app.db.read(|tx| Ok::<_, Error>(shelf::turns(tx)?)).wait()? {
            let today = clock::day(now, &time_zone);
            // A mark of a later day is of a clock that was ahead.
            if done_on == Some(today) || self.failed.contains_key(&company_id) {
                continue;
            }
            match of_company(app, company_id, today, is_over) {
                Err(fault @ Error::Busy(_)) => return Err(fault),
                Err(fault) => {
                    tracing::warn!(%fault, %company_id, "a company's day's work can't be done");
                    self.failed.insert(company_id, Instant::now());
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }
}

/// The day's work of one company, a few at a time; at its end the day is marked.
fn of_company(app: &Arc<App>, company_id: CompanyId, today: Date, is_over: &dyn Fn() -> bool) -> Result<(), Error> {
    let by = Caller::inside(company_id, Actor::System);
    for tell in [tell_overdue, tell_expired] {
        while !is_over() && app.write(by.clone(), tell).wait()? == AT_ONCE {}
    }
    dunning::remind_by_schedule(app, &by, is_over)?;
    if is_over() {
        return Ok(());
    }
    let mark = app.write(by, move |work| {
        work.nothing_happened();
        Ok(shelf::mark(work.tx, company_id, today)?)
    });
    mark.wait()
}

/// Tells of invoices that are past their due date; how many.
fn tell_overdue(work: &mut Work<'_>) -> Result<i64, Error> {
    let (company_id, today) = (work.company.id, work.today());
    let ids = shelf::overdue(work.tx, company_id, today, AT_ONCE)?;
    for id in &ids {
        shelf::told_overdue(work.tx, company_id, *id, work.now)?;
        tell(work, "invoice.overdue", *id)?;
    }
    Ok(told(work, &ids))
}

/// Tells of quotes that nobody answered in time; how many.
fn tell_expired(work: &mut Work<'_>) -> Result<i64, Error> {
    let (company_id, today) = (work.company.id, work.today());
    let ids = shelf::expired(work.tx, company_id, today, AT_ONCE)?;
    for id in &ids {
        shelf::told_expired(work.tx, company_id, *id, work.now)?;
        tell(work, "quote.expired", *id)?;
    }
    Ok(told(work, &ids))
}

fn tell(work: &mut Work<'_>, event: &'static str, id: DocumentId) -> Result<(), Error> {
    let document = documents::get(work.tx, work.company.id, id)?;
    let document = document.ok_or_else(|| Error::Broken(format!("there is no document {id}")))?;
    work.document_event(event, &document, None)
}

fn told(work: &mut Work<'_>, ids: &[DocumentId]) -> i64 {
    if ids.is_empty() {
        work.nothing_happened();
    }
    i64::try_from(ids.len()).unwrap_or(AT_ONCE)
}
