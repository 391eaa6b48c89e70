//! Dunning: the company's schedule, how far an invoice is reminded of, and the day's reminders by the schedule.

use std::sync::Arc;

use billing::dunning::{PublicDunning, PublicDunningSchedule, Schedule, most_danish_fee};
use billing::ids::DocumentId;
use billing::input::dunning::{DunningPauseInput, DunningScheduleInput};
use billing::kind::Kind;
use billing::money::{Currency, Money};
use jiff::ToSpan as _;
use jiff::civil::Date;
use store::dunning::{self as shelf, Asked, Pause};
use store::{days, open_items, reminders as shelf_of_reminders};

use crate::documents::find;
use crate::work::json;
use crate::{App, Caller, Error, View, Work, drafting, reminders, settling};

/// How many invoices that may be due are looked up at once.
const LOOKED_UP: i64 = 100;

/// The schedule by which invoices are reminded of.
///
/// # Errors
/// What the shelves answer.
pub fn show(view: &mut View<'_>) -> Result<PublicDunningSchedule, Error> {
    Ok(shelf::get(view.tx, &view.company)?.public())
}

/// Puts a schedule in the place of the one before. What is due by it is reminded of at once.
///
/// # Errors
/// Faults as [`Schedule::asked`]; of a Danish company `DUNNING_FEE_UNLAWFUL`, and `EXCHANGE_RATE_MISSING`
/// where its books are not in kroner and nothing says what 100 of them are.
pub fn put(work: &mut Work<'_>, input: DunningScheduleInput) -> Result<PublicDunningSchedule, Error> {
    let (company_id, currency) = (work.company.id, work.company.currency);
    let schedule = Schedule::asked(input, currency)?;
    if work.company.country_code == "DK" && schedule.has_fees() {
        let today = work.today();
        let rate = drafting::rate_on(work, Currency::DKK, today)?;
        schedule.check_danish_law(most_danish_fee(rate, currency)?)?;
    }
    let before = shelf::get(work.tx, &work.company)?;
    let published = schedule.public();
    if schedule == before {
        work.nothing_happened();
        return Ok(published);
    }
    shelf::put(work.tx, company_id, &schedule, work.now)?;
    if schedule.is_enabled {
        days::begin_anew(work.tx, company_id)?;
    }
    work.event("dunning_schedule.updated", "dunning_schedule", company_id, &published, Some(json(&before.public())));
    Ok(published)
}

/// How far an invoice is reminded of, and what is next.
///
/// # Errors
/// `INVOICE_NOT_FOUND`.
pub fn of_invoice(view: &mut View<'_>, id: DocumentId) -> Result<PublicDunning, Error> {
    let (company_id, today) = (view.company.id, view.today());
    let invoice = find(view.tx, company_id, Kind::Invoice, id)?;
    let schedule = shelf::get(view.tx, &view.company)?;
    let pause = shelf::pause_of(view.tx, company_id, id)?.filter(|pause| pause.holds(today));
    let standing = shelf_of_reminders::of_invoice(view.tx, company_id, id)?;
    let standing: Vec<_> = standing.iter().filter(|reminder| reminder.stands()).collect();
    let fees = open_items::fees_of(view.tx, company_id, id)?;
    let fees = Money::sum(invoice.currency, fees.iter().map(|item| item.open));
    let is_booked = invoice.is_booked();
    let open = if is_booked { invoice.facts.open_of(invoice.amount.minor()) } else { 0 };
    let open = Money::new(open, invoice.currency);
    let is_to_be_paid = !open.is_zero() && invoice.facts.written_off == 0;
    let step = standing.len() + 1;
    let next = schedule.steps.get(step - 1).filter(|_| is_to_be_paid);
    let next_on = next.zip(invoice.due_date).map(|(next, due)| {
        let by_due = due.saturating_add(i64::from(next.days_after_due).days());
        let last = standing.last().map(|last| last.date.saturating_add(schedule.days_since_last(step).days()));
        by_due.max(last.unwrap_or(by_due))
    });
    let next_on = next_on.filter(|_| schedule.is_enabled && pause.as_ref().is_none_or(|pause| pause.until.is_some()));
    Ok(PublicDunning {
        invoice_id: id,
        customer_id: invoice.head.customer_id,
        paused: pause.is_some(),
        until: pause.as_ref().and_then(|pause| pause.until).map(|day| day.to_string()),
        next_step: next.and_then(|_| u32::try_from(step).ok()),
        next_on: next_on.map(|day| after(day, pause.as_ref()).to_string()),
        notes: pause.and_then(|pause| pause.notes),
        currency: invoice.currency.code().to_owned(),
        open_amount: open.to_string(),
        open_fee_amount: fees.to_string(),
        total_amount: (open + fees).to_string(),
    })
}

/// The first day from this one on that is not held back.
fn after(day: Date, pause: Option<&Pause>) -> Date {
    let until = pause.and_then(|pause| pause.until);
    until.map_or(day, |until| day.max(until.saturating_add(1.day())))
}

/// Holds an invoice's reminders back, or does so no more.
///
/// # Errors
/// `INVOICE_NOT_FOUND`, `DOCUMENT_NOT_BOOKED`.
pub fn hold(work: &mut Work<'_>, id: DocumentId, input: DunningPauseInput) -> Result<PublicDunning, Error> {
    let company_id = work.company.id;
    settling::booked(work, Kind::Invoice, id)?;
    let before = of_invoice(&mut work.view(), id)?;
    let kept = shelf::pause_of(work.tx, company_id, id)?;
    let DunningPauseInput { paused, until, notes } = input;
    let pause = paused.then(|| Pause { until: until.map(|day| day.0), notes: notes.map(|text| text.0) });
    if pause == kept {
        work.nothing_happened();
        return Ok(before);
    }
    let event = match &pause {
        Some(pause) => {
            shelf::pause(work.tx, company_id, id, pause, work.now)?;
            "dunning.paused"
        }
        None => {
            shelf::resume(work.tx, company_id, id)?;
            "dunning.resumed"
        }
    };
    let published = of_invoice(&mut work.view(), id)?;
    work.event(event, "dunning", id, &published, Some(json(&before)));
    Ok(published)
}

/// The day's reminders of a company: each invoice that is due for one has its own transaction, in which it is
/// decided anew. What is refused is held back until another day.
pub(crate) fn remind_by_schedule(app: &Arc<App>, by: &Caller, is_over: &dyn Fn() -> bool) -> Result<(), Error> {
    let found = app.read(by.clone(), |view| Ok::<_, Error>((shelf::get(view.tx, &view.company)?, view.today())));
    let (schedule, today) = found.wait()?;
    if !schedule.is_enabled {
        return Ok(());
    }
    for (count, step) in schedule.steps.iter().enumerate() {
        let asked = Asked {
            count: i64::try_from(count).unwrap_or(i64::MAX),
            due_on: today.saturating_sub(i64::from(step.days_after_due).days()),
            last_on: today.saturating_sub(schedule.days_since_last(count + 1).days()),
            today,
        };
        let mut place = (String::new(), String::new());
        loop {
            let (asked, after) = (asked.clone(), place.clone());
            let page = app.read(by.clone(), move |view| {
                Ok::<_, Error>(shelf::due(view.tx, view.company.id, &asked, &after, LOOKED_UP)?)
            });
            let page = page.wait()?;
            let Some((_, last)) = page.last() else { break };
            place = last.clone();
            for (invoice, _) in page {
                if is_over() {
                    return Ok(());
                }
                match app.write(by.clone(), move |work| reminders::remind_by_day(work, invoice)).wait() {
                    Ok(_) => {}
                    Err(Error::Refused(refusal)) => {
                        tracing::debug!(%invoice, code = refusal.code, "an invoice is not reminded of today");
                    }
                    Err(fault) => return Err(fault),
                }
            }
        }
    }
    Ok(())
}
