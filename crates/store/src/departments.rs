//! The departments of customers.

use std::collections::{BTreeMap, BTreeSet};

use billing::customers::Department;
use billing::ids::{CompanyId, CustomerId, DepartmentId};
use jiff::Timestamp;

use crate::db::{Error, Row, Tx, params, statements, yes_no};
use crate::several::{Several, by_id};

macro_rules! select {
    ($first:literal, $rest:literal) => {
        concat!(
            "select ",
            $first,
            "id, customer_id, name, is_default, is_active, ean_number, address, city, postal_code, country_code, ",
            "email from customer_departments where company_id = ",
            $rest
        )
    };
}

statements! {
    GET = select!("", "$1 and id = $2");
    OF_CUSTOMER = select!("", "$1 and customer_id = $2 order by created_at, id");
    INSERT = "insert into customer_departments (company_id, id, customer_id, name, is_default, is_active, ean_number, \
        address, city, postal_code, country_code, email, created_at, updated_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    UPDATE = "update customer_departments set name = $1, is_default = $2, is_active = $3, ean_number = $4, address = $5, \
        city = $6, postal_code = $7, country_code = $8, email = $9, updated_at = $10 where company_id = $11 and id = $12";
    DELETE = "delete from customer_departments where company_id = $1 and id = $2";
    NAMED = "select id from documents where company_id = $1 and customer_id = $2 and customer_department_id = $3 \
        and booked_at is null and sent_at is null and cancelled_at is null and voided_at is null limit 1";
}

const SEVERAL: Several = Several { begin: select!("id, ", "?"), among: "and id in", end: "" };

/// A department of a customer.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: DepartmentId) -> Result<Option<Department>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// Those of these departments that are there, by id.
///
/// # Errors
/// What the shelves answer.
pub fn several(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    ids: &BTreeSet<DepartmentId>,
) -> Result<BTreeMap<DepartmentId, Department>, Error> {
    by_id(SEVERAL.rows(tx, company_id, ids)?, read)
}

/// The departments of a customer, in the order they were added.
///
/// # Errors
/// What the shelves answer.
pub fn of_customer(tx: &mut dyn Tx, company_id: CompanyId, customer: CustomerId) -> Result<Vec<Department>, Error> {
    tx.all(OF_CUSTOMER, params![company_id, customer])?.into_iter().map(read).collect()
}

/// Shelves a new department.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, department: &Department, at: Timestamp) -> Result<(), Error> {
    let d = department;
    tx.exec(
        INSERT,
        params![
            company_id,
            d.id,
            d.customer_id,
            d.name.as_str(),
            yes_no(d.is_default),
            yes_no(d.is_active),
            d.ean_number.as_deref(),
            d.address.as_deref(),
            d.city.as_deref(),
            d.postal_code.as_deref(),
            d.country_code.as_deref(),
            d.email.as_deref(),
            at,
            at,
        ],
    )
}

/// Writes a department anew; whose it is stays.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, department: &Department, at: Timestamp) -> Result<(), Error> {
    let d = department;
    tx.exec(
        UPDATE,
        params![
            d.name.as_str(),
            yes_no(d.is_default),
            yes_no(d.is_active),
            d.ean_number.as_deref(),
            d.address.as_deref(),
            d.city.as_deref(),
            d.postal_code.as_deref(),
            d.country_code.as_deref(),
            d.email.as_deref(),
            at,
            company_id,
            d.id,
        ],
    )
}

/// Deletes a department.
///
/// # Errors
/// What the shelves answer.
pub fn delete(tx: &mut dyn Tx, company_id: CompanyId, id: DepartmentId) -> Result<(), Error> {
    tx.exec(DELETE, params![company_id, id])
}

/// Whether a document that is still to be sent names the department.
///
/// # Errors
/// What the shelves answer.
pub fn is_named(tx: &mut dyn Tx, company_id: CompanyId, department: &Department) -> Result<bool, Error> {
    Ok(tx.one(NAMED, params![company_id, department.customer_id, department.id])?.is_some())
}

fn read(mut row: Row) -> Result<Department, Error> {
    Ok(Department {
        id: row.id()?,
        customer_id: row.id()?,
        name: row.next()?,
        is_default: row.next()?,
        is_active: row.next()?,
        ean_number: row.next()?,
        address: row.next()?,
        city: row.next()?,
        postal_code: row.next()?,
        country_code: row.next()?,
        email: row.next()?,
    })
}
