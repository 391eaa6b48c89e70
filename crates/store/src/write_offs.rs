//! Invoices given up: the write-offs, the lines of their losses, and what recovers them.

use billing::ids::{CompanyId, CustomerId, DocumentId, EntryId, PaymentId, WriteOffId};
use billing::money::{Currency, Money};
use billing::settlement::Reversal;
use billing::write_offs::{Loss, Taxed};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::db::{Error, Row, Tx, params, statements, yes_no};
use crate::payments::reversal;

statements! {
    INSERT = "insert into write_offs (company_id, id, invoice_id, customer_id, date, currency, amount, \
        item_base_amount, reason, vat_relief, evidence, entry_id, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    INSERT_PART = "insert into write_off_parts (company_id, write_off_id, position, account_id, vat_code_id, \
        vat_category, vat_rate, amount, base_amount, recovered_amount, recovered_base_amount) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)";
    OF_INVOICE = "select id, invoice_id, customer_id, date, currency, amount, item_base_amount, reason, vat_relief, \
        evidence, entry_id, created_at, reversed_at, reversal_entry_id from write_offs \
        where company_id = $1 and invoice_id = $2 order by id";
    PARTS = "select p.write_off_id, p.account_id, p.vat_code_id, p.vat_category, p.vat_rate, p.amount, p.base_amount, \
        p.recovered_amount, p.recovered_base_amount from write_off_parts p \
        join write_offs w on w.company_id = p.company_id and w.id = p.write_off_id \
        where w.company_id = $1 and w.invoice_id = $2 order by p.write_off_id, p.position";
    REVERSE = "update write_offs set reversed_at = $1, reversal_entry_id = $2 where company_id = $3 and id = $4";
    INSERT_RECOVERY = "insert into recoveries (company_id, payment_id, write_off_id, position, amount, base_amount) \
        values ($1, $2, $3, $4, $5, $6)";
    RECOVERIES = "select write_off_id, position, amount, base_amount from recoveries \
        where company_id = $1 and payment_id = $2 order by write_off_id, position";
    MOVE_RECOVERED = "update write_off_parts set recovered_amount = recovered_amount + $1, \
        recovered_base_amount = recovered_base_amount + $2 \
        where company_id = $3 and write_off_id = $4 and position = $5";
}

/// A write-off.
#[derive(Clone, PartialEq, Debug)]
pub struct WriteOff {
    /// Its id.
    pub id: WriteOffId,
    /// The invoice.
    pub invoice_id: DocumentId,
    /// Who does not pay.
    pub customer_id: CustomerId,
    /// The day it was given up.
    pub date: Date,
    /// What was given up, positive.
    pub amount: Money,
    /// What left the item in the company's currency, minor units, positive.
    pub item_base: i64,
    /// Why.
    pub reason: String,
    /// Whether its VAT came off output VAT.
    pub vat_relief: bool,
    /// What establishes the loss.
    pub evidence: Option<String>,
    /// The entry that posts it.
    pub entry_id: EntryId,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub reversal: Option<Reversal>,
    /// The lines of its loss: bad debt first.
    pub parts: Vec<Part>,
}

/// A line of a loss and how far it is recovered.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    /// The line.
    pub loss: Loss,
    /// What of it is recovered in both currencies, minor units.
    pub recovered: (i64, i64),
}

impl Part {
    /// What is left of it, in both currencies.
    pub fn left(&self) -> (i64, i64) {
        (self.loss.amount.minor() - self.recovered.0, self.loss.base.minor() - self.recovered.1)
    }
}

/// What a payment recovers of one line of a loss.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Recovery {
    /// The write-off.
    pub write_off_id: WriteOffId,
    /// Which line of it, from 0.
    pub position: i64,
    /// How much, minor units.
    pub amount: i64,
    /// How much in the company's currency.
    pub base: i64,
}

/// Shelves a write-off with its lines.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, w: &WriteOff) -> Result<(), Error> {
    tx.exec(
        INSERT,
        params![
            company_id,
            w.id,
            w.invoice_id,
            w.customer_id,
            w.date,
            w.amount.currency().code(),
            w.amount.minor(),
            w.item_base,
            w.reason.as_str(),
            yes_no(w.vat_relief),
            w.evidence.as_deref(),
            w.entry_id,
            w.created_at,
        ],
    )?;
    for (position, part) in (0_i64..).zip(&w.parts) {
        let loss = &part.loss;
        tx.exec(
            INSERT_PART,
            params![
                company_id,
                w.id,
                position,
                loss.account_id,
                loss.vat.map(|vat| vat.code_id),
                loss.vat.map(|vat| vat.category.as_str()),
                loss.vat.map(|vat| vat.rate),
                loss.amount.minor(),
                loss.base.minor(),
            ],
        )?;
    }
    Ok(())
}

/// The write-offs of an invoice, oldest first, those taken back too; `base` is the company's currency.
///
/// # Errors
/// What the shelves answer.
pub fn of_invoice(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    invoice_id: DocumentId,
    base: Currency,
) -> Result<Vec<WriteOff>, Error> {
    let of = params![company_id, invoice_id];
    let (rows, parts) = tx.both((OF_INVOICE, of), (PARTS, of))?;
    let mut found = rows.into_iter().map(read).collect::<Result<Vec<WriteOff>, Error>>()?;
    for mut row in parts {
        let id: WriteOffId = row.id()?;
        let write_off = found.iter_mut().find(|write_off| write_off.id == id).ok_or(Error::NotFound)?;
        let part = part(row, write_off, base)?;
        write_off.parts.push(part);
    }
    Ok(found)
}

/// Notes that a write-off was taken back.
///
/// # Errors
/// What the shelves answer.
pub fn reverse(tx: &mut dyn Tx, company_id: CompanyId, id: WriteOffId, reversal: Reversal) -> Result<(), Error> {
    tx.exec(REVERSE, params![reversal.at, reversal.entry_id, company_id, id])
}

/// Notes what a payment recovers of a line.
///
/// # Errors
/// What the shelves answer.
pub fn recover(tx: &mut dyn Tx, company_id: CompanyId, payment_id: PaymentId, r: &Recovery) -> Result<(), Error> {
    tx.exec(INSERT_RECOVERY, params![company_id, payment_id, r.write_off_id, r.position, r.amount, r.base])?;
    tx.exec(MOVE_RECOVERED, params![r.amount, r.base, company_id, r.write_off_id, r.position])
}

/// Takes back what a payment recovered: it is lost again.
///
/// # Errors
/// What the shelves answer.
pub fn lose_again(tx: &mut dyn Tx, company_id: CompanyId, payment_id: PaymentId) -> Result<(), Error> {
    for mut row in tx.all(RECOVERIES, params![company_id, payment_id])? {
        let (id, position): (WriteOffId, i64) = (row.id()?, row.next()?);
        let (amount, base): (i64, i64) = (row.next()?, row.next()?);
        tx.exec(MOVE_RECOVERED, params![-amount, -base, company_id, id, position])?;
    }
    Ok(())
}

fn read(mut row: Row) -> Result<WriteOff, Error> {
    let (id, invoice_id, customer_id, date) = (row.id()?, row.id()?, row.id()?, row.next()?);
    let currency = row.parse()?;
    Ok(WriteOff {
        id,
        invoice_id,
        customer_id,
        date,
        amount: Money::new(row.next()?, currency),
        item_base: row.next()?,
        reason: row.next()?,
        vat_relief: row.next()?,
        evidence: row.next()?,
        entry_id: row.id()?,
        created_at: row.next()?,
        reversal: reversal(&mut row)?,
        parts: Vec::new(),
    })
}

fn part(mut row: Row, write_off: &WriteOff, base: Currency) -> Result<Part, Error> {
    let account_id = row.id()?;
    let (code, category, rate) = (row.opt_id()?, row.opt_parse()?, row.next()?);
    let vat = match (code, category, rate) {
        (Some(code_id), Some(category), Some(rate)) => Some(Taxed { code_id, category, rate }),
        _ => None,
    };
    let loss = Loss {
        account_id,
        amount: Money::new(row.next()?, write_off.amount.currency()),
        base: Money::new(row.next()?, base),
        vat,
        customer_id: write_off.customer_id,
        document_id: write_off.invoice_id,
    };
    Ok(Part { loss, recovered: (row.next()?, row.next()?) })
}
