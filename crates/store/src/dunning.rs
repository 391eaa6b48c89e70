//! The dunning schedule of a company, what is due by it, and invoices that are held back.

use billing::company::Company;
use billing::dunning::{ReminderTexts, Schedule, Step};
use billing::ids::{CompanyId, DocumentId};
use billing::money::Money;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::db::{Error, Row, Tx, params, statements, yes_no};
use crate::documents::{json, parse_json};

statements! {
    GET = "select is_enabled, minimum_amount, steps from dunning_schedules where company_id = $1 and currency = $2";
    PUT = "insert into dunning_schedules (company_id, is_enabled, currency, minimum_amount, steps, updated_at) \
        values ($1, $2, $3, $4, $5, $6) on conflict (company_id) do update set is_enabled = excluded.is_enabled, \
        currency = excluded.currency, minimum_amount = excluded.minimum_amount, steps = excluded.steps, \
        updated_at = excluded.updated_at";
    PAUSE_OF = "select until, notes from dunning_pauses where company_id = $1 and invoice_id = $2";
    PAUSE = "insert into dunning_pauses (company_id, invoice_id, until, notes, created_at) \
        values ($1, $2, $3, $4, $5) on conflict (company_id, invoice_id) do update set until = excluded.until, \
        notes = excluded.notes, created_at = excluded.created_at";
    RESUME = "delete from dunning_pauses where company_id = $1 and invoice_id = $2";
    DUE = "select i.document_id, i.due_on, i.id from open_items i where i.company_id = $1 and i.reminder_count = $2 \
        and i.open_amount > 0 and i.document_id is not null and i.due_on <= $3 and (i.due_on, i.id) > ($4, $5) \
        and not exists (select 1 from reminders r where r.company_id = i.company_id and r.invoice_id = i.document_id \
        and r.status in ('pending', 'sent') and r.date > $6) \
        and not exists (select 1 from dunning_pauses p where p.company_id = i.company_id \
        and p.invoice_id = i.document_id and (p.until is null or p.until >= $7)) \
        order by i.due_on, i.id limit $8";
}

/// A step as it is kept: the fee in minor units.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    days_after_due: u32,
    fee: i64,
    text: Option<ReminderTexts>,
}

/// A company's schedule; off where it has none in its currency.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company: &Company) -> Result<Schedule, Error> {
    let currency = company.currency;
    let Some(mut row) = tx.one(GET, params![company.id, currency.code()])? else { return Ok(Schedule::off(currency)) };
    let (is_enabled, minimum) = (row.next()?, Money::new(row.next()?, currency));
    let kept: Vec<Kept> = parse_json(&row.next::<String>()?)?;
    let step =
        |Kept { days_after_due, fee, text }| Step { days_after_due, fee: Money::new(fee, currency), texts: text };
    Ok(Schedule { is_enabled, minimum, steps: kept.into_iter().map(step).collect() })
}

/// Puts a schedule in the place of the one before.
///
/// # Errors
/// What the shelves answer.
pub fn put(tx: &mut dyn Tx, company_id: CompanyId, schedule: &Schedule, now: Timestamp) -> Result<(), Error> {
    let Schedule { is_enabled, minimum, steps } = schedule;
    let step = |Step { days_after_due, fee, texts }: &Step| Kept {
        days_after_due: *days_after_due,
        fee: fee.minor(),
        text: texts.clone(),
    };
    let steps: Vec<Kept> = steps.iter().map(step).collect();
    let values =
        params![company_id, yes_no(*is_enabled), minimum.currency().code(), minimum.minor(), json(&steps), now,];
    tx.exec(PUT, values)
}

/// Why and until when an invoice's reminders are held back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pause {
    /// The last day; none where it has no end.
    pub until: Option<Date>,
    /// Why.
    pub notes: Option<String>,
}

impl Pause {
    /// Whether it holds on a day.
    pub fn holds(&self, today: Date) -> bool {
        self.until.is_none_or(|last| today <= last)
    }
}

/// What holds an invoice's reminders back, if anything was said.
///
/// # Errors
/// What the shelves answer.
pub fn pause_of(tx: &mut dyn Tx, company_id: CompanyId, invoice: DocumentId) -> Result<Option<Pause>, Error> {
    let row = tx.one(PAUSE_OF, params![company_id, invoice])?;
    row.map(|mut row| Ok(Pause { until: row.next()?, notes: row.next()? })).transpose()
}

/// Holds an invoice's reminders back.
///
/// # Errors
/// What the shelves answer.
pub fn pause(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    invoice: DocumentId,
    pause: &Pause,
    now: Timestamp,
) -> Result<(), Error> {
    tx.exec(PAUSE, params![company_id, invoice, pause.until, pause.notes.as_deref(), now])
}

/// Holds an invoice's reminders back no more.
///
/// # Errors
/// What the shelves answer.
pub fn resume(tx: &mut dyn Tx, company_id: CompanyId, invoice: DocumentId) -> Result<(), Error> {
    tx.exec(RESUME, params![company_id, invoice])
}

/// Which invoices are looked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Of which so many reminders stand.
    pub count: i64,
    /// Due on this day or before.
    pub due_on: Date,
    /// The last reminder on this day or before.
    pub last_on: Date,
    /// The company's day.
    pub today: Date,
}

/// A place among invoices that are due: the due date, and the id of the open item.
pub type Place = (String, String);

/// Invoices that may be due for their next reminder, after a place: the oldest first, and where they stand.
///
/// # Errors
/// What the shelves answer.
pub fn due(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    asked: &Asked,
    after: &Place,
    most: i64,
) -> Result<Vec<(DocumentId, Place)>, Error> {
    let Asked { count, due_on, last_on, today } = *asked;
    let values = params![company_id, count, due_on, after.0.as_str(), after.1.as_str(), last_on, today, most];
    let read = |mut row: Row| Ok((row.id()?, (row.next()?, row.next()?)));
    tx.all(DUE, values)?.into_iter().map(read).collect()
}
