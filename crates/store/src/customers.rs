//! Customers.

use std::collections::{BTreeMap, BTreeSet};

use billing::customers::Customer;
use billing::ids::{CompanyId, CustomerId};
use billing::input::Metadata;
use billing::page::{Begin, Page, Part};

use crate::db::{Error, Row, Select, Tx, params, statements, yes_no};
use crate::documents::{json, metadata as read_metadata, parse_json};
use crate::metadata::{self, has_pair};
use crate::several::{self, Several, Unique, by_id};

const RESOURCE: &str = "customer";
const BY_NUMBER_ORDER: &str = "order by length(customer_number), customer_number";
const AFTER_NUMBER: &str = "and (length(customer_number), customer_number) > (length(?), ?)";

macro_rules! columns {
    ($prefix:literal, $suffix:literal) => {
        concat!(
            $prefix,
            " id, customer_number, customer_type, name, vat_zone, customer_group_id, is_active, ",
            "billing_relationship, parent_customer_id, invoicing_mode, include_child_details_pdf, email, phone, ",
            "address, city, postal_code, country_code, vat_number, registration_number, website, ",
            "external_system_id, ean_number, peppol_endpoint, currency, payment_terms, language, delivery_type, ",
            "document_template_ids, metadata, created_at, updated_at, erased_at",
            $suffix
        )
    };
}

macro_rules! select {
    ($suffix:literal) => {
        select!("select", $suffix)
    };
    ($prefix:literal, $suffix:literal) => {
        concat!(
            columns!($prefix, ", "),
            "(select g.number from customer_groups g where g.company_id = customers.company_id ",
            "and g.id = customers.customer_group_id), ",
            "(select g.name from customer_groups g where g.company_id = customers.company_id ",
            "and g.id = customers.customer_group_id), ",
            "(select g.discount from customer_groups g where g.company_id = customers.company_id ",
            "and g.id = customers.customer_group_id) from customers ",
            $suffix
        )
    };
}

statements! {
    GET = select!("where company_id = $1 and id = $2");
    BY_NUMBER = "select id from customers where company_id = $1 and customer_number = $2";
    BY_EXTERNAL_ID = "select id from customers where company_id = $1 and external_system_id = $2";
    PARENT = "select parent_customer_id from customers where company_id = $1 and id = $2";
    NEXT_NUMBER = "update company_counters set last_customer_number = last_customer_number + 1 \
        where company_id = $1 returning last_customer_number";
    LAST_NUMBER = "select last_customer_number from company_counters where company_id = $1";
    COUNT_TO = "update company_counters set last_customer_number = $1 where company_id = $2";
    INSERT = columns!("insert into customers (company_id, search_text,", ") values ($1, $2, $3, $4, $5, $6, $7, $8, \
        $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, \
        $31, $32, $33, $34)");
    UPDATE = "update customers set search_text = $1, customer_number = $2, customer_type = $3, name = $4, \
        vat_zone = $5, customer_group_id = $6, is_active = $7, billing_relationship = $8, parent_customer_id = $9, \
        invoicing_mode = $10, include_child_details_pdf = $11, email = $12, phone = $13, address = $14, city = $15, \
        postal_code = $16, country_code = $17, vat_number = $18, registration_number = $19, website = $20, \
        external_system_id = $21, ean_number = $22, peppol_endpoint = $23, currency = $24, payment_terms = $25, \
        language = $26, delivery_type = $27, document_template_ids = $28, metadata = $29, updated_at = $30, \
        erased_at = $31 where company_id = $32 and id = $33";
    INVOICE_CONTACT = "select email from customer_contacts where company_id = $1 and customer_id = $2 \
        and receives_invoices = 'yes' and email is not null order by is_default desc, created_at, id limit 1";
}

const SEVERAL: Several = Several { begin: select!("select id,", "where company_id = ?"), among: "and id in", end: "" };
const PARENTS: Several =
    Several { begin: "select id, parent_customer_id from customers where company_id = ?", among: "and id in", end: "" };
const NUMBERS: Unique = Unique(
    "select (select o.customer_number from customers o where o.company_id = ? and o.customer_number = v.column1) from (values",
);
const EXTERNAL_IDS: Unique = Unique(
    "select (select o.external_system_id from customers o where o.company_id = ? \
    and o.external_system_id = v.column1) from (values",
);

/// A customer.
///
/// # Errors
/// What the shelves answer.
pub fn get(tx: &mut dyn Tx, company_id: CompanyId, id: CustomerId) -> Result<Option<Customer>, Error> {
    tx.one(GET, params![company_id, id])?.map(read).transpose()
}

/// Those of these customers that are there, by id.
///
/// # Errors
/// What the shelves answer.
pub fn several(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    ids: &BTreeSet<CustomerId>,
) -> Result<BTreeMap<CustomerId, Customer>, Error> {
    by_id(SEVERAL.rows(tx, company_id, ids)?, read)
}

/// Which customers a list is of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// The one with this number.
    pub customer_number: Option<&'a str>,
    /// The one with this id in another system.
    pub external_system_id: Option<&'a str>,
    /// Those with all these pairs.
    pub metadata: Option<&'a Metadata>,
}

fn filtered(select: Select, filter: &Filter<'_>) -> Select {
    let select = select
        .and_if("and customer_number = ?", filter.customer_number)
        .and_if("and external_system_id = ?", filter.external_system_id);
    metadata::only(select, has_pair!("customers", "customer"), filter.metadata)
}

/// All customers by number: by its length, then its text.
///
/// # Errors
/// What the shelves answer.
pub fn all(tx: &mut dyn Tx, company_id: CompanyId, filter: &Filter<'_>) -> Result<Vec<Customer>, Error> {
    let select = filtered(Select::new(select!("where company_id = ?"), params![company_id]), filter);
    select.and(BY_NUMBER_ORDER, params![]).all(tx)?.into_iter().map(read).collect()
}

/// A page of customers by number; a cursor carries the number.
///
/// # Errors
/// What the shelves answer.
pub fn list(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    filter: &Filter<'_>,
    part: &Part<String>,
) -> Result<Page<Customer>, Error> {
    let mut select = filtered(Select::new(select!("where company_id = ?"), params![company_id]), filter);
    if let Begin::After(number) = &part.begin {
        select = select.and(AFTER_NUMBER, params![number, number]);
    }
    let select = select
        .and(BY_NUMBER_ORDER, params![])
        .and("limit ? offset ?", params![part.fetch().cast_signed(), part.offset().cast_signed()]);
    let fetched = select.all(tx)?.into_iter().map(read).collect::<Result<Vec<_>, Error>>()?;
    let total = if let Begin::Page(_) = part.begin {
        let count = Select::new("select count(*) from customers where company_id = ?", params![company_id]);
        filtered(count, filter).one(tx)?.map(|mut row| row.next()).transpose()?
    } else {
        None
    };
    Ok(part.page(fetched, total, |customer| customer.customer_number.clone()))
}

/// Whether a customer has that number, and one that id in another system: asked for in one go.
///
/// # Errors
/// What the shelves answer.
pub fn is_taken(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    number: Option<&str>,
    external_id: Option<&str>,
) -> Result<(bool, bool), Error> {
    Ok(match (number, external_id) {
        (Some(number), Some(id)) => {
            let (numbered, external) =
                tx.both((BY_NUMBER, params![company_id, number]), (BY_EXTERNAL_ID, params![company_id, id]))?;
            (!numbered.is_empty(), !external.is_empty())
        }
        (Some(number), None) => (tx.one(BY_NUMBER, params![company_id, number])?.is_some(), false),
        (None, Some(id)) => (false, tx.one(BY_EXTERNAL_ID, params![company_id, id])?.is_some()),
        (None, None) => (false, false),
    })
}

/// Those of these numbers and of these ids in another system that customers have: asked for in one go.
///
/// # Errors
/// What the shelves answer.
pub fn taken(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    numbers: &[&str],
    external_ids: &[&str],
) -> Result<(BTreeSet<String>, BTreeSet<String>), Error> {
    several::taken(tx, company_id, (&NUMBERS, numbers), (&EXTERNAL_IDS, external_ids))
}

/// The customers above these, of those that are there; none at the top.
///
/// # Errors
/// What the shelves answer.
pub fn parents(
    tx: &mut dyn Tx,
    company_id: CompanyId,
    ids: &BTreeSet<CustomerId>,
) -> Result<BTreeMap<CustomerId, Option<CustomerId>>, Error> {
    fn above(mut row: Row) -> Result<Option<CustomerId>, Error> {
        row.opt_id()
    }
    by_id(PARENTS.rows(tx, company_id, ids)?, above)
}

/// The customer above a customer: none where there is no such customer, `Some(None)` at the top.
///
/// # Errors
/// What the shelves answer.
pub fn parent(tx: &mut dyn Tx, company_id: CompanyId, id: CustomerId) -> Result<Option<Option<CustomerId>>, Error> {
    tx.one(PARENT, params![company_id, id])?.map(|mut row| row.opt_id()).transpose()
}

/// The next number that no customer has.
///
/// # Errors
/// What the shelves answer.
pub fn next_number(tx: &mut dyn Tx, company_id: CompanyId) -> Result<String, Error> {
    loop {
        let mut row = tx.one(NEXT_NUMBER, params![company_id])?.ok_or(Error::NotFound)?;
        let number = row.next::<i64>()?.to_string();
        if !is_taken(tx, company_id, Some(&number), None)?.0 {
            return Ok(number);
        }
    }
}

/// The last number that was given to a customer who named none.
///
/// # Errors
/// What the shelves answer.
pub fn last_number(tx: &mut dyn Tx, company_id: CompanyId) -> Result<i64, Error> {
    tx.one(LAST_NUMBER, params![company_id])?.ok_or(Error::NotFound)?.next()
}

/// Says that numbers were given up to this one.
///
/// # Errors
/// What the shelves answer.
pub fn count_to(tx: &mut dyn Tx, company_id: CompanyId, number: i64) -> Result<(), Error> {
    tx.exec(COUNT_TO, params![number, company_id])
}

/// Shelves a new customer.
///
/// # Errors
/// What the shelves answer.
pub fn insert(tx: &mut dyn Tx, company_id: CompanyId, customer: &Customer) -> Result<(), Error> {
    let c = customer;
    tx.exec(
        INSERT,
        params![
            company_id,
            c.search_text(),
            c.id,
            c.customer_number.as_str(),
            c.customer_type.as_str(),
            c.name.as_str(),
            c.vat_zone.as_str(),
            c.customer_group_id,
            yes_no(c.is_active),
            c.billing_relationship.as_str(),
            c.parent_customer_id,
            c.invoicing_mode.as_str(),
            yes_no(c.include_child_details_pdf),
            c.email.as_deref(),
            c.phone.as_deref(),
            c.address.as_deref(),
            c.city.as_deref(),
            c.postal_code.as_deref(),
            c.country_code.as_str(),
            c.vat_number.as_deref(),
            c.registration_number.as_deref(),
            c.website.as_deref(),
            c.external_system_id.as_deref(),
            c.ean_number.as_deref(),
            c.peppol_endpoint.as_deref(),
            c.currency.code(),
            i64::from(c.payment_terms),
            c.language.as_str(),
            c.delivery_type.map(|way| way.as_str()),
            json(&c.document_template_ids),
            json(&c.metadata),
            c.created_at,
            c.updated_at,
            c.erased_at,
        ],
    )?;
    metadata::insert(tx, company_id, RESOURCE, c.id.0, &c.metadata.0)
}

/// Writes a customer anew.
///
/// # Errors
/// What the shelves answer.
pub fn update(tx: &mut dyn Tx, company_id: CompanyId, customer: &Customer) -> Result<(), Error> {
    let c = customer;
    tx.exec(
        UPDATE,
        params![
            c.search_text(),
            c.customer_number.as_str(),
            c.customer_type.as_str(),
            c.name.as_str(),
            c.vat_zone.as_str(),
            c.customer_group_id,
            yes_no(c.is_active),
            c.billing_relationship.as_str(),
            c.parent_customer_id,
            c.invoicing_mode.as_str(),
            yes_no(c.include_child_details_pdf),
            c.email.as_deref(),
            c.phone.as_deref(),
            c.address.as_deref(),
            c.city.as_deref(),
            c.postal_code.as_deref(),
            c.country_code.as_str(),
            c.vat_number.as_deref(),
            c.registration_number.as_deref(),
            c.website.as_deref(),
            c.external_system_id.as_deref(),
            c.ean_number.as_deref(),
            c.peppol_endpoint.as_deref(),
            c.currency.code(),
            i64::from(c.payment_terms),
            c.language.as_str(),
            c.delivery_type.map(|way| way.as_str()),
            json(&c.document_template_ids),
            json(&c.metadata),
            c.updated_at,
            c.erased_at,
            company_id,
            c.id,
        ],
    )?;
    metadata::replace(tx, company_id, RESOURCE, c.id.0, &c.metadata.0)
}

/// Where a customer's documents are mailed: to the contact that receives them, else to its own address.
///
/// # Errors
/// What the shelves answer.
pub fn invoice_email(tx: &mut dyn Tx, company_id: CompanyId, customer: &Customer) -> Result<Option<String>, Error> {
    match tx.one(INVOICE_CONTACT, params![company_id, customer.id])? {
        Some(mut row) => row.next(),
        None => Ok(customer.email.clone()),
    }
}

fn read(mut row: Row) -> Result<Customer, Error> {
    Ok(Customer {
        id: row.id()?,
        customer_number: row.next()?,
        customer_type: row.parse()?,
        name: row.next()?,
        vat_zone: row.parse()?,
        customer_group_id: row.id()?,
        is_active: row.next()?,
        billing_relationship: row.parse()?,
        parent_customer_id: row.opt_id()?,
        invoicing_mode: row.parse()?,
        include_child_details_pdf: row.next()?,
        email: row.next()?,
        phone: row.next()?,
        address: row.next()?,
        city: row.next()?,
        postal_code: row.next()?,
        country_code: row.next()?,
        vat_number: row.next()?,
        registration_number: row.next()?,
        website: row.next()?,
        external_system_id: row.next()?,
        ean_number: row.next()?,
        peppol_endpoint: row.next()?,
        currency: row.parse()?,
        payment_terms: row.next()?,
        language: row.next()?,
        delivery_type: row.opt_parse()?,
        document_template_ids: parse_json(&row.next::<String>()?)?,
        metadata: read_metadata(&row.next::<String>()?)?,
        created_at: row.next()?,
        updated_at: row.next()?,
        erased_at: row.next()?,
        customer_group_number: row.next()?,
        customer_group_name: row.next()?,
        group_discount: row.next()?,
    })
}
