//! The people at a customer: whom to turn to, and who receives its documents.

use billing::customers::{Contact, Customer};
use billing::erasure::check_is_there;
use billing::ids::{CompanyId, ContactId, CustomerId};
use billing::input::contacts::{ContactInput, ContactPatch, ContactQuery};
use billing::refusal::{Faults, Refusal};
use store::contacts as shelf;
use store::db::Tx;

use crate::customers::find as find_customer;
use crate::work::json;
use crate::{Error, View, Work};

/// The people at a customer, in the order they were added.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`.
pub fn list(view: &mut View<'_>, customer_id: CustomerId, query: ContactQuery) -> Result<Vec<Contact>, Error> {
    let ContactQuery {} = query;
    find_customer(view.tx, view.company.id, customer_id)?;
    Ok(shelf::of_customer(view.tx, view.company.id, customer_id)?)
}

/// One of them.
///
/// # Errors
/// `CUSTOMER_CONTACT_NOT_FOUND`.
pub fn get(view: &mut View<'_>, (customer_id, id): (CustomerId, ContactId)) -> Result<Contact, Error> {
    find(view.tx, view.company.id, customer_id, id)
}

/// Adds a person to a customer.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CUSTOMER_ERASED`; a fault of `email` where documents should go to it and it has none.
pub fn add(work: &mut Work<'_>, customer_id: CustomerId, input: ContactInput) -> Result<Contact, Error> {
    check_is_there(&find_customer(work.tx, work.company.id, customer_id)?)?;
    let ContactInput { name, email, phone, is_default, receives_invoices } = input;
    let contact = Contact {
        id: work.new_id(),
        customer_id,
        name: name.0,
        email: email.map(|email| email.0),
        phone: phone.map(|text| text.0),
        is_default: is_default.unwrap_or(false),
        receives_invoices: receives_invoices.unwrap_or(false),
    };
    check(&contact)?;
    step_down(work, &contact)?;
    shelf::insert(work.tx, work.company.id, &contact, work.now)?;
    work.event("customer_contact.created", "customer_contact", contact.id, &contact, None);
    Ok(contact)
}

/// Makes an address a person at a customer, by the name of the address, unless somebody there has it or it
/// is the customer's own. Of who was erased nothing is kept.
pub(crate) fn keep_address(work: &mut Work<'_>, customer: &Customer, address: &str) -> Result<(), Error> {
    let is_it = |own: &Option<String>| own.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(address));
    let known = shelf::of_customer(work.tx, work.company.id, customer.id)?;
    if customer.erased_at.is_some() || is_it(&customer.email) || known.iter().any(|contact| is_it(&contact.email)) {
        return Ok(());
    }
    let contact = Contact {
        id: work.new_id(),
        customer_id: customer.id,
        name: address.to_owned(),
        email: Some(address.to_owned()),
        phone: None,
        is_default: false,
        receives_invoices: false,
    };
    shelf::insert(work.tx, work.company.id, &contact, work.now)?;
    work.event("customer_contact.created", "customer_contact", contact.id, &contact, None);
    Ok(())
}

/// Changes a person.
///
/// # Errors
/// `CUSTOMER_CONTACT_NOT_FOUND` and those of [`add`].
pub fn change(
    work: &mut Work<'_>,
    (customer_id, id): (CustomerId, ContactId),
    patch: ContactPatch,
) -> Result<Contact, Error> {
    let before = find(work.tx, work.company.id, customer_id, id)?;
    let ContactPatch { name, email, phone, is_default, receives_invoices } = patch;
    let after = Contact {
        id,
        customer_id,
        name: name.map_or_else(|| before.name.clone(), |name| name.0),
        email: email.map(|email| email.0).over(before.email.clone()),
        phone: phone.map(|text| text.0).over(before.phone.clone()),
        is_default: is_default.unwrap_or(before.is_default),
        receives_invoices: receives_invoices.unwrap_or(before.receives_invoices),
    };
    if after == before {
        work.nothing_happened();
        return Ok(after);
    }
    check(&after)?;
    step_down(work, &after)?;
    written(work, &before, after)
}

/// Deletes a person. Booked documents keep the name they were booked with.
///
/// # Errors
/// `CUSTOMER_CONTACT_NOT_FOUND`; `CUSTOMER_CONTACT_IN_USE` where a document that is still to be sent names it.
pub fn delete(work: &mut Work<'_>, (customer_id, id): (CustomerId, ContactId)) -> Result<(), Error> {
    let contact = find(work.tx, work.company.id, customer_id, id)?;
    check_is_free(work, &contact)?;
    shelf::delete(work.tx, work.company.id, id)?;
    work.event("customer_contact.deleted", "customer_contact", id, &contact, Some(json(&contact)));
    Ok(())
}

/// No document that is still to be sent names the person.
pub(crate) fn check_is_free(work: &mut Work<'_>, contact: &Contact) -> Result<(), Error> {
    if shelf::is_named(work.tx, work.company.id, contact)? {
        let message = format!("A document that is not sent yet names {}; change or delete it first.", contact.name);
        return Err(Refusal::new("CUSTOMER_CONTACT_IN_USE", message).into());
    }
    Ok(())
}

pub(crate) fn find(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    customer_id: CustomerId,
    id: ContactId,
) -> Result<Contact, Error> {
    let found = shelf::get(tx, company_id, id)?.filter(|contact| contact.customer_id == customer_id);
    let missing = || Refusal::missing("CUSTOMER_CONTACT_NOT_FOUND", "There is no such contact at this customer.");
    Ok(found.ok_or_else(missing)?)
}

fn check(contact: &Contact) -> Result<(), Faults> {
    let mut faults = Faults::default();
    if contact.receives_invoices && contact.email.is_none() {
        faults.add("email", "isNotEmpty", "email should not be empty where receivesInvoices is set");
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// At most one is the default: the one that was steps down.
fn step_down(work: &mut Work<'_>, next: &Contact) -> Result<(), Error> {
    if !next.is_default {
        return Ok(());
    }
    let all = shelf::of_customer(work.tx, work.company.id, next.customer_id)?;
    for former in all.into_iter().filter(|other| other.is_default && other.id != next.id) {
        let after = Contact { is_default: false, ..former.clone() };
        written(work, &former, after)?;
    }
    Ok(())
}

fn written(work: &mut Work<'_>, before: &Contact, after: Contact) -> Result<Contact, Error> {
    shelf::update(work.tx, work.company.id, &after, work.now)?;
    work.event("customer_contact.updated", "customer_contact", after.id, &after, Some(json(before)));
    Ok(after)
}
