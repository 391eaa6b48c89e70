//! VAT codes and their rates.

use std::collections::BTreeMap;

use billing::ids::{CompanyId, VatCodeId};
use billing::vat_codes::{VatCode, VatRate, rate_on};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::db::{Error, Row, Tx, params, statements};

macro_rules! columns {
    ($suffix:literal) => {
        concat!(
            "select v.id, v.code, v.name, v.type, v.principle, a.id, a.account_number, a.name, c.id, ",
            "c.account_number, c.name, v.vat_category, v.exemption_reason, v.exemption_reason_code, v.country_code ",
            "from vat_codes v ",
            "left join accounts a on a.company_id = v.company_id and a.id = v.account_to_book_id ",
            "left join accounts c on c.company_id = v.company_id and c.id = v.contra_account_id ",
            $suffix
        )
    };
}

statements! {
    GET = columns!("where v.company_id = $1 and v.id = $2");
    LIST = columns!("where v.company_id = $1 order by v.code");
    ID_OF_CODE = "select id from vat_codes where company_id = $1 and code = $2";
    RATES_OF = "select valid_from, rate from vat_rates where company_id = $1 and vat_code_id = $2 order by valid_from";
    ALL_RATES = "select vat_code_id, valid_from, rate from vat_rates where company_id = $1 order by valid_from";
    INSERT = "insert into vat_codes (company_id, id, code, name, type, principle, account_to_book_id, \
        contra_account_id, vat_category, exemption_reason, exemption_reason_code, country_code, created_at, \
        updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    UPDATE = "update vat_codes set name = $1, account_to_book_id = $2, contra_account_id = $3, vat_category = $4, \
        exemption_reason = $5, exemption_reason_code = $6, updated_at = $7 where company_id = $8 and id = $9";
    SET_RATE = "insert into vat_rates (company_id, vat_code_id, valid_from, rate) values ($1, $2, $3, $4) \
        on conflict (company_id, vat_code_id, valid_from) do update set rate = excluded.rate";
    LAST_USE = "select max(coalesce(d.tax_point_date, d.date)) from document_lines l \
        join documents d on d.company_id = l.company_id and d.id = l.document_id \
        where l.company_id = $1 and l.vat_code_id = $2 and d.booked_at is not null";
}

/// A VAT code, with the rate of a day.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: VatCodeId, today: Date) -> Result<Option<VatCode>, Error> {
    let Some(row) = tx.one(GET, params![company_id, id])? else { return Ok(None) };
    let rates = tx.all(RATES_OF, params![company_id, id])?;
    let rates: Result<Vec<VatRate>, Error> = rates.into_iter().map(|mut row| read_rate(&mut row)).collect();
    let rates = rates?;
    read(row, |_| rates, today).map(Some)
}

/// All VAT codes, by code, with the rates of a day.
///
/// # Errors
/// What the shelves answer.
pub fn list(tx: &mut dyn Tx, company_id: CompanyId, today: Date) -> Result<Vec<VatCode>, Error> {
    let rows = tx.all(LIST, params![company_id])?;
    let mut rates: BTreeMap<VatCodeId, Vec<VatRate>> = BTreeMap::new();
    for mut row in tx.all(ALL_RATES, params![company_id])? {
        let id = row.id()?;
        rates.entry(id).or_default().push(read_rate(&mut row)?);
    }
    rows.into_iter().map(|row| read(row, |id| rates.remove(&id).unwrap_or_default(), today)).collect()
}

/// The VAT code of a code.
///
/// # Errors
/// What the shelves answer.
pub fn id_of(tx: &mut dyn Tx, company_id: CompanyId, code: &str) -> Result<Option<VatCodeId>, Error> {
    tx.one(ID_OF_CODE, params![company_id, code])?.map(|mut row| row.id()).transpose()
}

/// The last day that a booked document is taxed under the code on.
///
/// # Errors
/// What the shelves answer.
pub fn last_used_on(tx: &mut dyn Tx, company_id: CompanyId, id: VatCodeId) -> Result<Option<Date>, Error> {
    match tx.one(LAST_USE, params![company_id, id])? {
        Some(mut row) => row.next(),
        None => Ok(None),
    }
}

/// Shelves a new VAT code with its rates. The accounts it names may be shelved after it.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, code: &VatCode, at: Timestamp) -> Result<(), Error> {
    tx.exec(
        INSERT,
        params![
            company_id,
            code.id,
            code.vat_code.as_str(),
            code.name.as_str(),
            code.vat_type.as_str(),
            code.principle.as_str(),
            code.account_to_book_id,
            code.contra_account_to_book_id,
            code.vat_category.map(|category| category.as_str()),
            code.exemption_reason.as_deref(),
            code.exemption_reason_code.as_deref(),
            code.country_code.as_deref(),
            at,
            at,
        ],
    )?;
    set_rates(tx, company_id, code)
}

/// Writes what may change of a VAT code, and its rates.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, code: &VatCode, at: Timestamp) -> Result<(), Error> {
    tx.exec(
        UPDATE,
        params![
            code.name.as_str(),
            code.account_to_book_id,
            code.contra_account_to_book_id,
            code.vat_category.map(|category| category.as_str()),
            code.exemption_reason.as_deref(),
            code.exemption_reason_code.as_deref(),
            at,
            company_id,
            code.id,
        ],
    )?;
    set_rates(tx, company_id, code)
}

fn set_rates(tx: &mut dyn Tx, company_id: CompanyId, code: &VatCode) -> Result<(), Error> {
    for rate in &code.rates {
        tx.exec(SET_RATE, params![company_id, code.id, rate.valid_from, rate.vat_rate])?;
    }
    Ok(())
}

fn read_rate(row: &mut Row) -> Result<VatRate, Error> {
    Ok(VatRate { valid_from: row.next()?, vat_rate: row.next()? })
}

fn read(mut row: Row, rates_of: impl FnOnce(VatCodeId) -> Vec<VatRate>, today: Date) -> Result<VatCode, Error> {
    let id = row.id()?;
    let rates = rates_of(id);
    Ok(VatCode {
        id,
        vat_code: row.next()?,
        name: row.next()?,
        vat_rate: rate_on(&rates, today),
        vat_type: row.parse()?,
        principle: row.parse()?,
        account_to_book_id: row.opt_id()?,
        account_to_book_number: row.next()?,
        account_to_book_name: row.next()?,
        contra_account_to_book_id: row.opt_id()?,
        contra_account_to_book_number: row.next()?,
        contra_account_to_book_name: row.next()?,
        vat_category: row.opt_parse()?,
        exemption_reason: row.next()?,
        exemption_reason_code: row.next()?,
        country_code: row.next()?,
        rates,
    })
}
