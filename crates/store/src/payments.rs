//! Payments received on invoices.

use billing::ids::{CompanyId, CustomerId, DocumentId, EntryId, OpenItemId, PaymentId};
use billing::money::Currency;
use billing::payments::Split;
use billing::settlement::Reversal;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::db::{Error, Row, Tx, params, statements};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, invoice_id, customer_id, date, currency, amount, settled_amount, recovered_amount, ",
            "fee_amount, credit_amount, settled_base_amount, credit_item_id, reference, method, entry_id, created_at, reversed_at, ",
            "reversal_entry_id from payments where company_id = $1 and ",
            $rest
        )
    };
}

statements! {
    INSERT = "insert into payments (company_id, id, invoice_id, customer_id, date, currency, amount, settled_amount, \
        settled_base_amount, recovered_amount, fee_amount, credit_amount, credit_item_id, reference, method, entry_id, \
        created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    GET = select!("invoice_id = $2 and id = $3");
    OF_INVOICE = select!("invoice_id = $2 order by id");
    REVERSE = "update payments set reversed_at = $1, reversal_entry_id = $2 where company_id = $3 and id = $4";
}

/// A payment; its amounts are in minor units and positive.
#[derive(Clone, PartialEq, Debug)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// The invoice it was received on.
    pub invoice_id: DocumentId,
    /// Who paid.
    pub customer_id: CustomerId,
    /// The day it was received.
    pub date: Date,
    /// The currency of its amounts.
    pub currency: Currency,
    /// What was received.
    pub amount: i64,
    /// What it does.
    pub split: Split,
    /// What it settles, in the company's currency as it was carried.
    pub settled_base: i64,
    /// The open item of what was too much.
    pub credit_item: Option<OpenItemId>,
    /// What the payer or the bank wrote on it.
    pub reference: Option<String>,
    /// How it was paid.
    pub method: Option<String>,
    /// The entry that posts it.
    pub entry_id: EntryId,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub reversal: Option<Reversal>,
}

/// Shelves a payment.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, p: &Payment) -> Result<(), Error> {
    tx.exec(
        INSERT,
        params![
            company_id,
            p.id,
            p.invoice_id,
            p.customer_id,
            p.date,
            p.currency.code(),
            p.amount,
            p.split.settled,
            p.settled_base,
            p.split.recovered,
            p.split.fees,
            p.split.credit,
            p.credit_item,
            p.reference.as_deref(),
            p.method.as_deref(),
            p.entry_id,
            p.created_at,
        ],
    )
}

/// A payment of an invoice.
///
/// # Errors
/// What the shelves answer.
pub fn get(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    invoice_id: DocumentId,
    id: PaymentId,
) -> Result<Option<Payment>, Error> {
    tx.one(GET, params![company_id, invoice_id, id])?.map(read).transpose()
}

/// The payments of an invoice, oldest first, those taken back too.
///
/// # Errors
/// What the shelves answer.
pub fn of_invoice(tx: &mut dyn Tx, company_id: CompanyId, invoice_id: DocumentId) -> Result<Vec<Payment>, Error> {
    tx.all(OF_INVOICE, params![company_id, invoice_id])?.into_iter().map(read).collect()
}

/// Notes that a payment was taken back.
///
/// # Errors
/// What the shelves answer.
pub fn reverse(tx: &mut dyn Tx, company_id: CompanyId, id: PaymentId, reversal: Reversal) -> Result<(), Error> {
    tx.exec(REVERSE, params![reversal.at, reversal.entry_id, company_id, id])
}

fn read(mut row: Row) -> Result<Payment, Error> {
    Ok(Payment {
        id: row.id()?,
        invoice_id: row.id()?,
        customer_id: row.id()?,
        date: row.next()?,
        currency: row.parse()?,
        amount: row.next()?,
        split: Split { settled: row.next()?, recovered: row.next()?, fees: row.next()?, credit: row.next()? },
        settled_base: row.next()?,
        credit_item: row.opt_id()?,
        reference: row.next()?,
        method: row.next()?,
        entry_id: row.id()?,
        created_at: row.next()?,
        reversal: reversal(&mut row)?,
    })
}

/// When a deed was taken back, from the two columns that say so.
pub(crate) fn reversal(row: &mut Row) -> Result<Option<Reversal>, Error> {
    let (at, entry_id): (Option<Timestamp>, Option<EntryId>) = (row.next()?, row.opt_id()?);
    Ok(at.zip(entry_id).map(|(at, entry_id)| Reversal { at, entry_id }))
}
