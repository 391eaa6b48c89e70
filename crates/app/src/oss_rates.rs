//! Rates of the One-Stop-Shop by country and day.

use billing::accounts::Account;
use billing::ids::{AccountId, VatCodeId};
use billing::input::company::{OssRateInput, OssRateQuery};
use billing::oss_rates::{OssRate, check, check_is_unused};
use billing::page::Page;
use billing::refusal::Faults;
use billing::settlement::part_of;
use billing::vat_codes::{Principle, VatCode, VatType};
use rust_decimal::Decimal;
use store::{ledger, oss_rates as shelf, vat_codes};

use crate::work::json;
use crate::{Error, View, Work};

/// Rates, by country and day.
///
/// # Errors
/// A cursor that is none of this list's.
pub fn list(view: &mut View<'_>, query: OssRateQuery) -> Result<Page<OssRate>, Error> {
    let OssRateQuery { page, limit, cursor, country } = query;
    let mut rates = shelf::list(view.tx, view.company.id)?;
    rates.retain(|rate| country.as_ref().is_none_or(|country| country.0 == rate.country));
    Ok(part_of(rates, page, limit, cursor.as_deref(), |rate| format!("{} {}", rate.country, rate.valid_from))?)
}

/// Stores the rate of a country from a day on, over the one that begins on that day. Booked documents keep theirs.
///
/// # Errors
/// `isIn`; `isNotEmpty` where no account is named and the chart has none for it; `ACCOUNT_NOT_FOUND`,
/// `ACCOUNT_TAKES_NO_POSTINGS`, `OSS_RATE_IN_USE`.
pub fn put(work: &mut Work<'_>, input: OssRateInput) -> Result<OssRate, Error> {
    let OssRateInput { country, rate, account_id, valid_from } = input;
    let (company_id, country, valid_from) = (work.company.id, country.0, valid_from.0);
    check(&country, &work.company.country_code)?;
    let account = owed_on(work, account_id)?;
    let before = shelf::at(work.tx, company_id, &country, valid_from)?;
    if let Some(before) = &before
        && before.rate == rate.0
        && before.account_id == account.id
    {
        work.nothing_happened();
        return Ok(before.clone());
    }
    check_is_unused(&country, valid_from, shelf::last_used_on(work.tx, company_id, &country)?)?;

    let known = shelf::code(work.tx, company_id, &country, account.id)?;
    let code = match known {
        Some(id) => code(work, id)?,
        None => new_code(work, &country, &account)?,
    };
    let after = OssRate {
        id: before.as_ref().map_or_else(|| work.new_id(), |before| before.id),
        country,
        rate: rate.0,
        account_id: account.id,
        account_number: account.account_number,
        account_name: account.name,
        valid_from,
        vat_code_id: code.id,
        vat_code: code.vat_code.clone(),
    };
    // The rate was another account's until now.
    if let Some(before) = before.as_ref().filter(|before| before.vat_code_id != code.id) {
        let was = self::code(work, before.vat_code_id)?;
        shelf::delete(work.tx, company_id, before)?;
        told(work, "vat_code.updated", was.id, Some(json(&was)))?;
    }
    shelf::set(work.tx, company_id, &after)?;
    match known {
        Some(id) => told(work, "vat_code.updated", id, Some(json(&code)))?,
        None => told(work, "vat_code.created", code.id, None)?,
    }
    let kind = if before.is_some() { "oss_rate.updated" } else { "oss_rate.created" };
    work.event(kind, "oss_rate", after.id, &after, before.map(|before| json(&before)));
    Ok(after)
}

/// The account named, else the one the chart has for it.
fn owed_on(work: &mut Work<'_>, named: Option<AccountId>) -> Result<Account, Error> {
    let id = match named {
        Some(id) => Some(id),
        None => ledger::role(work.tx, work.company.id, "OssVat")?,
    };
    crate::vat_codes::booked_to(work, id, "accountId")?.ok_or_else(|| {
        let mut faults = Faults::default();
        faults.add("accountId", "isNotEmpty", "accountId should not be empty: the chart has no account of its own");
        faults.into()
    })
}

fn code(work: &mut Work<'_>, id: VatCodeId) -> Result<VatCode, Error> {
    let found = vat_codes::get(work.tx, work.company.id, id, work.today)?;
    found.ok_or_else(|| Error::Broken(format!("VAT code {id} of an OSS rate is not there")))
}

/// A VAT code for a country whose VAT is owed on an account: `OSS-NL`, `OSS-NL-2`, …
fn new_code(work: &mut Work<'_>, country: &str, account: &Account) -> Result<VatCode, Error> {
    let mut code = format!("OSS-{country}");
    let mut count = 1;
    while vat_codes::id_of(work.tx, work.company.id, &code)?.is_some() {
        count += 1;
        code = format!("OSS-{country}-{count}");
    }
    let code = VatCode {
        id: work.new_id(),
        name: format!("One-Stop-Shop {country}"),
        vat_code: code,
        vat_rate: Decimal::ZERO,
        vat_type: VatType::Sales,
        principle: Principle::Net,
        account_to_book_id: Some(account.id),
        account_to_book_number: Some(account.account_number),
        account_to_book_name: Some(account.name.clone()),
        contra_account_to_book_id: None,
        contra_account_to_book_number: None,
        contra_account_to_book_name: None,
        vat_category: None,
        exemption_reason: None,
        exemption_reason_code: None,
        country_code: Some(country.to_owned()),
        rates: Vec::new(),
    };
    vat_codes::insert(work.tx, work.company.id, &code, work.now)?;
    Ok(code)
}

/// Names what became of the VAT code of a rate.
fn told(work: &mut Work<'_>, kind: &'static str, id: VatCodeId, before: Option<String>) -> Result<(), Error> {
    let after = code(work, id)?;
    work.event(kind, "vat_code", id, &after, before);
    Ok(())
}
