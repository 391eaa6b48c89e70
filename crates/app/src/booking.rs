//! Sending: the number where it is not there yet, the books, the delivery. One
//! transaction; what can be known to be wrong is refused before a number is taken.

use billing::base;
use billing::customers::{Customer, DeliveryType};
use billing::document::{Booking, Document, Line};
use billing::ids::{DeliveryId, DocumentId, EntryId, JobId, OpenItemId};
use billing::input::documents::SendInput;
use billing::kind::Kind;
use billing::parties;
use billing::postings::{self, NewEntry};
use billing::public::Sent;
use billing::refusal::Refusal;
use billing::status::DeliveryState;
use billing::vat;
use rust_decimal::Decimal;
use serde_json::json;
use store::deliveries::{Attempt, Delivery};
use store::open_items::{self, OpenItem, Origin};
use store::{credits, customers, deliveries, documents, files, jobs, ledger, pricing, series};

use crate::documents::{find, publish, search_text};
use crate::{Error, Work, allocations, drafting, einvoices};

/// Where a document goes.
struct Channel {
    delivery_type: DeliveryType,
    recipient: Option<String>,
}

/// Numbers (where it has no number), books and sends a draft; delivers the archived
/// copy of a booked document anew.
///
/// # Errors
/// By status `DOCUMENT_CANCELLED`, `CREDIT_NOTE_VOIDED`, `DOCUMENT_SCHEDULED`,
/// `DOCUMENT_ALREADY_SENDING`; by channel `DELIVERY_CHANNEL_NOT_CONFIGURED`,
/// `DELIVERY_RECIPIENT_MISSING`; before the booking `COMPANY_INCOMPLETE`, `PERIOD_LOCKED`,
/// `DOCUMENT_VAT_CHANGED`, `VAT_ZONE_CONFLICT`, `EXCHANGE_RATE_MISSING`, `VAT_ACCOUNT_MISSING`,
/// `EINVOICE_NOT_VALID`.
pub(crate) fn send(work: &mut Work<'_>, kind: Kind, id: DocumentId, input: SendInput) -> Result<Sent, Error> {
    let company_id = work.company.id;
    let mut document = find(work.tx, company_id, kind, id)?;
    check_status(&document)?;
    let mut customer = customers::get(work.tx, company_id, document.head.customer_id)?
        .ok_or_else(|| Error::Broken(format!("document {id} has no customer")))?;
    if let Some(template) = input.document_template_id {
        drafting::check_template(work, kind, template)?;
    }
    let channel = channel(work, &document, &customer, &input)?;
    if input.update_customer_record == Some(true) {
        keep_overrides(work, &mut customer, &input)?;
    }
    if document.is_booked() {
        let delivery = deliver(work, &mut document, &channel, &input)?;
        documents::set_facts(work.tx, company_id, &document)?;
        return Ok(sent(&document, &channel, delivery));
    }
    let before = publish(work.tx, &work.company, &document)?;
    book(work, &mut document, &customer, &input)?;
    let delivery = deliver(work, &mut document, &channel, &input)?;
    documents::set_facts(work.tx, company_id, &document)?;
    allocations::of_credit_note(work, &mut document)?;
    let event = if kind == Kind::CreditNote { "credit_note.sent" } else { "invoice.sent" };
    work.document_event(event, &document, Some(crate::work::json(&before)))?;
    Ok(sent(&document, &channel, delivery))
}

fn sent(document: &Document, channel: &Channel, delivery_id: DeliveryId) -> Sent {
    Sent {
        success: true,
        delivery_type: channel.delivery_type,
        sproom_document_id: None,
        delivery_id,
        status: document.status().to_owned(),
        number: document.number.as_ref().map(|number| number.text.clone()),
    }
}

fn check_status(document: &Document) -> Result<(), Refusal> {
    let facts = &document.facts;
    let title = document.kind.title();
    if facts.cancelled_at.is_some() {
        return Err(Refusal::new("DOCUMENT_CANCELLED", format!("The {title} is cancelled.")));
    }
    if facts.voided_at.is_some() {
        return Err(Refusal::new("CREDIT_NOTE_VOIDED", "The credit note is voided."));
    }
    if facts.scheduled_at.is_some() && !document.is_booked() {
        return Err(Refusal::new("DOCUMENT_SCHEDULED", format!("The {title} is scheduled; take it back first.")));
    }
    if document.is_booked() && facts.delivery == DeliveryState::Pending {
        let message = format!("The {title} is being sent: an attempt or a retry is pending.");
        return Err(Refusal::new("DOCUMENT_ALREADY_SENDING", message));
    }
    Ok(())
}

/// The channel asked for, else the customer's, else e-mail when there is an address, else manual.
fn channel(work: &mut Work<'_>, document: &Document, customer: &Customer, input: &SendInput) -> Result<Channel, Error> {
    let address = match &input.override_email {
        Some(email) => Some(email.0.clone()),
        None => {
            let around = crate::documents::around_linked(work.tx, &work.company, document, Vec::new())?;
            let invoices = customers::invoice_email(work.tx, work.company.id, customer)?;
            let chosen = document.head.customer_contact_id.is_some() || document.head.customer_department_id.is_some();
            if chosen { around.buyer.email.or(invoices) } else { invoices.or(around.buyer.email) }
        }
    };
    let usual = if address.is_some() { DeliveryType::Email } else { DeliveryType::Manual };
    let delivery_type = input.delivery_type.or(customer.delivery_type).unwrap_or(usual);
    match delivery_type {
        DeliveryType::Manual => Ok(Channel { delivery_type, recipient: None }),
        DeliveryType::Email if address.is_some() => Ok(Channel { delivery_type, recipient: address }),
        DeliveryType::Email => {
            let message = "The customer has no e-mail address; give overrideEmail or another deliveryType.";
            Err(Refusal::new("DELIVERY_RECIPIENT_MISSING", message)
                .with(json!({ "property": "overrideEmail", "deliveryType": "Email" }))
                .into())
        }
        DeliveryType::Sproom => {
            let message = "The channel Sproom is not set up on this server.";
            Err(Refusal::new("DELIVERY_CHANNEL_NOT_CONFIGURED", message)
                .with(json!({ "deliveryType": "Sproom" }))
                .into())
        }
    }
}

fn keep_overrides(work: &mut Work<'_>, customer: &mut Customer, input: &SendInput) -> Result<(), Error> {
    let before = crate::work::json(customer);
    if let Some(email) = &input.override_email {
        customer.email = Some(email.0.clone());
    }
    if let Some(ean) = &input.override_ean_number {
        customer.ean_number = Some(ean.0.clone());
    }
    customer.updated_at = work.now;
    customers::update(work.tx, work.company.id, customer)?;
    work.event("customer.updated", "customer", customer.id, customer, Some(before));
    Ok(())
}

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

/// Books a draft: checks, number, base amounts, pinned parties, snapshot, entry, open item.
fn book(work: &mut Work<'_>, document: &mut Document, customer: &Customer, input: &SendInput) -> Result<(), Error> {
    let company_id = work.company.id;
    check_bookable(work, document, customer)?;
    let asked = input.document_template_id.or(document.head.document_template_id);
    let template = crate::templates::of_document(work.tx, company_id, document.kind, asked, customer)?;
    pin_base(work, document)?;
    let receivables = receivables(work, document, customer)?;
    let mut vat_accounts = std::collections::BTreeMap::new();
    for code in document.products().filter_map(|line| line.vat_code_id) {
        if let Some(account) = ledger::vat_account(work.tx, company_id, code)? {
            vat_accounts.insert(code, account);
        }
    }
    let accounts = postings::Accounts { receivables, vat: vat_accounts };
    let item_id: OpenItemId = work.new_id();
    let postings = postings::of_document(document, &accounts, item_id)?;

    let around = crate::documents::around_linked(work.tx, &work.company, document, Vec::new())?;
    einvoices::check_before_booking(document, &around)?;
    if document.number.is_none() {
        number(work, document)?;
    }
    let entry_id: EntryId = work.new_id();
    document.head.document_template_id = Some(template.id);
    document.language = Some(customer.language.clone());
    document.updated_at = work.now;
    document.booking = Some(Booking {
        at: work.now,
        entry_id,
        seller: parties::seller(&work.company),
        buyer: around.buyer,
        template_version: template.version,
        snapshot_sha256: String::new(),
    });
    let snapshot = snapshot(work, document)?;
    let sha256 = postings::sha256(&[&snapshot]);
    if let Some(booking) = &mut document.booking {
        booking.snapshot_sha256.clone_from(&sha256);
    }
    documents::book(work.tx, company_id, document, &search_text(document, &customer.name))?;
    files::insert_snapshot(work.tx, company_id, document.id, &sha256, &snapshot)?;

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
    open_items::insert(work.tx, company_id, &item, entry_id, (document.date, document.due_date), work.now)?;
    let job_id: JobId = work.new_id();
    Ok(jobs::insert(work.tx, company_id, job_id, "archive", document.id.0, work.now)?)
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
    let catalogue = pricing::items(work.tx, work.company.id, prices, customer.vat_zone, document.tax_point())?;
    let supply = vat::Supply {
        country: document.head.delivery_country_code.as_deref().unwrap_or(&customer.country_code),
        date: document.head.delivery_date.unwrap_or(document.date),
    };
    let mut changed = Vec::new();
    for (at, line) in document.lines.iter().enumerate().filter(|(_, line)| free(line)) {
        let Some(product) = line.product() else { continue };
        let Some(item) = product.price_id.and_then(|id| catalogue.get(&id)) else { continue };
        let now = vat::treat(&work.company, customer, item, supply)?;
        if now.category != product.vat_category || now.rate != product.vat_rate {
            changed.push(json!({
                "property": format!("lines.{at}"), "lineId": line.id,
                "vatRate": product.vat_rate.normalize().to_string(), "vatCategory": product.vat_category,
                "vatRateNow": now.rate.normalize().to_string(), "vatCategoryNow": now.category,
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
    let published = publish(work.tx, &work.company, &settled)?;
    let published = serde_json::to_value(&published).map_err(|fault| Error::Broken(fault.to_string()))?;
    Ok(postings::canonical(&json!({
        "kind": document.kind.as_str(), "document": published, "language": document.language,
        "baseCurrency": document.base_currency.code(), "mode": work.company.mode,
        "templateId": document.head.document_template_id,
        "templateVersion": document.booking.as_ref().map(|booking| booking.template_version),
    })))
}

/// Writes the delivery: done at once by hand, else a job of the outbox.
fn deliver(
    work: &mut Work<'_>,
    document: &mut Document,
    channel: &Channel,
    input: &SendInput,
) -> Result<DeliveryId, Error> {
    let company_id = work.company.id;
    let by_hand = channel.delivery_type == DeliveryType::Manual;
    let done_at = by_hand.then_some(work.now);
    let delivery = Delivery {
        id: work.new_id(),
        document_id: document.id,
        delivery_type: channel.delivery_type,
        recipient: channel.recipient.clone(),
        message: input.message.as_ref().map(|message| message.0.clone()),
        language: document.language.clone().unwrap_or_else(|| work.company.preferred_language.clone()),
        status: if by_hand { "delivered" } else { "pending" }.to_owned(),
        attempt_count: i64::from(by_hand),
        first_attempt_at: done_at,
        last_attempt_at: done_at,
        delivered_at: done_at,
        next_attempt_at: (!by_hand).then_some(work.now),
        last_error: None,
        provider_document_id: None,
        created_at: work.now,
    };
    deliveries::insert(work.tx, company_id, &delivery)?;
    if by_hand {
        let attempt = Attempt {
            id: work.new_id(),
            delivery_id: delivery.id,
            document_id: document.id,
            attempt: 1,
            delivery_type: channel.delivery_type,
            recipient: None,
            status: "delivered".to_owned(),
            started_at: work.now,
            finished_at: done_at,
            provider_message_id: None,
            error: None,
        };
        deliveries::insert_attempt(work.tx, company_id, &attempt)?;
        document.facts.delivery = DeliveryState::Delivered;
        document.facts.sent_at = document.facts.sent_at.or(done_at);
    } else {
        let job_id: JobId = work.new_id();
        jobs::insert(work.tx, company_id, job_id, "deliver", delivery.id.0, work.now)?;
        document.facts.delivery = DeliveryState::Pending;
    }
    let published = crate::deliveries::public(&delivery);
    work.event("delivery.created", "delivery", delivery.id, &published, None);
    Ok(delivery.id)
}
