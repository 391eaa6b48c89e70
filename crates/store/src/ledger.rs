//! The ledger: entries in their chain, and their postings.

use billing::ids::{AccountId, CompanyId, EntryId, VatCodeId};
use billing::money::{Currency, Money};
use billing::postings::{NewEntry, Posting, assert_balanced, hash};

use serde::Serialize;

use crate::db::{Error, Row, Tx, params, statements, yes_no};
use crate::documents::{json, parse_json};

statements! {
    CHAIN = "select entry_sequence, last_entry_hash from company_counters where company_id = $1";
    SET_CHAIN = "update company_counters set entry_sequence = $1, last_entry_hash = $2 where company_id = $3";
    INSERT_ENTRY = "insert into journal_entries (company_id, sequence, id, entry_type, date, currency, description, \
        reference, document_id, customer_id, document_sha256, reverses_entry_id, previous_hash, hash, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    ENTRY = "select entry_type, date, currency, description, reference, document_id, customer_id, document_sha256, \
        reverses_entry_id, created_at from journal_entries where company_id = $1 and id = $2";
    POSTINGS = "select account_id, amount, currency, base_amount, vat_code_id, vat_category, vat_rate, is_goods, \
        open_item_id, customer_id, document_id, tag_ids from postings where company_id = $1 and entry_id = $2 \
        order by position";
    INSERT_POSTING = "insert into postings (company_id, entry_id, position, account_id, amount, currency, base_amount, \
        vat_code_id, vat_category, vat_rate, is_goods, open_item_id, customer_id, document_id, tag_ids) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    POSTED_SINCE = "select a.account_number, a.name, p.amount, p.currency, v.code from journal_entries e \
        join postings p on p.company_id = e.company_id and p.entry_id = e.id \
        join accounts a on a.company_id = p.company_id and a.id = p.account_id \
        left join vat_codes v on v.company_id = p.company_id and v.id = p.vat_code_id \
        where e.company_id = $1 and e.sequence > $2 order by e.sequence, p.position";
    VAT_ACCOUNT = "select account_to_book_id from vat_codes where company_id = $1 and id = $2";
    ROLE = "select id from accounts where company_id = $1 and role = $2 order by account_number limit 1";
}

/// Appends an entry to the company's chain; safe because its company is held.
///
/// # Errors
/// What the shelves answer.
pub fn append<Type: AsRef<str> + Serialize>(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    entry: &NewEntry<Type>,
) -> Result<(), Error> {
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
            entry.entry_type.as_ref(),
            entry.date,
            entry.currency.code(),
            entry.description.as_str(),
            entry.reference.as_deref(),
            entry.document_id,
            entry.customer_id,
            entry.document_sha256.as_deref(),
            entry.reverses,
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

/// How many entries the company's chain has.
///
/// # Errors
/// `NotFound` when there is no such company.
pub fn length(tx: &mut dyn Tx, company_id: CompanyId) -> Result<i64, Error> {
    tx.one(CHAIN, params![company_id])?.ok_or(Error::NotFound)?.next()
}

/// A posting for people: with its account's number and name and its VAT code's.
#[derive(Clone, PartialEq, Debug)]
pub struct Posted {
    /// The account's number.
    pub account_number: u32,
    /// The account's name.
    pub account_name: String,
    /// Above zero is debit, below is credit.
    pub amount: Money,
    /// The VAT code, where it has one.
    pub vat_code: Option<String>,
}

/// What was posted after the entry of this sequence, in order.
///
/// # Errors
/// What the shelves answer.
pub fn posted_since(tx: &mut dyn Tx, company_id: CompanyId, sequence: i64) -> Result<Vec<Posted>, Error> {
    let read = |mut row: Row| {
        let (account_number, account_name, minor) = (row.next()?, row.next()?, row.next()?);
        let amount = Money::new(minor, row.parse()?);
        Ok(Posted { account_number, account_name, amount, vat_code: row.next()? })
    };
    tx.all(POSTED_SINCE, params![company_id, sequence])?.into_iter().map(read).collect()
}

/// An entry with its postings, as it was appended; `base` is the company's currency.
///
/// # Errors
/// What the shelves answer.
pub fn entry(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    id: EntryId,
    base: Currency,
) -> Result<Option<NewEntry<String>>, Error> {
    let of = params![company_id, id];
    let (entries, postings) = tx.both((ENTRY, of), (POSTINGS, of))?;
    let Some(mut row) = entries.into_iter().next() else { return Ok(None) };
    Ok(Some(NewEntry {
        id,
        entry_type: row.next()?,
        date: row.next()?,
        currency: row.parse()?,
        description: row.next()?,
        reference: row.next()?,
        document_id: row.opt_id()?,
        customer_id: row.opt_id()?,
        document_sha256: row.next()?,
        reverses: row.opt_id()?,
        postings: postings.into_iter().map(|row| posting(row, base)).collect::<Result<_, Error>>()?,
        created_at: row.next()?,
    }))
}

/// A posting, in the order of the columns that every reader of postings asks for.
pub(crate) fn posting(mut row: Row, base: Currency) -> Result<Posting, Error> {
    let account_id = row.id()?;
    let minor: i64 = row.next()?;
    Ok(Posting {
        account_id,
        amount: Money::new(minor, row.parse()?),
        base_amount: Money::new(row.next()?, base),
        vat_code_id: row.opt_id()?,
        vat_category: row.opt_parse()?,
        vat_rate: row.next()?,
        is_goods: row.next()?,
        open_item_id: row.opt_id()?,
        customer_id: row.opt_id()?,
        document_id: row.opt_id()?,
        tag_ids: parse_json(&row.next::<String>()?)?,
    })
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
