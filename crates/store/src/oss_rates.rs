//! Rates of the One-Stop-Shop: the rates of VAT codes that are another country's.

use billing::ids::{AccountId, CompanyId, VatCodeId};
use billing::oss_rates::{Charged, OssRate};
use jiff::civil::Date;

use crate::db::{Error, Row, Tx, params, statements};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select r.id, v.country_code, r.rate, a.id, a.account_number, a.name, r.valid_from, v.id, v.code from vat_codes v ",
            "join vat_rates r on r.company_id = v.company_id and r.vat_code_id = v.id ",
            "join accounts a on a.company_id = v.company_id and a.id = v.account_to_book_id ",
            $rest
        )
    };
}

statements! {
    LIST = select!("where v.company_id = $1 and v.country_code is not null order by v.country_code, r.valid_from");
    AT = select!("where v.company_id = $1 and v.country_code = $2 and r.valid_from = $3");
    ON = "select r.rate, v.id from vat_codes v \
        join vat_rates r on r.company_id = v.company_id and r.vat_code_id = v.id \
        where v.company_id = $1 and v.country_code = $2 and r.valid_from <= $3 order by r.valid_from desc limit 1";
    CODE = "select id from vat_codes where company_id = $1 and country_code = $2 and account_to_book_id = $3";
    SET = "insert into vat_rates (company_id, vat_code_id, valid_from, rate, id) values ($1, $2, $3, $4, $5) \
        on conflict (company_id, vat_code_id, valid_from) do update set rate = excluded.rate, id = excluded.id";
    DELETE = "delete from vat_rates where company_id = $1 and vat_code_id = $2 and valid_from = $3";
    LAST_USE = "select max(coalesce(d.tax_point_date, d.date)) from document_lines l \
        join documents d on d.company_id = l.company_id and d.id = l.document_id \
        where l.company_id = $1 and l.vat_country_code = $2 and l.invoice_line_id is null and d.booked_at is not null";
}

/// All rates, by country and day.
///
/// # Errors
/// What the shelves answer.
pub fn list(tx: &mut dyn Tx, company_id: CompanyId) -> Result<Vec<OssRate>, Error> {
    tx.all(LIST, params![company_id])?.into_iter().map(read).collect()
}

/// The rate of a country that begins on a day.
///
/// # Errors
/// What the shelves answer.
pub fn at(tx: &mut dyn Tx, company_id: CompanyId, country: &str, valid_from: Date) -> Result<Option<OssRate>, Error> {
    tx.one(AT, params![company_id, country, valid_from])?.map(read).transpose()
}

/// What is charged in a country on a day.
///
/// # Errors
/// What the shelves answer.
pub fn on(tx: &mut dyn Tx, company_id: CompanyId, country: &str, day: Date) -> Result<Option<Charged>, Error> {
    let charged = |mut row: Row| Ok(Charged { country: country.to_owned(), rate: row.next()?, vat_code_id: row.id()? });
    tx.one(ON, params![company_id, country, day])?.map(charged).transpose()
}

/// The VAT code of a country whose VAT is owed on an account.
///
/// # Errors
/// What the shelves answer.
pub fn code(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    country: &str,
    account: AccountId,
) -> Result<Option<VatCodeId>, Error> {
    tx.one(CODE, params![company_id, country, account])?.map(|mut row| row.id()).transpose()
}

/// Shelves a rate under its VAT code, over the one of its day if there is one.
///
/// # Errors
/// What the shelves answer.
pub fn set(tx: &mut dyn Tx, company_id: CompanyId, rate: &OssRate) -> Result<(), Error> {
    tx.exec(SET, params![company_id, rate.vat_code_id, rate.valid_from, rate.rate, rate.id])
}

/// Takes a rate away from its VAT code: another code has it now.
///
/// # Errors
/// What the shelves answer.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, rate: &OssRate) -> Result<(), Error> {
    tx.exec(DELETE, params![company_id, rate.vat_code_id, rate.valid_from])
}

/// The last day that a booked document is taxed in a country on, but for what is credited at its invoice's rate.
///
/// # Errors
/// What the shelves answer.
pub fn last_used_on(tx: &mut dyn Tx, company_id: CompanyId, country: &str) -> Result<Option<Date>, Error> {
    match tx.one(LAST_USE, params![company_id, country])? {
        Some(mut row) => row.next(),
        None => Ok(None),
    }
}

fn read(mut row: Row) -> Result<OssRate, Error> {
    Ok(OssRate {
        id: row.id()?,
        country: row.next()?,
        rate: row.next()?,
        account_id: row.id()?,
        account_number: row.next()?,
        account_name: row.next()?,
        valid_from: row.next()?,
        vat_code_id: row.id()?,
        vat_code: row.next()?,
    })
}
