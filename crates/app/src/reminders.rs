//! Reminders of invoices: each is one transaction with its fee, the fee's open item and the job that mails it.
//! Whether an invoice is to be reminded of is decided in it, and again when the mail leaves ([`post`]).

mod post;

use billing::customers::DeliveryType;
use billing::document::Document;
use billing::dunning::{self, PublicReminder, PublicReminderError, ReminderStatus, Schedule, Step};
use billing::ids::{CompanyId, DocumentId, JobId, OpenItemId, ReminderId};
use billing::input::dunning::ReminderInput;
use billing::input::sending::SendInput;
use billing::input::settlement::PartQuery;
use billing::json::instant_text;
use billing::kind::Kind;
use billing::money::Money;
use billing::page::Page;
use billing::refusal::Refusal;
use billing::settlement::part_of;
use billing::status::DeliveryState;
use jiff::ToSpan as _;
use jiff::civil::Date;
use store::db::Tx;
use store::jobs::{self, NewJob};
use store::open_items::{self, OpenItem, Origin};
use store::reminders::{self as shelf, Fee, Reminder};
use store::{customers, deliveries, dunning as shelf_of_dunning, exchange_rates};

use crate::deliveries::REJECTED;
use crate::documents::find;
use crate::settling::{self, Named, number};
use crate::work::json;
use crate::{Error, View, Work, channel, write_offs};

/// The kind of the job that mails a reminder.
pub(crate) const REMIND_JOB: &str = "remind";

/// Who has an invoice reminded of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// Somebody, now.
    Hand,
    /// The schedule, on its day.
    Day,
}

/// Reminds of an invoice now, by the next step of the schedule, whether that is enabled or not.
///
/// # Errors
/// `INVOICE_NOT_FOUND`, `DOCUMENT_NOT_BOOKED`, `INVOICE_NOT_OVERDUE`, `INVOICE_NOT_DELIVERED`, `REMINDER_PENDING`,
/// `DUNNING_NO_STEP_LEFT`, `PERIOD_LOCKED`; `DELIVERY_RECIPIENT_MISSING` and `DELIVERY_SENDER_MISSING`; what
/// [`check_owed`] refuses.
pub fn remind(work: &mut Work<'_>, invoice_id: DocumentId, input: ReminderInput) -> Result<PublicReminder, Error> {
    let due = due(work, invoice_id, By::Hand)?;
    let is_charged = input.without_fee != Some(true);
    let fee = if is_charged { Some(due.step.fee).filter(|fee| !fee.is_zero()) } else { None };
    send(work, due, fee)
}

/// Reminds of an invoice by the schedule, where that is due today.
///
/// # Errors
/// As [`remind`], and where the schedule is off or has another day: then nothing is to be done today.
pub(crate) fn remind_by_day(work: &mut Work<'_>, invoice_id: DocumentId) -> Result<PublicReminder, Error> {
    let due = due(work, invoice_id, By::Day)?;
    let fee = Some(due.step.fee).filter(|fee| !fee.is_zero());
    send(work, due, fee)
}

/// Takes the fee of a reminder back by its mirror entry.
///
/// # Errors
/// `REMINDER_NOT_FOUND`, `REMINDER_HAS_NO_FEE`, `REMINDER_FEE_REVERSED`, `REMINDER_FEE_SETTLED` when something of it
/// is paid, `PERIOD_LOCKED` when today is locked too.
pub fn waive(work: &mut Work<'_>, (invoice_id, id): (DocumentId, ReminderId)) -> Result<(), Error> {
    let invoice = find(work.tx, work.company.id, Kind::Invoice, invoice_id)?;
    let mut reminder = of(work.tx, work.company.id, invoice_id, id)?;
    let fee = reminder.fee.as_ref();
    let fee = fee.ok_or_else(|| Refusal::new("REMINDER_HAS_NO_FEE", "The reminder costs nothing."))?;
    settling::check_standing(fee.reversal, "fee", "REMINDER_FEE_REVERSED")?;
    let before = json(&public(&reminder, &invoice));
    if !take_fee_back(work, &mut reminder)? {
        let message = "Something of the fee is paid; take the payment or the allocation back first.";
        return Err(Refusal::new("REMINDER_FEE_SETTLED", message).into());
    }
    shelf::update(work.tx, work.company.id, &reminder)?;
    work.event("reminder.fee_reversed", "reminder", id, &public(&reminder, &invoice), Some(before));
    Ok(())
}

/// The reminders of an invoice, oldest first, whatever became of them.
///
/// # Errors
/// `INVOICE_NOT_FOUND`.
pub fn list(view: &mut View<'_>, invoice_id: DocumentId, query: PartQuery) -> Result<Page<PublicReminder>, Error> {
    let invoice = find(view.tx, view.company.id, Kind::Invoice, invoice_id)?;
    let all = shelf::of_invoice(view.tx, view.company.id, invoice_id)?;
    let page = part_of(all, query.page, query.limit, query.cursor.as_deref(), |own| own.id.to_string())?;
    Ok(page.map(|reminder| public(&reminder, &invoice)))
}

/// One reminder of an invoice.
///
/// # Errors
/// `REMINDER_NOT_FOUND`.
pub fn get(view: &mut View<'_>, (invoice_id, id): (DocumentId, ReminderId)) -> Result<PublicReminder, Error> {
    let reminder = of(view.tx, view.company.id, invoice_id, id)?;
    let invoice = find(view.tx, view.company.id, Kind::Invoice, invoice_id)?;
    Ok(public(&reminder, &invoice))
}

fn of(tx: &mut dyn Tx, company_id: CompanyId, invoice: DocumentId, id: ReminderId) -> Result<Reminder, Error> {
    let missing = || Refusal::missing("REMINDER_NOT_FOUND", "There is no such reminder of this invoice.");
    let found = shelf::get(tx, company_id, id)?.filter(|own| own.invoice_id == invoice);
    Ok(found.ok_or_else(missing)?)
}

/// What is to be reminded of is owed: open, booked and not given up, and nothing holds it back.
///
/// # Errors
/// `INVOICE_NOT_OPEN`, `INVOICE_WRITTEN_OFF`, `INVOICE_HAS_UNBOOKED_CREDIT` (what is asked for would be wrong),
/// `REMINDERS_PAUSED`.
fn check_owed(tx: &mut dyn Tx, company_id: CompanyId, today: Date, invoice: &Document) -> Result<(), Error> {
    if invoice.facts.open_of(invoice.amount.minor()) <= 0 || invoice.facts.cancelled_at.is_some() {
        return Err(Refusal::new("INVOICE_NOT_OPEN", "Nothing of the invoice is open.").into());
    }
    if invoice.facts.written_off > 0 {
        return Err(Refusal::new("INVOICE_WRITTEN_OFF", "Something of the invoice is written off.").into());
    }
    write_offs::check_credit(tx, company_id, invoice)?;
    match shelf_of_dunning::pause_of(tx, company_id, invoice.id)?.filter(|pause| pause.holds(today)) {
        None => Ok(()),
        Some(_) => Err(Refusal::new("REMINDERS_PAUSED", "The invoice's reminders are held back.").into()),
    }
}

/// An invoice that is due for a reminder.
struct Due {
    invoice: Document,
    item: OpenItem,
    earlier: Vec<Reminder>,
    number: u32,
    step: Step,
    recipient: String,
}

/// An invoice with the step that is next, where it is to be reminded of.
fn due(work: &mut Work<'_>, id: DocumentId, by: By) -> Result<Due, Error> {
    let (company_id, today) = (work.company.id, work.today());
    let invoice = settling::booked(work, Kind::Invoice, id)?;
    check_owed(work.tx, company_id, today, &invoice)?;
    let due_on = invoice.due_date.filter(|due| *due < today);
    let due_on = due_on.ok_or_else(|| Refusal::new("INVOICE_NOT_OVERDUE", "The invoice is not past its due date."))?;
    let schedule = shelf_of_dunning::get(work.tx, &work.company)?;
    let earlier = shelf::of_invoice(work.tx, company_id, id)?;
    let standing = || earlier.iter().filter(|reminder| reminder.stands());
    if standing().any(|reminder| reminder.status == ReminderStatus::Pending) {
        return Err(Refusal::new("REMINDER_PENDING", "The mail of a reminder is still on its way.").into());
    }
    let count = standing().count();
    let step = schedule.steps.get(count).cloned().ok_or_else(|| {
        let message = format!("The dunning schedule has {} steps, and {count} are taken.", schedule.steps.len());
        Refusal::new("DUNNING_NO_STEP_LEFT", message)
    })?;
    let item = settling::item_of(work, &invoice)?;
    if by == By::Day {
        let last = standing().next_back().map(|reminder| reminder.date);
        check_day(&schedule, (due_on, last), count + 1, today)?;
        if item.base_open < schedule.minimum.minor() {
            return Err(Refusal::new("REMINDER_NOT_DUE", "Less is open than is reminded of.").into());
        }
    }
    check_delivered(work, &invoice)?;
    let customer = customers::get(work.tx, company_id, invoice.head.customer_id)?;
    let customer = customer.ok_or_else(|| Error::Broken(format!("invoice {id} has no customer")))?;
    let by_mail = SendInput { delivery_type: Some(DeliveryType::Email), ..SendInput::default() };
    let recipient = channel::choose(work, &invoice, &customer, &by_mail)?.recipient.unwrap_or_default();
    // An address that a mail server refused for good is not written to again by itself.
    let failed = earlier.last().filter(|last| last.status == ReminderStatus::Failed);
    if by == By::Day && failed.is_some_and(|last| last.recipient == recipient) {
        let message = "The last reminder to this address failed; it waits for another address.";
        return Err(Refusal::new("REMINDER_NOT_DUE", message).into());
    }
    let number = u32::try_from(count + 1).map_err(|fault| Error::Broken(fault.to_string()))?;
    Ok(Due { invoice, item, earlier, number, step, recipient })
}

/// A step has its day by the due date, and by the reminder before it: one after the other, as far apart as the
/// schedule has them.
fn check_day(
    schedule: &Schedule,
    (due_on, last): (Date, Option<Date>),
    step: usize,
    today: Date,
) -> Result<(), Refusal> {
    let days = schedule.steps.get(step - 1).map_or(0, |own| own.days_after_due);
    let is_due = due_on.saturating_add(i64::from(days).days()) <= today;
    let is_apart = last.is_none_or(|last| last.saturating_add(schedule.days_since_last(step).days()) <= today);
    if schedule.is_enabled && is_due && is_apart {
        return Ok(());
    }
    Err(Refusal::new("REMINDER_NOT_DUE", "The invoice is not due for a reminder."))
}

/// Nobody is reminded of what did not arrive.
fn check_delivered(work: &mut Work<'_>, invoice: &Document) -> Result<(), Error> {
    let newest = deliveries::of(work.tx, work.company.id, invoice.id)?.pop();
    let is_rejected = newest.is_some_and(|newest| newest.status == REJECTED);
    if invoice.facts.delivery == DeliveryState::Delivered && !is_rejected {
        return Ok(());
    }
    let message = "The invoice has not been delivered: its own sending is under way, was given up or was rejected.";
    Err(Refusal::new("INVOICE_NOT_DELIVERED", message).into())
}

/// Shelves a reminder with its fee and the job that mails it.
fn send(work: &mut Work<'_>, due: Due, fee: Option<Money>) -> Result<PublicReminder, Error> {
    let company_id = work.company.id;
    let id: ReminderId = work.new_id();
    let fee = match fee {
        Some(fee) => charge(work, &due, id, fee)?,
        None => None,
    };
    let Due { invoice, number, step, recipient, .. } = due;
    let language = invoice.language.clone().unwrap_or_else(|| work.company.preferred_language.clone());
    let own = language.parse().ok().and_then(|language| step.texts.as_ref()?.of(language).map(str::to_owned));
    let reminder = Reminder {
        id,
        invoice_id: invoice.id,
        customer_id: invoice.head.customer_id,
        step: number,
        date: work.today(),
        status: ReminderStatus::Pending,
        recipient,
        language,
        text: own,
        currency: invoice.currency,
        fee,
        attempt_count: 0,
        next_attempt_at: Some(work.now),
        sent_at: None,
        last_error: None,
        created_at: work.now,
    };
    shelf::insert(work.tx, company_id, &reminder)?;
    shelf::set_count(work.tx, company_id, invoice.id, i64::from(number))?;
    let queue = channel::queue(DeliveryType::Email, Some(&reminder.recipient));
    let job_id: JobId = work.new_id();
    let job = NewJob { id: job_id, kind: REMIND_JOB, subject_id: id.0, queue: &queue, due_at: work.now };
    jobs::add(work.tx, company_id, &job, work.now)?;
    let published = public(&reminder, &invoice);
    work.event("reminder.created", "reminder", id, &published, None);
    Ok(published)
}

/// Posts the fee of a reminder and opens its item, in the invoice's currency. None where the law has it cost
/// nothing, where no rate is known, and where it comes to nothing there.
fn charge(work: &mut Work<'_>, due: &Due, id: ReminderId, fee: Money) -> Result<Option<Fee>, Error> {
    let (company_id, today) = (work.company.id, work.today());
    let Due { invoice, item, earlier, number: step, .. } = due;
    if work.company.country_code == "DK" {
        let charged = earlier.iter().filter(|own| own.stands() && own.fee.is_some()).map(|own| own.date);
        if !dunning::may_charge_in_denmark(&charged.collect::<Vec<Date>>(), today) {
            return Ok(None);
        }
    }
    let (rate, amount) = if invoice.currency == work.company.currency {
        (None, fee)
    } else {
        let Some(rate) = exchange_rates::latest(work.tx, company_id, invoice.currency, today)? else {
            return Ok(None);
        };
        (Some(rate), dunning::fee_in(fee, rate, invoice.currency).map_err(Refusal::from)?)
    };
    if amount.is_zero() {
        return Ok(None);
    }
    settling::check_day(work, today)?;
    let own = OpenItem {
        id: work.new_id::<OpenItemId>(),
        customer_id: item.customer_id,
        account_id: item.account_id,
        origin: Origin::Reminder(id),
        open: amount,
        base_open: fee.minor(),
        exchange_rate: rate,
    };
    let part = settling::part_at(work, &own, amount, fee.minor());
    let income = settling::role(work, "FeeIncome")?;
    let named = Named {
        entry_type: "JOURNAL_ENTRY",
        date: today,
        description: format!("fee of reminder {step} of invoice {}", number(invoice).unwrap_or_default()),
        reference: number(invoice),
        document: Some(invoice),
        customer_id: item.customer_id,
    };
    let entry_id = settling::post(work, named, dunning::of_fee(part, income, invoice.id))?;
    open_items::insert(work.tx, company_id, &own, entry_id, (today, Some(today)), work.now)?;
    Ok(Some(Fee { amount, base: fee.minor(), item_id: own.id, entry_id, reversal: None }))
}

/// Takes a fee back by its mirror entry, where it stands and nothing of it is settled; whether it was.
fn take_fee_back(work: &mut Work<'_>, reminder: &mut Reminder) -> Result<bool, Error> {
    let Some(fee) = reminder.fee.as_mut().filter(|fee| fee.reversal.is_none()) else { return Ok(false) };
    let mut item = settling::item(work.tx, work.company.id, fee.item_id)?;
    if item.open != fee.amount {
        return Ok(false);
    }
    fee.reversal = Some(settling::reverse(work, fee.entry_id)?);
    let (all, base) = (item.open, item.base_open);
    settling::settle(work, &mut item, false, all, base)?;
    Ok(true)
}

fn public(r: &Reminder, invoice: &Document) -> PublicReminder {
    let fee = r.fee.as_ref();
    let none = Money::zero(r.currency);
    PublicReminder {
        id: r.id,
        invoice_id: r.invoice_id,
        invoice_number: number(invoice),
        customer_id: r.customer_id,
        step: r.step,
        date: r.date.to_string(),
        status: r.status,
        recipient: r.recipient.clone(),
        language: r.language.clone(),
        currency: r.currency.code().to_owned(),
        fee_amount: fee.map_or(none, |fee| fee.amount).to_string(),
        fee_open_item_id: fee.map(|fee| fee.item_id),
        journal_entry_id: fee.map(|fee| fee.entry_id),
        fee_reversed_at: fee.and_then(|fee| fee.reversal).map(|reversal| instant_text(reversal.at)),
        attempt_count: r.attempt_count,
        next_attempt_at: r.next_attempt_at.map(instant_text),
        sent_at: r.sent_at.map(instant_text),
        last_error: r.last_error.clone().map(|(code, message)| PublicReminderError { code, message }),
        created_at: instant_text(r.created_at),
    }
}
