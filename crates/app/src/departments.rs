//! The departments of a customer: their address and EAN number stand for the customer's in documents.

use billing::customers::Department;
use billing::erasure::check_is_there;
use billing::ids::{CompanyId, CustomerId, DepartmentId};
use billing::input::departments::{DepartmentInput, DepartmentPatch, DepartmentQuery};
use billing::refusal::Refusal;
use store::db::Tx;
use store::departments as shelf;

use crate::customers::find as find_customer;
use crate::work::json;
use crate::{Error, View, Work};

/// The departments of a customer, in the order they were added.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`.
pub fn list(view: &mut View<'_>, customer_id: CustomerId, query: DepartmentQuery) -> Result<Vec<Department>, Error> {
    let DepartmentQuery { is_active } = query;
    find_customer(view.tx, view.company.id, customer_id)?;
    let mut all = shelf::of_customer(view.tx, view.company.id, customer_id)?;
    all.retain(|department| is_active.is_none_or(|asked| department.is_active == asked));
    Ok(all)
}

/// One of them.
///
/// # Errors
/// `CUSTOMER_DEPARTMENT_NOT_FOUND`.
pub fn get(view: &mut View<'_>, (customer_id, id): (CustomerId, DepartmentId)) -> Result<Department, Error> {
    find(view.tx, view.company.id, customer_id, id)
}

/// Adds a department to a customer.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CUSTOMER_ERASED`.
pub fn add(work: &mut Work<'_>, customer_id: CustomerId, input: DepartmentInput) -> Result<Department, Error> {
    check_is_there(&find_customer(work.tx, work.company.id, customer_id)?)?;
    let DepartmentInput { name, is_default, is_active, ean_number, address, city, postal_code, country_code, email } =
        input;
    let department = Department {
        id: work.new_id(),
        customer_id,
        name: name.0,
        is_default: is_default.unwrap_or(false),
        is_active: is_active.unwrap_or(true),
        ean_number: ean_number.map(|number| number.0),
        address: address.map(|text| text.0),
        city: city.map(|text| text.0),
        postal_code: postal_code.map(|text| text.0),
        country_code: country_code.map(|code| code.0),
        email: email.map(|email| email.0),
    };
    step_down(work, &department)?;
    shelf::insert(work.tx, work.company.id, &department, work.now)?;
    work.event("customer_department.created", "customer_department", department.id, &department, None);
    Ok(department)
}

/// Changes a department. Documents that are not booked yet follow.
///
/// # Errors
/// `CUSTOMER_DEPARTMENT_NOT_FOUND`.
pub fn change(
    work: &mut Work<'_>,
    (customer_id, id): (CustomerId, DepartmentId),
    patch: DepartmentPatch,
) -> Result<Department, Error> {
    let before = find(work.tx, work.company.id, customer_id, id)?;
    let DepartmentPatch { name, is_default, is_active, ean_number, address, city, postal_code, country_code, email } =
        patch;
    let after = Department {
        id,
        customer_id,
        name: name.map_or_else(|| before.name.clone(), |name| name.0),
        is_default: is_default.unwrap_or(before.is_default),
        is_active: is_active.unwrap_or(before.is_active),
        ean_number: ean_number.map(|number| number.0).over(before.ean_number.clone()),
        address: address.map(|text| text.0).over(before.address.clone()),
        city: city.map(|text| text.0).over(before.city.clone()),
        postal_code: postal_code.map(|text| text.0).over(before.postal_code.clone()),
        country_code: country_code.map(|code| code.0).over(before.country_code.clone()),
        email: email.map(|email| email.0).over(before.email.clone()),
    };
    if after == before {
        work.nothing_happened();
        return Ok(after);
    }
    step_down(work, &after)?;
    written(work, &before, after)
}

/// Deletes a department. Booked documents keep what they were booked with.
///
/// # Errors
/// `CUSTOMER_DEPARTMENT_NOT_FOUND`; `CUSTOMER_DEPARTMENT_IN_USE` where a document that is still to be sent names it.
pub fn delete(work: &mut Work<'_>, (customer_id, id): (CustomerId, DepartmentId)) -> Result<(), Error> {
    let department = find(work.tx, work.company.id, customer_id, id)?;
    if shelf::is_named(work.tx, work.company.id, &department)? {
        let message = format!("A document that is not sent yet names {}; change or delete it first.", department.name);
        return Err(Refusal::new("CUSTOMER_DEPARTMENT_IN_USE", message).into());
    }
    shelf::delete(work.tx, work.company.id, id)?;
    work.event("customer_department.deleted", "customer_department", id, &department, Some(json(&department)));
    Ok(())
}

fn find(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    customer_id: CustomerId,
    id: DepartmentId,
) -> Result<Department, Error> {
    let found = shelf::get(tx, company_id, id)?.filter(|department| department.customer_id == customer_id);
    let missing = || Refusal::missing("CUSTOMER_DEPARTMENT_NOT_FOUND", "There is no such department at this customer.");
    Ok(found.ok_or_else(missing)?)
}

/// At most one is the default: the one that was steps down.
fn step_down(work: &mut Work<'_>, next: &Department) -> Result<(), Error> {
    if !next.is_default {
        return Ok(());
    }
    let all = shelf::of_customer(work.tx, work.company.id, next.customer_id)?;
    for former in all.into_iter().filter(|other| other.is_default && other.id != next.id) {
        let after = Department { is_default: false, ..former.clone() };
        written(work, &former, after)?;
    }
    Ok(())
}

fn written(work: &mut Work<'_>, before: &Department, after: Department) -> Result<Department, Error> {
    shelf::update(work.tx, work.company.id, &after, work.now)?;
    work.event("customer_department.updated", "customer_department", after.id, &after, Some(json(before)));
    Ok(after)
}
