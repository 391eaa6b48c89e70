//! Allocations: an amount of a credit item set off against a debit item.

use billing::ids::{AllocationId, CompanyId, DocumentId, EntryId, OpenItemId, ReminderId};
use billing::settlement::Reversal;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::db::{Error, Row, Tx, params, statements};
use crate::payments::reversal;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select a.id, a.credit_item_id, a.credit_document_id, a.debit_item_id, ",
            "coalesce(a.debit_document_id, r.invoice_id), r.id, a.amount, a.credit_base_amount, ",
            "a.debit_base_amount, a.entry_id, a.date, a.created_at, a.reversed_at, a.reversal_entry_id, d.number ",
            "from allocations a left join open_items i on i.company_id = a.company_id and i.id = a.debit_item_id ",
            "left join reminders r on r.company_id = i.company_id and r.id = i.reminder_id ",
            "left join documents d on d.company_id = a.company_id ",
            "and d.id = coalesce(a.debit_document_id, r.invoice_id) ",
            "where a.company_id = $1 and a.credit_item_id = $2 ",
            $rest
        )
    };
}

statements! {
    INSERT = "insert into allocations (company_id, id, credit_item_id, debit_item_id, credit_document_id, \
        debit_document_id, amount, credit_base_amount, debit_base_amount, entry_id, date, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    GET = select!("and a.id = $3");
    OF_ITEM = select!("order by a.id");
    REVERSE = "update allocations set reversed_at = $1, reversal_entry_id = $2 where company_id = $3 and id = $4";
}

/// One amount of a credit item set off against a debit item.
#[derive(Clone, PartialEq, Debug)]
pub struct Allocation {
    /// Its id.
    pub id: AllocationId,
    /// The item that gives, and its credit note; none for an overpayment.
    pub credit: (OpenItemId, Option<DocumentId>),
    /// The item that is settled, and the invoice it is of.
    pub debit: (OpenItemId, DocumentId),
    /// The reminder whose fee is settled, where it is one.
    pub reminder: Option<ReminderId>,
    /// How much, minor units, positive.
    pub amount: i64,
    /// What leaves the credit item in the company's currency, positive.
    pub credit_base: i64,
    /// What leaves the debit item in the company's currency, positive.
    pub debit_base: i64,
    /// The entry that posts it.
    pub entry_id: EntryId,
    /// Its day.
    pub date: Date,
    /// When it is written.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub reversal: Option<Reversal>,
}

/// Shelves an allocation.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, a: &Allocation) -> Result<(), Error> {
    tx.exec(
        INSERT,
        params![
            company_id,
            a.id,
            a.credit.0,
            a.debit.0,
            a.credit.1,
            Some(a.debit.1).filter(|_| a.reminder.is_none()),
            a.amount,
            a.credit_base,
            a.debit_base,
            a.entry_id,
            a.date,
            a.created_at,
        ],
    )
}

/// An allocation of a credit item, with the invoice's number.
///
/// # Errors
/// What the shelves answer.
pub fn get(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    item: OpenItemId,
    id: AllocationId,
) -> Result<Option<(Allocation, Option<String>)>, Error> {
    tx.one(GET, params![company_id, item, id])?.map(read).transpose()
}

/// The allocations of a credit item, oldest first, those taken back too, with the invoices' numbers.
///
/// # Errors
/// What the shelves answer.
pub fn of_item(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    item: OpenItemId,
) -> Result<Vec<(Allocation, Option<String>)>, Error> {
    tx.all(OF_ITEM, params![company_id, item])?.into_iter().map(read).collect()
}

/// Notes that an allocation was taken back.
///
/// # Errors
/// What the shelves answer.
pub fn reverse(tx: &mut dyn Tx, company_id: CompanyId, id: AllocationId, reversal: Reversal) -> Result<(), Error> {
    tx.exec(REVERSE, params![reversal.at, reversal.entry_id, company_id, id])
}

fn read(mut row: Row) -> Result<(Allocation, Option<String>), Error> {
    let allocation = Allocation {
        id: row.id()?,
        credit: (row.id()?, row.opt_id()?),
        debit: (row.id()?, row.id()?),
        reminder: row.opt_id()?,
        amount: row.next()?,
        credit_base: row.next()?,
        debit_base: row.next()?,
        entry_id: row.id()?,
        date: row.next()?,
        created_at: row.next()?,
        reversal: reversal(&mut row)?,
    };
    Ok((allocation, row.next()?))
}
