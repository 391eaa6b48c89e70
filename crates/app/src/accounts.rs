//! The chart of accounts.

use billing::accounts::{Account, check};
use billing::ids::{AccountId, VatCodeId};
use billing::input::Patch;
use billing::input::company::{AccountInput, AccountPatch, AccountQuery};
use billing::refusal::Refusal;
use billing::vat_codes::check_is_own;
use serde_json::json as object;
use store::{accounts as shelf, vat_codes};

use crate::work::json;
use crate::{Error, View, Work};

/// Accounts, by number.
///
/// # Errors
/// None of its own.
pub fn list(view: &mut View<'_>, query: AccountQuery) -> Result<Vec<Account>, Error> {
    let AccountQuery { public_account_id, account_number } = query;
    let is_asked = |number: i64, asked: Option<u32>| asked.is_none_or(|asked| i64::from(asked) == number);
    let mut accounts = shelf::list(view.tx, view.company.id)?;
    accounts.retain(|account| {
        is_asked(account.public_account_id, public_account_id) && is_asked(account.account_number, account_number)
    });
    Ok(accounts)
}

/// One account.
///
/// # Errors
/// `ACCOUNT_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: AccountId) -> Result<Account, Error> {
    Ok(shelf::get(view.tx, view.company.id, id)?.ok_or_else(not_found)?)
}

/// Makes an account.
///
/// # Errors
/// `ACCOUNT_NUMBER_ALREADY_EXISTS`, `VAT_CODE_NOT_FOUND`, `VAT_CODE_OF_OSS_RATE`; what a heading or a sum can't carry.
pub fn create(work: &mut Work<'_>, input: AccountInput) -> Result<Account, Error> {
    let AccountInput {
        name,
        account_number,
        public_account_id,
        ledger_type,
        account_classification,
        control_account_type,
        vat_code_id,
    } = input;
    let account = Account {
        id: work.new_id(),
        name: name.0,
        account_number: i64::from(account_number),
        public_account_id: i64::from(public_account_id.unwrap_or(account_number)),
        ledger_type,
        account_classification,
        control_account_type,
        vat_code_id,
        role: None,
    };
    check(&account)?;
    check_number_is_free(work, account.account_number)?;
    check_vat_code(work, account.vat_code_id)?;
    shelf::insert(work.tx, work.company.id, &account, work.now)?;
    work.event("account.created", "account", account.id, &account, None);
    Ok(account)
}

/// Changes an account.
///
/// # Errors
/// `ACCOUNT_NOT_FOUND`, `ACCOUNT_IN_USE` when its number would change under postings, and those of [`create`].
pub fn change(work: &mut Work<'_>, id: AccountId, patch: AccountPatch) -> Result<Account, Error> {
    let before = shelf::get(work.tx, work.company.id, id)?.ok_or_else(not_found)?;
    let AccountPatch { name, account_number, public_account_id, account_classification, vat_code_id } = patch;
    let names_vat_code = matches!(vat_code_id, Patch::Set(_));
    let after = Account {
        id,
        name: name.map_or_else(|| before.name.clone(), |name| name.0),
        account_number: account_number.map_or(before.account_number, i64::from),
        public_account_id: public_account_id.map_or(before.public_account_id, i64::from),
        ledger_type: before.ledger_type,
        account_classification: account_classification.over(before.account_classification),
        control_account_type: before.control_account_type,
        vat_code_id: vat_code_id.over(before.vat_code_id),
        role: before.role.clone(),
    };
    if after == before {
        work.nothing_happened();
        return Ok(after);
    }
    check(&after)?;
    if after.account_number != before.account_number {
        check_number_is_free(work, after.account_number)?;
        check_is_unused(work, &before)?;
    }
    if names_vat_code {
        check_vat_code(work, after.vat_code_id)?;
    }
    shelf::update(work.tx, work.company.id, &after, work.now)?;
    work.event("account.updated", "account", id, &after, Some(json(&before)));
    Ok(after)
}

fn not_found() -> Refusal {
    Refusal::missing("ACCOUNT_NOT_FOUND", "There is no such account in this company.")
}

fn check_number_is_free(work: &mut Work<'_>, number: i64) -> Result<(), Error> {
    match shelf::by_number(work.tx, work.company.id, number)? {
        None => Ok(()),
        Some(other) => {
            let message = format!("Account {number} is there already: {}.", other.name);
            let refusal = Refusal::new("ACCOUNT_NUMBER_ALREADY_EXISTS", message);
            Err(refusal.with(object!({ "property": "accountNumber" })).into())
        }
    }
}

fn check_is_unused(work: &mut Work<'_>, account: &Account) -> Result<(), Error> {
    if shelf::is_posted_on(work.tx, work.company.id, account.id)? {
        let message = format!("Something is posted on account {}; its number stays.", account.account_number);
        return Err(Refusal::new("ACCOUNT_IN_USE", message).with(object!({ "property": "accountNumber" })).into());
    }
    Ok(())
}

fn check_vat_code(work: &mut Work<'_>, id: Option<VatCodeId>) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    let code = vat_codes::get(work.tx, work.company.id, id, work.today)?.ok_or_else(|| {
        let message = "There is no such VAT code in this company.";
        Refusal::missing_at("VAT_CODE_NOT_FOUND", message, "vatCodeId")
    })?;
    Ok(check_is_own(&code)?)
}
