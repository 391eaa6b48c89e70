//! Credits paid out.

use billing::ids::{CompanyId, CustomerId, DocumentId, EntryId, OpenItemId, RefundId};
use billing::money::Money;
use billing::settlement::Reversal;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::db::{Error, Row, Tx, params, statements};
use crate::payments::reversal;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, item_id, document_id, customer_id, date, currency, amount, item_base_amount, reference, ",
            "entry_id, created_at, reversed_at, reversal_entry_id from refunds where company_id = $1 and item_id = $2 ",
            $rest
        )
    };
}

statements! {
    INSERT = "insert into refunds (company_id, id, item_id, document_id, customer_id, date, currency, amount, \
        item_base_amount, reference, entry_id, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    GET = select!("and id = $3");
    OF_ITEM = select!("order by id");
    REVERSE = "update refunds set reversed_at = $1, reversal_entry_id = $2 where company_id = $3 and id = $4";
}

/// A refund.
#[derive(Clone, PartialEq, Debug)]
pub struct Refund {
    /// Its id.
    pub id: RefundId,
    /// The credit item that was paid out.
    pub item_id: OpenItemId,
    /// The credit note; none for an overpayment.
    pub document_id: Option<DocumentId>,
    /// Who was paid.
    pub customer_id: CustomerId,
    /// The day it was paid out.
    pub date: Date,
    /// What was paid out, positive.
    pub amount: Money,
    /// What left the item in the company's currency, minor units, positive.
    pub item_base: i64,
    /// What it is known by at the bank.
    pub reference: String,
    /// The entry that posts it.
    pub entry_id: EntryId,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub reversal: Option<Reversal>,
}

/// Shelves a refund.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, r: &Refund) -> Result<(), Error> {
    tx.exec(
        INSERT,
        params![
            company_id,
            r.id,
            r.item_id,
            r.document_id,
            r.customer_id,
            r.date,
            r.amount.currency().code(),
            r.amount.minor(),
            r.item_base,
            r.reference.as_str(),
            r.entry_id,
            r.created_at,
        ],
    )
}

/// A refund of a credit item.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, item: OpenItemId, id: RefundId) -> Result<Option<Refund>, Error> {
    tx.one(GET, params![company_id, item, id])?.map(read).transpose()
}

/// The refunds of a credit item, oldest first, those taken back too.
///
/// # Errors
/// What the shelves answer.
pub fn of_item(tx: &mut dyn Tx, company_id: CompanyId, item: OpenItemId) -> Result<Vec<Refund>, Error> {
    tx.all(OF_ITEM, params![company_id, item])?.into_iter().map(read).collect()
}

/// Notes that a refund was taken back.
///
/// # Errors
/// What the shelves answer.
pub fn reverse(tx: &mut dyn Tx, company_id: CompanyId, id: RefundId, reversal: Reversal) -> Result<(), Error> {
    tx.exec(REVERSE, params![reversal.at, reversal.entry_id, company_id, id])
}

fn read(mut row: Row) -> Result<Refund, Error> {
    let (id, item_id, document_id, customer_id, date) = (row.id()?, row.id()?, row.opt_id()?, row.id()?, row.next()?);
    let currency = row.parse()?;
    Ok(Refund {
        id,
        item_id,
        document_id,
        customer_id,
        date,
        amount: Money::new(row.next()?, currency),
        item_base: row.next()?,
        reference: row.next()?,
        entry_id: row.id()?,
        created_at: row.next()?,
        reversal: reversal(&mut row)?,
    })
}
