//! Reminders of invoices, and what payments settle of their fees.

use billing::dunning::ReminderStatus;
use billing::ids::{CompanyId, CustomerId, DocumentId, EntryId, OpenItemId, PaymentId, ReminderId};
use billing::money::{Currency, Money};
use billing::settlement::Reversal;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::db::{Error, Row, Tx, params, statements};
use crate::documents::both;
use crate::payments::reversal;

macro_rules! columns {
    ($prefix:literal, $suffix:literal) => {
        concat!(
            $prefix,
            " id, invoice_id, customer_id, step, date, status, recipient, language, text, currency, fee_amount, ",
            "base_fee_amount, fee_item_id, entry_id, attempt_count, next_attempt_at, sent_at, last_error_code, ",
            "last_error_message, created_at",
            $suffix
        )
    };
}

statements! {
    INSERT = columns!("insert into reminders (company_id,", ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
        $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)");
    GET = columns!("select", ", fee_reversed_at, fee_reversal_entry_id from reminders where company_id = $1 and id = $2");
    OF_INVOICE = columns!("select", ", fee_reversed_at, fee_reversal_entry_id from reminders \
        where company_id = $1 and invoice_id = $2 order by id");
    UPDATE = "update reminders set status = $1, attempt_count = $2, next_attempt_at = $3, sent_at = $4, \
        last_error_code = $5, last_error_message = $6, fee_reversed_at = $7, fee_reversal_entry_id = $8 \
        where company_id = $9 and id = $10";
    SET_COUNT = "update open_items set reminder_count = $1 where company_id = $2 and document_id = $3";
    UNDONE = "select d.number from reminders r join documents d on d.company_id = r.company_id and d.id = r.invoice_id \
        left join (select subject_id from jobs where company_id = $1 group by subject_id) j on j.subject_id = r.id \
        where r.company_id = $2 and r.invoice_id > $3 and r.invoice_id <= $4 and r.status = 'pending' \
        and j.subject_id is null order by d.number limit 100";
    PAY_FEE = "insert into payment_fees (company_id, payment_id, item_id, amount, base_amount) \
        values ($1, $2, $3, $4, $5)";
    FEES_PAID = "select item_id, amount, base_amount from payment_fees where company_id = $1 and payment_id = $2 \
        order by item_id";
}

/// A reminder of an invoice.
#[derive(Clone, PartialEq, Debug)]
pub struct Reminder {
    /// Its id.
    pub id: ReminderId,
    /// The invoice.
    pub invoice_id: DocumentId,
    /// Who is reminded.
    pub customer_id: CustomerId,
    /// Which step of the schedule it is, from 1.
    pub step: u32,
    /// Its day.
    pub date: Date,
    /// What became of it.
    pub status: ReminderStatus,
    /// The address it is sent to.
    pub recipient: String,
    /// The language it is written in.
    pub language: String,
    /// What its mail says; none for the program's text.
    pub text: Option<String>,
    /// The invoice's currency.
    pub currency: Currency,
    /// What it costs.
    pub fee: Option<Fee>,
    /// How often its mail was tried.
    pub attempt_count: u32,
    /// When its mail is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// When the mail server took its mail.
    pub sent_at: Option<Timestamp>,
    /// Why the last try failed: code and sentence.
    pub last_error: Option<(String, String)>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a reminder costs, in both currencies.
#[derive(Clone, PartialEq, Debug)]
pub struct Fee {
    /// In the invoice's currency.
    pub amount: Money,
    /// In the company's currency, minor units.
    pub base: i64,
    /// Its open item.
    pub item_id: OpenItemId,
    /// The entry that posts it.
    pub entry_id: EntryId,
    /// When it was taken back.
    pub reversal: Option<Reversal>,
}

impl Reminder {
    /// Whether it counts: its mail left or is still to leave.
    pub fn stands(&self) -> bool {
        matches!(self.status, ReminderStatus::Pending | ReminderStatus::Sent)
    }
}

/// Shelves a reminder.
///
/// # Errors
/// What the shelves answer; `Conflict` where one of its step stands.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, r: &Reminder) -> Result<(), Error> {
    let fee = r.fee.as_ref();
    tx.exec(
        INSERT,
        params![
            company_id,
            r.id,
            r.invoice_id,
            r.customer_id,
            r.step,
            r.date,
            r.status.as_str(),
            r.recipient.as_str(),
            r.language.as_str(),
            r.text.as_deref(),
            r.currency.code(),
            fee.map_or(0, |fee| fee.amount.minor()),
            fee.map_or(0, |fee| fee.base),
            fee.map(|fee| fee.item_id),
            fee.map(|fee| fee.entry_id),
            r.attempt_count,
            r.next_attempt_at,
            r.sent_at,
            r.last_error.as_ref().map(|(code, _)| code.as_str()),
            r.last_error.as_ref().map(|(_, message)| message.as_str()),
            r.created_at,
        ],
    )
}

/// A reminder by its id.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: ReminderId) -> Result<Option<Reminder>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// The reminders of an invoice, oldest first, whatever became of them.
///
/// # Errors
/// What the shelves answer.
pub fn of_invoice(tx: &mut dyn Tx, company_id: CompanyId, invoice: DocumentId) -> Result<Vec<Reminder>, Error> {
    tx.all(OF_INVOICE, params![company_id, invoice])?.into_iter().map(read).collect()
}

/// Writes how far a reminder has come, and whether its fee stands.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, r: &Reminder) -> Result<(), Error> {
    let reversal = r.fee.as_ref().and_then(|fee| fee.reversal);
    tx.exec(
        UPDATE,
        params![
            r.status.as_str(),
            r.attempt_count,
            r.next_attempt_at,
            r.sent_at,
            r.last_error.as_ref().map(|(code, _)| code.as_str()),
            r.last_error.as_ref().map(|(_, message)| message.as_str()),
            reversal.map(|reversal| reversal.at),
            reversal.map(|reversal| reversal.entry_id),
            company_id,
            r.id,
        ],
    )
}

/// Writes how many reminders of an invoice stand, where what is due is looked for.
///
/// # Errors
/// What the shelves answer.
pub fn set_count(tx: &mut dyn Tx, company_id: CompanyId, invoice: DocumentId, count: i64) -> Result<(), Error> {
    tx.exec(SET_COUNT, params![count, company_id, invoice])
}

/// The invoices in a range of ids of which a reminder is to be sent by no job: their numbers.
///
/// # Errors
/// What the shelves answer.
pub fn undone(tx: &mut dyn Tx, company_id: CompanyId, after: &str, to: &str) -> Result<Vec<String>, Error> {
    let rows = tx.all(UNDONE, params![company_id, company_id, after, to])?;
    rows.into_iter().map(|mut row| row.next()).collect()
}

/// What a payment settles of a fee, positive minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeePaid {
    /// The fee's open item.
    pub item_id: OpenItemId,
    /// In its currency.
    pub amount: i64,
    /// In the company's currency, as it is carried.
    pub base: i64,
}

/// Shelves what a payment settles of a fee.
///
/// # Errors
/// What the shelves answer.
pub fn pay_fee(tx: &mut dyn Tx, company_id: CompanyId, payment: PaymentId, paid: &FeePaid) -> Result<(), Error> {
    tx.exec(PAY_FEE, params![company_id, payment, paid.item_id, paid.amount, paid.base])
}

/// What a payment settles of fees.
///
/// # Errors
/// What the shelves answer.
pub fn fees_paid(tx: &mut dyn Tx, company_id: CompanyId, payment: PaymentId) -> Result<Vec<FeePaid>, Error> {
    let read = |mut row: Row| Ok(FeePaid { item_id: row.id()?, amount: row.next()?, base: row.next()? });
    tx.all(FEES_PAID, params![company_id, payment])?.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Result<Reminder, Error> {
    let (id, invoice_id, customer_id) = (row.id()?, row.id()?, row.id()?);
    let (step, date, status) = (row.next()?, row.next()?, row.parse()?);
    let (recipient, language, text) = (row.next()?, row.next()?, row.next()?);
    let currency: Currency = row.parse()?;
    let (amount, base) = (Money::new(row.next()?, currency), row.next()?);
    let posted: Option<(OpenItemId, EntryId)> = Option::zip(row.opt_id()?, row.opt_id()?);
    let (attempt_count, next_attempt_at, sent_at) = (row.next()?, row.next()?, row.next()?);
    let last_error = both(row.next()?, row.next()?);
    let created_at = row.next()?;
    let reversal = reversal(&mut row)?;
    let fee = posted.map(|(item_id, entry_id)| Fee { amount, base, item_id, entry_id, reversal });
    Ok(Reminder {
        id,
        invoice_id,
        customer_id,
        step,
        date,
        status,
        recipient,
        language,
        text,
        currency,
        fee,
        attempt_count,
        next_attempt_at,
        sent_at,
        last_error,
        created_at,
    })
}
