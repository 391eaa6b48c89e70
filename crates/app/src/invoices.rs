//! Invoices: drafted without a number, numbered and booked when they are sent.

use billing::document::Document;
use billing::draft;
use billing::ids::DocumentId;
use billing::input::documents::{Asked, InvoiceInput, InvoiceQuery};
use billing::input::sending::SendInput;
use billing::kind::Kind;
use billing::page::Page;
use billing::public::{self, Detail, PublicInvoice, Sent};
use billing::refusal::Refusal;
use billing::status::InvoiceStatus;
use store::documents;

use crate::documents::{find, publish_invoice, search_text};
use crate::{Error, View, Work, drafting, lists, sending};

/// Makes a draft.
///
/// # Errors
/// What is missing or refused, see [`drafting`](crate::drafting) and [`billing::draft`].
pub fn create(work: &mut Work<'_>, input: InvoiceInput) -> Result<PublicInvoice, Error> {
    let (document, customer_name) = draft(work, input.into())?;
    documents::insert(work.tx, work.company.id, &document, &search_text(&document, &customer_name))?;
    let published = publish_invoice(work.tx, &work.company, &document, Detail::Whole)?;
    work.event("invoice.created", "invoice", document.id, &published, None);
    Ok(published)
}

/// Writes a draft anew: the same body as create replaces all its fields and lines.
///
/// # Errors
/// `DOCUMENT_NOT_DRAFT`, and as [`create`].
pub fn change(work: &mut Work<'_>, id: DocumentId, input: InvoiceInput) -> Result<PublicInvoice, Error> {
    let before = find(work.tx, work.company.id, Kind::Invoice, id)?;
    check_draft(&before)?;
    let was = publish_invoice(work.tx, &work.company, &before, Detail::Whole)?;
    let (asked, customer_name) = draft(work, input.into())?;
    let document = Document {
        id,
        created_at: before.created_at,
        origin: before.origin,
        facts: before.facts,
        reverses: before.reverses,
        ..asked
    };
    documents::rewrite(work.tx, work.company.id, &document, &search_text(&document, &customer_name))?;
    let published = publish_invoice(work.tx, &work.company, &document, Detail::Whole)?;
    work.event("invoice.updated", "invoice", id, &published, Some(crate::work::json(&was)));
    Ok(published)
}

/// Deletes a draft.
///
/// # Errors
/// `DOCUMENT_NOT_DRAFT`.
pub fn delete(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
    let document = find(work.tx, work.company.id, Kind::Invoice, id)?;
    check_draft(&document)?;
    let was = publish_invoice(work.tx, &work.company, &document, Detail::Whole)?;
    sending::forget(work, id)?;
    documents::delete(work.tx, work.company.id, id)?;
    work.event("invoice.deleted", "invoice", id, &was, Some(crate::work::json(&was)));
    Ok(())
}

/// Ends an invoice that was never booked; a scheduled one is taken back.
///
/// # Errors
/// `DOCUMENT_CANCELLED`, `DOCUMENT_NOT_DRAFT`.
pub fn cancel(work: &mut Work<'_>, id: DocumentId) -> Result<PublicInvoice, Error> {
    let mut document = find(work.tx, work.company.id, Kind::Invoice, id)?;
    if document.facts.cancelled_at.is_some() {
        return Err(Refusal::new("DOCUMENT_CANCELLED", "The invoice is cancelled already.").into());
    }
    if document.is_booked() {
        check_draft(&document)?;
    }
    let was = publish_invoice(work.tx, &work.company, &document, Detail::Whole)?;
    if document.facts.scheduled_at.is_some() {
        sending::unschedule(work, &mut document)?;
    }
    document.facts.cancelled_at = Some(work.now);
    document.updated_at = work.now;
    documents::set_facts(work.tx, work.company.id, &document)?;
    let published = publish_invoice(work.tx, &work.company, &document, Detail::Whole)?;
    work.event("invoice.cancelled", "invoice", id, &published, Some(crate::work::json(&was)));
    Ok(published)
}

/// One invoice.
///
/// # Errors
/// `INVOICE_NOT_FOUND`.
pub fn get(view: &mut View<'_>, id: DocumentId) -> Result<PublicInvoice, Error> {
    let document = find(view.tx, view.company.id, Kind::Invoice, id)?;
    publish_invoice(view.tx, &view.company, &document, Detail::Whole)
}

/// Invoices, newest first unless asked otherwise.
///
/// # Errors
/// A cursor that is not one of ours.
pub fn list(view: &mut View<'_>, query: InvoiceQuery) -> Result<Page<PublicInvoice>, Error> {
    let InvoiceQuery {
        page,
        limit,
        cursor,
        sort_by,
        sort_order,
        search,
        status,
        customer_id,
        currency,
        from_date,
        to_date,
        min_amount,
        max_amount,
        invoice_number,
        settlement,
        overdue,
        reference,
        metadata,
    } = query;
    let filter = lists::Filter {
        kind: Kind::Invoice,
        page,
        limit,
        cursor,
        sort_by: sort_by.unwrap_or_default(),
        sort_order: sort_order.unwrap_or_default(),
        search: search.map(|text| text.0),
        statuses: status.unwrap_or_default().into_iter().map(InvoiceStatus::as_str).collect(),
        customer_id,
        currency: currency.map(|code| code.0),
        from_date: from_date.map(|day| day.0),
        to_date: to_date.map(|day| day.0),
        amounts: (min_amount, max_amount),
        invoice_number: invoice_number.map(|text| text.0),
        settlement,
        overdue,
        voided: None,
        reference: reference.map(|text| text.0),
        metadata: metadata.unwrap_or_default(),
    };
    lists::list(view, filter, public::invoice)
}

/// Numbers, books and sends an invoice; a booked one is delivered anew.
///
/// # Errors
/// See [`sending::send`].
pub fn send(work: &mut Work<'_>, id: DocumentId, input: SendInput) -> Result<Sent, Error> {
    sending::send(work, Kind::Invoice, id, input)
}

/// Takes a scheduled send back.
///
/// # Errors
/// See [`sending::take_back`].
pub fn take_back(work: &mut Work<'_>, id: DocumentId) -> Result<(), Error> {
    sending::take_back(work, Kind::Invoice, id)
}

fn check_draft(document: &Document) -> Result<(), Refusal> {
    if document.status() == InvoiceStatus::Draft.as_str() {
        return Ok(());
    }
    Err(Refusal::new("DOCUMENT_NOT_DRAFT", format!("The invoice is {}, not a draft.", document.status())))
}

/// What was asked as a draft, with its customer's name.
fn draft(work: &mut Work<'_>, asked: Asked) -> Result<(Document, String), Error> {
    let date = drafting::check_date(work.today(), asked.head.date.unwrap_or_else(|| work.today()))?;
    let customer = drafting::customer(work, Kind::Invoice, &asked.head)?;
    drafting::check_references(work, Kind::Invoice, &asked, &customer)?;
    drafting::check_zone(work, &customer)?;
    let currency = drafting::currency(&asked.head, &customer);
    let tax_point = asked.head.head.tax_point_date.unwrap_or(date);
    let fetched = drafting::fetch(work, &asked.lines, &customer, currency, date, tax_point)?;
    let pricing = fetched.pricing(work, Kind::Invoice, &customer, &asked.head, currency, date);
    let lines = draft::lines(&pricing, &asked.lines, &mut || work.new_id())?;
    let mut head = asked.head;
    head.head.payment_terms = Some(head.head.payment_terms.unwrap_or(customer.payment_terms));
    let document = drafting::assemble(work, Kind::Invoice, head, currency, date, lines)?;
    Ok((document, customer.name))
}
