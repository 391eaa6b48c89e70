//! Companies, and the counters that move with every write of one.

use billing::company::Company;
use billing::ids::CompanyId;
use billing::postings::FIRST_HASH;

use crate::db::{Error, Row, Tx, params, statements, yes_no};

macro_rules! columns {
    ($prefix:literal, $suffix:literal) => {
        concat!(
            $prefix,
            " id, name, country_code, currency, language, time_zone, mode, is_vat_registered, address, postal_code, ",
            "city, email, billing_email, phone, vat_number, registration_number, contact_first_name, ",
            "contact_last_name, iban, bic, bank_account, ean_number, peppol_endpoint, fiscal_year_start, ",
            "locked_through, sender_email, reply_to_email, created_at, updated_at ",
            $suffix
        )
    };
}

statements! {
    GET = columns!("select", "from companies where id = $1");
    LIST = columns!("select", "from companies order by created_at, id");
    INSERT = columns!("insert into companies (", ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
        $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)");
    INSERT_COUNTERS = "insert into company_counters (company_id, event_sequence, entry_sequence, last_entry_hash, \
        last_customer_number) values ($1, 0, 0, $2, 0)";
    BOOKINGS = "select entry_sequence from company_counters where company_id = $1";
    UPDATE = "update companies set name = $1, country_code = $2, currency = $3, language = $4, time_zone = $5, \
        mode = $6, is_vat_registered = $7, address = $8, postal_code = $9, city = $10, email = $11, \
        billing_email = $12, phone = $13, vat_number = $14, registration_number = $15, contact_first_name = $16, \
        contact_last_name = $17, iban = $18, bic = $19, bank_account = $20, ean_number = $21, peppol_endpoint = $22, \
        fiscal_year_start = $23, locked_through = $24, sender_email = $25, reply_to_email = $26, updated_at = $27 \
        where id = $28";
}

/// A company.
///
/// # Errors
/// `NotFound` when there is none of that id.
pub fn get(tx: &mut dyn Tx, id: CompanyId) -> Result<Company, Error> {
    read(tx.one(GET, params![id])?.ok_or(Error::NotFound)?)
}

/// All companies, oldest first; for the operator.
///
/// # Errors
/// What the shelves answer.
pub fn list(tx: &mut dyn Tx) -> Result<Vec<Company>, Error> {
    tx.all(LIST, params![])?.into_iter().map(read).collect()
}

/// Shelves a new company with its counters at nought.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company: &Company) -> Result<(), Error> {
    let c = company;
    tx.exec(
        INSERT,
        params![
            c.id,
            c.name.as_str(),
            c.country_code.as_str(),
            c.currency.code(),
            c.preferred_language.as_str(),
            c.time_zone.as_str(),
            c.mode.as_str(),
            yes_no(c.is_vat_registered),
            c.address.as_deref(),
            c.postal_code.as_deref(),
            c.city.as_deref(),
            c.email.as_deref(),
            c.billing_email.as_deref(),
            c.phone.as_deref(),
            c.vat.as_deref(),
            c.registration_number.as_deref(),
            c.contact_person_first_name.as_deref(),
            c.contact_person_last_name.as_deref(),
            c.iban.as_deref(),
            c.bic.as_deref(),
            c.bank_account.as_deref(),
            c.ean_number.as_deref(),
            c.peppol_endpoint.as_deref(),
            i64::from(c.fiscal_year_start),
            c.locked_through,
            c.sender_email.as_deref(),
            c.reply_to_email.as_deref(),
            c.created_at,
            c.updated_at,
        ],
    )?;
    tx.exec(INSERT_COUNTERS, params![c.id, FIRST_HASH])
}

/// Writes a company anew.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company: &Company) -> Result<(), Error> {
    let Company {
        id,
        name,
        country_code,
        currency,
        preferred_language,
        time_zone,
        mode,
        is_vat_registered,
        address,
        postal_code,
        city,
        email,
        billing_email,
        phone,
        vat,
        registration_number,
        contact_person_first_name,
        contact_person_last_name,
        iban,
        bic,
        bank_account,
        ean_number,
        peppol_endpoint,
        fiscal_year_start,
        locked_through,
        sender_email,
        reply_to_email,
        created_at: _,
        updated_at,
    } = company;
    tx.exec(
        UPDATE,
        params![
            name.as_str(),
            country_code.as_str(),
            currency.code(),
            preferred_language.as_str(),
            time_zone.as_str(),
            mode.as_str(),
            yes_no(*is_vat_registered),
            address.as_deref(),
            postal_code.as_deref(),
            city.as_deref(),
            email.as_deref(),
            billing_email.as_deref(),
            phone.as_deref(),
            vat.as_deref(),
            registration_number.as_deref(),
            contact_person_first_name.as_deref(),
            contact_person_last_name.as_deref(),
            iban.as_deref(),
            bic.as_deref(),
            bank_account.as_deref(),
            ean_number.as_deref(),
            peppol_endpoint.as_deref(),
            i64::from(*fiscal_year_start),
            *locked_through,
            sender_email.as_deref(),
            reply_to_email.as_deref(),
            *updated_at,
            *id,
        ],
    )
}

/// Whether anything is in the company's books.
///
/// # Errors
/// What the shelves answer.
pub fn has_bookings(tx: &mut dyn Tx, id: CompanyId) -> Result<bool, Error> {
    let mut row = tx.one(BOOKINGS, params![id])?.ok_or(Error::NotFound)?;
    Ok(row.next::<i64>()? > 0)
}

pub(crate) fn read(mut row: Row) -> Result<Company, Error> {
    Ok(Company {
        id: row.id()?,
        name: row.next()?,
        country_code: row.next()?,
        currency: row.parse()?,
        preferred_language: row.next()?,
        time_zone: row.next()?,
        mode: row.parse()?,
        is_vat_registered: row.next()?,
        address: row.next()?,
        postal_code: row.next()?,
        city: row.next()?,
        email: row.next()?,
        billing_email: row.next()?,
        phone: row.next()?,
        vat: row.next()?,
        registration_number: row.next()?,
        contact_person_first_name: row.next()?,
        contact_person_last_name: row.next()?,
        iban: row.next()?,
        bic: row.next()?,
        bank_account: row.next()?,
        ean_number: row.next()?,
        peppol_endpoint: row.next()?,
        fiscal_year_start: row.next()?,
        locked_through: row.next()?,
        sender_email: row.next()?,
        reply_to_email: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}
