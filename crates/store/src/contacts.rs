//! The people at customers.

use std::collections::{BTreeMap, BTreeSet};

use billing::customers::Contact;
use billing::ids::{CompanyId, ContactId, CustomerId};
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements, yes_no};
use crate::several::{Several, by_id};

macro_rules! select {
    ($first:literal, $rest:literal) => {
        concat!(
            "select ",
            $first,
            "id, customer_id, name, email, phone, is_default, receives_invoices from customer_contacts ",
            "where company_id = ",
            $rest
        )
    };
}

statements! {
    GET = select!("", "$1 and id = $2");
    OF_CUSTOMER = select!("", "$1 and customer_id = $2 order by created_at, id");
    INSERT = "insert into customer_contacts (company_id, id, customer_id, name, email, phone, is_default, \
        receives_invoices, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    UPDATE = "update customer_contacts set name = $1, email = $2, phone = $3, is_default = $4, \
        receives_invoices = $5, updated_at = $6 where company_id = $7 and id = $8";
    DELETE = "delete from customer_contacts where company_id = $1 and id = $2";
    NAMED = "select id from documents where company_id = $1 and customer_id = $2 and customer_contact_id = $3 \
        and booked_at is null and sent_at is null and cancelled_at is null and voided_at is null limit 1";
}

const SEVERAL: Several = Several { begin: select!("id, ", "?"), among: "and id in", end: "" };

/// A person at a customer.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: ContactId) -> Result<Option<Contact>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// Those of these people that are there, by id.
///
/// # Errors
/// What the shelves answer.
pub fn several(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    ids: &BTreeSet<ContactId>,
) -> Result<BTreeMap<ContactId, Contact>, Error> {
    by_id(SEVERAL.rows(tx, company_id, ids)?, read)
}

/// The people at a customer, in the order they were added.
///
/// # Errors
/// What the shelves answer.
pub fn of_customer(tx: &mut dyn Tx, company_id: CompanyId, customer: CustomerId) -> Result<Vec<Contact>, Error> {
    tx.all(OF_CUSTOMER, params![company_id, customer])?.into_iter().map(read).collect()
}

/// Shelves a new person.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, contact: &Contact, at: Timestamp) -> Result<(), Error> {
    let Contact { id, customer_id, name, email, phone, is_default, receives_invoices } = contact;
    tx.exec(
        INSERT,
        params![
            company_id,
            *id,
            *customer_id,
            name,
            email.as_deref(),
            phone.as_deref(),
            yes_no(*is_default),
            yes_no(*receives_invoices),
            at,
            at,
        ],
    )
}

/// Writes a person anew; whose it is stays.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, contact: &Contact, at: Timestamp) -> Result<(), Error> {
    let Contact { id, customer_id: _, name, email, phone, is_default, receives_invoices } = contact;
    tx.exec(
        UPDATE,
        params![
            name,
            email.as_deref(),
            phone.as_deref(),
            yes_no(*is_default),
            yes_no(*receives_invoices),
            at,
            company_id,
            *id,
        ],
    )
}

/// Deletes a person.
///
/// # Errors
/// What the shelves answer.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: ContactId) -> Result<(), Error> {
    tx.exec(DELETE, params![company_id, id])
}

/// Whether a document that is still to be sent names the person.
///
/// # Errors
/// What the shelves answer.
pub fn is_named(tx: &mut dyn Tx, company_id: CompanyId, contact: &Contact) -> Result<bool, Error> {
    Ok(tx.one(NAMED, params![company_id, contact.customer_id, contact.id])?.is_some())
}

fn read(mut row: Row) -> Result<Contact, Error> {
    Ok(Contact {
        id: row.id()?,
        customer_id: row.id()?,
        name: row.next()?,
        email: row.next()?,
        phone: row.next()?,
        is_default: row.next()?,
        receives_invoices: row.next()?,
    })
}
