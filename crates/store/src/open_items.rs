//! Open items: what a customer owes or has to its credit, item by item.

use billing::carrying::Carried;
use billing::ids::{AccountId, CompanyId, CustomerId, DocumentId, EntryId, OpenItemId, PaymentId, ReminderId};
use billing::kind::Kind;
use billing::money::{Currency, Money};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::db::{Error, Row, Tx, params, statements};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select i.id, i.customer_id, i.account_id, i.document_id, i.payment_id, i.reminder_id, i.currency, ",
            "i.open_amount, i.base_open_amount, i.exchange_rate from open_items i where i.company_id = $1 and ",
            $rest
        )
    };
}

statements! {
    INSERT = "insert into open_items (company_id, id, customer_id, account_id, document_id, payment_id, \
        reminder_id, entry_id, date, due_on, currency, amount, base_amount, open_amount, base_open_amount, \
        exchange_rate, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    OF_DOCUMENT = select!("i.document_id = $2");
    GET = select!("i.id = $2");
    SET_OPEN = "update open_items set open_amount = $1, base_open_amount = $2 where company_id = $3 and id = $4";
    FEES_OF_INVOICE = "select i.id, i.customer_id, i.account_id, i.document_id, i.payment_id, i.reminder_id, \
        i.currency, i.open_amount, i.base_open_amount, i.exchange_rate from reminders r join open_items i \
        on i.company_id = r.company_id and i.id = r.fee_item_id where r.company_id = $1 and r.invoice_id = $2 \
        and i.open_amount > 0 order by r.id";
    LISTED = "select i.id, i.customer_id, i.account_id, i.document_id, i.payment_id, i.reminder_id, i.currency, \
        i.open_amount, i.base_open_amount, i.exchange_rate, i.amount, i.date, i.due_on, d.kind, \
        coalesce(d.number, p.reference, n.number), n.id from open_items i \
        left join documents d on d.company_id = i.company_id and d.id = i.document_id \
        left join payments p on p.company_id = i.company_id and p.id = i.payment_id \
        left join reminders r on r.company_id = i.company_id and r.id = i.reminder_id \
        left join documents n on n.company_id = r.company_id and n.id = r.invoice_id \
        where i.company_id = $1 and i.customer_id = $2 and i.open_amount <> 0 order by i.date, i.id";
}

/// An amount a customer owes (above zero) or has to its credit (below).
#[derive(Clone, PartialEq, Debug)]
pub struct OpenItem {
    /// Its id.
    pub id: OpenItemId,
    /// Whose.
    pub customer_id: CustomerId,
    /// The receivables control account it stands on.
    pub account_id: AccountId,
    /// What it comes from.
    pub origin: Origin,
    /// What is open, in its own currency.
    pub open: Money,
    /// What is open, in the company's currency, minor units.
    pub base_open: i64,
    /// The rate it stands at; none in the company's currency, or where it is of several rates.
    pub exchange_rate: Option<Decimal>,
}

impl OpenItem {
    /// What is open of it, without its sign.
    pub fn carried(&self) -> Carried {
        Carried { open: self.open.minor().abs(), base: self.base_open.abs(), rate: self.exchange_rate }
    }
}

/// What an open item comes from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Origin {
    /// An invoice or a credit note.
    Document(DocumentId),
    /// A payment that was too much.
    Payment(PaymentId),
    /// The fee of a reminder.
    Reminder(ReminderId),
}

impl Origin {
    /// The document, where it is one.
    pub fn document(self) -> Option<DocumentId> {
        match self {
            Origin::Document(id) => Some(id),
            Origin::Payment(_) | Origin::Reminder(_) => None,
        }
    }

    /// The payment, where it is one.
    pub fn payment(self) -> Option<PaymentId> {
        match self {
            Origin::Document(_) | Origin::Reminder(_) => None,
            Origin::Payment(id) => Some(id),
        }
    }

    /// The reminder, where it is one's fee.
    pub fn reminder(self) -> Option<ReminderId> {
        match self {
            Origin::Document(_) | Origin::Payment(_) => None,
            Origin::Reminder(id) => Some(id),
        }
    }
}

/// An open item with what a list says of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Listed {
    /// The item.
    pub item: OpenItem,
    /// What it was, minor units.
    pub amount: i64,
    /// Its day.
    pub date: Date,
    /// When it is to be paid.
    pub due_on: Option<Date>,
    /// The document's kind.
    pub kind: Option<Kind>,
    /// The document's number, or the payment's reference, or the number of the invoice a fee is of.
    pub number: Option<String>,
    /// The invoice a fee is of.
    pub reminded: Option<DocumentId>,
}

/// Makes an item: all of it open.
///
/// # Errors
/// What the shelves answer.
pub fn insert(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    item: &OpenItem,
    entry_id: EntryId,
    dates: (Date, Option<Date>),
    created_at: Timestamp,
) -> Result<(), Error> {
    let (amount, base) = (item.open.minor(), item.base_open);
    tx.exec(
        INSERT,
        params![
            company_id,
            item.id,
            item.customer_id,
            item.account_id,
            item.origin.document(),
            item.origin.payment(),
            item.origin.reminder(),
            entry_id,
            dates.0,
            dates.1,
            item.open.currency().code(),
            amount,
            base,
            amount,
            base,
            item.exchange_rate,
            created_at,
        ],
    )
}

/// The item a document made.
///
/// # Errors
/// What the shelves answer.
pub fn of_document(tx: &mut dyn Tx, company_id: CompanyId, document: DocumentId) -> Result<Option<OpenItem>, Error> {
    tx.one(OF_DOCUMENT, params![company_id, document])?.map(|mut row| read(&mut row)).transpose()
}

/// An item by its id.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: OpenItemId) -> Result<Option<OpenItem>, Error> {
    tx.one(GET, params![company_id, id])?.map(|mut row| read(&mut row)).transpose()
}

/// The open fees of an invoice's reminders, oldest first.
///
/// # Errors
/// What the shelves answer.
pub fn fees_of(tx: &mut dyn Tx, company_id: CompanyId, invoice: DocumentId) -> Result<Vec<OpenItem>, Error> {
    tx.all(FEES_OF_INVOICE, params![company_id, invoice])?.into_iter().map(|mut row| read(&mut row)).collect()
}

/// Writes what is still open of an item.
///
/// # Errors
/// What the shelves answer.
pub fn set_open(tx: &mut dyn Tx, company_id: CompanyId, item: &OpenItem) -> Result<(), Error> {
    tx.exec(SET_OPEN, params![item.open.minor(), item.base_open, company_id, item.id])
}

/// What is open of a customer, oldest first.
///
/// # Errors
/// What the shelves answer.
pub fn of_customer(tx: &mut dyn Tx, company_id: CompanyId, customer_id: CustomerId) -> Result<Vec<Listed>, Error> {
    let read = |mut row: Row| {
        Ok(Listed {
            item: read(&mut row)?,
            amount: row.next()?,
            date: row.next()?,
            due_on: row.next()?,
            kind: row.opt_parse()?,
            number: row.next()?,
            reminded: row.opt_id()?,
        })
    };
    tx.all(LISTED, params![company_id, customer_id])?.into_iter().map(read).collect()
}

fn read(row: &mut Row) -> Result<OpenItem, Error> {
    let (id, customer_id, account_id) = (row.id()?, row.id()?, row.id()?);
    let origin = match (row.opt_id()?, row.opt_id()?, row.opt_id()?) {
        (Some(document), ..) => Origin::Document(document),
        (None, Some(payment), _) => Origin::Payment(payment),
        (None, None, Some(reminder)) => Origin::Reminder(reminder),
        (None, None, None) => return Err(Error::Broken(format!("open item {id} comes from nothing"))),
    };
    let currency: Currency = row.parse()?;
    Ok(OpenItem {
        id,
        customer_id,
        account_id,
        origin,
        open: Money::new(row.next()?, currency),
        base_open: row.next()?,
        exchange_rate: row.next()?,
    })
}
