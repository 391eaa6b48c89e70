//! Customers: who is sold to, and on what terms.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use billing::company::currency_of;
use billing::customers::{
    BillingRelationship, Customer, CustomerGroup, Customers, InvoicingMode, Saved, Warning, registration_number_of,
    zone_conflict,
};
use billing::erasure::check_is_there;
use billing::identifiers;
use billing::ids::{CompanyId, CustomerGroupId, CustomerId, TemplateId};
use billing::input::customers::{CustomerInput, CustomerPatch, CustomerQuery};
use billing::input::{Patch, Text};
use billing::page::Part;
use billing::refusal::{Faults, Refusal};
use serde_json::json as details;
use store::db::Tx;
use store::{customer_groups, customers, templates};

use crate::imports::Taken;
use crate::work::json;
use crate::{Error, View, Work};

/// Days to pay where a customer is made without.
const PAYMENT_TERMS: u32 = 30;

/// All customers by number, or with `page` or `cursor` a page of them.
///
/// # Errors
/// Faults of `page` and `cursor`.
pub fn list(view: &mut View<'_>, query: CustomerQuery) -> Result<Customers, Error> {
    let CustomerQuery { page, limit, cursor, customer_number, external_system_id, metadata } = query;
    let filter = customers::Filter {
        customer_number: customer_number.as_deref(),
        external_system_id: external_system_id.as_deref(),
        metadata: metadata.as_ref(),
    };
    if page.is_none() && cursor.is_none() {
        return Ok(Customers::All(customers::all(view.tx, view.company.id, &filter)?));
    }
    let part = Part::asked(page, limit, cursor.as_deref())?;
    Ok(Customers::Page(customers::list(view.tx, view.company.id, &filter, &part)?))
}

/// One customer.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: CustomerId) -> Result<Customer, Error> {
    find(view.tx, view.company.id, id)
}

/// Makes a customer.
///
/// # Errors
/// `CUSTOMER_NUMBER_ALREADY_EXISTS`, `EXTERNAL_SYSTEM_ID_ALREADY_EXISTS`, `CUSTOMER_GROUP_NOT_FOUND`,
/// `CUSTOMER_NOT_FOUND` (its parent), `CUSTOMER_PARENT_CYCLE`, `TEMPLATE_NOT_FOUND`; faults of numbers.
pub fn create(work: &mut Work<'_>, input: CustomerInput) -> Result<Saved<Customer>, Error> {
    let CustomerInput {
        customer_number,
        customer_type,
        name,
        vat_zone,
        customer_group_id,
        is_active,
        billing_relationship,
        parent_customer_id,
        invoicing_mode,
        include_child_details_pdf,
        email,
        phone,
        address,
        city,
        postal_code,
        country_code,
        vat_number,
        registration_number,
        website,
        external_system_id,
        ean_number,
        peppol_endpoint,
        currency,
        payment_terms,
        language,
        delivery_type,
        document_template_ids,
        metadata,
    } = input;
    let vat_number = vat_number.map(|number| number.0);
    let registration_number =
        text(registration_number).or_else(|| registration_number_of(&country_code, vat_number.as_deref()));
    let is_numbered = customer_number.is_some();
    let mut customer = Customer {
        id: work.new_id(),
        customer_number: text(customer_number).unwrap_or_default(),
        customer_type,
        name: name.0,
        vat_zone,
        customer_group_id,
        is_active: is_active.unwrap_or(true),
        billing_relationship: billing_relationship.unwrap_or(BillingRelationship::SelfPays),
        parent_customer_id,
        invoicing_mode: invoicing_mode.unwrap_or(InvoicingMode::SingleInvoice),
        include_child_details_pdf: include_child_details_pdf.unwrap_or(false),
        customer_group_number: String::new(),
        customer_group_name: String::new(),
        group_discount: None,
        email: email.map(|email| email.0),
        phone: text(phone),
        address: text(address),
        city: text(city),
        postal_code: text(postal_code),
        country_code: country_code.0,
        vat_number,
        registration_number,
        website: text(website),
        external_system_id: text(external_system_id),
        ean_number: ean_number.map(|number| number.0),
        peppol_endpoint: text(peppol_endpoint),
        currency: currency.map_or(Ok(work.company.currency), |code| currency_of(&code, "currency"))?,
        payment_terms: payment_terms.unwrap_or(PAYMENT_TERMS),
        language: language.map_or_else(|| work.company.preferred_language.clone(), |l| l.as_str().to_owned()),
        delivery_type,
        document_template_ids: document_template_ids.unwrap_or_default(),
        metadata: metadata.unwrap_or_default(),
        created_at: work.now,
        updated_at: work.now,
        erased_at: None,
    };
    check_numbers(&customer)?;
    check_references(work, &mut customer)?;
    check_free(work, is_numbered.then_some(customer.customer_number.as_str()), customer.external_system_id.as_deref())?;
    if !is_numbered {
        customer.customer_number = next_number(work)?;
        work.number_given(&customer.customer_number);
    }
    work.ahead.customers.take(&customer);
    customers::insert(work.tx, work.company.id, &customer)?;
    work.event("customer.created", "customer", customer.id, &customer, None);
    Ok(saved(work, customer))
}

/// What the customers of a chunk ask for.
#[derive(Default)]
pub(crate) struct Ahead {
    groups: BTreeMap<CustomerGroupId, Option<CustomerGroup>>,
    templates: BTreeMap<TemplateId, bool>,
    /// Those above customers, and `Some(None)` above one at the top; none where there is no such customer.
    parents: BTreeMap<CustomerId, Option<Option<CustomerId>>>,
    numbers: Taken,
    external_ids: Taken,
    /// What is next for those who name no number, of which a row before may still take one.
    free: VecDeque<i64>,
    /// The last of them that was given.
    given: Option<i64>,
}

impl Ahead {
    /// Says that a customer has its number and its id in another system now.
    fn take(&mut self, customer: &Customer) {
        self.numbers.take(&customer.customer_number);
        if let Some(external_id) = &customer.external_system_id {
            self.external_ids.take(external_id);
        }
    }

    /// The next number, where enough were looked up.
    fn next_number(&mut self) -> Option<String> {
        loop {
            let next = self.free.pop_front()?;
            if self.numbers.knows(&next.to_string()) == Some(false) {
                self.given = Some(next);
                return Some(next.to_string());
            }
        }
    }
}

/// Looks at what the rows of a chunk will ask for.
///
/// # Errors
/// What the shelves answer.
pub fn look_ahead(work: &mut Work<'_>, rows: &[&CustomerInput]) -> Result<(), Error> {
    let company_id = work.company.id;
    let numbered: Vec<&str> = rows.iter().filter_map(|row| row.customer_number.as_deref()).collect();
    let external_ids: Vec<&str> = rows.iter().filter_map(|row| row.external_system_id.as_deref()).collect();
    // As many as there are rows: of those that name their number each takes one of these at most.
    let mut next = Vec::new();
    if numbered.len() < rows.len() {
        let last = customers::last_number(work.tx, company_id)?;
        next.extend((last + 1..).take(rows.len()));
    }
    let told: Vec<String> = next.iter().map(i64::to_string).collect();
    let numbers: Vec<&str> = numbered.into_iter().chain(told.iter().map(String::as_str)).collect();
    let (taken, taken_ids) = customers::taken(work.tx, company_id, &numbers, &external_ids)?;
    let group_ids: BTreeSet<CustomerGroupId> = rows.iter().map(|row| row.customer_group_id).collect();
    let found = customer_groups::several(work.tx, company_id, &group_ids)?;
    let groups = group_ids.into_iter().map(|id| (id, found.get(&id).cloned())).collect();
    let mut templates = BTreeMap::new();
    let named = rows.iter().flat_map(|row| row.document_template_ids.iter().flatten()).copied();
    for id in named.collect::<BTreeSet<_>>() {
        templates.insert(id, templates::get(work.tx, company_id, id)?.is_some());
    }
    let mut parents = BTreeMap::new();
    let mut above: BTreeSet<CustomerId> = rows.iter().filter_map(|row| row.parent_customer_id).collect();
    while !above.is_empty() {
        let found = customers::parents(work.tx, company_id, &above)?;
        parents.extend(above.into_iter().map(|id| (id, found.get(&id).copied())));
        above = found.into_values().flatten().filter(|id| !parents.contains_key(id)).collect();
    }
    let (numbers, external_ids) = (Taken::of(&numbers, &taken), Taken::of(&external_ids, &taken_ids));
    let free = next.into();
    work.ahead.customers = Ahead { groups, templates, parents, numbers, external_ids, free, given: None };
    Ok(())
}

/// Keeps what was given of the numbers that were looked up.
///
/// # Errors
/// What the shelves answer.
pub(crate) fn after_ahead(work: &mut Work<'_>) -> Result<(), Error> {
    match work.ahead.customers.given.take() {
        Some(number) => Ok(customers::count_to(work.tx, work.company.id, number)?),
        None => Ok(()),
    }
}

/// What an import tells of a customer that was made.
pub fn told(made: &Saved<Customer>) -> serde_json::Value {
    let Saved { resource, warnings } = made;
    details!({ "id": resource.id, "customerNumber": resource.customer_number, "warnings": warnings })
}

/// Changes a customer.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CUSTOMER_ERASED` and those of [`create`].
pub fn update(work: &mut Work<'_>, id: CustomerId, patch: CustomerPatch) -> Result<Saved<Customer>, Error> {
    let before = find(work.tx, work.company.id, id)?;
    check_is_there(&before)?;
    let mut after = patched(work, &before, patch)?;
    check_numbers(&after)?;
    check_references(work, &mut after)?;
    let number = (after.customer_number != before.customer_number).then_some(after.customer_number.as_str());
    let external_id =
        after.external_system_id.as_deref().filter(|id| before.external_system_id.as_deref() != Some(*id));
    check_free(work, number, external_id)?;
    if after == before {
        work.nothing_happened();
        return Ok(saved(work, after));
    }
    after.updated_at = work.now;
    customers::update(work.tx, work.company.id, &after)?;
    work.event("customer.updated", "customer", id, &after, Some(json(&before)));
    Ok(saved(work, after))
}

/// The customer, or the 404 of its resource.
pub(crate) fn find(tx: &mut dyn Tx, company_id: CompanyId, id: CustomerId) -> Result<Customer, Error> {
    let missing = || Refusal::missing("CUSTOMER_NOT_FOUND", "There is no such customer in this company.");
    Ok(customers::get(tx, company_id, id)?.ok_or_else(missing)?)
}

fn text<const MAX: usize>(text: Option<Text<MAX>>) -> Option<String> {
    text.map(|t| t.0)
}

fn over<const MAX: usize>(patch: Patch<Text<MAX>>, before: &Option<String>) -> Option<String> {
    patch.map(|t| t.0).over(before.clone())
}

/// What is true after the patch; what goes by its group is filled in with the references.
fn patched(work: &Work<'_>, before: &Customer, patch: CustomerPatch) -> Result<Customer, Error> {
    let CustomerPatch {
        customer_number,
        customer_type,
        name,
        vat_zone,
        customer_group_id,
        is_active,
        billing_relationship,
        parent_customer_id,
        invoicing_mode,
        include_child_details_pdf,
        email,
        phone,
        address,
        city,
        postal_code,
        country_code,
        vat_number,
        registration_number,
        website,
        external_system_id,
        ean_number,
        peppol_endpoint,
        currency,
        payment_terms,
        language,
        delivery_type,
        document_template_ids,
        metadata,
    } = patch;
    let b = before;
    let country_code = country_code.map_or_else(|| b.country_code.clone(), |code| code.0);
    let vat_number = vat_number.map(|number| number.0).over(b.vat_number.clone());
    // What was taken from the VAT number follows it; what was said stays.
    let said = b
        .registration_number
        .clone()
        .filter(|number| registration_number_of(&b.country_code, b.vat_number.as_deref()).as_ref() != Some(number));
    let registration_number =
        over(registration_number, &said).or_else(|| registration_number_of(&country_code, vat_number.as_deref()));
    let currency = match currency {
        Patch::Keep => b.currency,
        Patch::Clear => work.company.currency,
        Patch::Set(code) => currency_of(&code, "currency")?,
    };
    let language = match language {
        Patch::Keep => b.language.clone(),
        Patch::Clear => work.company.preferred_language.clone(),
        Patch::Set(language) => language.as_str().to_owned(),
    };
    Ok(Customer {
        id: b.id,
        customer_number: text(customer_number).unwrap_or_else(|| b.customer_number.clone()),
        customer_type: customer_type.unwrap_or(b.customer_type),
        name: text(name).unwrap_or_else(|| b.name.clone()),
        vat_zone: vat_zone.unwrap_or(b.vat_zone),
        customer_group_id: customer_group_id.unwrap_or(b.customer_group_id),
        is_active: is_active.unwrap_or(b.is_active),
        billing_relationship: billing_relationship.unwrap_or(b.billing_relationship),
        parent_customer_id: parent_customer_id.over(b.parent_customer_id),
        invoicing_mode: invoicing_mode.unwrap_or(b.invoicing_mode),
        include_child_details_pdf: include_child_details_pdf.unwrap_or(b.include_child_details_pdf),
        customer_group_number: b.customer_group_number.clone(),
        customer_group_name: b.customer_group_name.clone(),
        group_discount: b.group_discount,
        email: email.map(|email| email.0).over(b.email.clone()),
        phone: over(phone, &b.phone),
        address: over(address, &b.address),
        city: over(city, &b.city),
        postal_code: over(postal_code, &b.postal_code),
        country_code,
        vat_number,
        registration_number,
        website: over(website, &b.website),
        external_system_id: over(external_system_id, &b.external_system_id),
        ean_number: ean_number.map(|number| number.0).over(b.ean_number.clone()),
        peppol_endpoint: over(peppol_endpoint, &b.peppol_endpoint),
        currency,
        payment_terms: payment_terms.over(Some(b.payment_terms)).unwrap_or(PAYMENT_TERMS),
        language,
        delivery_type: delivery_type.over(b.delivery_type),
        document_template_ids: document_template_ids.over(Some(b.document_template_ids.clone())).unwrap_or_default(),
        metadata: metadata.over(Some(b.metadata.clone())).unwrap_or_default(),
        created_at: b.created_at,
        updated_at: b.updated_at,
        erased_at: b.erased_at,
    })
}

/// Fields that must fit each other, whichever of them a request names.
fn check_numbers(customer: &Customer) -> Result<(), Faults> {
    let mut faults = Faults::default();
    if let Some(number) = &customer.registration_number
        && customer.country_code == "DK"
        && !identifiers::is_cvr(number)
    {
        faults.add("registrationNumber", "isCvr", "registrationNumber must be a CVR number: 8 digits with check digit");
    }
    if customer.peppol_endpoint.as_deref().is_some_and(|endpoint| !identifiers::is_peppol_endpoint(endpoint)) {
        faults.add("peppolEndpoint", "isPeppolEndpoint", "peppolEndpoint must be a scheme and an id, as 0184:12345678");
    }
    if customer.billing_relationship == BillingRelationship::ParentPays && customer.parent_customer_id.is_none() {
        faults.add("parentCustomerId", "isNotEmpty", "parentCustomerId should not be empty where the parent pays");
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// What a customer names is there; its group's number and name are filled in.
fn check_references(work: &mut Work<'_>, customer: &mut Customer) -> Result<(), Error> {
    let company_id = work.company.id;
    let group = match work.ahead.customers.groups.get(&customer.customer_group_id) {
        Some(known) => known.clone(),
        None => customer_groups::get(work.tx, company_id, customer.customer_group_id)?,
    };
    let group = group.ok_or_else(|| {
        let message = "There is no such customer group in this company.";
        Refusal::missing_at("CUSTOMER_GROUP_NOT_FOUND", message, "customerGroupId")
    })?;
    customer.customer_group_number = group.number;
    customer.customer_group_name = group.name;
    customer.group_discount = group.discount;
    let mut above = customer.parent_customer_id;
    while let Some(parent) = above {
        if parent == customer.id {
            let message = "A customer is not its own parent, over others neither.";
            let refusal = Refusal::new("CUSTOMER_PARENT_CYCLE", message);
            return Err(refusal.with(details!({ "property": "parentCustomerId" })).into());
        }
        let found = match work.ahead.customers.parents.get(&parent) {
            Some(known) => *known,
            None => customers::parent(work.tx, company_id, parent)?,
        };
        above = found.ok_or_else(|| {
            let message = "There is no such customer in this company.";
            Refusal::missing_at("CUSTOMER_NOT_FOUND", message, "parentCustomerId")
        })?;
    }
    for (at, template) in customer.document_template_ids.iter().enumerate() {
        let is_there = match work.ahead.customers.templates.get(template) {
            Some(known) => *known,
            None => templates::get(work.tx, company_id, *template)?.is_some(),
        };
        if !is_there {
            let message = "There is no such document template in this company.";
            let property = format!("documentTemplateIds.{at}");
            return Err(Refusal::missing_at("TEMPLATE_NOT_FOUND", message, property).into());
        }
    }
    Ok(())
}

/// A number and an id in another system, where there are any, are nobody's yet.
fn check_free(work: &mut Work<'_>, number: Option<&str>, external_id: Option<&str>) -> Result<(), Error> {
    let (company_id, ahead) = (work.company.id, &work.ahead.customers);
    let known_number = number.map_or(Some(false), |number| ahead.numbers.knows(number));
    let known_id = external_id.map_or(Some(false), |id| ahead.external_ids.knows(id));
    let (number_taken, id_taken) = match (known_number, known_id) {
        (Some(number), Some(id)) => (number, id),
        _ => customers::is_taken(work.tx, company_id, number, external_id)?,
    };
    if let Some(number) = number.filter(|_| number_taken) {
        let message = format!("There is a customer with the number {number} already.");
        let refusal = Refusal::new("CUSTOMER_NUMBER_ALREADY_EXISTS", message);
        return Err(refusal.with(details!({ "property": "customerNumber" })).into());
    }
    if let Some(id) = external_id.filter(|_| id_taken) {
        let message = format!("There is a customer with the externalSystemId {id} already.");
        let refusal = Refusal::new("EXTERNAL_SYSTEM_ID_ALREADY_EXISTS", message);
        return Err(refusal.with(details!({ "property": "externalSystemId" })).into());
    }
    Ok(())
}

/// The next number that no customer has.
fn next_number(work: &mut Work<'_>) -> Result<String, Error> {
    if let Some(number) = work.ahead.customers.next_number() {
        return Ok(number);
    }
    // The shelves count on from what was given so far.
    after_ahead(work)?;
    Ok(customers::next_number(work.tx, work.company.id)?)
}

/// The customer with what its documents would be refused for.
fn saved(work: &Work<'_>, customer: Customer) -> Saved<Customer> {
    let conflict = zone_conflict(&work.company, &customer);
    let warnings = conflict
        .map(|(property, message)| Warning {
            code: "VAT_ZONE_CONFLICT".to_owned(),
            property: property.to_owned(),
            message,
        })
        .into_iter()
        .collect();
    Saved { resource: customer, warnings }
}
