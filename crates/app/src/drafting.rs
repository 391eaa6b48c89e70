//! From what was asked to a draft: what it names is looked up, the rules decide.

use std::collections::BTreeMap;

use billing::customers::{Customer, VatZone, zone_conflict};
use billing::document::{Document, Head, total};
use billing::draft::{self, Pricing, exchange_rate_missing};
use billing::erasure::check_is_there;
use billing::ids::DocumentId;
use billing::input::documents::{Asked, AskedHead};
use billing::kind::Kind;
use billing::lines::{AskedLine, Line};
use billing::money::{Currency, LARGEST};
use billing::oss_rates::Charged;
use billing::refusal::{Faults, Refusal};
use billing::status::Facts;
use billing::vat;
use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::json;
use store::{contacts, customers, departments, exchange_rates, oss_rates, prices, pricing, templates};

use crate::{Error, Origin, Work};

/// What was asked as a draft of a kind that credits nothing, with its customer.
pub(crate) fn draft(work: &mut Work<'_>, kind: Kind, asked: Asked) -> Result<(Document, Customer), Error> {
    let date = check_date(work.today, asked.head.date.unwrap_or(work.today))?;
    check_valid_until(date, asked.head.head.valid_until)?;
    let customer = customer(work, kind, &asked.head)?;
    check_references(work, kind, &asked, &customer)?;
    check_zone(work, &customer)?;
    let currency = currency(&asked.head, &customer);
    let tax_point = asked.head.head.tax_point_date.unwrap_or(date);
    let country = asked.head.head.delivery_country_code.as_deref();
    let fetched = fetch(work, &asked.lines, &customer, currency, (date, tax_point), country)?;
    let pricing = fetched.pricing(work, kind, &customer, &asked.head, currency, date);
    let lines = draft::lines(&pricing, &asked.lines, &mut || work.new_id())?;
    let mut head = asked.head;
    if kind.is_owed() {
        head.head.payment_terms = Some(head.head.payment_terms.unwrap_or(customer.payment_terms));
    }
    let document = assemble(work, kind, head, currency, date, lines)?;
    Ok((document, customer))
}

/// An offer holds on its own date at least.
fn check_valid_until(date: Date, valid_until: Option<Date>) -> Result<(), Error> {
    if valid_until.is_none_or(|last| last >= date) {
        return Ok(());
    }
    let mut faults = Faults::default();
    faults.add("validUntil", "minDate", format!("validUntil must not be before the date, {date}"));
    Err(faults.into())
}

/// The customer named; only a credit note may be for an inactive or an erased one.
pub(crate) fn customer(work: &mut Work<'_>, kind: Kind, asked: &AskedHead) -> Result<Customer, Error> {
    let company_id = work.company.id;
    let customer = customers::get(work.tx, company_id, asked.head.customer_id)?.ok_or_else(|| {
        Refusal::missing_at("CUSTOMER_NOT_FOUND", "There is no such customer in this company.", "customerId")
    })?;
    if kind != Kind::CreditNote {
        check_is_there(&customer)?;
    }
    if !customer.is_active && kind != Kind::CreditNote {
        let message = format!("Customer {} is not active.", customer.customer_number);
        return Err(Refusal::new("CUSTOMER_INACTIVE", message).into());
    }
    Ok(customer)
}

/// What a head names is there: department, contact, template; tags.
pub(crate) fn check_references(
    work: &mut Work<'_>,
    kind: Kind,
    asked: &Asked,
    customer: &Customer,
) -> Result<(), Error> {
    let company_id = work.company.id;
    let head = &asked.head.head;
    let missing = |code, what: &str, property: &str| {
        Error::from(Refusal::missing_at(code, format!("There is no such {what} at this customer."), property))
    };
    if let Some(id) = head.customer_department_id {
        let found = departments::get(work.tx, company_id, id)?.filter(|found| found.customer_id == customer.id);
        let found =
            found.ok_or_else(|| missing("CUSTOMER_DEPARTMENT_NOT_FOUND", "department", "customerDepartmentId"))?;
        if !found.is_active && kind != Kind::CreditNote {
            let refusal =
                Refusal::new("CUSTOMER_DEPARTMENT_INACTIVE", format!("Department {} is not active.", found.name));
            return Err(refusal.with(json!({ "property": "customerDepartmentId" })).into());
        }
    }
    if let Some(id) = head.customer_contact_id {
        let found = contacts::get(work.tx, company_id, id)?;
        if found.is_none_or(|contact| contact.customer_id != customer.id) {
            return Err(missing("CUSTOMER_CONTACT_NOT_FOUND", "contact", "customerContactId"));
        }
    }
    if let Some(id) = head.document_template_id {
        check_template(work, kind, id)?;
    }
    if let Some(at) = asked.lines.iter().position(|line| !line.particulars.tag_ids.is_empty()) {
        let message = "There is no such value of a dimension in this company.";
        let property = format!("lines.{at}.tagIds.0");
        return Err(Refusal::missing_at("DIMENSION_VALUE_NOT_FOUND", message, property).into());
    }
    Ok(())
}

/// Department and contact of an earlier document, as far as they are still there.
pub(crate) fn keep_there(work: &mut Work<'_>, head: &mut Head) -> Result<(), Error> {
    if let Some(id) = head.customer_department_id
        && departments::get(work.tx, work.company.id, id)?.is_none()
    {
        head.customer_department_id = None;
    }
    if let Some(id) = head.customer_contact_id
        && contacts::get(work.tx, work.company.id, id)?.is_none()
    {
        head.customer_contact_id = None;
    }
    Ok(())
}

/// The template is there and prints this kind.
pub(crate) fn check_template(work: &mut Work<'_>, kind: Kind, id: billing::ids::TemplateId) -> Result<(), Error> {
    let found =
        templates::get(work.tx, work.company.id, id)?.filter(|t| t.document_type.as_str() == kind.template_type());
    if found.is_none() {
        let message = format!("There is no such template for a {} in this company.", kind.title());
        return Err(Refusal::missing_at("DOCUMENT_TEMPLATE_NOT_FOUND", message, "documentTemplateId").into());
    }
    Ok(())
}

/// The date, at most a year ahead.
pub(crate) fn check_date(today: Date, date: Date) -> Result<Date, Refusal> {
    let last = today.saturating_add(1.year());
    if date <= last {
        return Ok(date);
    }
    let message = format!("The date {date} is more than a year ahead; the last one possible is {last}.");
    Err(Refusal::new("DOCUMENT_DATE_TOO_FAR_AHEAD", message).with(json!({ "property": "date" })))
}

/// Zone, country and VAT number that contradict each other are refused.
pub(crate) fn check_zone(work: &Work<'_>, customer: &Customer) -> Result<(), Refusal> {
    match zone_conflict(&work.company, customer) {
        None => Ok(()),
        Some((property, message)) => {
            let property = format!("customer.{property}");
            Err(Refusal::new("VAT_ZONE_CONFLICT", message).with(json!({ "property": property })))
        }
    }
}

/// Everything the lines are priced with, fetched.
pub(crate) struct Fetched {
    catalogue: billing::document::Catalogue,
    rates: BTreeMap<Currency, Decimal>,
    oss: Option<Charged>,
}

/// Fetches the prices the lines name and the rates between the currencies in play. A price
/// named for the first time keeps its amounts from now on. The days are the document's and its tax point;
/// `delivered_in` is the country it is delivered in, where that is said.
pub(crate) fn fetch(
    work: &mut Work<'_>,
    asked: &[AskedLine],
    customer: &Customer,
    currency: Currency,
    (date, tax_point): (Date, Date),
    delivered_in: Option<&str>,
) -> Result<Fetched, Error> {
    let company_id = work.company.id;
    let named = asked.iter().filter_map(|line| line.price_id);
    let (zone, oss) = taxed_by(work, customer, delivered_in, tax_point)?;
    let catalogue = pricing::items(work.tx, company_id, named, zone, tax_point)?;
    for item in catalogue.values().filter(|item| !item.is_locked) {
        prices::lock(work.tx, company_id, item.price_id)?;
    }
    let mut rates = BTreeMap::new();
    let foreign = catalogue.values().any(|item| item.currency != currency);
    if foreign {
        let in_play = catalogue.values().map(|item| item.currency).chain([currency]);
        for code in in_play.filter(|code| *code != work.company.currency) {
            if let Some(rate) = exchange_rates::latest(work.tx, company_id, code, date)? {
                rates.insert(code, rate);
            }
        }
    }
    Ok(Fetched { catalogue, rates, oss })
}

/// The zone a customer's document is taxed in, and what is charged where it is delivered by the company's OSS rates.
pub(crate) fn taxed_by(
    work: &mut Work<'_>,
    customer: &Customer,
    delivered_in: Option<&str>,
    tax_point: Date,
) -> Result<(VatZone, Option<Charged>), Error> {
    let country = delivered_in.unwrap_or(&customer.country_code);
    let zone = vat::zone(&work.company, customer, country);
    if zone != VatZone::Eu || customer.vat_number.is_some() {
        return Ok((zone, None));
    }
    Ok((zone, oss_rates::on(work.tx, work.company.id, country, tax_point)?))
}

impl Fetched {
    /// The pricing of one document.
    pub(crate) fn pricing<'a>(
        &'a self,
        work: &'a Work<'_>,
        kind: Kind,
        customer: &'a Customer,
        asked: &'a AskedHead,
        currency: Currency,
        date: Date,
    ) -> Pricing<'a> {
        Pricing {
            kind,
            company: &work.company,
            customer,
            catalogue: &self.catalogue,
            rates: &self.rates,
            currency,
            date,
            delivery_date: asked.head.delivery_date,
            delivery_country: asked.head.delivery_country_code.as_deref(),
            oss: self.oss.as_ref(),
        }
    }
}

/// The currency a document is in: as asked, else the customer's.
pub(crate) fn currency(asked: &AskedHead, customer: &Customer) -> Currency {
    asked.currency.as_deref().and_then(Currency::parse).unwrap_or(customer.currency)
}

/// Puts a new draft together from its lines.
pub(crate) fn assemble(
    work: &Work<'_>,
    kind: Kind,
    asked: AskedHead,
    currency: Currency,
    date: Date,
    lines: Vec<Line>,
) -> Result<Document, Refusal> {
    let (groups, subtotal, vat, amount) = total(&lines, currency);
    if [subtotal, vat, amount].iter().any(|sum| sum.minor().abs() > LARGEST) {
        return Err(Refusal::amount_too_large());
    }
    let due_date = asked.head.payment_terms.map(|days| date.saturating_add(i64::from(days).days()));
    let origin = match work.by.origin {
        Origin::Api => "api",
        Origin::Console | Origin::System => "console",
    };
    Ok(Document {
        id: work.new_id::<DocumentId>(),
        kind,
        number: None,
        numbered_at: None,
        date,
        due_date,
        currency,
        head: asked.head,
        invoice: None,
        reverses: None,
        converted_from: None,
        lines,
        groups,
        subtotal,
        vat,
        amount,
        base_currency: work.company.currency,
        exchange_rate: None,
        base_amount: None,
        base_vat: None,
        origin: origin.to_owned(),
        language: None,
        pinned: None,
        facts: Facts::default(),
        created_at: work.now,
        updated_at: work.now,
    })
}

/// The rate of a document's currency on a day: 1 in the company's own.
pub(crate) fn rate_on(work: &mut Work<'_>, currency: Currency, day: Date) -> Result<Decimal, Error> {
    if currency == work.company.currency {
        return Ok(Decimal::ONE);
    }
    let rate = exchange_rates::latest(work.tx, work.company.id, currency, day)?;
    rate.ok_or_else(|| exchange_rate_missing(currency, day).into())
}
