//! The ledger: entries in their chain, postings, open items, allocations.

use billing::ids::{AccountId, AllocationId, CompanyId, CustomerId, DocumentId, EntryId, OpenItemId, VatCodeId};
use billing::money::{Currency, Money};
use billing::postings::{NewEntry, assert_balanced, hash};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::db::{Error, Row, Tx, params, statements, yes_no};
use crate::documents::json;

statements! {
    CHAIN = "select entry_sequence, last_entry_hash from company_counters where company_id = $1";
    SET_CHAIN = "update company_counters set entry_sequence = $1, last_entry_hash = $2 where company_id = $3";
    INSERT_ENTRY = "insert into journal_entries (company_id, sequence, id, entry_type, date, currency, description, \
        reference, document_id, customer_id, document_sha256, previous_hash, hash, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    INSERT_POSTING = "insert into postings (company_id, entry_id, position, account_id, amount, currency, base_amount, \
        vat_code_id, vat_category, vat_rate, is_goods, open_item_id, customer_id, document_id, tag_ids) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    INSERT_ITEM = "insert into open_items (company_id, id, customer_id, account_id, document_id, entry_id, date, \
        due_on, currency, amount, base_amount, open_amount, base_open_amount, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    ITEM_OF = "select id, customer_id, account_id, currency, open_amount, base_open_amount from open_items \
        where company_id = $1 and document_id = $2";
    SET_OPEN = "update open_items set open_amount = $1, base_open_amount = $2 where company_id = $3 and id = $4";
    INSERT_ALLOCATION = "insert into allocations (company_id, id, credit_item_id, debit_item_id, credit_document_id, \
        debit_document_id, amount, credit_base_amount, debit_base_amount, entry_id, date, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    VAT_ACCOUNT = "select account_to_book_id from vat_codes where company_id = $1 and id = $2";
    ROLE = "select id from accounts where company_id = $1 and role = $2 order by account_number limit 1";
}

/// Appends an entry to the company's chain; safe because its company is held.
///
/// # Errors
/// What the shelves answer.
pub fn append(tx: &mut dyn Tx, company_id: CompanyId, entry: &NewEntry) -> Result<(), Error> {
    assert_balanced(&entry.postings);
    let mut row = tx.one(CHAIN, params![company_id])?.ok_or(Error::NotFound)?;
    let sequence = row.next::<i64>()? + 1;
    let previous: String = row.next()?;
    let hash = hash(company_id, sequence, entry, &previous);
    tx.exec(
        INSERT_ENTRY,
        params![
            company_id,
            sequence,
            entry.id,
            entry.entry_type,
            entry.date,
            entry.currency.code(),
            entry.description.as_str(),
            entry.reference.as_deref(),
            entry.document_id,
            entry.customer_id,
            entry.document_sha256.as_deref(),
            previous.as_str(),
            hash.as_str(),
            entry.created_at,
        ],
    )?;
    for (position, p) in (0_i64..).zip(&entry.postings) {
        tx.exec(
            INSERT_POSTING,
            params![
                company_id,
                entry.id,
                position,
                p.account_id,
                p.amount.minor(),
                p.amount.currency().code(),
                p.base_amount.minor(),
                p.vat_code_id,
                p.vat_category.map(|category| category.as_str()),
                p.vat_rate,
                p.is_goods.map(yes_no),
                p.open_item_id,
                p.customer_id,
                p.document_id,
                json(&p.tag_ids),
            ],
        )?;
    }
    tx.exec(SET_CHAIN, params![sequence, hash.as_str(), company_id])
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
    /// What is open, in its own currency.
    pub open: Money,
    /// What is open, in the company's currency, minor units.
    pub base_open: i64,
}

/// Makes an item of a document just booked: all of it open.
///
/// # Errors
/// What the shelves answer.
pub fn open(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    item: &OpenItem,
    document_id: DocumentId,
    entry_id: EntryId,
    dates: (Date, Option<Date>),
    created_at: Timestamp,
) -> Result<(), Error> {
    let (amount, base) = (item.open.minor(), item.base_open);
    tx.exec(
        INSERT_ITEM,
        params![
            company_id,
            item.id,
            item.customer_id,
            item.account_id,
            document_id,
            entry_id,
            dates.0,
            dates.1,
            item.open.currency().code(),
            amount,
            base,
            amount,
            base,
            created_at,
        ],
    )
}

/// The item a document made.
///
/// # Errors
/// What the shelves answer.
pub fn item_of(tx: &mut dyn Tx, company_id: CompanyId, document_id: DocumentId) -> Result<Option<OpenItem>, Error> {
    let row = tx.one(ITEM_OF, params![company_id, document_id])?;
    let read = |mut row: Row| {
        let (id, customer_id, account_id) = (row.id()?, row.id()?, row.id()?);
        let currency: Currency = row.parse()?;
        Ok(OpenItem { id, customer_id, account_id, open: Money::new(row.next()?, currency), base_open: row.next()? })
    };
    row.map(read).transpose()
}

/// Writes what is still open of an item.
///
/// # Errors
/// What the shelves answer.
pub fn set_open(tx: &mut dyn Tx, company_id: CompanyId, item: &OpenItem) -> Result<(), Error> {
    tx.exec(SET_OPEN, params![item.open.minor(), item.base_open, company_id, item.id])
}

/// One amount of a credit item set off against a debit item.
#[derive(Clone, PartialEq, Debug)]
pub struct Allocation {
    /// Its id.
    pub id: AllocationId,
    /// The item and document that give.
    pub credit: (OpenItemId, DocumentId),
    /// The item and document that are settled.
    pub debit: (OpenItemId, DocumentId),
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
}

/// Shelves an allocation.
///
/// # Errors
/// What the shelves answer.
pub fn allocate(tx: &mut dyn Tx, company_id: CompanyId, a: &Allocation) -> Result<(), Error> {
    tx.exec(
        INSERT_ALLOCATION,
        params![
            company_id,
            a.id,
            a.credit.0,
            a.debit.0,
            a.credit.1,
            a.debit.1,
            a.amount,
            a.credit_base,
            a.debit_base,
            a.entry_id,
            a.date,
            a.created_at,
        ],
    )
}

/// The account a VAT code books its VAT to.
///
/// # Errors
/// What the shelves answer.
pub fn vat_account(tx: &mut dyn Tx, company_id: CompanyId, code: VatCodeId) -> Result<Option<AccountId>, Error> {
    match tx.one(VAT_ACCOUNT, params![company_id, code])? {
        Some(mut row) => row.opt_id(),
        None => Ok(None),
    }
}

/// The account that plays a role in the company's chart, as `ExchangeDifference`.
///
/// # Errors
/// What the shelves answer.
pub fn role(tx: &mut dyn Tx, company_id: CompanyId, role: &str) -> Result<Option<AccountId>, Error> {
    tx.one(ROLE, params![company_id, role])?.map(|mut row| row.id()).transpose()
}
