//! Booking: the number where it is not there yet, base amounts, pinned parties, snapshot, entry and open
//! item; of an offer, which posts nothing, number, parties and snapshot. What can be known to be wrong is refused before a number is taken.

use billing::base;
use billing::convert;
use billing::customers::Customer;
use billing::document::{Booking, Buyer, Document, Pinned};
use billing::ids::{EntryId, JobId, OpenItemId};
use billing::input::sending::SendInput;
use billing::kind::Kind;
use billing::lines::Line;
use billing::parties;
use billing::postings::{self, NewEntry};
use billing::public::Around;
use billing::refusal::Refusal;
use billing::templates::Template;
use billing::vat;
use rust_decimal::Decimal;
use serde_json::json;
use store::open_items::{self, OpenItem, Origin};
use store::{credits, documents, files, jobs, ledger, pricing, series};

use crate::channel::Channel;
use crate::documents::{find, publish, search_text};
use crate::{Error, Work, allocations, drafting, einvoices};

/// Gives a document the next number of its kind's series.
pub(crate) fn number(work: &mut Work<'_>, document: &mut Document) -> Result<(), Error> {
    let series = series::get(work.tx, work.company.id, document.kind.as_str())?;
    let fiscal_year = work.company.fiscal_year(document.date);
    let year = series.year_counted(fiscal_year);
    let (sequence, numbered_at) = series::next(work.tx, work.company.id, series.id, year, work.now)?;
    let text = series.format(sequence, fiscal_year);
    work.number_given(&text);
    document.number = Some(billing::document::Number { series_id: series.id, year, sequence, text });
    document.numbered_at = Some(numbered_at);
    Ok(())
}

/// What a draft needs to be booked, found out before anything is written.
struct Ready {
    accounts: postings::Accounts,
    around: Around,
}

/// Whether a draft would be booked and sent so now; what is wrong is refused.
///
/// # Errors
/// `COMPANY_INCOMPLETE`, `PERIOD_LOCKED`, `DOCUMENT_VAT_CHANGED`, `VAT_ZONE_CONFLICT`, `EXCHANGE_RATE_MISSING`,
/// `VAT_ACCOUNT_MISSING`, `EINVOICE_NOT_VALID`.
pub(crate) fn check(
    work: &mut Work<'_>,
    document: &Document,
    customer: &Customer,
    channel: &Channel,
    input: &SendInput,
) -> Result<(), Error> {
    let mut draft = document.clone();
    let ready = ready(work, &mut draft, customer, channel, input)?;
    let item_id: OpenItemId = work.new_id();
    Ok(postings::of_document(&draft, &ready.accounts, item_id).map(drop)?)
}

/// Checks a draft and pins its base amounts.
fn ready(
    work: &mut Work<'_>,
    document: &mut Document,
    customer: &Customer,
    channel: &Channel,
    input: &SendInput,
) -> Result<Ready, Error> {
    let company_id = work.company.id;
    check_bookable(work, document, customer)?;
    pin_base(work, document)?;
    let receivables = receivables(work, document, customer)?;
    let mut vat_accounts = std::collections::BTreeMap::new();
    for code in document.products().filter_map(|line| line.vat_code_id) {
        if let Some(account) = ledger::vat_account(work.tx, company_id, code)? {
            vat_accounts.insert(code, account);
        }
    }
    let accounts = postings::Accounts { receivables, vat: vat_accounts };
    let mut around =
        crate::documents::around_draft(work.tx, &work.company, work.today, document, customer, Vec::new())?;
    if let Some(ean) = &input.override_ean_number {
        around.buyer.ean_number = Some(ean.0.clone());
    }
    einvoices::check_before_booking(document, &around)?;
    if let Some(format) = channel.format {
        einvoices::check_before_sending(work.tx, company_id, document, &around, format)?;
    }
    Ok(Ready { accounts, around })
}

/// Books a draft: checks, number, base amounts, pinned parties, snapshot, entry, open item.
///
/// # Errors
/// As [`check`].
pub(crate) fn book(
    work: &mut Work<'_>,
    document: &mut Document,
    customer: &Customer,
    channel: &Channel,
    input: &SendInput,
) -> Result<(), Error> {
    let company_id = work.company.id;
    let Ready { accounts, around } = ready(work, document, customer, channel, input)?;
    let receivables = accounts.receivables;
    let asked = input.document_template_id.or(document.head.document_template_id);
    let template = crate::templates::of_document(work.tx, company_id, document.kind, asked, customer)?;
    let item_id: OpenItemId = work.new_id();
    let postings = postings::of_document(document, &accounts, item_id)?;
    let entry_id: EntryId = work.new_id();
    let booking = Some(Booking { at: work.now, entry_id });
    let sha256 = pin(work, document, customer, around.buyer, &template, booking)?;

    let base_open = postings.first().map_or(0, |receivable| receivable.base_amount.minor());
    let reference = document.number.as_ref().map(|number| number.text.clone());
    let entry = NewEntry {
        id: entry_id,
        entry_type: "CUSTOMER_INVOICE",
        date: document.date,
        currency: document.currency,
        description: format!("{} {}", document.kind.title(), reference.as_deref().unwrap_or_default()),
        reference,
        document_id: Some(document.id),
        customer_id: Some(customer.id),
        document_sha256: Some(sha256),
        reverses: None,
        postings,
        created_at: work.now,
    };
    ledger::append(work.tx, company_id, &entry)?;
    let item = OpenItem {
        id: item_id,
        customer_id: customer.id,
        account_id: receivables,
        origin: Origin::Document(document.id),
        open: document.amount,
        base_open,
        exchange_rate: document.exchange_rate,
    };
    Ok(open_items::insert(work.tx, company_id, &item, entry_id, (document.date, document.due_date), work.now)?)
}

/// Issues what posts nothing, a quote or an order confirmation: checks, number, pinned parties, snapshot.
///
/// # Errors
/// `SALES_DOCUMENT_EXPIRED`, `DOCUMENT_VAT_CHANGED`, `VAT_ZONE_CONFLICT`.
pub(crate) fn offer(
    work: &mut Work<'_>,
    document: &mut Document,
    customer: &Customer,
    input: &SendInput,
) -> Result<(), Error> {
    convert::check_holds(document, work.today)?;
    check_vat(work, document, customer)?;
    let asked = input.document_template_id.or(document.head.document_template_id);
    let template = crate::templates::of_document(work.tx, work.company.id, document.kind, asked, customer)?;
    let around = crate::documents::around_draft(work.tx, &work.company, work.today, document, customer, Vec::new())?;
    pin(work, document, customer, around.buyer, &template, None).map(drop)
}

/// Gives a draft its number, where it has none yet, and pins what it shows for ever: parties, language,
/// template and snapshot, whose SHA-256 is answered. It will be printed from that.
fn pin(
    work: &mut Work<'_>,
    document: &mut Document,
    customer: &Customer,
    buyer: Buyer,
    template: &Template,
    booking: Option<Booking>,
) -> Result<String, Error> {
    let company_id = work.company.id;
    if document.number.is_none() {
        number(work, document)?;
    }
    document.head.document_template_id = Some(template.id);
    document.language = Some(customer.language.clone());
    document.updated_at = work.now;
    document.pinned = Some(Pinned {
        booking,
        seller: parties::seller(&work.company),
        buyer,
        template_version: template.version,
        snapshot_sha256: String::new(),
    });
    let snapshot = snapshot(work, document)?;
    let sha256 = postings::sha256(&[&snapshot]);
    if let Some(pinned) = &mut document.pinned {
        pinned.snapshot_sha256.clone_from(&sha256);
    }
    documents::pin(work.tx, company_id, document, &search_text(document, &customer.name))?;
    files::insert_snapshot(work.tx, company_id, document.id, &sha256, &snapshot)?;
    let job_id: JobId = work.new_id();
    jobs::insert(work.tx, company_id, job_id, "archive", document.id.0, work.now)?;
    Ok(sha256)
}

/// What is wrong before a number is taken.
fn check_bookable(work: &mut Work<'_>, document: &Document, customer: &Customer) -> Result<(), Error> {
    let missing = work.company.missing_for_booking();
    if !missing.is_empty() {
        let message = format!("The company's {} must be filled in before a document is booked.", missing.join(", "));
        return Err(Refusal::new("COMPANY_INCOMPLETE", message).with(json!({ "missing": missing })).into());
    }
    if work.company.locked_through.is_some_and(|locked| document.date <= locked) {
        let message = format!("The period of {} is locked.", document.date);
        return Err(Refusal::new("PERIOD_LOCKED", message).with(json!({ "property": "date" })).into());
    }
    check_vat(work, document, customer)
}

/// The VAT a line got when it was written must be the VAT it would get now; lines
/// that mean an invoice line keep the invoice's.
fn check_vat(work: &mut Work<'_>, document: &Document, customer: &Customer) -> Result<(), Error> {
    let free = |line: &&Line| {
        line.product().is_some_and(|product| product.invoice_line_id.is_none() && product.base_total.is_none())
    };
    if !document.lines.iter().any(|line| free(&line)) {
        return Ok(());
    }
    drafting::check_zone(work, customer)?;
    let prices = document.lines.iter().filter(free).filter_map(|line| line.product()?.price_id);
    let delivered_in = document.head.delivery_country_code.as_deref();
    let (zone, oss) = drafting::taxed_by(work, customer, delivered_in, document.tax_point())?;
    let catalogue = pricing::items(work.tx, work.company.id, prices, zone, document.tax_point())?;
    let supply = vat::Supply {
        country: delivered_in.unwrap_or(&customer.country_code),
        date: document.head.delivery_date.unwrap_or(document.date),
        oss: oss.as_ref(),
    };
    let mut changed = Vec::new();
    for (at, line) in document.lines.iter().enumerate().filter(|(_, line)| free(line)) {
        let Some(product) = line.product() else { continue };
        let Some(item) = product.price_id.and_then(|id| catalogue.get(&id)) else { continue };
        let now = vat::treat(&work.company, customer, item, supply)?;
        let country = now.abroad.map(|charged| charged.country);
        if now.category != product.vat_category || now.rate != product.vat_rate || country != product.vat_country {
            changed.push(json!({
                "property": format!("lines.{at}"), "lineId": line.id,
                "vatRate": product.vat_rate.normalize().to_string(), "vatCategory": product.vat_category,
                "vatCountryCode": product.vat_country, "vatRateNow": now.rate.normalize().to_string(),
                "vatCategoryNow": now.category, "vatCountryCodeNow": country,
            }));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let message = "The VAT of some lines has changed since the draft was written; PATCH it to take the present one.";
    Err(Refusal::new("DOCUMENT_VAT_CHANGED", message).with(json!({ "lines": changed })).into())
}

/// The base amounts at the rate of the tax point; lines that credit an invoice have theirs, at its rate.
fn pin_base(work: &mut Work<'_>, document: &mut Document) -> Result<(), Error> {
    let free = document.products().any(|line| line.base_total.is_none());
    let rate = if free { drafting::rate_on(work, document.currency, document.tax_point())? } else { Decimal::ONE };
    // An invoice that undoes a credit note has its rate, and its base amounts to the last unit.
    let is_reversal = document.kind == Kind::Invoice && !free;
    if document.currency != document.base_currency && !is_reversal {
        let mut rates: Vec<Option<Decimal>> = Vec::new();
        for (id, _, _, _) in credits::linked(work.tx, work.company.id, document)? {
            if document.kind == Kind::CreditNote {
                rates.push(find(work.tx, work.company.id, Kind::Invoice, id)?.exchange_rate);
            }
        }
        if free {
            rates.push(Some(rate));
        }
        rates.dedup();
        document.exchange_rate = if let [one] = rates[..] { one } else { None };
    }
    Ok(base::pin(document, rate)?)
}

/// The receivables account: of a credit note that of the invoice it credits, else the customer's group's.
fn receivables(
    work: &mut Work<'_>,
    document: &Document,
    customer: &Customer,
) -> Result<billing::ids::AccountId, Error> {
    if document.kind == Kind::CreditNote
        && let Some((invoice_id, ..)) = credits::linked(work.tx, work.company.id, document)?.first()
        && let Some(item) = open_items::of_document(work.tx, work.company.id, *invoice_id)?
    {
        return Ok(item.account_id);
    }
    Ok(pricing::receivables(work.tx, work.company.id, customer.customer_group_id)?)
}

/// What the document looks like at this moment, as canonical JSON: what is printed for ever after.
fn snapshot(work: &mut Work<'_>, document: &Document) -> Result<String, Error> {
    let mut settled = document.clone();
    settled.facts.allocated += allocations::foreseen(work, document)?;
    let published = publish(work.tx, &work.company, work.today, &settled)?;
    let published = serde_json::to_value(&published).map_err(|fault| Error::Broken(fault.to_string()))?;
    Ok(postings::canonical(&json!({
        "kind": document.kind.as_str(), "document": published, "language": document.language,
        "baseCurrency": document.base_currency.code(), "mode": work.company.mode,
        "templateId": document.head.document_template_id,
        "templateVersion": document.pinned.as_ref().map(|pinned| pinned.template_version),
    })))
}
