//! Accounts.

use billing::accounts::Account;
use billing::ids::{AccountId, CompanyId};
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements};

macro_rules! columns {
    ($suffix:literal) => {
        concat!(
            "select id, name, account_number, public_account_id, ledger_type, classification, control_type, ",
            "vat_code_id, role from accounts ",
            $suffix
        )
    };
}

statements! {
    GET = columns!("where company_id = $1 and id = $2");
    BY_NUMBER = columns!("where company_id = $1 and account_number = $2");
    LIST = columns!("where company_id = $1 order by account_number");
    INSERT = "insert into accounts (company_id, id, name, account_number, public_account_id, ledger_type, \
        classification, control_type, vat_code_id, role, created_at, updated_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    UPDATE = "update accounts set name = $1, account_number = $2, public_account_id = $3, classification = $4, \
        vat_code_id = $5, updated_at = $6 where company_id = $7 and id = $8";
    POSTED = "select entry_id from postings where company_id = $1 and account_id = $2 limit 1";
}

/// An account.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: AccountId) -> Result<Option<Account>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// The account of a number.
///
/// # Errors
/// What the shelves answer.
pub fn by_number(tx: &mut dyn Tx, company_id: CompanyId, number: i64) -> Result<Option<Account>, Error> {
    tx.one(BY_NUMBER, params![company_id, number])?.map(read).transpose()
}

/// All accounts, by number.
///
/// # Errors
/// What the shelves answer.
pub fn list(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<Account>, Error> {
    tx.all(LIST, params![company_id])?.into_iter().map(read).collect()
}

/// Shelves a new account.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, account: &Account, at: Timestamp) -> Result<(), Error> {
    let Account {
        id,
        name,
        account_number,
        public_account_id,
        ledger_type,
        account_classification,
        control_account_type,
        vat_code_id,
        role,
    } = account;
    tx.exec(
        INSERT,
        params![
            company_id,
            *id,
            name.as_str(),
            *account_number,
            *public_account_id,
            ledger_type.as_str(),
            account_classification.map(|class| class.as_str()),
            control_account_type.map(|control| control.as_str()),
            *vat_code_id,
            role.as_deref(),
            at,
            at,
        ],
    )
}

/// Writes what may change of an account.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, account: &Account, at: Timestamp) -> Result<(), Error> {
    tx.exec(
        UPDATE,
        params![
            account.name.as_str(),
            account.account_number,
            account.public_account_id,
            account.account_classification.map(|class| class.as_str()),
            account.vat_code_id,
            at,
            company_id,
            account.id,
        ],
    )
}

/// Whether anything is posted on an account.
///
/// # Errors
/// What the shelves answer.
pub fn is_posted_on(tx: &mut dyn Tx, company_id: CompanyId, id: AccountId) -> Result<bool, Error> {
    Ok(tx.one(POSTED, params![company_id, id])?.is_some())
}

fn read(mut row: Row) -> Result<Account, Error> {
    Ok(Account {
        id: row.id()?,
        name: row.next()?,
        account_number: row.next()?,
        public_account_id: row.next()?,
        ledger_type: row.parse()?,
        account_classification: row.opt_parse()?,
        control_account_type: row.opt_parse()?,
        vat_code_id: row.opt_id()?,
        role: row.next()?,
    })
}
