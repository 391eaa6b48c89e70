//! The mail of a reminder: what is asked for is read when it leaves, and whether it still is to be asked for is
//! decided then, once more.

use std::sync::Arc;
use std::time::Instant;

use billing::company::Company;
use billing::document::Document;
use billing::dunning::{ReminderStatus, fill};
use billing::ids::{DeliveryId, ReminderId};
use billing::kind::Kind;
use billing::money::Money;
use jiff::SignedDuration;
use serde_json::Value;
use store::jobs::{self, Job};
use store::open_items;
use store::reminders::{self as shelf, Reminder};

use super::{check_owed, public, take_fee_back};
use crate::deliveries::{Outcome, retry_after};
use crate::documents::find;
use crate::mail::{self, Letter, Said};
use crate::work::json;
use crate::workers::{Bell, Health};
use crate::{App, Caller, Error, View, Work, archive, paper};

/// What is to be done about a reminder's mail.
enum Mail {
    /// Nothing: it is gone, or was never to be.
    Done,
    /// It is not to be sent any more.
    Stop,
    /// To be sent.
    Send(Box<(Letter, Document)>),
}

impl App {
    /// Has a reminder leave, or ends it where nothing is to be asked for any more. How its receiver is.
    pub(crate) fn post_reminder(self: &Arc<Self>, job: &Job, by: &Caller, bell: &Bell) -> Result<Health, Error> {
        let (id, company_id, job_id) = (ReminderId(job.subject_id), job.company_id, job.id);
        let claimed = Instant::now();
        let (mut letter, invoice) = match self.read(by.clone(), move |view| look(view, id)).wait()? {
            Mail::Done => {
                self.done(job)?;
                return Ok(Health::Well);
            }
            Mail::Stop => {
                let stopped = self.write(by.clone(), move |work| {
                    stop(work, id)?;
                    Ok(jobs::delete(work.tx, company_id, job_id)?)
                });
                stopped.wait()?;
                return Ok(Health::Well);
            }
            Mail::Send(both) => *both,
        };
        letter.attached.push(archive::pdf(self, by, Kind::Invoice, invoice.id, false)?);
        letter.at = self.now();
        if !self.hold(job, claimed)? {
            // It was made ready for so long that somebody else is at it.
            return Ok(Health::Well);
        }
        let outcome = mail::send(&self.channels.mail, &letter);
        if let Outcome::Passing(code, why) | Outcome::Busy(code, why, _) | Outcome::Permanent(code, why) = &outcome {
            tracing::warn!(reminder_id = %id, code, why, "a reminder was not taken");
        }
        let is_passing = matches!(outcome, Outcome::Passing(..) | Outcome::Busy(..));
        let health = if is_passing { Health::Ailing } else { Health::Well };
        // What has left and is not recorded would leave once more.
        self.tell(bell, || {
            let outcome = outcome.clone();
            self.write(by.clone(), move |work| {
                match record(work, id, &outcome)? {
                    Some(next) => jobs::later(work.tx, company_id, job_id, next)?,
                    None => jobs::delete(work.tx, company_id, job_id)?,
                }
                Ok(())
            })
            .wait()
        })?;
        Ok(health)
    }
}

/// What is to be done, from the books as they are.
fn look(view: &mut View<'_>, id: ReminderId) -> Result<Mail, Error> {
    let company_id = view.company.id;
    let Some(reminder) = shelf::get(view.tx, company_id, id)?.filter(|own| own.status == ReminderStatus::Pending)
    else {
        return Ok(Mail::Done);
    };
    let invoice = find(view.tx, company_id, Kind::Invoice, reminder.invoice_id)?;
    let today = view.today();
    match check_owed(view.tx, company_id, today, &invoice) {
        Err(Error::Refused(_)) => return Ok(Mail::Stop),
        other => other?,
    }
    let fees = open_items::fees_of(view.tx, company_id, invoice.id)?;
    let fees = Money::sum(invoice.currency, fees.iter().map(|item| item.open));
    let letter = letter(&view.company, &reminder, &invoice, fees);
    Ok(Mail::Send(Box::new((letter, invoice))))
}

/// A reminder as it is mailed, without its attachment.
fn letter(company: &Company, reminder: &Reminder, invoice: &Document, fees: Money) -> Letter {
    let (from_address, reply_to) = company.mails_from().unzip();
    let number = invoice.number.as_ref().map(|number| number.text.clone()).unwrap_or_default();
    let open = Money::new(invoice.facts.open_of(invoice.amount.minor()), invoice.currency);
    Letter {
        from_name: company.name.clone(),
        from_address: from_address.map(str::to_owned),
        reply_to: reply_to.flatten().map(str::to_owned),
        to: reminder.recipient.clone(),
        kind: invoice.kind.as_str(),
        number,
        amount: (open.to_string(), invoice.currency.code()),
        due_date: invoice.due_date,
        valid_until: None,
        message: None,
        language: reminder.language.clone(),
        message_id: format!("{}@ledgerbee", reminder.id),
        at: reminder.created_at,
        attached: Vec::new(),
        said: Some(said(company, reminder, invoice, (open, fees))),
    }
}

/// What the mail says: the text of the step, what is to be paid, and where.
fn said(company: &Company, reminder: &Reminder, invoice: &Document, (open, fees): (Money, Money)) -> Said {
    let words = paper::words_in(&reminder.language);
    let (own, mail) = (&words["reminder"], &words["mail"]);
    let text = |words: &Value, name: &str| words[name].as_str().unwrap_or_default().to_owned();
    let money = |of: Money| format!("{}\u{a0}{}", paper::number_in(words, &of.to_string()), of.currency());
    let number = invoice.number.as_ref().map(|number| number.text.clone()).unwrap_or_default();
    let fee = reminder.fee.as_ref().filter(|fee| fee.reversal.is_none());
    let fee = fee.map_or(Money::zero(invoice.currency), |fee| fee.amount);
    let customer = invoice.pinned.as_ref().map(|pinned| pinned.buyer.name.clone()).unwrap_or_default();
    let values = [
        ("number", number.clone()),
        ("openAmount", money(open)),
        ("dueDate", invoice.due_date.map(|day| paper::day_in(words, day)).unwrap_or_default()),
        ("fee", money(fee)),
        ("fees", money(fees)),
        ("total", money(open + fees)),
        ("customer", customer),
        ("company", company.name.clone()),
        ("name", company.name.clone()),
    ];
    let line = |name: &str, of: Money| {
        let mut values = values.to_vec();
        values.push(("amount", money(of)));
        fill(&text(own, name), &values)
    };
    let which = if reminder.step == 1 { "first" } else { "again" };
    let first = reminder.text.clone().unwrap_or_else(|| text(own, which));
    let mut sums = vec![line("open", open)];
    if !fees.is_zero() {
        sums.extend([line("fees", fees), line("total", open + fees)]);
    }
    let places = [("iban", &company.iban), ("bic", &company.bic), ("bankAccount", &company.bank_account)];
    let place = |(name, value): (&str, &Option<String>)| Some(format!("{}: {}", text(words, name), value.as_ref()?));
    let mut bank: Vec<String> = places.into_iter().filter_map(place).collect();
    if !bank.is_empty() {
        bank.push(format!("{}: {number}", text(words, "paymentReference")));
    }
    let paragraphs = [
        format!("{},", text(mail, "greeting")),
        fill(&first, &values),
        sums.join("\n"),
        bank.join("\n"),
        text(own, "attached"),
        format!("{}\n{}", text(mail, "regards"), company.name),
    ];
    Said {
        subject: fill(&text(own, &format!("{which}Subject")), &values),
        paragraphs: paragraphs.into_iter().filter(|paragraph| !paragraph.is_empty()).collect(),
    }
}

/// A reminder and its invoice, in a transaction that holds their company.
fn both(work: &mut Work<'_>, id: ReminderId) -> Result<Option<(Reminder, Document)>, Error> {
    let company_id = work.company.id;
    let Some(reminder) = shelf::get(work.tx, company_id, id)?.filter(|own| own.status == ReminderStatus::Pending)
    else {
        work.nothing_happened();
        return Ok(None);
    };
    let invoice = find(work.tx, company_id, Kind::Invoice, reminder.invoice_id)?;
    Ok(Some((reminder, invoice)))
}

/// Ends a reminder that is not to be sent any more: a fee for what nobody got is taken back.
fn stop(work: &mut Work<'_>, id: ReminderId) -> Result<(), Error> {
    let Some((reminder, invoice)) = both(work, id)? else { return Ok(()) };
    end(work, reminder, &invoice, ReminderStatus::Cancelled, "reminder.cancelled")
}

fn end(
    work: &mut Work<'_>,
    mut reminder: Reminder,
    invoice: &Document,
    status: ReminderStatus,
    event: &'static str,
) -> Result<(), Error> {
    let company_id = work.company.id;
    let before = json(&public(&reminder, invoice));
    take_fee_back(work, &mut reminder)?;
    reminder.status = status;
    reminder.next_attempt_at = None;
    shelf::update(work.tx, company_id, &reminder)?;
    let standing = shelf::of_invoice(work.tx, company_id, invoice.id)?;
    let count = standing.iter().filter(|own| own.stands()).count();
    shelf::set_count(work.tx, company_id, invoice.id, i64::try_from(count).unwrap_or(i64::MAX))?;
    work.event(event, "reminder", reminder.id, &public(&reminder, invoice), Some(before));
    Ok(())
}

/// Records a try. Answers when the next is due, none when no more will be made.
fn record(work: &mut Work<'_>, id: ReminderId, outcome: &Outcome) -> Result<Option<jiff::Timestamp>, Error> {
    let Some((mut reminder, invoice)) = both(work, id)? else { return Ok(None) };
    let before = json(&public(&reminder, &invoice));
    let tries = reminder.attempt_count;
    reminder.attempt_count += 1;
    reminder.next_attempt_at = None;
    reminder.last_error = None;
    let event = match outcome {
        Outcome::Delivered(_) | Outcome::Taken(_) => {
            reminder.status = ReminderStatus::Sent;
            reminder.sent_at = Some(work.now);
            "reminder.sent"
        }
        Outcome::Passing(code, message) | Outcome::Busy(code, message, _) | Outcome::Permanent(code, message) => {
            reminder.last_error = Some(((*code).to_owned(), message.clone()));
            let retry = |asked| retry_after(DeliveryId(id.0), i64::from(tries), asked);
            let pause = match outcome {
                Outcome::Passing(..) => retry(SignedDuration::ZERO),
                Outcome::Busy(_, _, asked) => retry(*asked),
                _ => None,
            };
            let Some(pause) = pause else {
                end(work, reminder, &invoice, ReminderStatus::Failed, "reminder.failed")?;
                return Ok(None);
            };
            reminder.next_attempt_at = Some(work.now + pause);
            "reminder.updated"
        }
    };
    shelf::update(work.tx, work.company.id, &reminder)?;
    work.event(event, "reminder", id, &public(&reminder, &invoice), Some(before));
    Ok(reminder.next_attempt_at)
}
