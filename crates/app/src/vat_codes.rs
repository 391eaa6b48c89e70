//! VAT codes and their rates.

use billing::accounts::Account;
use billing::ids::{AccountId, VatCodeId};
use billing::input::company::{VatCodeInput, VatCodePatch};
use billing::refusal::Refusal;
use billing::vat_codes::{
    FROM_THE_BEGINNING, Principle, VatCode, VatRate, check_category, check_is_own, check_is_unrated, rate_on, with_rate,
};
use serde_json::json as object;
use store::{accounts, vat_codes as shelf};

use crate::work::json;
use crate::{Error, View, Work};

/// All VAT codes, by code.
///
/// # Errors
/// None of its own.
pub fn list(view: &mut View<'_>) -> Result<Vec<VatCode>, Error> {
    let today = view.today();
    Ok(shelf::list(view.tx, view.company.id, today)?)
}

/// One VAT code.
///
/// # Errors
/// `VAT_CODE_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: VatCodeId) -> Result<VatCode, Error> {
    let today = view.today();
    Ok(shelf::get(view.tx, view.company.id, id, today)?.ok_or_else(not_found)?)
}

/// Makes a VAT code with its first rate.
///
/// # Errors
/// `VAT_CODE_ALREADY_EXISTS`, `ACCOUNT_NOT_FOUND`, `ACCOUNT_TAKES_NO_POSTINGS`.
pub fn create(work: &mut Work<'_>, input: VatCodeInput) -> Result<VatCode, Error> {
    let VatCodeInput {
        vat_code,
        name,
        vat_rate,
        valid_from,
        vat_type,
        principle,
        account_to_book_id,
        contra_account_to_book_id,
        vat_category,
        exemption_reason,
        exemption_reason_code,
    } = input;
    check_is_unrated(vat_category)?;
    if shelf::id_of(work.tx, work.company.id, &vat_code)?.is_some() {
        let message = format!("There is a VAT code {} already.", vat_code.0);
        let refusal = Refusal::new("VAT_CODE_ALREADY_EXISTS", message);
        return Err(refusal.with(object!({ "property": "vatCode" })).into());
    }
    let account = booked_to(work, account_to_book_id, "accountToBookId")?;
    let contra = booked_to(work, contra_account_to_book_id, "contraAccountToBookId")?;
    let rates = vec![VatRate { valid_from: valid_from.map_or(FROM_THE_BEGINNING, |day| day.0), vat_rate: vat_rate.0 }];
    let code = VatCode {
        id: work.new_id(),
        vat_code: vat_code.0,
        name: name.0,
        vat_rate: rate_on(&rates, work.today()),
        vat_type,
        principle: principle.unwrap_or(Principle::Net),
        account_to_book_id,
        account_to_book_number: account.as_ref().map(|account| account.account_number),
        account_to_book_name: account.map(|account| account.name),
        contra_account_to_book_id,
        contra_account_to_book_number: contra.as_ref().map(|account| account.account_number),
        contra_account_to_book_name: contra.map(|account| account.name),
        vat_category,
        exemption_reason: exemption_reason.map(|text| text.0),
        exemption_reason_code: exemption_reason_code.map(|text| text.0),
        country_code: None,
        rates,
    };
    shelf::insert(work.tx, work.company.id, &code, work.now)?;
    work.event("vat_code.created", "vat_code", code.id, &code, None);
    Ok(code)
}

/// Changes a VAT code. A rate is only added, from a day after the last booked document taxed under it.
///
/// # Errors
/// `VAT_CODE_NOT_FOUND`, `VAT_CODE_IN_USE`, `VAT_CODE_OF_OSS_RATE`, `ACCOUNT_NOT_FOUND`,
/// `ACCOUNT_TAKES_NO_POSTINGS`.
pub fn change(work: &mut Work<'_>, id: VatCodeId, patch: VatCodePatch) -> Result<VatCode, Error> {
    let today = work.today();
    let before = shelf::get(work.tx, work.company.id, id, today)?.ok_or_else(not_found)?;
    let VatCodePatch {
        name,
        vat_rate,
        valid_from,
        account_to_book_id,
        contra_account_to_book_id,
        vat_category,
        exemption_reason,
        exemption_reason_code,
    } = patch;
    let vat_category = vat_category.over(before.vat_category);
    check_is_unrated(vat_category)?;
    let last_used_on = shelf::last_used_on(work.tx, work.company.id, id)?;
    check_category(before.vat_category, vat_category, last_used_on)?;
    let rates = match (valid_from, vat_rate) {
        (Some(day), Some(rate)) => {
            with_rate(&before.rates, VatRate { valid_from: day.0, vat_rate: rate.0 }, last_used_on)?
        }
        _ => before.rates.clone(),
    };
    let account_to_book_id = account_to_book_id.over(before.account_to_book_id);
    let contra_account_to_book_id = contra_account_to_book_id.over(before.contra_account_to_book_id);
    let account = booked_to(work, account_to_book_id, "accountToBookId")?;
    let contra = booked_to(work, contra_account_to_book_id, "contraAccountToBookId")?;
    let after = VatCode {
        id,
        vat_code: before.vat_code.clone(),
        name: name.map_or_else(|| before.name.clone(), |name| name.0),
        vat_rate: rate_on(&rates, today),
        vat_type: before.vat_type,
        principle: before.principle,
        account_to_book_id,
        account_to_book_number: account.as_ref().map(|account| account.account_number),
        account_to_book_name: account.map(|account| account.name),
        contra_account_to_book_id,
        contra_account_to_book_number: contra.as_ref().map(|account| account.account_number),
        contra_account_to_book_name: contra.map(|account| account.name),
        vat_category,
        exemption_reason: exemption_reason.map(|text| text.0).over(before.exemption_reason.clone()),
        exemption_reason_code: exemption_reason_code.map(|text| text.0).over(before.exemption_reason_code.clone()),
        country_code: before.country_code.clone(),
        rates,
    };
    if (VatCode { name: before.name.clone(), ..after.clone() }) != before {
        check_is_own(&before)?;
    }
    if after == before {
        work.nothing_happened();
        return Ok(after);
    }
    shelf::update(work.tx, work.company.id, &after, work.now)?;
    work.event("vat_code.updated", "vat_code", id, &after, Some(json(&before)));
    Ok(after)
}

fn not_found() -> Refusal {
    Refusal::missing("VAT_CODE_NOT_FOUND", "There is no such VAT code in this company.")
}

/// The account VAT is booked to: it is there and takes postings.
pub(crate) fn booked_to(work: &mut Work<'_>, id: Option<AccountId>, property: &str) -> Result<Option<Account>, Error> {
    let Some(id) = id else { return Ok(None) };
    let account = accounts::get(work.tx, work.company.id, id)?.ok_or_else(|| {
        Refusal::missing_at("ACCOUNT_NOT_FOUND", "There is no such account in this company.", property)
    })?;
    if !account.ledger_type.takes_postings() {
        let message =
            format!("Account {} is a {}: nothing is posted on it.", account.account_number, account.ledger_type);
        let refusal = Refusal::new("ACCOUNT_TAKES_NO_POSTINGS", message);
        return Err(refusal.with(object!({ "property": property })).into());
    }
    Ok(Some(account))
}
